package courier

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/central/cases"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/alert"
)

// mortal is a store whose process is killed at a certain call: before it does anything, or after it did and before it answers.
type mortal struct {
	Store
	mu    sync.Mutex
	left  int
	late  bool
	dead  bool
	onEnd func()
}

var errKilled = errors.New("the process is dead")

// call counts one call and says whether it may do its work, and whether its answer is heard.
func (m *mortal) call() (does, heard bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false, false
	}
	if m.left--; m.left > 0 {
		return true, true
	}
	m.dead = true
	m.onEnd()
	return m.late, false
}

func (m *mortal) Advance(ctx context.Context, a store.Advance) ([]cases.Case, error) {
	does, heard := m.call()
	if does {
		if after, err := m.Store.Advance(context.WithoutCancel(ctx), a); heard {
			return after, err
		}
	}
	return nil, errKilled
}

func (m *mortal) Notices(ctx context.Context, now time.Time, limit int) ([]store.Notice, error) {
	if _, heard := m.call(); heard {
		return m.Store.Notices(ctx, now, limit)
	}
	return nil, errKilled
}

func (m *mortal) SettleNotice(ctx context.Context, n store.Notice) error {
	does, heard := m.call()
	if does {
		if err := m.Store.SettleNotice(context.WithoutCancel(ctx), n); heard {
			return err
		}
	}
	return errKilled
}

// ledger is what the other side knows: how often it said yes to each notice.
type ledger struct {
	mu      sync.Mutex
	yes     map[string]int
	refuses func() bool
}

func (l *ledger) Send(_ context.Context, m notify.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses() {
		return &notify.Trouble{Said: "the other side answered 503"}
	}
	l.yes[m.ID]++
	return nil
}

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// life is one process from its start until it is killed or has done what there was.
func life(t *rapid.T, s Store, l *ledger, c *clock, calls int, late bool, rounds int) (killed bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := &mortal{Store: s, left: calls, late: late, onEnd: cancel}
	d, err := notify.NewDesk(propertySetup(), nil)
	if err != nil {
		t.Fatal(err)
	}
	co, err := New(Options{Store: m, Desk: func() *notify.Desk { return d }, Now: c.now, Ways: map[string]Way{
		"hook": {Channel: l, PerMinute: 6000, AtOnce: 3}, "group": {Channel: l, PerMinute: 6000, AtOnce: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	f, sender := &follower{c: co}, co.newSender()
	for range rounds {
		c.at = c.at.Add(30 * time.Minute)
		_, followed := f.step(ctx)
		sent := sender.round(ctx, ctx)
		for len(sender.under) > 0 {
			sender.note(<-sender.ended)
		}
		if m.dead {
			return true
		}
		if followed != nil || sent != nil {
			t.Fatal(followed, sent)
		}
	}
	return false
}

func propertySetup() notify.Setup {
	s := setup()
	s.Recipients[0].Ways = append(s.Recipients[0].Ways, notify.Way{Channel: "group"})
	return s
}

// TestKilledAtAnyPoint: while the process is killed again and again, each (event, recipient, channel, step) is kept once and told; it is told
// again only where the process died between the yes of the other side and the note of it.
func TestKilledAtAnyPoint(t *testing.T) {
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db"), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{at: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)}
		down := rapid.IntRange(0, 6).Draw(t, "refusals")
		l := &ledger{yes: map[string]int{}, refuses: func() bool { down--; return down >= 0 }}
		var ids []string
		for range rapid.IntRange(1, 3).Draw(t, "cases") {
			number++
			ids = append(ids, fmt.Sprintf("c%06d", number))
			happen(t, s, ids[len(ids)-1], rapid.Bool().Draw(t, "life-safety"), c.at)
		}
		lives := rapid.IntRange(0, 6).Draw(t, "lives")
		for range lives {
			life(t, s, l, c, rapid.IntRange(1, 30).Draw(t, "calls"), rapid.Bool().Draw(t, "late"), 5)
		}
		down = 0
		if life(t, s, l, c, 1<<30, false, 26) {
			t.Fatal("the last life ended")
		}
		total := 0
		for _, id := range ids {
			total += told(t, s, l, id)
		}
		if repeated := total - len(l.yes); repeated > lives*4 { // four under way at a time
			t.Fatalf("%d repetitions in %d lives", repeated, lives)
		}
	})
}

// happen lets a case be opened and dispatched.
func happen(t *rapid.T, s *sqlite.Store, id string, grave bool, at time.Time) {
	e := opened(id, alert.Motion, at)
	if grave {
		e = opened(id, alert.Fire, at)
	}
	e.Count, e.AlertID, e.Opening.Origin = 0, "", cases.ByStaff
	if _, err := s.AppendAll(context.Background(), []store.Change{{Event: e}, {Event: dispatched(id, "u1", at)}}); err != nil {
		t.Fatal(err)
	}
}

// told checks the notices of a case against what should be, and returns how often the other side said yes to them.
func told(t *rapid.T, s *sqlite.Store, l *ledger, id string) (total int) {
	ctx := context.Background()
	kept, err := s.NoticesOf(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := notify.NewDesk(propertySetup(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, events, err := s.CaseFile(ctx, id, 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	should := map[string]bool{}
	for _, e := range events {
		for _, n := range d.Plan(c, e, false) {
			should[n.ID] = true
		}
	}
	for _, n := range kept {
		_, step := notify.TemplateOf(n.Template)
		answered := step > 0 && n.Position < c.Position // dispatched after it was opened
		good := n.State == store.NoticeSent && l.yes[n.ID] > 0 || answered && n.State == store.NoticeNeedless
		if !should[n.ID] || !good {
			t.Fatalf("%+v, told %d times", n, l.yes[n.ID])
		}
		delete(should, n.ID)
		total += l.yes[n.ID]
	}
	if len(should) > 0 {
		t.Fatalf("case %s: %d notices are missing", id, len(should))
	}
	return total
}
