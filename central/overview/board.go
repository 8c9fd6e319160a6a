package overview

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Log is what a [Board] reads.
type Log interface {
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	LastPosition(ctx context.Context) (int64, error)
	Edges(ctx context.Context) ([]store.Edge, error)
}

// Bounds of a [Board].
const (
	// MaxHeld is how many cases that are not closed are counted.
	MaxHeld = 100_000
	// casesEvery and edgesEvery are how old an answer may be.
	casesEvery = time.Second
	edgesEvery = 10 * time.Second
	// cappedEvery is that of more cases than MaxHeld, which are read anew each time.
	cappedEvery = time.Minute
	// catchUp is how many events are followed one by one; behind by more, all is read anew.
	catchUp    = 2000
	pageSize   = 500
	readWithin = time.Minute
)

// Options of a [Board].
type Options struct {
	Log          Log
	OnlineWithin time.Duration    // how fresh the last sync of an edge is while it counts as online; 0: three minutes
	Now          func() time.Time // time.Now if nil
}

// Board holds the cases that are not closed and the devices. Safe for concurrent use.
type Board struct {
	o    Options
	turn chan struct{} // holds one token: whoever has it may read and change what is below

	cases    map[string]*held
	capped   bool
	position int64 // of the log, up to which cases are known; -1: they were not read
	at       time.Time

	devices []DevicePoint
	edges   uint64 // hash of the devices
	edgesAt time.Time
}

// held is a case that is not closed.
type held struct {
	Grid      string
	Kind      alert.Kind
	Class     string
	Severity  alert.Severity
	State     cases.State
	OpenedAt  time.Time
	Exercise  bool
	Place     *cases.LonLat
	Deadlines []cases.Deadline // those that run
}

// NewBoard returns a Board that has read nothing.
func NewBoard(o Options) *Board {
	if o.OnlineWithin == 0 {
		o.OnlineWithin = 3 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Board{o: o, turn: make(chan struct{}, 1), position: -1}
	b.turn <- struct{}{}
	return b
}

// Fresh brings the board up to date, at most once a second, and returns a mark that changes whenever an answer may: with the cases, with
// the devices, and each minute, since deadlines pass.
func (b *Board) Fresh(ctx context.Context) (mark string, err error) {
	err = b.do(ctx, func(now time.Time) {
		mark = fmt.Sprintf("%d.%x.%d", b.position, b.edges, now.Unix()/60)
	})
	return mark, err
}

// Standing returns what q asks for, at most a second old, devices ten.
func (b *Board) Standing(ctx context.Context, q Query) (out Standing, err error) {
	err = b.do(ctx, func(now time.Time) {
		out = standing(q, b.cases, b.devices, now)
		out.Capped = b.capped
	})
	return out, err
}

// do lets use see the board once it is up to date. What one caller reads serves all who wait meanwhile; that reading goes on though the
// caller leaves, so that a large backlog is read once.
func (b *Board) do(ctx context.Context, use func(now time.Time)) error {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return fmt.Errorf("wait for the overview: %w", ctx.Err())
	}
	defer func() { b.turn <- struct{}{} }()
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readWithin)
	defer cancel()
	if err := b.refresh(reading); err != nil {
		return err
	}
	use(b.o.Now())
	return nil
}

func (b *Board) refresh(ctx context.Context) error {
	now := b.o.Now()
	if b.edgesAt.IsZero() || now.Sub(b.edgesAt) >= edgesEvery {
		edges, err := b.o.Log.Edges(ctx)
		if err != nil {
			return fmt.Errorf("read the edges: %w", err)
		}
		b.devices, b.edgesAt = devicesOf(edges, now, b.o.OnlineWithin), now
		b.edges = hashOf(b.devices)
	}
	every := casesEvery
	if b.capped {
		every = cappedEvery
	}
	if b.position >= 0 && now.Sub(b.at) < every {
		return nil
	}
	if err := b.advance(ctx); err != nil {
		b.position = -1 // what was taken in of it may be a part
		return err
	}
	b.at = now
	return nil
}

// advance takes in what happened since.
func (b *Board) advance(ctx context.Context) error {
	last, err := b.o.Log.LastPosition(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the case log: %w", err)
	}
	if b.position < 0 || last-b.position > catchUp || last < b.position || b.capped {
		return b.load(ctx, last)
	}
	return b.follow(ctx, last)
}

