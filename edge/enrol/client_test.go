package enrol

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/tlspin"
)

// client is one of a server over TLS that is known by its fingerprint.
func client(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	sum := sha256.Sum256(server.Certificate().Raw)
	trust, err := tlspin.New(nil, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(server.URL + "/behind")
	if err != nil {
		t.Fatal(err)
	}
	return NewClient(base, "town-1", trust.Config())
}

func TestClient(t *testing.T) {
	var got []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		_, _ = io.WriteString(w, `{"edge":"town-1","token":"gge_x","expires":"2026-05-30T08:00:00Z","askSec":5,"later":1}`)
	})
	want := ingest.Credential{Edge: "town-1", Token: "gge_x", Expires: time.Date(2026, 5, 30, 8, 0, 0, 0, time.UTC), AskSec: 5}
	if answer, err := c.Enrol(t.Context(), ingest.Enrolment{Code: "A", Edge: "town-1"}); err != nil || answer != want {
		t.Errorf("%+v, %v", answer, err)
	}
	if answer, err := c.Next(t.Context(), "gge_w"); err != nil || answer != want {
		t.Errorf("%+v, %v", answer, err)
	}
	if s := strings.Join(got, "\n"); s != "POST /behind/v1/enrol  {\"code\":\"A\",\"edge\":\"town-1\"}\nPOST /behind/v1/edges/town-1/credential Bearer gge_w " {
		t.Errorf("sent %q", s)
	}
}

func TestOddAnswers(t *testing.T) {
	for _, body := range []string{
		"", "secret", `{"edge":"town-2","token":"gge_secret"}`, `{"edge":"town-1"}`, `{"edge":"town-1","token":"two words"}`,
		`{"edge":"town-1","token":"` + strings.Repeat("x", maxToken+1) + `"}`, `{"edge":"town-1","token":"a\u000ab"}`, strings.Repeat(" ", maxAnswer) + `{}`,
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		answer, err := c.Enrol(t.Context(), ingest.Enrolment{})
		if !errors.Is(err, errAnswer) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40q: %+v, %v", body, answer, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]string{
		401: "refused the credential", 403: "refused the code", 429: "wait 7s", 404: "check the URL", 302: "(302)", 503: "(503)",
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		_, err := c.Next(t.Context(), "gge_x")
		if !refused(err, status) || !strings.Contains(err.Error(), want) || why(err) == "" {
			t.Errorf("%d: %v", status, err)
		}
	}
	for value, want := range map[string]time.Duration{"": 0, "-1": 0, "x": 0, "5": 5 * time.Second, "999999": time.Hour} {
		if got := retryAfter(value); got != want {
			t.Errorf("Retry-After %q is %v", value, got)
		}
	}
}

// TestStrangersGetNoCode connects to a server with another certificate.
func TestStrangersGetNoCode(t *testing.T) {
	asked := false
	c := client(t, func(http.ResponseWriter, *http.Request) { asked = true })
	trust, err := tlspin.New(nil, strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(c.base, "town-1", trust.Config()).Enrol(t.Context(), ingest.Enrolment{Code: "A"}); err == nil || asked {
		t.Errorf("asked: %v, %v", asked, err)
	}
}
