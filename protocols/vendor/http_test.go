package vendor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOpenNamesTheCause(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"wrong password":     {401, "<userCheck><lockStatus>unlock</lockStatus></userCheck>", ErrAuth},
		"not permitted":      {403, "Forbidden", ErrAuth},
		"locked, ISAPI":      {401, "<userCheck><statusValue>401</statusValue><lockStatus>lock</lockStatus></userCheck>", ErrBlocked},
		"locked, ISAPI JSON": {401, `{"lockStatus": "lock"}`, ErrBlocked},
		"locked, in words":   {403, "Error: The account has been locked.", ErrBlocked},
		"the address":        {403, "Your IP address is blocked", ErrBlocked},
		"too often":          {429, "", ErrBlocked},
		"no such page":       {404, "", ErrUnsupported},
		"moved":              {302, "", ErrUnsupported},
		"bad request":        {400, "Error\nBad Request!", ErrUnsupported},
		"not implemented":    {501, "", ErrUnsupported},
		"too many clients":   {503, "deviceBusy", ErrUnreachable},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		_, err := Client{HTTP: server.Client(), Username: "ID-user", Password: "ID-password"}.Open(t.Context(), server.URL+"/ID-path")
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "ID-") || strings.Contains(err.Error(), "127.0.0.1") || len(err.Error()) > 100) {
			t.Errorf("%s: the error says too much: %v", name, err)
		}
		server.Close()
	}
}

func TestOpenChecksTheCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	if _, err := (Client{HTTP: &http.Client{Transport: transport}}).Open(t.Context(), server.URL); !errors.Is(err, ErrCertificate) {
		t.Error(err)
	}
	if _, err := (Client{HTTP: &http.Client{Transport: transport}}).Open(t.Context(), "http://127.0.0.1:1/"); !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "127") {
		t.Error(err)
	}
}

// TestNoPasswordInTheClear: a device that asks for Basic over plain HTTP gets no password, unless somebody said that it may.
func TestNoPasswordInTheClear(t *testing.T) {
	tries := 0
	device := roundTrip(func(r *http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}, Body: io.NopCloser(strings.NewReader("")), Request: r}
		if _, password, ok := r.BasicAuth(); ok {
			tries++
			if password == "secret" {
				res.StatusCode = http.StatusOK
			}
		}
		return res, nil
	})
	c := Client{HTTP: &http.Client{Transport: device}, Username: "admin", Password: "secret"}
	if _, err := c.Open(t.Context(), "http://camera.invalid/"); !errors.Is(err, ErrAuth) || tries != 0 {
		t.Errorf("in the clear: %d tries, %v", tries, err)
	}
	for _, ok := range []struct {
		c       Client
		address string
	}{{c, "https://camera.invalid/"}, {c, "http://[::1]/"}, {Client{HTTP: c.HTTP, Username: "admin", Password: "secret", Basic: true}, "http://camera.invalid/"}} {
		res, err := ok.c.Open(t.Context(), ok.address)
		if err != nil {
			t.Errorf("%s: %v", ok.address, err)
			continue
		}
		_ = res.Body.Close()
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestARefusalIsBounded: a device that refuses with an endless body is refused, too.
func TestARefusalIsBounded(t *testing.T) {
	read := 0
	device := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {`Digest realm="x", nonce="1"`}}, Body: io.NopCloser(counting{&read}), Request: r}, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := Client{HTTP: &http.Client{Transport: device}, Username: "admin", Password: "secret"}.Open(ctx, "http://camera.invalid/")
	if !errors.Is(err, ErrAuth) || read > 256<<10 {
		t.Errorf("%d bytes read: %v", read, err)
	}
}

type counting struct{ n *int }

func (c counting) Read(b []byte) (int, error) {
	*c.n += len(b)
	return len(b), nil
}
