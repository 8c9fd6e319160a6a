package overview

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/grid"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// book is a case log in memory that counts what is read of it.
type book struct {
	cases  map[string]cases.Case
	events []cases.Event
	edges  []store.Edge
	err    error

	mu                         sync.Mutex
	pages, ones, reads, edgesN int
}

func (b *book) Cases(_ context.Context, q store.Query) (out []cases.Case, next string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages++
	var ids []string
	for id, c := range b.cases {
		if string(c.State) == q.State {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	from, _ := strconv.Atoi(q.Cursor)
	for _, id := range ids[from:min(len(ids), from+q.Limit)] {
		out = append(out, b.cases[id])
	}
	if from+q.Limit < len(ids) {
		next = strconv.Itoa(from + q.Limit)
	}
	return out, next, b.err
}

func (b *book) Case(_ context.Context, id string) (cases.Case, error) {
	b.ones++
	c, ok := b.cases[id]
	if !ok {
		return c, store.ErrNotFound
	}
	return c, b.err
}

func (b *book) Events(_ context.Context, after int64, limit int) ([]cases.Event, error) {
	b.reads++
	rest := b.events[after:]
	return rest[:min(len(rest), limit)], b.err
}

func (b *book) LastPosition(context.Context) (int64, error) { return int64(len(b.events)), b.err }

func (b *book) Edges(context.Context) ([]store.Edge, error) {
	b.edgesN++
	return b.edges, b.err
}

// set changes a case and tells of it.
func (b *book) set(id string, what cases.EventType, change func(*cases.Case)) {
	c := b.cases[id]
	if c.ID == "" {
		c.ID, c.State, c.Severity, c.OpenedAt = id, cases.Open, alert.Minor, noon
		c.Grid = "330106109001001"
	}
	change(&c)
	b.cases[id] = c
	b.events = append(b.events, cases.Event{Position: int64(len(b.events) + 1), CaseID: id, Type: what})
}

type desk struct {
	*Board
	book *book
	now  time.Time
}

func newDesk() *desk {
	d := &desk{book: &book{cases: map[string]cases.Case{}}, now: noon}
	d.Board = NewBoard(Options{Log: d.book, OnlineWithin: 3 * time.Minute, Now: func() time.Time { return d.now }})
	return d
}

func everywhere(string) bool { return true }

// later asks for everything two seconds later.
func (d *desk) later(t *testing.T, q Query) Standing {
	t.Helper()
	d.now = d.now.Add(2 * time.Second)
	if q.Sees == nil {
		q.Sees = everywhere
	}
	s, err := d.Standing(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A board that follows the log says the same as one that reads all anew, whatever happens to the cases.
func TestFollowingIsReadingAnew(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	d := newDesk()
	q := Query{Level: grid.Community, Sees: everywhere}
	for range 60 {
		for range random.IntN(30) {
			id := fmt.Sprint("case-", random.IntN(40))
			d.book.set(id, cases.EventStepped, func(c *cases.Case) {
				c.State = []cases.State{cases.Open, cases.Acknowledged, cases.Closed}[random.IntN(3)]
				c.Severity = []alert.Severity{alert.Info, alert.Minor, alert.Major, alert.Critical}[random.IntN(4)]
				c.Exercise, c.Parent = random.IntN(5) == 0, ""
				if random.IntN(6) == 0 {
					c.Parent = "another"
				}
				c.Deadlines = []cases.Deadline{{Name: "reach", Warn: noon.Add(time.Duration(random.IntN(60)-30) * time.Minute), Due: noon.Add(time.Duration(random.IntN(60)) * time.Minute)}}
			})
			if random.IntN(20) == 0 {
				delete(d.book.cases, id) // retention took it
			}
		}
		got := d.later(t, q)
		anew := NewBoard(Options{Log: d.book, Now: func() time.Time { return d.now }})
		want, err := anew.Standing(t.Context(), q)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v\n%+v\n%+v", err, got, want)
		}
	}
	if d.book.pages != 2*61 {
		t.Errorf("%d pages were read, want two for each board that began", d.book.pages)
	}
}

// What does not change the map is not read, and nothing is read twice within a second.
func TestStormsCostLittle(t *testing.T) {
	d := newDesk()
	d.book.set("one", cases.EventOpened, func(*cases.Case) {})
	d.later(t, Query{})
	for range 1500 {
		d.book.set("one", cases.EventJoined, func(*cases.Case) {})
	}
	mark, err := d.Fresh(t.Context())
	if again, _ := d.Fresh(t.Context()); err != nil || again != mark || d.book.reads != 0 {
		t.Errorf("%q, %q, %v: %d reads", mark, again, err, d.book.reads)
	}
	if d.later(t, Query{}); d.book.ones != 0 || d.book.reads != 3 || d.book.pages != 2 {
		t.Errorf("%d cases, %d pages of events, %d pages of cases", d.book.ones, d.book.reads, d.book.pages)
	}
	for range catchUp + 1 {
		d.book.set("two", cases.EventOpened, func(*cases.Case) {})
	}
	if s := d.later(t, Query{}); len(s.Cases) != 2 || d.book.ones != 0 || d.book.pages != 4 {
		t.Errorf("%d cases shown, %d read, %d pages", len(s.Cases), d.book.ones, d.book.pages)
	}
	d.now = d.now.Add(time.Minute)
	if other, err := d.Fresh(t.Context()); err != nil || other == mark {
		t.Errorf("%q, %v: deadlines pass by themselves", other, err)
	}
}

func TestStagesAndOrder(t *testing.T) {
	d := newDesk()
	due := func(warn, due time.Duration) func(*cases.Case) {
		return func(c *cases.Case) {
			c.Deadlines = []cases.Deadline{{Name: "met", Due: noon, Met: noon}, {Name: "still", Left: "w1h"}, {Name: "runs", Warn: noon.Add(warn), Due: noon.Add(due)}}
		}
	}
	d.book.set("calm", cases.EventOpened, due(time.Hour, 2*time.Hour))
	d.book.set("yellow", cases.EventOpened, due(0, time.Hour))
	d.book.set("red", cases.EventOpened, due(-time.Hour, 0))
	d.book.set("grave", cases.EventOpened, func(c *cases.Case) { c.Severity = alert.Critical })
	d.book.set("drill", cases.EventOpened, func(c *cases.Case) { c.Exercise, c.Severity = true, alert.Critical })
	s := d.later(t, Query{Level: grid.Basic})
	var order []string
	for _, p := range s.Cases {
		order = append(order, p.ID)
	}
	if fmt.Sprint(order) != "[red yellow drill grave calm]" {
		t.Errorf("%v", order)
	}
	want := AreaCount{Code: "330106109001001", Open: 4, Severity: alert.Critical, Yellow: 1, Red: 1, Exercises: 1}
	if len(s.Grids) != 1 || s.Grids[0] != want {
		t.Errorf("%+v", s.Grids)
	}
}

func TestBounds(t *testing.T) {
	d := newDesk()
	for n := range MaxPoints + 7 {
		d.book.cases[fmt.Sprintf("c%06d", n)] = cases.Case{ID: fmt.Sprintf("c%06d", n), State: cases.Open, Opening: cases.Opening{Grid: fmt.Sprintf("330106109001%03d", n%900+1)}}
	}
	s := d.later(t, Query{Level: grid.Community})
	if len(s.Cases) != MaxPoints || s.MoreCases != 7 || len(s.Grids) != 1 || s.Grids[0].Open != MaxPoints+7 || s.Capped {
		t.Errorf("%d cases, %d more, %+v", len(s.Cases), s.MoreCases, s.Grids)
	}
	part := d.later(t, Query{Level: grid.Basic, Prefix: "3301061090010", Sees: func(code string) bool { return strings.HasSuffix(code, "1") }})
	for _, one := range part.Grids {
		if !strings.HasPrefix(one.Code, "3301061090010") || !strings.HasSuffix(one.Code, "1") {
			t.Errorf("%+v", one)
		}
	}
	if len(part.Grids) != 10 {
		t.Errorf("%d grids", len(part.Grids))
	}
}

func TestDevices(t *testing.T) {
	d := newDesk()
	device := func(id, state string) ingest.DeviceState {
		return ingest.DeviceState{ID: id, Family: "cameras", Grid: "330106109001001", State: state, Since: noon}
	}
	d.book.edges = []store.Edge{
		{ID: "a", LastSync: noon, Report: ingest.SyncRequest{Devices: []ingest.DeviceState{device("good", "streaming"), device("new", "connecting"), device("bad", "stalled")}}},
		{ID: "b", LastSync: noon.Add(-time.Hour), Report: ingest.SyncRequest{Devices: []ingest.DeviceState{device("far", "online")}}},
	}
	s := d.later(t, Query{Level: grid.Basic})
	if len(s.Devices) != 4 || s.Devices[0].ID != "bad" || s.Devices[1].ID != "far" || !s.Devices[1].Stale || s.Devices[3].ID != "good" || s.Grids[0].Devices != 4 || s.Grids[0].Faults != 2 {
		t.Errorf("%+v", s)
	}
	d.later(t, Query{})
	if d.book.edgesN != 1 {
		t.Errorf("the edges were read %d times within seconds", d.book.edgesN)
	}
}

// After a failure all is read anew; who gives up waiting is told so.
func TestFailures(t *testing.T) {
	d := newDesk()
	d.book.set("one", cases.EventOpened, func(*cases.Case) {})
	d.later(t, Query{})
	d.book.set("two", cases.EventOpened, func(*cases.Case) {})
	d.book.err = errors.New("the disk is away")
	d.now = d.now.Add(2 * time.Second)
	if _, err := d.Standing(t.Context(), Query{Sees: everywhere}); !errors.Is(err, d.book.err) {
		t.Errorf("%v", err)
	}
	d.book.err = nil
	if s := d.later(t, Query{}); len(s.Cases) != 2 {
		t.Errorf("%+v", s)
	}
	<-d.turn
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Fresh(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestArea(t *testing.T) {
	known := map[string]string{}
	for _, c := range []struct {
		code  string
		level grid.Level
		want  string
	}{
		{"33010610900100100001", grid.Basic, "330106109001001"}, {"330106109001001", grid.Basic, "330106109001001"}, {"330106109001", grid.Basic, "330106109001"},
		{"330106109001001", grid.Township, "330106109000"}, {"330106109001001", grid.City, "330100000000"}, {"elsewhere", grid.City, "elsewhere"}, {"330106109001001", "", "330106109001001"},
	} {
		clear(known)
		for range 2 {
			if got := area(c.code, c.level, known); got != c.want {
				t.Errorf("%s at %s: %s, want %s", c.code, c.level, got, c.want)
			}
		}
	}
}

// BenchmarkStanding answers for 5,000 cases and 2,000 devices.
func BenchmarkStanding(b *testing.B) {
	d := newDesk()
	for n := range 5000 {
		id := fmt.Sprintf("c%06d", n)
		d.book.cases[id] = cases.Case{ID: id, State: cases.Open, Opening: cases.Opening{Grid: fmt.Sprintf("330106109001%03d", n%900+1)}, Severity: alert.Minor,
			Work: cases.Work{Deadlines: []cases.Deadline{{Name: "reach", Warn: noon, Due: noon.Add(time.Hour)}}}}
	}
	var devices []ingest.DeviceState
	for n := range 2000 {
		devices = append(devices, ingest.DeviceState{ID: fmt.Sprint("d", n), Grid: fmt.Sprintf("330106109001%03d", n%900+1), State: "online"})
	}
	d.book.edges = []store.Edge{{ID: "a", LastSync: noon, Report: ingest.SyncRequest{Devices: devices}}}
	for b.Loop() {
		if s, err := d.Standing(b.Context(), Query{Level: grid.Basic, Sees: everywhere}); err != nil || len(s.Cases) != 5000 {
			b.Fatal(err, len(s.Cases))
		}
	}
}
