package sms

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"gridgate/central/notify"
	"gridgate/central/notify/post"
)

func message() notify.Message {
	return notify.Message{ID: "c1.x", Address: "10086", Subject: `派"遣&`, Text: strings.Repeat("地", 300)}
}

func TestMappings(t *testing.T) {
	for name, tc := range map[string]struct {
		o      Options
		answer string
		check  func(r *http.Request, body string) bool
		bad    bool
	}{
		"JSON": {Options{Body: `{"mobile":{{json .To}},"content":{{json .Text}},"key":{{json .Secret}}}`, Field: "result.code", Value: "0"}, `{"result":{"code":0}}`,
			func(r *http.Request, body string) bool {
				return r.Method == "POST" && strings.HasPrefix(body, `{"mobile":"10086","content":"派\"遣`) && strings.HasSuffix(body, `"key":"s3cret"}`)
			}, false},
		"form": {Options{Body: `to={{query .To}}&text={{query .Text}}&u={{.User}}`, Type: "application/x-www-form-urlencoded"}, ``,
			func(r *http.Request, body string) bool {
				return r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && strings.HasPrefix(body, "to=10086&text=%E6%B4%BE%22%E9%81%A3%26")
			}, false},
		"query": {Options{Method: "GET", Query: `to={{query .To}}&msg={{query .Text}}`, Header: map[string]string{"Authorization": "Bearer {{.Secret}}"}}, `ok`,
			func(r *http.Request, _ string) bool {
				return r.Method == "GET" && r.URL.Query().Get("to") == "10086" && utf8.RuneCountInString(r.URL.Query().Get("msg")) == MaxText && r.Header.Get("Authorization") == "Bearer s3cret"
			}, false},
		"refused":       {Options{Body: "{}", Field: "code", Value: "0"}, `{"code":"isv.BUSINESS_LIMIT","to":"10086"}`, nil, true},
		"no such field": {Options{Body: "{}", Field: "a.b", Value: "0"}, `{"a":1}`, nil, true},
		"no JSON":       {Options{Body: "{}", Field: "code", Value: "0"}, `<html>`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || tc.check != nil && !tc.check(r, string(body)) || r.Header.Get("Idempotency-Key") != "c1.x" {
					t.Errorf("%s %s %v %s %v", r.Method, r.URL, r.Header, body, err)
				}
				_, _ = io.WriteString(w, tc.answer) // the client has gone if this fails
			}))
			defer server.Close()
			tc.o.Client, tc.o.URL, tc.o.User, tc.o.Secret = post.New(nil, nil), server.URL, "u", "s3cret"
			c, err := New(tc.o)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Send(t.Context(), message()); (err != nil) != tc.bad || err != nil && strings.Contains(err.Error(), "10086") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestBadMappings(t *testing.T) {
	for name, o := range map[string]Options{
		"no template": {Body: "{{"}, "unknown member": {Body: "{{.Name}}"}, "header": {Header: map[string]string{"X": "{{.Nobody}}"}}, "query": {Query: "{{nothing .To}}"},
		"too large": {Body: strings.Repeat("x", maxRequest+1)},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "{{") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := New(Options{Body: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var trouble *notify.Trouble
	if err := c.Send(t.Context(), notify.Message{}); !errors.As(err, &trouble) || !trouble.Permanent {
		t.Errorf("without a number: %v", err)
	}
}

func FuzzField(f *testing.F) {
	f.Add([]byte(`{"a":{"b":0}}`), "a.b")
	f.Add([]byte(`{"":1}`), "")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		if value, err := field(body, path); err == nil && value == "" && len(body) == 0 {
			t.Error("something was found in nothing")
		}
	})
}
