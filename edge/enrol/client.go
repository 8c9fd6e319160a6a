package enrol

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/ingest"
)

// Central is what this package asks. An error that is a [*Refused] is central's answer; after any other nothing is known.
type Central interface {
	// Enrol trades a code for a credential.
	Enrol(ctx context.Context, e ingest.Enrolment) (ingest.Credential, error)
	// Next asks with a credential whether it is due for another.
	Next(ctx context.Context, token string) (ingest.Credential, error)
}

// Refused is an answer of central that is no success.
type Refused struct {
	Status     int
	RetryAfter time.Duration // 0 if central did not say
}

func (e *Refused) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "central refused the credential of this edge: it was revoked, replaced or has run out"
	case e.Status == http.StatusForbidden:
		return "central refused the code: it was mistyped, spent or replaced, has run out, or is for an edge of another name"
	case e.Status == http.StatusTooManyRequests:
		return fmt.Sprintf("too many codes that were not good came from this address; central asks to wait %v", e.RetryAfter)
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return "central does not know this request: check the URL and its release"
	}
	return fmt.Sprintf("central could not do it (%d)", e.Status)
}

// refused says whether err is central's answer with that status.
func refused(err error, status int) bool {
	var r *Refused
	return errors.As(err, &r) && r.Status == status
}

const (
	requestWithin = 20 * time.Second
	maxAnswer     = 16 << 10 // bytes
)

// Client speaks to central over HTTP. It is safe for concurrent use, follows no redirect and keeps no connection.
type Client struct {
	base *url.URL
	edge string
	http *http.Client
}

var _ Central = (*Client)(nil)

// NewClient is for the edge of that name and central at base, whose certificate is checked as trust says.
func NewClient(base *url.URL, edge string, trust *tls.Config) *Client {
	return &Client{base: base, edge: edge, http: &http.Client{
		Timeout:       requestWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableKeepAlives: true,
			DialContext: (&net.Dialer{Timeout: requestWithin / 2}).DialContext, TLSHandshakeTimeout: requestWithin / 2, ForceAttemptHTTP2: true,
		},
	}}
}

// Enrol implements [Central].
func (c *Client) Enrol(ctx context.Context, e ingest.Enrolment) (ingest.Credential, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return ingest.Credential{}, fmt.Errorf("encode the enrolment: %w", err)
	}
	answer, err := c.post(ctx, ingest.EnrolPath, "", body)
	if err == nil && answer.Token == "" {
		err = errAnswer
	}
	return answer, err
}

// Next implements [Central].
func (c *Client) Next(ctx context.Context, token string) (ingest.Credential, error) {
	return c.post(ctx, ingest.SyncPrefix+c.edge+ingest.CredentialSuffix, token, nil)
}

// errAnswer comes without the decoder's words, which may repeat what was answered.
var errAnswer = errors.New("the answer is not what the protocol says: is it central?")

func (c *Client) post(ctx context.Context, path, token string, body []byte) (answer ingest.Credential, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode != http.StatusOK:
		return answer, &Refused{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"))}
	case err != nil:
		return answer, fmt.Errorf("read the answer: %w", err)
	case json.Unmarshal(data, &answer) != nil || answer.Edge != c.edge || !sound(answer.Token):
		return ingest.Credential{}, errAnswer
	}
	return answer, nil
}

// sound says whether token can stand in a header and in a file (RFC 6750, section 2.1), or is empty.
func sound(token string) bool {
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return len(token) <= maxToken
}

// retryAfter reads seconds, up to an hour.
func retryAfter(value string) time.Duration {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}
