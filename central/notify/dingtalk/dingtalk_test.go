package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

func TestSend(t *testing.T) {
	for name, tc := range map[string]struct {
		code   int
		secret string
		want   *notify.Trouble
	}{
		"taken":          {code: 0, secret: "SEC1"},
		"without secret": {code: 0},
		"too many":       {code: 130101, secret: "SEC1", want: &notify.Trouble{Slow: true, After: 10 * time.Minute}},
		"signature":      {code: 310000, secret: "SEC1", want: &notify.Trouble{}},
		"forbidden word": {code: 430104, secret: "SEC1", want: &notify.Trouble{Permanent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
			stamps := map[string]bool{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var b body
				q := r.URL.Query()
				if err := json.NewDecoder(r.Body).Decode(&b); err != nil || q.Get("access_token") != "t1" || b.Type != "text" || b.Text.Content != "派遣\n地点" || !b.At.All {
					t.Errorf("%s %+v %v", r.URL, b, err)
				}
				stamp := q.Get("timestamp")
				if signed := q.Get("sign") != ""; signed != (tc.secret != "") || signed && q.Get("sign") != Sign(tc.secret, stamp) {
					t.Errorf("signature is %s", q.Get("sign"))
				}
				stamps[stamp] = true
				fmt.Fprintf(w, `{"errcode":%d,"errmsg":"x"}`, tc.code)
			}))
			defer server.Close()
			c, err := New(Options{Client: post.New(nil, nil), URL: server.URL + "/robot/send", Token: "t1", Secret: tc.secret, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			m := notify.Message{Subject: "派遣", Text: "地点", Urgent: true}
			err = c.Send(t.Context(), m)
			var got *notify.Trouble
			if errors.As(err, &got) != (tc.want != nil) {
				t.Fatalf("error is %v", err)
			}
			if tc.want != nil && (got.Slow != tc.want.Slow || got.After != tc.want.After || got.Permanent != tc.want.Permanent) {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			now = now.Add(2 * time.Hour) // a timestamp is good for one
			if err := c.Send(t.Context(), m); (err != nil) != (tc.want != nil) {
				t.Error(err)
			}
			if tc.secret != "" && (len(stamps) != 2 || !stamps[strconv.FormatInt(now.UnixMilli(), 10)]) {
				t.Errorf("timestamps are %v", stamps)
			}
		})
	}
}

// TestSignature was computed with another implementation: printf '1577808000000\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64.
func TestSignature(t *testing.T) {
	if got := Sign("this is secret", "1577808000000"); got != "ijHEivi6YiCNPZOq4hZstmvZ3sPfbioAiMhP30ae7W0=" {
		t.Errorf("signature is %s", got)
	}
}
