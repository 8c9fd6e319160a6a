package courier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// memory is a store in memory, for timelines. broken makes every call fail.
type memory struct {
	mu      sync.Mutex
	events  []cases.Event
	cases   map[string]cases.Case
	notices []store.Notice
	cursor  int64
	broken  bool
}

var errAway = errors.New("the store is away")

func newMemory() *memory { return &memory{cases: map[string]cases.Case{}} }

// add applies an event and gives it the next position.
func (m *memory) add(t *testing.T, e cases.Event) cases.Event {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apply(t, e)
}

// addTaken adds an event whose case retention took before anybody read it.
func (m *memory) addTaken(t *testing.T, e cases.Event) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apply(t, e)
	delete(m.cases, e.CaseID)
}

func (m *memory) apply(t *testing.T, e cases.Event) cases.Event {
	t.Helper()
	e.Position = int64(len(m.events)) + 1
	next, err := cases.Apply(m.cases[e.CaseID], e)
	if err != nil {
		t.Fatal(err)
	}
	m.cases[e.CaseID] = next
	m.events = append(m.events, e)
	return e
}

func (m *memory) away(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = is
}

func (m *memory) trouble() error {
	if m.broken {
		return errAway
	}
	return nil
}

func (m *memory) Events(_ context.Context, after int64, limit int) (list []cases.Event, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Position > after && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, m.trouble()
}

func (m *memory) Case(_ context.Context, id string) (cases.Case, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.cases[id]
	if !ok {
		return c, store.ErrNotFound
	}
	return c, m.trouble()
}

func (m *memory) CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	c, err := m.Case(ctx, id)
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []cases.Event
	for _, e := range m.events {
		if e.CaseID == id && (before == 0 || e.Position < before) {
			list = append(list, e)
		}
	}
	return c, list[max(0, len(list)-limit):], err
}

func (m *memory) Cursor(context.Context, string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursor, m.trouble()
}

func (m *memory) Advance(_ context.Context, a store.Advance) ([]cases.Case, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.From != m.cursor {
		return nil, store.ErrConflict
	}
	if m.broken {
		return nil, errAway
	}
	m.cursor = a.To
	for _, n := range a.Notices {
		if !slices.ContainsFunc(m.notices, func(o store.Notice) bool { return o.ID == n.ID }) {
			m.notices = append(m.notices, n)
		}
	}
	return nil, nil
}

func (m *memory) Notices(_ context.Context, now time.Time, limit int) (list []store.Notice, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.notices {
		if n.State == store.NoticeWaiting && !n.At.After(now) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b store.Notice) int { return a.At.Compare(b.At) })
	return list[:min(len(list), limit)], m.trouble()
}

func (m *memory) NoticesOf(_ context.Context, caseID string) (list []store.Notice, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.notices {
		if n.CaseID == caseID {
			list = append(list, n)
		}
	}
	return list, m.trouble()
}

func (m *memory) SettleNotice(_ context.Context, n store.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errAway
	}
	for i := range m.notices {
		if m.notices[i].ID == n.ID {
			m.notices[i].State, m.notices[i].At, m.notices[i].Attempts, m.notices[i].Trouble, m.notices[i].Done = n.State, n.At, n.Attempts, n.Trouble, n.Done
			return nil
		}
	}
	return store.ErrNotFound
}

func (m *memory) PruneNotices(_ context.Context, t time.Time, limit int) (n int, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notices = slices.DeleteFunc(m.notices, func(o store.Notice) bool {
		gone := n < limit && o.State != store.NoticeWaiting && o.Done.Before(t)
		if gone {
			n++
		}
		return gone
	})
	return n, m.trouble()
}

// all is a copy of the notices as they are.
func (m *memory) all() []store.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.notices)
}

// states lists notices as "template recipient state", in the order of their making.
func (m *memory) states() (list []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.notices {
		list = append(list, n.Template+" "+n.To+" "+string(n.State))
	}
	return list
}

// peer is a channel that notes what it got and says what it is told to say.
type peer struct {
	mu   sync.Mutex
	got  []delivery
	says func(m notify.Message) error // nil: yes
}

type delivery struct {
	at time.Time
	m  notify.Message
}

func (p *peer) Send(_ context.Context, m notify.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, delivery{time.Now(), m})
	if p.says == nil {
		return nil
	}
	return p.says(m)
}

func (p *peer) say(f func(notify.Message) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.says = f
}

func (p *peer) deliveries() []delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// subjects lists "03:04 subject" of what came, in Shanghai's time; those of one minute by their words, since they go out side by side.
func (p *peer) subjects() (list []string) {
	for _, d := range p.deliveries() {
		list = append(list, d.at.In(shanghai).Format("15:04 ")+d.m.Subject)
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Compare(a, b) })
	return list
}

var shanghai = time.FixedZone("", 8*3600)

func opened(id string, kind alert.Kind, at time.Time) cases.Event {
	return cases.Event{
		CaseID: id, Type: cases.EventOpened, At: at, AlertID: "a-" + id, Count: 1, Severity: alert.Critical, Situation: "s-" + id,
		Opening: &cases.Opening{Key: id, Kind: kind, Class: "0401", Grid: "330106109001001", Source: "/edges/e1/cameras/gate-1"},
	}
}

func dispatched(id, unit string, at time.Time) cases.Event {
	return cases.Event{
		CaseID: id, Type: cases.EventStepped, At: at, Actor: "desk-1", Action: "dispatch", Workflow: "base", Step: "handle", State: cases.Acknowledged, Unit: unit,
	}
}

func setup() notify.Setup {
	return notify.Setup{Recipients: []notify.Recipient{
		{ID: "desk", Role: "operator", Ways: []notify.Way{{Channel: "hook"}}},
		{ID: "chief", Role: "supervisor", Ways: []notify.Way{{Channel: "hook"}}},
		{ID: "team", Unit: "u1", Ways: []notify.Way{{Channel: "hook"}}, Quiet: []notify.Quiet{{From: "22:00", To: "07:00"}}},
	}}
}

func courier(t *testing.T, m Store, p notify.Channel, change func(*Options)) *Courier {
	t.Helper()
	d, err := notify.NewDesk(setup(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Store: m, Desk: func() *notify.Desk { return d }, Ways: map[string]Way{"hook": {Channel: p, PerMinute: 600, AtOnce: 4}}}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
