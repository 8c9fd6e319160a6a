// Package fleet is where edges report: POST /v1/edges/{id}/sync, and where they bring what they were asked for.
//
// In: the state and the own metrics of one edge, sent with that edge's token; redacted pictures of looks and results of trials. Out: its
// record in the store, samples in the time-series database, the configuration version that central wants and the orders of the edge
// ([ingest.Orders]), for which an answer may be held. There is no other channel into an edge, and central never dials one.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
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

// Orders tells what is wanted of an edge, see [gridgate/central/orders.Service.Newer]: as soon as it is something else than a revision, or nil.
type Orders interface {
	Newer(ctx context.Context, edge, revision string, wait time.Duration) *ingest.Orders
}

// Register keeps what an edge says of its cameras, see [gridgate/central/register.Register.Take].
type Register interface {
	Take(ctx context.Context, edge string, devices []ingest.DeviceState) error
}

// Options of [New]. Store, Series and Logger are demanded.
type Options struct {
	Store   Saver
	Series  Writer
	Logger  *slog.Logger
	Orders  Orders              // nil: nothing is wanted of edges
	Cameras Register            // nil: there is no register of cameras
	Wanted  map[string]string   // edge -> configuration version that central wants it to run
	Now     func() time.Time    // time.Now if nil
	Took    func(time.Duration) // called with how long a report took to be read and saved; nil: nobody
}

// Handler serves syncs. It stands behind authentication and demands the token of the very edge.
type Handler struct {
	o      Options
	slots  slots
	saving saving

	refused, unwritten seldom // what is told of metrics that could not be kept
	unregistered       seldom // and of cameras
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Took == nil {
		o.Took = func(time.Duration) {}
	}
	return &Handler{o: o, slots: slots{most: maxReports, mostOfEdge: maxReportsOfEdge}}
}

// ServeHTTP takes one report.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edge := r.PathValue("id")
	if p, _ := auth.From(r.Context()); p.Edge == "" || p.Edge != edge {
		problem.Write(w, http.StatusForbidden, "an edge syncs with its own token only")
		return
	}
	asked, ok := h.take(w, r, edge)
	if !ok {
		return
	}
	// From here on the request holds nothing but its connection: ten thousand may wait.
	found := h.wanted(w, r, edge, asked)
	if asked.wait > 0 {
		asked.at = h.o.Now().UTC()
	}
	answer(w, ingest.SyncResponse{Now: asked.at, Schema: ingest.SchemaVersion, ConfigVersion: h.o.Wanted[edge], Orders: found})
}

// asked is what outlives the report of a sync while its answer is held.
type asked struct {
	at       time.Time // when the report had arrived
	revision string
	wait     time.Duration
}

// take reads and saves a report, and says what its edge asked for; if that failed it has answered.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, edge string) (a asked, ok bool) {
	release := h.slots.take(edge)
	if release == nil {
		w.Header().Set("Retry-After", "2")
		problem.Write(w, http.StatusServiceUnavailable, "too many reports are under way")
		return a, false
	}
	defer release()
	begun := h.o.Now()
	// Not every ResponseWriter can: then the server's own timeout holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
	report, status, err := read(w, r, edge)
	if err != nil {
		problem.Write(w, status, err.Error())
		return a, false
	}
	now := h.o.Now().UTC()
	a = asked{at: now, revision: strings.Clone(report.Orders), wait: time.Duration(report.WaitSec) * time.Second}
	report.Orders, report.WaitSec = "", 0 // of the request, not of the edge
	record := store.Edge{ID: edge, LastSync: now, SkewMs: report.Now.Sub(now).Milliseconds(), Report: report, ReportedAt: report.Now}
	if err := h.saving.save(r.Context(), h.o.Store, record); err != nil {
		h.o.Logger.Error("sync was not saved", "edge", edge, "error", err)
		w.Header().Set("Retry-After", "2")
		problem.Write(w, http.StatusServiceUnavailable, "central could not save the report")
		return a, false
	}
	h.o.Took(h.o.Now().Sub(begun))
	h.measure(r.Context(), record)
	h.register(r.Context(), record)
	return a, true
}

// register keeps what the edge says of its cameras. What is not kept comes again with the next report.
func (h *Handler) register(ctx context.Context, e store.Edge) {
	if h.o.Cameras == nil {
		return
	}
	if err := h.o.Cameras.Take(ctx, e.ID, e.Report.Devices); err != nil {
		if reports, ok := h.unregistered.may(e.LastSync); ok {
			h.o.Logger.Warn("cameras were not registered", "edge", e.ID, "error", err, "reportsSinceTheLastLine", reports)
		}
	}
}

// wanted returns orders that the edge does not follow yet, and waits for them as long as it asked.
func (h *Handler) wanted(w http.ResponseWriter, r *http.Request, edge string, a asked) *ingest.Orders {
	if h.o.Orders == nil {
		return nil
	}
	if a.wait > 0 {
		// The report has arrived: what is read from now on is whether the edge is still there, which has no end of its own.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(ingest.MaxWait + readTimeout))
	}
	return h.o.Orders.Newer(r.Context(), edge, a.revision, min(a.wait, ingest.MaxWait))
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
	tidy(&report)
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
