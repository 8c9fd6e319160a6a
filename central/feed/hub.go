// Package feed is step 10 of the pipeline: it shows operators what happens to cases, as it happens.
//
// In: the case-event log, read from a cursor, and a wake-up after each commit. Out: server-sent events, one per case event, in the
// order of their positions. One hub reads the log once for all screens and keeps the newest messages in a ring; each screen
// follows the ring with a cursor of its own, so that nothing is lost or doubled where its backlog ends and live begins. It
// never holds a queue per screen and never waits for one.
package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/kit/backoff"
)

// Log is the case-event log and what its events point to.
type Log interface {
	Events(ctx context.Context, after int64, limit int) ([]cases.Event, error)
	LastPosition(ctx context.Context) (int64, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	Alert(ctx context.Context, id string) (store.StoredAlert, error)
}

// Bounds.
const (
	pageSize   = 200    // events of one read
	ringSize   = 2048   // messages kept for all screens
	FarBehind  = 10_000 // positions behind which a client is reset instead of served
	maxReplays = 4      // screens that read their backlog from the log at once

	// Between two looks at the log passes so much for each screen, up to so much: what is committed meanwhile goes out in one piece, so
	// that a thousand screens are written to twelve times a second, not once for each event.
	breathFor  = 80 * time.Microsecond
	longBreath = 80 * time.Millisecond
	maxPiece   = 64 << 10 // bytes after which a screen is waited for

	pollEvery  = time.Second      // finds what another process committed
	readWithin = 30 * time.Second // a log that takes longer is asked anew, on another connection
)

// message is one encoded server-sent event.
type message struct {
	position int64
	grid     string // of its case; "": it is for every screen
	frame    []byte
}

// Options of a [Hub]. Log, Logger and EncodeAlert are demanded.
type Options struct {
	Log    Log
	Logger *slog.Logger
	// EncodeAlert gives an alert the form that it has in the API.
	EncodeAlert func(store.StoredAlert) any
	// Allowed says whether whoever sent a request may still follow the feed; it is asked at each heartbeat. nil: always.
	Allowed func(r *http.Request) bool
	// Sees returns what whoever sent a request may see: a function of a case's grid. It is asked once for each feed. nil: everything.
	Sees func(r *http.Request) func(grid string) bool

	// Told is called with how long ago the oldest of some events was that screens are told now; it must not block. nil: nobody.
	Told func(late time.Duration)

	MaxFeeds    int              // screens at once; 0: 1000
	Heartbeat   time.Duration    // 0: 15 s
	WriteWithin time.Duration    // a screen that takes longer to read is cut off; 0: 10 s
	Now         func() time.Time // time.Now if nil
}

// Hub serves all feeds. Run must be running.
type Hub struct {
	o       Options
	wake    chan struct{}
	ready   chan struct{} // closed once head is known
	done    chan struct{} // closed by Drain
	drain   sync.Once
	begin   sync.Once
	replays chan struct{}

	mu      sync.Mutex
	head    int64         // position up to which the log was read
	ring    []message     // ascending positions; every event after ringFrom is in it
	from    int64         // positions after this one are in the ring
	changed chan struct{} // closed and replaced when head moves
	feeds   int
}

// New returns a Hub.
func New(o Options) *Hub {
	if o.MaxFeeds == 0 {
		o.MaxFeeds = 1000
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.WriteWithin == 0 {
		o.WriteWithin = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sees == nil {
		o.Sees = func(*http.Request) func(string) bool { return func(string) bool { return true } }
	}
	if o.Told == nil {
		o.Told = func(time.Duration) {}
	}
	if o.Allowed == nil {
		o.Allowed = func(*http.Request) bool { return true }
	}
	return &Hub{
		o: o, wake: make(chan struct{}, 1), ready: make(chan struct{}), done: make(chan struct{}),
		replays: make(chan struct{}, maxReplays), changed: make(chan struct{}),
	}
}

// Wake tells that a case event was committed; position is only a hint, 0 where it is not known. It never blocks.
func (h *Hub) Wake(position int64) {
	select {
	case h.wake <- struct{}{}:
	default: // a wake-up is already pending, and the log will be read to its end
	}
}

// Changed returns a channel that is closed once the hub has read further events of the log: what follows the log, too, waits for it.
func (h *Hub) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

// Drain ends all feeds and refuses new ones; their clients come back and resume.
func (h *Hub) Drain() { h.drain.Do(func() { close(h.done) }) }

// Feeds is how many screens are connected.
func (h *Hub) Feeds() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.feeds
}

// Run reads the log until ctx ends, then ends all feeds and returns nil. A log that does not answer is read again after a pause.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Drain()
	retry := backoff.New(100*time.Millisecond, 5*time.Second)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		looked := time.Now()
		switch err := h.readOnce(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			h.o.Logger.Error("feed cannot read the case log", "error", err)
			backoff.Wait(ctx, retry.Next())
			continue
		}
		retry.Reset()
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-tick.C:
		}
		backoff.Wait(ctx, min(longBreath, time.Duration(h.Feeds())*breathFor)-time.Since(looked))
	}
}

