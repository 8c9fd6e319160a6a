package deadline

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/loops"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/central/workflow"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
)

func TestMain(m *testing.M) { leak.Main(m) }

// t0 is a Monday, ten o'clock in China.
var t0 = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

// limits are a response by the clock and four working hours from the dispatch.
var limits = []workflow.Limit{
	{Name: "respond", Span: calendar.ByClock(20 * time.Minute), From: workflow.Opened, To: workflow.Taken, Yellow: 0.5},
	{Name: "handle", Span: calendar.Hours(4 * time.Hour), From: workflow.Dispatched, To: workflow.Handled, Yellow: 0.5},
}

// book is what is shipped, with these limits and one unit.
type book struct {
	loops.NoCatalogue
	*loops.Book
}

func (b book) Of(c cases.Case) workflow.Loop { return b.Book.Of(c, b) }
func (book) Limits(string) []workflow.Limit  { return limits }
func (book) Lowest(string) cases.Level       { return cases.GridLevel }
func (book) Responsible(grid, _ string, _ time.Time) string {
	return map[string]string{"330106109001": "parks"}[grid]
}

// world is a job over a real store, with its own clock.
type world struct {
	t     *testing.T
	store *sqlite.Store
	loops book
	job   *Job
	now   time.Time
	woken int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := loops.Default()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, loops: book{Book: b}, now: t0}
	w.restart(s)
	return w
}

