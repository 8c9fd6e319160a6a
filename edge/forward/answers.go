package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// ErrOver says that central wants no more of what it had asked for.
var ErrOver = errors.New("central wants no more of it")

// lookTimeout bounds the upload of one picture of a look: an older one is of no use.
const lookTimeout = 20 * time.Second

// PutLook uploads a picture of a look by PUT /v1/edges/{id}/looks/{look}, within the budget of evidence and not while a life-safety alert
// waits. It returns [ErrOver] once the look is over.
func (f *Forwarder) PutLook(ctx context.Context, c *Client, look string, jpeg []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a Read that waits although the request is over
	body := &upload{f: f, ctx: ctx, object: bytes.NewReader(jpeg)}
	q := request{
		method: http.MethodPut, path: ingest.LookPath(c.o.Edge, look), header: http.Header{"Content-Type": {alert.JPEG}}, body: body, size: int64(len(jpeg)),
	}
	if err := over(c.do(ctx, c.uploads, lookTimeout, q)); err != nil {
		return fmt.Errorf("upload a picture of a look: %w", err)
	}
	return nil
}

// PutTrial answers a trial by PUT /v1/edges/{id}/trials/{trial}. It returns [ErrOver] if nobody waits for it.
func (c *Client) PutTrial(ctx context.Context, trial string, r ingest.TrialResult) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the result of a trial: %w", err)
	}
	q := request{path: ingest.TrialPath(c.o.Edge, trial), header: http.Header{"Content-Type": {"application/json"}}}.plain(data)
	q.method = http.MethodPut
	if err := over(c.do(ctx, c.http, c.o.Timeout, q)); err != nil {
		return fmt.Errorf("answer a trial: %w", err)
	}
	return nil
}

// PutDiscovery answers a discovery by PUT /v1/edges/{id}/discoveries/{discovery}. It returns [ErrOver] if nobody waits for it.
func (c *Client) PutDiscovery(ctx context.Context, discovery string, r ingest.DiscoveryResult) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode what was found: %w", err)
	}
	q := request{path: ingest.DiscoveryPath(c.o.Edge, discovery), header: http.Header{"Content-Type": {"application/json"}}}.plain(data)
	q.method = http.MethodPut
	if err := over(c.do(ctx, c.http, c.o.Timeout, q)); err != nil {
		return fmt.Errorf("answer a discovery: %w", err)
	}
	return nil
}

// over turns an answer that names no such look or trial, or none any more, into [ErrOver].
func over(err error) error {
	var s *StatusError
	if errors.As(err, &s) && (s.Status == http.StatusGone || s.Status == http.StatusNotFound) {
		return ErrOver
	}
	return err
}

// Reason says in one line, without addresses, why a request failed.
func Reason(err error) string { return reasonOf(err) }
