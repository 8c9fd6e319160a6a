// Package remote asks a detector outside this program what a picture shows: over HTTP (the shape of DeepStack and
// CodeProject.AI), or a process of this machine over its standard input and output.
//
// In: redacted pictures, one detector for all cameras. Out: detections of the kinds that the configuration maps its labels to.
// An answer that says, or looks as if it said, who somebody is or of what sort is refused as a whole and counted; there is no
// setting that lets it through. A detector that is slow, wrong or gone costs its own detections and nothing else: every call has
// a time-out, calls at once are bounded, and after a few failures nobody asks for a while.
package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// Options of one detector. Exactly one of URL and Command is set.
type Options struct {
	Name    string
	URL     string   // takes a POST of multipart/form-data with the JPEG in the field image
	Command []string // speaks JSON lines, see [Request]

	Labels   map[string]alert.Kind // its label to a kind; other labels are left out
	MinScore float64               // 0 to 1, default 0.5
	Timeout  time.Duration         // of one question, waiting for a free place included, default 5 s
	Parallel int                   // questions at once, default 1; a process answers one at a time
	Log      *slog.Logger          // default: discards
}

// Stats count since the start.
type Stats struct {
	Asked    uint64
	Failed   uint64 // no answer, too late, or not readable
	Identity uint64 // answers refused because they told who or what sort
	Unasked  uint64 // questions not put because the detector had failed too often
}

// asker brings one picture to a detector and its answer back. It is safe for concurrent use.
type asker interface {
	ask(ctx context.Context, jpeg []byte) (answer []byte, err error)
	// run keeps what ask needs alive until ctx ends.
	run(ctx context.Context) error
}

// Detector is one remote detector, shared by the cameras that use it.
type Detector struct {
	opt     Options
	asker   asker
	places  chan struct{} // one for each question at once
	breaker *breaker

	mu    sync.Mutex
	stats Stats
}

// New checks the options. It connects to nothing and starts nothing.
func New(o Options) (*Detector, error) {
	o.MinScore = cmp.Or(o.MinScore, 0.5)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.Parallel = max(o.Parallel, 1)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for label := range o.Labels {
		if detect.Identity(label) {
			return nil, fmt.Errorf("detector %s: a label tells who somebody is, or of what sort", o.Name)
		}
	}
	d := &Detector{opt: o, places: make(chan struct{}, o.Parallel), breaker: newBreaker()}
	switch {
	case (o.URL == "") == (len(o.Command) == 0):
		return nil, fmt.Errorf("detector %s: either an address or a command is demanded", o.Name)
	case o.URL != "":
		d.asker = newHTTPAsker(o)
	default:
		d.asker = newProcess(o)
	}
	return d, nil
}

// Run works until ctx ends and returns nil.
func (d *Detector) Run(ctx context.Context) error { return d.asker.run(ctx) }

// Kinds are what it may report.
func (d *Detector) Kinds() []alert.Kind {
	return slices.Compact(slices.Sorted(maps.Values(d.opt.Labels)))
}

// Stats returns the counters.
func (d *Detector) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

func (d *Detector) count(f func(*Stats)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.stats)
}

// Hook is the detector as one stream sees it.
func (d *Detector) Hook(zones []detect.Zone) detect.Arranger {
	h := &hook{detector: d}
	h.zones.Store(&zones)
	return h
}

type hook struct {
	detector *Detector
	zones    atomic.Pointer[[]detect.Zone]
}

// Arrange implements [detect.Arranger]. Masks are the decoder's concern.
func (h *hook) Arrange(zones []detect.Zone, _ []detect.Polygon) error {
	h.zones.Store(&zones)
	return nil
}

// ErrResting says that the detector failed too often and is not asked for a while.
var ErrResting = errors.New("the detector failed too often and is asked again later")

// Detect implements [detect.Hook]. It blocks for one question.
func (h *hook) Detect(ctx context.Context, in detect.Input) (detect.Verdict, error) {
	if !h.detector.breaker.allow() {
		h.detector.count(func(s *Stats) { s.Unasked++ })
		return detect.Verdict{}, ErrResting
	}
	picture, err := in.Look.Picture(ctx)
	if err != nil {
		h.detector.breaker.release()
		return detect.Verdict{}, fmt.Errorf("picture for detector %s: %w", h.detector.opt.Name, err)
	}
	boxes, err := h.detector.look(ctx, picture)
	h.detector.breaker.note(err)
	if err != nil {
		return detect.Verdict{}, fmt.Errorf("detector %s: %w", h.detector.opt.Name, err)
	}
	return detect.Verdict{Judged: true, Detections: inZones(*h.zones.Load(), boxes)}, nil
}

// look asks and counts.
func (d *Detector) look(ctx context.Context, p decode.Picture) ([]prediction, error) {
	ctx, cancel := context.WithTimeout(ctx, d.opt.Timeout)
	defer cancel()
	d.count(func(s *Stats) { s.Asked++ })
	boxes, err := d.askOnce(ctx, p)
	switch {
	case errors.Is(err, errIdentity):
		d.count(func(s *Stats) { s.Identity++ })
		d.opt.Log.Error("the detector tells who somebody is or of what sort: its answers are refused", "detector", d.opt.Name)
	case err != nil:
		d.count(func(s *Stats) { s.Failed++ })
	}
	return boxes, err
}

func (d *Detector) askOnce(ctx context.Context, p decode.Picture) ([]prediction, error) {
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
	case <-ctx.Done():
		return nil, errors.New("too many questions at once")
	}
	answer, err := d.asker.ask(ctx, p.JPEG)
	if err != nil {
		return nil, err
	}
	return d.read(answer, p.Width, p.Height)
}

// prediction is what an answer says, reduced to what is allowed.
type prediction struct {
	kind  alert.Kind
	score float64
	box   detect.Box
}

// foot is where a prediction stands: things that stand somewhere do so at the lower edge of their box.
func (p prediction) foot() detect.Point {
	at := detect.Point{X: p.box.X + p.box.W/2, Y: p.box.Y + p.box.H/2}
	if p.kind == alert.Intrusion || p.kind == alert.LeftObject {
		at.Y = p.box.Y + p.box.H
	}
	return at
}

// inZones makes one detection for each zone and kind.
func inZones(zones []detect.Zone, boxes []prediction) (out []detect.Detection) {
	for _, zone := range zones {
		byKind := map[alert.Kind]*detect.Detection{}
		for _, p := range boxes {
			if !zone.Polygon.Contains(p.foot()) {
				continue
			}
			d := byKind[p.kind]
			if d == nil {
				d = &detect.Detection{Kind: p.kind, Zone: zone.Name}
				byKind[p.kind] = d
			}
			d.Boxes, d.Score = append(d.Boxes, p.box), max(d.Score, p.score)
		}
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			out = append(out, *byKind[kind])
		}
	}
	return out
}