// restart is another process that takes over.
func (w *world) restart(s Store) {
	w.t.Helper()
	j, err := New(Options{Store: s, Loops: w.loops, Now: func() time.Time { return w.now }, Wake: func(p int64) { w.woken = p }})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := j.resume(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.job = j
}

func (w *world) open() string {
	w.t.Helper()
	id := alert.NewID()
	w.append(cases.Event{
		CaseID: id, Type: cases.EventOpened, At: w.now, Actor: "wang", Severity: alert.Minor,
		Opening: &cases.Opening{Key: id, Kind: alert.Motion, Class: "0401", Grid: "330106109001", Source: "/edges/reports/sensors/staff", Origin: cases.ByStaff},
	})
	return id
}

func (w *world) append(e cases.Event) {
	w.t.Helper()
	if _, err := w.store.AppendAll(w.t.Context(), []store.Change{{Event: e}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) round() {
	w.t.Helper()
	if err := w.job.round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id string) cases.Case {
	w.t.Helper()
	c, err := w.store.Case(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// do is a step of staff.
func (w *world) do(id, action string, change ...func(*workflow.Request)) {
	w.t.Helper()
	c := w.get(id)
	r := workflow.Request{Action: action, Actor: workflow.Actor{Name: "wang", Role: workflow.Supervisor}, At: w.now}
	if action == "accept" {
		r.Actor.Role = workflow.Worker
	}
	for _, f := range change {
		f(&r)
	}
	e, err := w.loops.Of(c).Do(c, r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(e)
}

// told lists what the rules did to a case, in order: event types, or the actions of steps.
func (w *world) told(id string) string {
	w.t.Helper()
	_, events, err := w.store.CaseFile(w.t.Context(), id, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		switch {
		case e.Rule == "":
		case e.Type == cases.EventTold:
			out = append(out, e.Deadline+" "+string(e.Stage))
		case e.Type == cases.EventStepped:
			out = append(out, e.Action)
		default:
			out = append(out, string(e.Type))
		}
	}
	return strings.Join(out, ", ")
}

func to(unit string) func(*workflow.Request)    { return func(r *workflow.Request) { r.Unit = unit } }
func note(text string) func(*workflow.Request)  { return func(r *workflow.Request) { r.Note = text } }
func till(at time.Time) func(*workflow.Request) { return func(r *workflow.Request) { r.Until = at } }

func TestNewCasesAreTakenIn(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for range 3 {
		ids = append(ids, w.open())
	}
	gone := w.open()
	w.append(cases.Event{CaseID: gone, Type: cases.EventClosed, At: w.now, Actor: "wang", Reason: cases.ReasonFalseAlarm})
	for range 3 { // later rounds and other processes find nothing to do
		w.round()
		w.restart(w.store)
	}
	for _, id := range ids {
		c := w.get(id)
		if c.Workflow != workflow.BaseID || c.Step != "collect" || c.Unit != "parks" || len(c.Deadlines) != 1 || w.told(id) != workflow.BeginRule {
			t.Errorf("%+v, told %s", c, w.told(id))
		}
	}
	if c := w.get(gone); c.Workflow != "" || w.told(gone) != "" {
		t.Errorf("a closed case was taken in: %+v", c)
	}
	w.job.at = w.job.at.Add(time.Hour) // however long the round takes here
	w.round()
	before, err := w.store.Cursor(t.Context(), Name)
	last, errLast := w.store.LastPosition(t.Context())
	if errors.Join(err, errLast) != nil || before >= last || w.job.cursor != last || w.woken == 0 {
		t.Errorf("read up to %d, stored %d of %d, %v", w.job.cursor, before, last, errors.Join(err, errLast))
	}
	w.job.at = w.job.at.Add(-time.Hour - lazyTime) // nothing came of the last events: their cursor is stored a little later
	if err := w.job.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, err := w.store.Cursor(t.Context(), Name); err != nil || after != last {
		t.Errorf("the cursor is at %d of %d, %v", after, last, err)
	}
}

func TestDeadlinesTurn(t *testing.T) {
	w := newWorld(t)
	id := w.open()
	w.round()
	at := func(d time.Duration) { w.now = t0.Add(d); w.round(); w.round() }
	at(9 * time.Minute)
	at(10 * time.Minute)
	at(20 * time.Minute)
	if got := w.told(id); got != "intake, respond yellow, respond red, supervise, escalate" {
		t.Errorf("told %s", got)
	}
	if c := w.get(id); c.Supervised != 1 || c.Level != cases.CommunityLevel || c.Step != "collect" {
		t.Errorf("%+v", c)
	}
	// From 10:30: four working hours end at 16:00, half of them at half past two ... of the afternoon that begins at two.
	w.now = t0.Add(30 * time.Minute)
	w.do(id, "dispatch", to("parks"))
	at(4*time.Hour + 29*time.Minute)
	if got := w.told(id); strings.Contains(got, "handle") {
		t.Errorf("told too early: %s", got)
	}
	at(6*time.Hour + 30*time.Minute) // past both: yellow is no news any more
	if got := w.told(id); !strings.HasSuffix(got, "escalate, handle red, supervise, escalate") {
		t.Errorf("told %s", got)
	}
}

func TestParkedCasesRest(t *testing.T) {
	w := newWorld(t)
	id := w.open()
	w.do(id, "dispatch", to("parks"))
	w.do(id, "accept")
	w.do(id, "park", note("frost"))
	w.now = t0.AddDate(0, 1, 0)
	w.round()
	if got := w.told(id); got != "" {
		t.Errorf("told %s of a parked case", got)
	}
	w.do(id, "unpark")
	w.now = w.now.AddDate(0, 0, 7)
	w.round()
	if got := w.told(id); got != "handle red, supervise, escalate" {
		t.Errorf("told %s", got)
	}
}

func TestAcknowledgementsAndSnoozesEnd(t *testing.T) {
	w := newWorld(t)
	taken, snoozed := w.open(), w.open()
	w.round()
	w.do(taken, "acknowledge", till(t0.Add(5*time.Minute)))
	w.do(snoozed, "snooze", till(t0.Add(6*time.Minute)))
	w.now = t0.Add(5 * time.Minute)
	w.round()
	if c := w.get(taken); c.State != cases.Open || c.Assignee != "" || w.told(taken) != "intake, lapse" || w.told(snoozed) != "intake" {
		t.Errorf("%+v, told %s; %s", c, w.told(taken), w.told(snoozed))
	}
	w.now = t0.Add(7 * time.Minute)
	w.round()
	w.round()
	if c := w.get(snoozed); !c.WakeAt.IsZero() || w.told(snoozed) != "intake, woke" {
		t.Errorf("%+v, told %s", c, w.told(snoozed))
	}
}

func TestChildrenCloseWithTheirParent(t *testing.T) {
	w := newWorld(t)
	parent, early, late, alone := w.open(), w.open(), w.open(), w.open()
	merge := func(child string) {
		w.append(cases.Event{CaseID: child, Type: cases.EventMerged, At: w.now, Actor: "wang", Into: parent})
	}
	merge(early)
	w.round()
	w.do(parent, "close", func(r *workflow.Request) { r.Reason = cases.ReasonHandled })
	w.round()
	merge(late) // into one that is closed
	w.round()
	w.round()
	for _, id := range []string{early, late} {
		if c := w.get(id); c.State != cases.Closed || c.Reason != cases.ReasonDuplicate || c.ClosedBy != "rule:"+FollowRule || c.Automatic() {
			t.Errorf("%+v", c)
		}
	}
	if c := w.get(alone); c.State != cases.Open {
		t.Errorf("%+v", c)
	}
}

func TestNoClockOnMergedCases(t *testing.T) {
	w := newWorld(t)
	parent, child := w.open(), w.open()
	w.round()
	w.append(cases.Event{CaseID: child, Type: cases.EventMerged, At: w.now, Actor: "wang", Into: parent})
	w.now = t0.Add(time.Hour)
	w.round()
	if got := w.told(child); got != workflow.BeginRule || w.get(parent).Supervised != 1 {
		t.Errorf("told %s of a merged case", got)
	}
}

func TestACalendarWithoutTheYearStopsNobody(t *testing.T) {
	w := newWorld(t)
	w.now = time.Date(2031, 5, 6, 2, 0, 0, 0, time.UTC)
	old := limits
	limits = []workflow.Limit{{Name: "days", Span: calendar.WorkingDays(1), From: workflow.Opened, To: workflow.Closed}}
	defer func() { limits = old }()
	id := w.open()
	w.round()
	if c := w.get(id); c.Step != "collect" || len(c.Deadlines) != 0 {
		t.Errorf("%+v", c)
	}
}

// leader lets the job work once and counts.
type leader struct{ turns atomic.Int32 }

func (l *leader) Lead(ctx context.Context, task string, do func(context.Context) error) error {
	if task != Name {
		return context.Canceled
	}
	l.turns.Add(1)
	return do(ctx)
}

func TestRunWorksWhenSomethingIsCommitted(t *testing.T) {
	w := newWorld(t)
	changed := make(chan struct{})
	lead := &leader{}
	begun := make(chan int64, 16)
	j, err := New(Options{
		Store: w.store, Loops: w.loops, Lead: lead, Now: func() time.Time { return t0 }, Changed: func() <-chan struct{} { // one bell, then silence
			select {
			case <-changed:
				return nil
			default:
				return changed
			}
		},
		Wake: func(p int64) { begun <- p },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	id := w.open()
	close(changed)
	<-begun
	cancel()
	if err := <-done; err != nil || lead.turns.Load() == 0 || w.get(id).Step != "collect" {
		t.Errorf("%v after %d turns, %+v", err, lead.turns.Load(), w.get(id))
	}
}

func TestOptionsAreDemanded(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a job of nothing was made")
	}
}
