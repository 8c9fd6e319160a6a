package post

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/notify"
	"gridgate/deploy/testkit/stage"
)

func TestAnswers(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		status    int
		after     string
		want      time.Duration
		slow, bad bool
	}{
		"yes":                {status: 204},
		"not now":            {status: 503},
		"not now, in 7 s":    {status: 503, after: "7", want: 7 * time.Second, slow: true},
		"too many":           {status: 429, slow: true},
		"too many, by date":  {status: 429, after: now.Add(2 * time.Minute).Format(http.TimeFormat), want: 2 * time.Minute, slow: true},
		"too many, for ever": {status: 429, after: "99999999999999", want: MaxAfter, slow: true},
		"too many, nonsense": {status: 429, after: "soon", slow: true},
		"too many, negative": {status: 429, after: "-5", slow: true},
		"no such":            {status: 404},
		"never":              {status: 422, bad: true},
		"elsewhere":          {status: 307},
	} {
		t.Run(name, func(t *testing.T) {
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
			defer elsewhere.Close()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", elsewhere.URL)
				if tc.after != "" {
					w.Header().Set("Retry-After", tc.after)
				}
				w.WriteHeader(tc.status)
			}))
			defer server.Close()
			_, err := New(nil, func() time.Time { return now }).Do(t.Context(), Request{URL: server.URL + "/?key=s3cret", Body: []byte("b")})
			var trouble *notify.Trouble
			if tc.status < 300 {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.As(err, &trouble) || trouble.After != tc.want || trouble.Slow != tc.slow || trouble.Permanent != tc.bad {
				t.Errorf("%+v", err)
			}
		})
	}
}

// TestTroubleTellsNothing: whatever fails, the address with its key is not repeated.
func TestTroubleTellsNothing(t *testing.T) {
	gone, err := stage.FreeAddress("") // nobody else is given it, as the port of a server that closed may be
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client went
		<-r.Context().Done()
	}))
	defer slow.Close()
	for name, tc := range map[string]struct{ url, want string }{
		"nobody there": {"http://" + gone, "no connection"}, "unknown authority": {secure.URL, "certificate is not trusted"},
		"no address": {"http://[::1", "is none"}, "too slow": {slow.URL, "in time"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		if name == "too slow" { // the others have no deadline to miss
			ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
		}
		_, err := New(nil, nil).Do(ctx, Request{URL: tc.url + "/send?key=s3cret", Body: []byte("words")})
		cancel()
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	if _, err := New(roots, nil).Do(t.Context(), Request{URL: secure.URL}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("with its authority: %v", err)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 4*MaxAnswer)) // the client stops reading
	}))
	defer server.Close()
	answer, err := New(nil, nil).Do(t.Context(), Request{URL: server.URL})
	if err != nil || len(answer.Body) != MaxAnswer {
		t.Errorf("%d bytes, %v", len(answer.Body), err)
	}
}

func TestRobotAnswers(t *testing.T) {
	codes := Codes{Slow: map[int]time.Duration{45009: time.Minute}, Permanent: map[int]bool{40058: true}}
	for body, want := range map[string]*notify.Trouble{
		`{"errcode":0,"errmsg":"ok"}`: nil,
		`{"errcode":45009}`:           {Said: "the robot answered errcode 45009", Slow: true, After: time.Minute},
		`{"errcode":40058}`:           {Said: "the robot answered errcode 40058", Permanent: true},
		`{"errcode":93000}`:           {Said: "the robot answered errcode 93000"},
		`{"errcode":null}`:            {Said: "the robot's answer has no errcode"},
		`<html>`:                      {Said: "the robot's answer has no errcode"},
	} {
		err := codes.Robot([]byte(body))
		var got *notify.Trouble
		if errors.As(err, &got) != (want != nil) || want != nil && *got != *want {
			t.Errorf("%s: %+v, want %+v", body, err, want)
		}
	}
}

func FuzzRobot(f *testing.F) {
	f.Add([]byte(`{"errcode":0}`))
	f.Add([]byte(`{"errcode":1e99}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := (Codes{}).Robot(body); err == nil && !strings.Contains(strings.ToLower(string(body)), "errcode") && !strings.Contains(string(body), `\u`) {
			t.Errorf("%q is a yes", body)
		}
	})
}