func (h *Hub) readOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	return h.read(ctx)
}

// read takes in everything after head.
func (h *Hub) read(ctx context.Context) error {
	if err := h.start(ctx); err != nil {
		return err
	}
	if h.Feeds() == 0 {
		return h.pass(ctx)
	}
	for {
		events, err := h.o.Log.Events(ctx, h.position(), pageSize)
		if err != nil {
			return fmt.Errorf("read case events: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		messages, err := h.render(ctx, events)
		if err != nil {
			return err
		}
		h.publish(messages)
		h.o.Told(h.o.Now().Sub(events[0].At))
	}
}

// pass moves the head to the end of the log without reading what nobody looks at: a screen that comes back reads its backlog from the log.
func (h *Hub) pass(ctx context.Context) error {
	last, err := h.o.Log.LastPosition(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the case log: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if last <= h.head {
		return nil
	}
	h.head, h.from, h.ring = last, last, nil
	close(h.changed)
	h.changed = make(chan struct{})
	return nil
}

// start sets the head to the end of the log, once.
func (h *Hub) start(ctx context.Context) error {
	select {
	case <-h.ready:
		return nil
	default:
	}
	last, err := h.o.Log.LastPosition(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the case log: %w", err)
	}
	h.mu.Lock()
	h.head, h.from = last, last
	h.mu.Unlock()
	h.begin.Do(func() { close(h.ready) })
	return nil
}

func (h *Hub) position() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.head
}

func (h *Hub) publish(messages []message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring = append(h.ring, messages...)
	if over := len(h.ring) - ringSize; over > 0 {
		h.from = h.ring[over-1].position
		h.ring = append([]message(nil), h.ring[over:]...)
	}
	h.head = messages[len(messages)-1].position
	close(h.changed)
	h.changed = make(chan struct{})
}

// payload is the data of a "case" event.
type payload struct {
	Event cases.Event `json:"event"`
	Case  cases.Case  `json:"case"`
	Alert any         `json:"alert"`
}

// render encodes events. A case is shown as it is now, which may be later than the event; each is read once per page.
func (h *Hub) render(ctx context.Context, events []cases.Event) ([]message, error) {
	known := map[string]cases.Case{}
	messages := make([]message, 0, len(events))
	for _, e := range events {
		c, ok := known[e.CaseID]
		if !ok || c.Position < e.Position {
			var err error
			if c, err = h.o.Log.Case(ctx, e.CaseID); err != nil {
				return nil, fmt.Errorf("read case %s: %w", e.CaseID, err)
			}
			known[e.CaseID] = c
		}
		a, err := h.alert(ctx, e.AlertID)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(payload{Event: e, Case: c, Alert: a})
		if err != nil {
			return nil, fmt.Errorf("encode event %d: %w", e.Position, err)
		}
		messages = append(messages, message{position: e.Position, grid: c.Grid, frame: frame(e.Position, "case", data)})
	}
	return messages, nil
}

// alert is the alert of an event in its API form, nil if the event has none or it is gone.
func (h *Hub) alert(ctx context.Context, id string) (any, error) {
	if id == "" {
		return nil, nil
	}
	a, err := h.o.Log.Alert(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read alert %s: %w", id, err)
	}
	return h.o.EncodeAlert(a), nil
}

// frame is one event of the stream (WHATWG HTML, section 9.2, server-sent events). JSON has no line breaks.
func frame(id int64, event string, data []byte) []byte {
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", id, event, data)
}
