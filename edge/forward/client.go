package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Batch is what one request carries: encoded CloudEvents of one lane.
type Batch struct {
	Lane   alert.Lane
	Epoch  string
	Schema int // newest version that one of them needs; 0 is 1
	Events [][]byte

	Sequence ingest.Ranges // see [ingest.SequenceHeader]; none for evidence, which has no numbers
	Lowest   int64         // see [ingest.LowestHeader]
	Shed     ingest.Ranges // see [ingest.ShedHeader]
}

func (b Batch) header() http.Header {
	h := http.Header{}
	h.Set("Content-Type", alert.BatchContentType)
	h.Set(ingest.LaneHeader, string(b.Lane))
	h.Set(ingest.EpochHeader, b.Epoch)
	h.Set(ingest.SchemaHeader, strconv.Itoa(max(b.Schema, 1)))
	if len(b.Sequence) > 0 {
		h.Set(ingest.SequenceHeader, b.Sequence.String())
		h.Set(ingest.LowestHeader, strconv.FormatInt(b.Lowest, 10))
	}
	if len(b.Shed) > 0 {
		h.Set(ingest.ShedHeader, b.Shed.String())
	}
	return h
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
	Schema     int           // newest that central accepts, 0 if it does not say
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("central answered %d %s", e.Status, http.StatusText(e.Status))
}

// errAnswer says that an answer could not be understood.
var errAnswer = errors.New("central's answer is not what the protocol says")

// Deliver implements [Deliverer] by POST /v1/events.
func (c *Client) Deliver(ctx context.Context, b Batch) ([]ingest.Receipt, error) {
	var answer ingest.Receipts
	q := request{path: ingest.EventsPath, header: b.header(), answer: &answer}
	if err := c.post(ctx, c.packed(q, alert.EncodeBatch(b.Events))); err != nil {
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
	q := request{path: ingest.ReadingsPath, header: http.Header{"Content-Type": {"application/json"}}, answer: &answer}
	if err := c.post(ctx, c.packed(q, data)); err != nil {
		return answer, fmt.Errorf("deliver %d readings: %w", len(r.Readings), err)
	}
	return answer, nil
}

// Sync implements [Syncer] by POST /v1/edges/{id}/sync. It waits for as long as central may hold the answer, and then as for any other.
func (c *Client) Sync(ctx context.Context, r ingest.SyncRequest) (answer ingest.SyncResponse, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return answer, fmt.Errorf("encode sync: %w", err)
	}
	q := request{path: ingest.SyncPrefix + c.o.Edge + ingest.SyncSuffix, header: http.Header{"Content-Type": {"application/json"}}, answer: &answer}
	q = q.plain(data)
	q.method = http.MethodPost
	if err := c.do(ctx, c.http, c.o.Timeout+time.Duration(r.WaitSec)*time.Second, q); err != nil {
		return answer, fmt.Errorf("sync: %w", err)
	}
	return answer, nil
}

// PutObject implements [ObjectPutter] by PUT /v1/evidence/{sha256}.
func (c *Client) PutObject(ctx context.Context, sha256, mediaType string, size int64, body io.Reader) error {
	limit := time.Minute + time.Duration(size/(16<<10))*time.Second
	q := request{method: http.MethodPut, path: ingest.EvidencePath + sha256, header: http.Header{"Content-Type": {mediaType}}, body: body, size: size}
	if err := c.do(ctx, c.uploads, limit, q); err != nil {
		return fmt.Errorf("upload evidence: %w", err)
	}
	return nil
}

// request is one request. answer is nil where the answer has no body that matters.
type request struct {
	method, path string
	header       http.Header
	body         io.Reader
	size         int64
	answer       any
}

func (q request) plain(data []byte) request {
	q.body, q.size = bytes.NewReader(data), int64(len(data))
	return q
}

// plainBelow is the size in bytes below which a body is not worth compressing.
const plainBelow = 512

// packed compresses what is worth it.
func (c *Client) packed(q request, data []byte) request {
	if len(data) < plainBelow {
		return q.plain(data)
	}
	q.header.Set("Content-Encoding", "zstd")
	return q.plain(c.zstd.EncodeAll(data, nil))
}

func (c *Client) post(ctx context.Context, q request) error {
	q.method = http.MethodPost
	return c.do(ctx, c.http, c.o.Timeout, q)
}

// maxAnswer bounds an answer in bytes.
const maxAnswer = 4 << 20

// do makes one request. The answer is read to its end, so that the connection is used again.
func (c *Client) do(ctx context.Context, client *http.Client, limit time.Duration, q request) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, c.base.JoinPath(q.path).String(), q.body)
	if err != nil {
		return err
	}
	token, err := c.o.Token()
	if err != nil {
		return fmt.Errorf("%w: %w", errToken, err)
	}
	req.Header, req.ContentLength = q.header, q.size
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return statusError(res)
	}
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if q.answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, q.answer); err != nil {
		return errAnswer // without the decoder's words, which may repeat what was answered
	}
	return nil
}

// statusError reads the headers of an answer that is not a success. A date is compared with central's own clock, where it tells that.
func statusError(res *http.Response) *StatusError {
	now, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	schema, err := strconv.Atoi(res.Header.Get(ingest.SchemaHeader))
	if err != nil {
		schema = 0
	}
	return &StatusError{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), now), Schema: schema}
}

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
