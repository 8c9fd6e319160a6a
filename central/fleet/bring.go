package fleet

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	strict "github.com/go-json-experiment/json"

	"gridgate/central/api/body"
	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Patterns of what an edge brings on order; they need {edge}, and {look}, {trial} or {discovery}, as path values.
var (
	LookPath  = ingest.LookPath("{edge}", "{look}")
	TrialPath = ingest.TrialPath("{edge}", "{trial}")

	DiscoveryPath = ingest.DiscoveryPath("{edge}", "{discovery}")
)

// Bounds of what is brought at a time; what comes on top is answered with 503. A picture may have 512 KiB.
const (
	maxBrought       = 64
	maxBroughtOfEdge = 2 * ingest.MaxLooks
	bringWithin      = 30 * time.Second // at 16 KiB/s the largest picture just arrives
)

// Errand takes what an edge was asked for, see [orders.Service].
type Errand interface {
	Bring(ctx context.Context, edge, look string, picture []byte) error
	Answer(ctx context.Context, edge, trial string, r ingest.TrialResult) error
	Found(ctx context.Context, edge, discovery string, r ingest.DiscoveryResult) error
}

// Desk serves what edges bring on order. It stands behind authentication and demands the token of the very edge.
type Desk struct {
	errand Errand
	log    *slog.Logger
	slots  slots
}

// NewDesk returns a Desk.
func NewDesk(e Errand, log *slog.Logger) *Desk {
	return &Desk{errand: e, log: log, slots: slots{most: maxBrought, mostOfEdge: maxBroughtOfEdge}}
}

// Look takes a picture of a look.
func (d *Desk) Look(w http.ResponseWriter, r *http.Request) {
	d.take(w, r, alert.JPEG, ingest.MaxLookPicture, func(data []byte) error {
		return d.errand.Bring(r.Context(), r.PathValue("edge"), r.PathValue("look"), data)
	})
}

// Trial takes the result of a trial.
func (d *Desk) Trial(w http.ResponseWriter, r *http.Request) {
	d.take(w, r, "application/json", ingest.MaxSyncBody, func(data []byte) error {
		result, err := resultOf[ingest.TrialResult](data)
		if err != nil {
			return err
		}
		return d.errand.Answer(r.Context(), r.PathValue("edge"), r.PathValue("trial"), result)
	})
}

// Discovery takes what a search for cameras found.
func (d *Desk) Discovery(w http.ResponseWriter, r *http.Request) {
	d.take(w, r, "application/json", ingest.MaxDiscoveryResult, func(data []byte) error {
		result, err := resultOf[ingest.DiscoveryResult](data)
		if err != nil {
			return err
		}
		return d.errand.Found(r.Context(), r.PathValue("edge"), r.PathValue("discovery"), result)
	})
}

// resultOf reads the result of an errand; a member that is not known is refused.
func resultOf[T any](data []byte) (result T, err error) {
	if strict.Unmarshal(data, &result, strict.RejectUnknownMembers(true)) != nil {
		return result, &orders.Refused{Why: orders.BadPicture, Text: "the result is not the JSON that is expected"}
	}
	return result, nil
}

func (d *Desk) take(w http.ResponseWriter, r *http.Request, mediaType string, most int64, keep func([]byte) error) {
	edge := r.PathValue("edge")
	if p, _ := auth.From(r.Context()); p.Edge == "" || p.Edge != edge {
		problem.Write(w, http.StatusForbidden, "an edge brings what it was asked for with its own token only")
		return
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != mediaType {
		problem.Write(w, http.StatusUnsupportedMediaType, "this takes "+mediaType)
		return
	}
	release := d.slots.take(edge)
	if release == nil {
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusServiceUnavailable, "too much is under way")
		return
	}
	defer release()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bringWithin)) // not supported by test recorders only
	data, err := body.Read(w, r, most)
	if err != nil {
		problem.Write(w, body.Status(err), err.Error())
		return
	}
	d.answer(w, edge, keep(data))
}

// answer says what became of it: 410 tells the edge to stop.
func (d *Desk) answer(w http.ResponseWriter, edge string, err error) {
	var refused *orders.Refused
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, orders.ErrOver):
		problem.Write(w, http.StatusGone, "nobody waits for this any more")
	case errors.As(err, &refused) && refused.Why == orders.TooFast:
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusTooManyRequests, refused.Text)
	case errors.As(err, &refused) && refused.Why == orders.BadPicture:
		problem.Write(w, http.StatusBadRequest, refused.Text)
	case errors.As(err, &refused):
		problem.Write(w, http.StatusUnprocessableEntity, refused.Text)
	default:
		d.log.Error("what an edge brought was not kept", "edge", edge, "error", err)
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusServiceUnavailable, "central could not keep it")
	}
}
