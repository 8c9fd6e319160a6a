package ingest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

// problem is a refusal that its sender is told about (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	cause      error // for the log only
	retryAfter int   // seconds; 0: with 503 one, else not told
}

func (p *problem) Error() string { return p.Detail }
func (p *problem) Unwrap() error { return p.cause }

// refuse builds a problem that the sender has to solve.
func refuse(status int, format string, args ...any) error {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// unavailable builds a problem that passes: the sender is asked to come again. The cause is logged, not told.
func unavailable(cause error) error {
	return &problem{
		Type: "about:blank", Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable,
		Detail: "central cannot take this now; send it again", cause: cause,
	}
}

// errBusy is the cause of a refusal by a full queue: expected under load, counted, not logged.
var errBusy = errors.New("too many requests wait")

// answerProblem tells err to the sender. Over HTTP/1 the connection ends then: reading on would only cost. Over HTTP/2 the stream
// does, and the connection, which other batches share, stays.
func (s *Server) answerProblem(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{}
		errors.As(unavailable(err), &p)
	}
	s.metrics.refused.WithLabelValues(fmt.Sprint(p.Status)).Inc()
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(p.retryAfter))
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
		if !errors.Is(p.cause, errBusy) {
			s.o.Logger.Warn("request not served", "path", r.Pattern, "error", p.cause)
		}
	}
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.MarshalWrite(w, p) // the sender is gone if this fails
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v) // the sender is gone if this fails; it will send again and be told "duplicate"
	return nil
}