// load reads all cases that are not closed. One that is opened meanwhile comes with the events after last.
func (b *Board) load(ctx context.Context, last int64) error {
	b.cases, b.capped = map[string]*held{}, false
	for _, state := range []cases.State{cases.Open, cases.Acknowledged} {
		q := store.Query{State: string(state), Limit: pageSize}
		for {
			page, next, err := b.o.Log.Cases(ctx, q)
			if err != nil {
				return fmt.Errorf("read the cases: %w", err)
			}
			for _, c := range page {
				b.take(c)
			}
			if q.Cursor = next; next == "" || b.capped {
				break
			}
		}
	}
	b.position = last
	return nil
}

// silent are the events that change nothing of what is on a map; a storm consists of them.
var silent = map[cases.EventType]bool{cases.EventJoined: true, cases.EventAnnotated: true, cases.EventRelated: true, cases.EventHeld: true, cases.EventReleased: true}

// follow reads the cases of the events up to last.
func (b *Board) follow(ctx context.Context, last int64) error {
	changed := map[string]bool{}
	for at := b.position; at < last; {
		events, err := b.o.Log.Events(ctx, at, pageSize)
		if err != nil {
			return fmt.Errorf("read case events: %w", err)
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			at = e.Position
			if !silent[e.Type] {
				changed[e.CaseID] = true
			}
		}
	}
	for id := range changed {
		c, err := b.o.Log.Case(ctx, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			delete(b.cases, id)
		case err != nil:
			return fmt.Errorf("read a case: %w", err)
		default:
			b.take(c)
		}
	}
	b.position = last
	return nil
}

// take keeps what a map shows of a case.
func (b *Board) take(c cases.Case) {
	if c.State == cases.Closed || c.Parent != "" {
		delete(b.cases, c.ID)
		return
	}
	if _, known := b.cases[c.ID]; !known && len(b.cases) >= MaxHeld {
		b.capped = true
		return
	}
	h := &held{
		Grid: c.Grid, Kind: c.Kind, Class: c.Class, Severity: c.Severity, State: c.State, OpenedAt: c.OpenedAt, Exercise: c.Exercise, Place: c.Place,
	}
	for _, d := range c.Deadlines {
		if d.Runs() {
			h.Deadlines = append(h.Deadlines, d)
		}
	}
	b.cases[c.ID] = h
}

// point is the case as it stands at a time.
func (h *held) point(id string, now time.Time) CasePoint {
	p := CasePoint{
		ID: id, Grid: h.Grid, Kind: h.Kind, Class: h.Class, Severity: h.Severity, State: h.State, OpenedAt: h.OpenedAt, Exercise: h.Exercise, Place: h.Place,
		Stage: h.stage(now),
	}
	for _, d := range h.Deadlines {
		if p.Due.IsZero() || d.Due.Before(p.Due) {
			p.Due = d.Due
		}
	}
	return p
}

// stage is that of the deadline which is nearest to be missed.
func (h *held) stage(now time.Time) (worst cases.Stage) {
	for _, d := range h.Deadlines {
		if s := stageOf(d, now); rank(s) > rank(worst) {
			worst = s
		}
	}
	return worst
}

func stageOf(d cases.Deadline, now time.Time) cases.Stage {
	switch {
	case !now.Before(d.Due):
		return cases.Red
	case !d.Warn.IsZero() && !now.Before(d.Warn):
		return cases.Yellow
	}
	return ""
}

// devicesOf are the devices of all edges, by edge and as it listed them.
func devicesOf(edges []store.Edge, now time.Time, within time.Duration) (out []DevicePoint) {
	for _, e := range edges {
		stale := now.Sub(e.LastSync) >= within
		for _, d := range e.Report.Devices {
			out = append(out, DevicePoint{Edge: e.ID, ID: d.ID, Grid: d.Grid, Family: d.Family, State: d.State, Since: d.Since.UTC(), Stale: stale})
		}
	}
	return out
}

func hashOf(devices []DevicePoint) uint64 {
	h := fnv.New64a()
	for _, d := range devices {
		_, _ = fmt.Fprintf(h, "%s %s %s %s %d %t\n", d.Edge, d.ID, d.Grid, d.State, d.Since.UnixNano(), d.Stale) // a hash takes all
	}
	return h.Sum64()
}
