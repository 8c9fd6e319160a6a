package webhook

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

// TestPublishedSignature is the example that libraries of Standard Webhooks publish for their tests.
func TestPublishedSignature(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature is %s", got)
	}
}

func TestSend(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		content, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		stamp := r.Header.Get("webhook-timestamp")
		want := "v1," + Sign([]byte("0123456789abcdef0123456789abcdef"), "c1.x", stamp, content)
		if r.Header.Get("webhook-id") != "c1.x" || stamp != "1772445600" || r.Header.Get("webhook-signature") != want || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers are %v", r.Header)
		}
		var b body
		if err := json.Unmarshal(content, &b); err != nil || b.Type != "gridgate.case.dispatched" || !b.Timestamp.Equal(now) || b.Data.Grid != "330106" || b.Data.Notice != "c1.x" || b.Data.Subject != "s" {
			t.Errorf("%s, %v", content, err)
		}
		if asked == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	c, err := New(Options{Client: post.New(nil, nil), URL: server.URL, Secret: secret, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	m := notify.Message{ID: "c1.x", Subject: "s", Text: "t", At: now, Data: notify.Data{What: "dispatched", Grid: "330106"}}
	if err := c.Send(t.Context(), m); err == nil || strings.Contains(err.Error(), "whsec") {
		t.Errorf("500 is %v", err)
	}
	if err := c.Send(t.Context(), m); err != nil { // under the same id
		t.Error(err)
	}
}

func TestSecrets(t *testing.T) {
	for secret, good := range map[string]bool{
		"short": false, "whsec_???": false, "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 8)): false, strings.Repeat("x", 24): true,
	} {
		if _, err := New(Options{Secret: secret}); (err == nil) != good || err != nil && strings.Contains(err.Error(), secret+" ") {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
