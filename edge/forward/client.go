package forward

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

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/loopback"
)

// Batch is what one request carries: encoded CloudEvents of one lane.
type Batch struct {
	Lane   alert.Lane
	Epoch  string
	Events [][]byte
}

// Deliverer hands a batch to central. An error means that nothing is known: retry all. Otherwise there is one receipt per
// event, matched by id; a missing one is a failure.
type Deliverer interface {
	Deliver(ctx context.Context, b Batch) ([]ingest.Receipt, error)
}

// ReadingDeliverer is [Deliverer] for readings.
type ReadingDeliverer interface {
	DeliverReadings(ctx context.Context, r ingest.Readings) (ingest.ReadingsReceipt, error)
}

// ObjectPutter uploads an evidence object under its digest. Doing it twice changes nothing.
type ObjectPutter interface {
	PutObject(ctx context.Context, sha256, mediaType string, size int64, body io.Reader) error
}

// Syncer exchanges states with central.
type Syncer interface {
	Sync(ctx context.Context, r ingest.SyncRequest) (ingest.SyncResponse, error)
}

// StatusError is an answer of central that is not a success.
type StatusError struct {
	Status     int           // HTTP status code
	RetryAfter time.Duration // how long central asks to wait (RFC 9110, 10.2.3), 0 if it does not say
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("central answered %d %s", e.Status, http.StatusText(e.Status))
}

// errAnswer says that an answer could not be understood.
var errAnswer = errors.New("central's answer is not what the protocol says")

// ClientOptions say where central is and who asks.
type ClientOptions struct {
	URL   string                 // https://host[:port][/prefix]; http is allowed for a loopback host alone
	Edge  string                 // name of this edge
	Token func() (string, error) // the bearer token, asked for before each request so that it may change
	CAs   *x509.CertPool         // whom to trust; nil means the system's
	// Timeout bounds one request, evidence aside (default 20 s). Evidence has one minute and a second more for each 16 KiB.
	Timeout time.Duration
}

// Client speaks the ingest protocol. It is safe for concurrent use.
type Client struct {
	o    ClientOptions
	base *url.URL
	http *http.Client
	zstd *zstd.Encoder
}

var (
	_ Deliverer        = (*Client)(nil)
	_ ReadingDeliverer = (*Client)(nil)
	_ ObjectPutter     = (*Client)(nil)
	_ Syncer           = (*Client)(nil)
)

// NewClient checks the options. It opens no connection yet.
func NewClient(o ClientOptions) (*Client, error) {
	base, err := parseBase(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Token == nil || !alert.ValidEdgeName(o.Edge) {
		return nil, errors.New("forward: Edge and Token are demanded")
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: o.CAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &Client{o: o, base: base, zstd: enc, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("central's address must be https://host[:port], without user name, query or fragment")
	}
	switch u.Scheme {
	case "https":
		return u, nil
	case "http":
		if loopback.Host(u.Hostname()) {
			return u, nil
		}
		return nil, fmt.Errorf("central's address: http is only for this machine, write https://%s", u.Host)
	}
	return nil, fmt.Errorf("central's address: scheme %q is neither https nor http", u.Scheme)
}

// Deliver implements [Deliverer] by POST /v1/events.
func (c *Client) Deliver(ctx context.Context, b Batch) ([]ingest.Receipt, error) {
	var answer ingest.Receipts
	header := http.Header{
		"Content-Type":      {alert.BatchContentType},
		ingest.LaneHeader:   {string(b.Lane)},
		ingest.EpochHeader:  {b.Epoch},
		ingest.SchemaHeader: {strconv.Itoa(ingest.SchemaVersion)},
	}
	if err := c.post(ctx, ingest.EventsPath, header, alert.EncodeBatch(b.Events), &answer); err != nil {
		return nil, fmt.Errorf("deliver %d events: %w", len(b.Events), err)
	}
	return answer.Receipts, nil
}

// DeliverReadings implements [ReadingDeliverer] by POST /v1/readings.
func (c *Client) DeliverReadings(ctx context.Context, r ingest.Readings) (answer ingest.ReadingsReceipt, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return answer, fmt.Errorf("encode readings: %w", err)
	}
	if err := c.post(ctx, ingest.ReadingsPath, http.Header{"Content-Type": {"application/json"}}, data, &answer); err != nil {
		return answer, fmt.Errorf("deliver %d readings: %w", len(r.Readings), err)
	}
	return answer, nil
}

// Sync implements [Syncer] by POST /v1/edges/{id}/sync. A report is small and is not compressed.
func (c *Client) Sync(ctx context.Context, r ingest.SyncRequest) (answer ingest.SyncResponse, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return answer, fmt.Errorf("encode sync: %w", err)
	}
	path := ingest.SyncPrefix + c.o.Edge + ingest.SyncSuffix
	header := http.Header{"Content-Type": {"application/json"}}
	if err := c.do(ctx, c.o.Timeout, http.MethodPost, path, header, bytes.NewReader(data), int64(len(data)), &answer); err != nil {
		return answer, fmt.Errorf("sync: %w", err)
	}
	return answer, nil
}

