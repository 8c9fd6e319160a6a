package vendor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/icholy/digest"

	"gridgate/protocols/kit/loopback"
)

// Client asks a device over HTTP: with Digest (RFC 7616; a challenge without algorithm means MD5), or with Basic where that does not
// show the password to the network.
type Client struct {
	HTTP               *http.Client // its Timeout and CheckRedirect are not used
	Username, Password string
	// Basic permits to send the password in the clear over plain HTTP, to a device that offers nothing better.
	Basic bool
}

// maxRefusal is how much of an answer other than 200 is read.
const maxRefusal = 16 << 10

// Open asks for an address and returns the answer if it is 200, with its body still to be read. The answer may take as long as ctx
// lasts. Errors wrap one of the Err values and repeat nothing of the answer or the address.
func (c Client) Open(ctx context.Context, address string) (*http.Response, error) {
	seen := &brief{next: c.transport()}
	res, err := c.get(ctx, address, c.digest(seen))
	if err != nil {
		return nil, err
	}
	if c.mayBasic(res) {
		discard(res)
		if res, err = c.get(ctx, address, basic{c.transport(), c.Username, c.Password}); err != nil {
			return nil, err
		}
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal)) // what came is judged
	return nil, refusal(res.StatusCode, append(seen.refusal, text...))
}

func (c Client) transport() http.RoundTripper {
	if c.HTTP != nil && c.HTTP.Transport != nil {
		return c.HTTP.Transport
	}
	return http.DefaultTransport
}

func (c Client) digest(next http.RoundTripper) http.RoundTripper {
	if c.Username == "" {
		return next
	}
	return &digest.Transport{Username: c.Username, Password: c.Password, Transport: next}
}

func (c Client) get(ctx context.Context, address string, via http.RoundTripper) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address of the device is not valid")
	}
	client := http.Client{Transport: via, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return nil, unanswered(ctx, err)
	}
	return res, nil
}

// unanswered names the cause of a failed request without its text, which holds the address.
func unanswered(ctx context.Context, err error) error {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), ErrSilent):
		return context.Cause(ctx)
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &host):
		return ErrCertificate
	case errors.As(err, &record):
		return fmt.Errorf("%w with TLS", ErrUnreachable)
	}
	return ErrUnreachable
}

// locked are the words with which devices say that they refuse a client that may know the password.
var locked = regexp.MustCompile(`(?i)lockStatus>\s*lock\s*<|"lockStatus"\s*:\s*"lock"|userLocked|\b(?:account|user|address|client|ip)\W{1,3}(?:\w+\W+){0,3}(?:locked|blocked|banned)\b|\b(?:is|been) (?:locked|blocked|banned)\b`)

// refusal is what an answer means.
func refusal(status int, text []byte) error {
	switch {
	case status == http.StatusLocked, status == http.StatusTooManyRequests:
		return ErrBlocked
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && locked.Match(text):
		return ErrBlocked
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrAuth
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		return fmt.Errorf("%w: status %d", ErrUnreachable, status)
	}
	return fmt.Errorf("%w: status %d", ErrUnsupported, status)
}

// mayBasic says whether a device asks for Basic and nothing else, and may have it.
func (c Client) mayBasic(res *http.Response) bool {
	if res.StatusCode != http.StatusUnauthorized || c.Username == "" {
		return false
	}
	offered := false
	for _, challenge := range res.Header.Values("WWW-Authenticate") {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		if strings.EqualFold(scheme, "Digest") {
			return false
		}
		offered = offered || strings.EqualFold(scheme, "Basic")
	}
	u := res.Request.URL
	return offered && (c.Basic || u.Scheme == "https" || loopback.Host(u.Hostname()))
}

func discard(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, maxRefusal) // only to use the connection again
	_ = res.Body.Close()
}

// basic shows the password with the first request.
type basic struct {
	next               http.RoundTripper
	username, password string
}

// RoundTrip adds the credentials.
func (b basic) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.SetBasicAuth(b.username, b.password)
	return b.next.RoundTrip(req)
}

// brief keeps the beginning of a refusal, which the digest library reads to its end and throws away. It is for one request after the other.
type brief struct {
	next    http.RoundTripper
	refusal []byte // of the last answer, if that was one
}

// RoundTrip replaces the body of a refusal by its beginning.
func (b *brief) RoundTrip(req *http.Request) (*http.Response, error) {
	b.refusal = nil
	res, err := b.next.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	b.refusal, _ = io.ReadAll(io.LimitReader(res.Body, maxRefusal)) // what came is judged
	_ = res.Body.Close()
	res.Body = http.NoBody
	return res, nil
}

// Base reads the address of a device as it is configured.
func Base(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("the URL must be http:// or https:// with the device's host, without a password")
	}
	return u, nil
}

// Multipart says whether an answer is an endless one; if not, it closes it. A page to log in at is none.
func Multipart(res *http.Response) error {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" || strings.HasPrefix(kind, "multipart/") || kind == "text/plain" {
		return nil
	}
	_ = res.Body.Close()
	return fmt.Errorf("%w: the answer is no multipart", ErrUnsupported)
}
