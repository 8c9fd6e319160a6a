// Package fleet is where edges report: POST /v1/edges/{id}/sync.
//
// In: the state and the own metrics of one edge, sent with that edge's token. Out: its record in the store, samples in the
// time-series database, and the configuration version that central wants. There is no other channel into an edge, and central never dials one.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gridgate/central/api/body"
	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/protocols/ingest"
)

// Path is the pattern that [Handler] serves; it needs {id} as a path value.
const Path = ingest.SyncPrefix + "{id}" + ingest.SyncSuffix

// readTimeout is how long a report may take to arrive, so that a slow one holds its slot no longer.
const readTimeout = time.Minute

// Saver keeps what an edge reported.
type Saver interface {
	SaveSync(ctx context.Context, edges ...store.Edge) error
}

// Writer takes samples, see [tsdb.DB].
type Writer interface {
	Write(ctx context.Context, samples []tsdb.Sample) error
}

// Options of [New]. Store, Series and Logger are demanded.
type Options struct {
	Store  Saver
	Series Writer
	Logger *slog.Logger
	Wanted map[string]string // edge -> configuration version that central wants it to run
	Now    func() time.Time  // time.Now if nil
}

// Handler serves syncs. It stands behind authentication and demands the token of the very edge.
type Handler struct {
	o      Options
	slots  slots
	saving saving

	refused, unwritten seldom // what is told of metrics that could not be kept
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handler{o: o}
}

// ServeHTTP takes one report.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edge := r.PathValue("id")
	if p, _ := auth.From(r.Context()); p.Edge == "" || p.Edge != edge {
		problem.Write(w, http.StatusForbidden, "an edge syncs with its own token only")
		return
	}
	release := h.slots.take(edge)
	if release == nil {
		w.Header().Set("Retry-After", "2")
		problem.Write(w, http.StatusServiceUnavailable, "too many reports are under way")
		return
	}
	defer release()
	// Not every ResponseWriter can: then the server's own timeout holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
	report, status, err := read(w, r, edge)
	if err != nil {
		problem.Write(w, status, err.Error())
		return
	}
	now := h.o.Now().UTC()
	record := store.Edge{ID: edge, LastSync: now, SkewMs: report.Now.Sub(now).Milliseconds(), Report: report, ReportedAt: report.Now}
	if err := h.saving.save(r.Context(), h.o.Store, record); err != nil {
		h.o.Logger.Error("sync was not saved", "edge", edge, "error", err)
		w.Header().Set("Retry-After", "2")
		problem.Write(w, http.StatusServiceUnavailable, "central could not save the report")
		return
	}
	h.measure(r.Context(), record)
	answer(w, ingest.SyncResponse{Now: now, Schema: ingest.SchemaVersion, ConfigVersion: h.o.Wanted[edge]})
}

// read decodes the body strictly, judges it and drops metrics that are not on the closed list. Errors name the field, never a value.
func read(w http.ResponseWriter, r *http.Request, edge string) (report ingest.SyncRequest, status int, err error) {
	data, err := body.Read(w, r, ingest.MaxSyncBody)
	if err != nil {
		return report, body.Status(err), err
	}
	if err := decode(data, &report); err != nil {
		return report, http.StatusBadRequest, err
	}
	if err := check(edge, report); err != nil {
		return report, http.StatusUnprocessableEntity, err
	}
	tidy(report.Devices)
	maps.DeleteFunc(report.Metrics, func(name string, _ float64) bool { return !slices.Contains(ingest.EdgeMetrics, name) })
	return report, 0, nil
}

func decode(data []byte, report *ingest.SyncRequest) error {
	err := strict.Unmarshal(data, report, strict.RejectUnknownMembers(true))
	var meaning *strict.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &meaning) && errors.Is(err, strict.ErrUnknownName):
		return errors.New("the report has an unknown field in " + string(parent(meaning.JSONPointer)))
	case errors.As(err, &meaning):
		return errors.New("the report has the wrong type at " + string(meaning.JSONPointer))
	}
	return errors.New("the report is not valid JSON")
}

// parent leaves out the last step of a pointer: an unknown key can be anything, and is not repeated.
func parent(p jsontext.Pointer) jsontext.Pointer {
	if up := p.Parent(); up != "" {
		return up
	}
	return "/"
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}

// measure writes the samples of a report. A report that is saved is answered even if the time-series database is away: the next one
// comes in a minute.
func (h *Handler) measure(ctx context.Context, e store.Edge) {
	samples := samplesOf(e)
	err := h.o.Series.Write(ctx, samples)
	if err == nil {
		return
	}
	var refused tsdb.Rejection
	level, text, told := slog.LevelError, "edge metrics were not written", &h.unwritten
	if errors.As(err, &refused) {
		level, text, told = slog.LevelWarn, "edge metrics were refused", &h.refused
	}
	if reports, ok := told.may(e.LastSync); ok {
		h.o.Logger.Log(ctx, level, text, "edge", e.ID, "samples", len(samples), "error", err, "reportsSinceTheLastLine", reports)
	}
}

// samplesOf makes samples of a report at central's time: the metrics, the outbox, the clock.
func samplesOf(e store.Edge) []tsdb.Sample {
	var samples []tsdb.Sample
	add := func(metric string, value float64, labels ...string) {
		all := map[string]string{"edge": e.ID}
		for i := 0; i+1 < len(labels); i += 2 {
			all[labels[i]] = labels[i+1]
		}
		samples = append(samples, tsdb.Sample{Metric: metric, Labels: all, Value: value, At: e.LastSync, Spare: true})
	}
	add("gridgate_edge_clock_skew_seconds", float64(e.SkewMs)/1000)
	add("gridgate_edge_dead_letters", float64(e.Report.DeadLetters))
	for _, lane := range e.Report.Outbox {
		add("gridgate_edge_outbox_pending", float64(lane.Pending), "lane", string(lane.Lane))
		add("gridgate_edge_outbox_oldest_seconds", lane.OldestSec, "lane", string(lane.Lane))
	}
	for name, value := range e.Report.Metrics {
		add(name, value)
	}
	return samples
}