// PutObject implements [ObjectPutter] by PUT /v1/evidence/{sha256}.
func (c *Client) PutObject(ctx context.Context, sha256, mediaType string, size int64, body io.Reader) error {
	limit := time.Minute + time.Duration(size/(16<<10))*time.Second
	header := http.Header{"Content-Type": {mediaType}}
	if err := c.do(ctx, limit, http.MethodPut, ingest.EvidencePath+sha256, header, body, size, nil); err != nil {
		return fmt.Errorf("upload evidence: %w", err)
	}
	return nil
}

func (c *Client) post(ctx context.Context, path string, header http.Header, data []byte, answer any) error {
	header.Set("Content-Encoding", "zstd")
	packed := c.zstd.EncodeAll(data, nil)
	return c.do(ctx, c.o.Timeout, http.MethodPost, path, header, bytes.NewReader(packed), int64(len(packed)), answer)
}

// maxAnswer bounds an answer in bytes.
const maxAnswer = 4 << 20

// do makes one request. answer is nil where the answer has no body that matters.
func (c *Client) do(ctx context.Context, limit time.Duration, method, path string, header http.Header, body io.Reader, size int64, answer any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), body)
	if err != nil {
		return err
	}
	token, err := c.o.Token()
	if err != nil {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	req.Header, req.ContentLength = header, size
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &StatusError{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return errAnswer // without the decoder's words, which may repeat what was answered
	}
	return nil
}

// errTimeout and errToken name causes for [reasonOf].
var (
	errTimeout = errors.New("the request took too long")
	errToken   = errors.New("the token cannot be read")
)

// retryAfter reads a Retry-After header, seconds or an HTTP date, as a wait between 0 and [maxRetryAfter].
func retryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(value); err == nil {
		return min(max(time.Duration(min(n, 1<<20))*time.Second, 0), maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// maxRetryAfter is the longest that central can make an edge wait.
const maxRetryAfter = 5 * time.Minute

// reasonOf says in one line, without addresses, why a request failed.
func reasonOf(err error) string {
	var status *StatusError
	var unknown x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &status):
		return statusReason(status.Status)
	case errors.Is(err, errToken):
		return "the token cannot be read"
	case errors.Is(err, errAnswer), errors.Is(err, errNoReceipts):
		return "central's answer is not what the protocol says: is it central?"
	case errors.Is(err, errStorage):
		return "the outbox cannot be read or written"
	case errors.As(err, &unknown), errors.As(err, &certificate):
		return "central's certificate is not trusted"
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return "central does not answer in time"
	}
	return "central cannot be reached"
}

func statusReason(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "central refused the token of this edge"
	case status == http.StatusForbidden:
		return "central does not let this edge do that"
	case status == http.StatusTooManyRequests:
		return "central asks to wait"
	case status == http.StatusNotFound:
		return "central does not know this address: check the URL and its release"
	case status >= 500:
		return fmt.Sprintf("central failed (%d)", status)
	}
	return fmt.Sprintf("central refused the request (%d)", status)
}
