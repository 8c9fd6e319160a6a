package forward

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestText: a text comes with the edge's token, whole, and no longer than was asked for.
func TestText(t *testing.T) {
	long := strings.Repeat("line\n", 2000) // more than a server gives a length for by itself
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" || r.URL.Path != "/there" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(long))
	}))
	defer server.Close()
	c, err := NewClient(ClientOptions{URL: server.URL, Edge: "e", Token: func() (string, error) { return "t", nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Text(t.Context(), "there", int64(len(long))); err != nil || string(got) != long {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := c.Text(t.Context(), "there", int64(len(long))-1); !errors.Is(err, errLong) {
		t.Errorf("a text that is too long: %v", err)
	}
	var status *StatusError
	if _, err := c.Text(t.Context(), "elsewhere", 10); !errors.As(err, &status) || status.Status != http.StatusNotFound {
		t.Errorf("a text that is not there: %v", err)
	}
}
