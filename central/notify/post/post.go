// Package post makes the HTTP requests of those channels that speak HTTP.
//
// In: a request. Out: the status and at most 64 KiB of the answer, or a [*notify.Trouble] that says how to go on. It verifies TLS, follows no
// redirect (a message is for the address that was configured), keeps no cookie, and repeats neither an address nor a body in an error:
// robots carry their secret in the address. Addresses within the township's own network are as good as others.
package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gridgate/central/notify"
)

// Bounds.
const (
	MaxAnswer = 64 << 10
	Within    = 10 * time.Second
	MaxAfter  = time.Hour // that a Retry-After is believed
)

// Client is safe for concurrent use.
type Client struct {
	http *http.Client
	now  func() time.Time
}

// New returns a client that trusts roots; nil: the system's authorities. now is nil for time.Now.
func New(roots *x509.CertPool, now func() time.Time) *Client {
	if now == nil {
		now = time.Now
	}
	return &Client{now: now, http: &http.Client{
		Timeout: Within,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: Within}).DialContext,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: Within,
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 32 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Request is one to be made.
type Request struct {
	Method string // empty: POST
	URL    string
	Header http.Header
	Body   []byte
}

// Answer is what the other side said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a request and returns any answer below 300. Everything else is a [*notify.Trouble].
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, &notify.Trouble{Said: "the configured address is none"}
	}
	for name, values := range r.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("User-Agent", "gridgate-central")
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, &notify.Trouble{Said: unreachable(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer))
	if err != nil {
		return Answer{}, &notify.Trouble{Said: "the answer broke off"}
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, c.judge(response)
}

// unreachable says what went wrong without the address, which [url.Error] repeats.
func unreachable(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var invalid *tls.CertificateVerificationError
	switch {
	case errors.As(err, &invalid):
		return "the other side's certificate is not trusted"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "the other side did not answer in time"
	case errors.Is(err, context.Canceled):
		return "given up while central stopped"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return "no connection: " + op.Op + " failed"
	}
	return "the request failed"
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// judge turns a status into trouble; nil below 300.
func (c *Client) judge(r *http.Response) error {
	status := r.StatusCode
	if status < 300 {
		return nil
	}
	t := &notify.Trouble{Said: fmt.Sprintf("the other side answered %d", status), After: c.retryAfter(r.Header.Get("Retry-After"))}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		t.Slow = status == http.StatusTooManyRequests || t.After > 0
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		t.Permanent = true
	}
	return t
}

// retryAfter reads RFC 9110, section 10.2.3: seconds or a date. 0 if there is none.
func (c *Client) retryAfter(header string) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(0, time.Duration(min(seconds, int(MaxAfter/time.Second)))*time.Second), MaxAfter)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(0, at.Sub(c.now())), MaxAfter)
	}
	return 0
}
