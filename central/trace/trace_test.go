package trace

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

const (
	alertID = "0195500a-0000-7000-8000-000000000001"
	caseID  = "0195500a-0000-7000-8000-0000000000c1"
)

func stored(change ...func(*store.StoredAlert)) *store.StoredAlert {
	a := store.StoredAlert{Position: 7, CaseID: caseID}
	a.Alert = alert.Alert{
		ID: alertID, Source: alert.CameraSource("town-1", "gate"), Kind: alert.Motion, State: alert.Raised, Situation: alertID,
		OccurredAt: t0, Clock: alert.EdgeClock, Uncertainty: 40 * time.Millisecond, RaisedAt: t0.Add(300 * time.Millisecond),
	}
	a.ReceivedAt = t0.Add(-4500 * time.Millisecond) // central's clock is 5 s behind
	for _, f := range change {
		f(&a)
	}
	return &a
}

func opened(count int64) cases.Event {
	return cases.Event{Position: 40, CaseID: caseID, Type: cases.EventOpened, At: t0.Add(-4490 * time.Millisecond), AlertID: alertID, Count: count, From: t0, To: t0, Opening: &cases.Opening{}}
}

func whole() Facts {
	return Facts{
		ID: alertID, Alert: stored(), Case: &cases.Case{ID: caseID}, Edge: &store.Edge{ID: "town-1", SkewMs: 5000},
		Events: []cases.Event{
			opened(1),
			{Position: 41, Type: cases.EventJoined, Count: 3, At: t0, From: t0.Add(time.Second), To: t0.Add(time.Minute), AlertID: "other"},
			{Position: 42, Type: cases.EventMerged, Rule: "same-street", Into: "other-case", At: t0.Add(time.Second)},
			{Position: 43, Type: cases.EventAcknowledged, Actor: "post-3", At: t0.Add(time.Minute)},
		},
		Notices: []store.Notice{{Position: 40, Channel: "desk", To: "post-3", State: store.NoticeSent, Attempts: 1, Done: t0}, {Position: 43, Channel: "desk"}},
		Lines:   Lines{Committed: t0.Add(310 * time.Millisecond), FirstSent: t0.Add(320 * time.Millisecond), Answered: t0.Add(520 * time.Millisecond), Attempts: 2, Outcome: "accepted", Found: 2},
	}
}

// Each step that somebody noted has its time, where it is known from, and its delay by one clock.
func TestTheTenSteps(t *testing.T) {
	got := Of(whole())
	wantKnown := []Source{FromAlert, Unknown, Unknown, FromAlert, FromLog, FromLog, FromStore, FromStore, FromStore, FromStore}
	wantAfter := []float64{-1, -1, -1, 300, 10, 10, 180, 10, 0, 0}
	for i, s := range got.Steps {
		if s.N != i+1 || s.Known != wantKnown[i] || s.At.IsZero() != (s.Known == Unknown) {
			t.Errorf("step %d: %+v", i+1, s)
		}
		if after := s.AfterMs; (after == nil) != (wantAfter[i] < 0) || after != nil && *after != wantAfter[i] {
			t.Errorf("step %d comes %v after the one before, want %v", i+1, after, wantAfter[i])
		}
	}
	if got.Outcome != Opened || got.TotalMs == nil || *got.TotalMs != 510 || len(got.Told) != 1 {
		t.Errorf("%+v", got)
	}
	if len(got.Later) != 2 || got.Later[0].By != "rule" || got.Later[0].Into != "other-case" || got.Later[1].By != "staff" {
		t.Errorf("later %+v", got.Later)
	}
}

// What nobody noted is said to be unknown: no time, no delay across clocks that were not compared.
func TestWhatIsNotKnown(t *testing.T) {
	f := whole()
	f.Lines, f.Edge = Lines{}, nil
	got := Of(f)
	if s := got.Steps[4]; s.Known != Unknown || !strings.Contains(s.Note, "edge's log") {
		t.Errorf("outbox: %+v", s)
	}
	if s := got.Steps[6]; s.AfterMs != nil || got.TotalMs != nil {
		t.Errorf("a delay across clocks: %+v, total %v", s, got.TotalMs)
	}
}

func TestOutcomes(t *testing.T) {
	joined := cases.Event{Position: 50, Type: cases.EventJoined, AlertID: "first", Count: 9, At: t0.Add(time.Hour), From: t0.Add(-time.Second), To: t0.Add(time.Second)}
	for name, tc := range map[string]struct {
		change func(*Facts)
		want   Outcome
		why    string
	}{
		"opened":    {func(*Facts) {}, Opened, "opened one"},
		"follows":   {func(f *Facts) { f.Events[0].Opening.Previous = "c0" }, Opened, "follows c0"},
		"drill":     {func(f *Facts) { f.Alert.Exercise = true }, Opened, "drill"},
		"joined":    {func(f *Facts) { f.Events = []cases.Event{joined} }, Joined, "with 8 others"},
		"reopened":  {func(f *Facts) { f.Events[0].Type = cases.EventReopened }, Reopened, "closed by itself"},
		"cleared":   {func(f *Facts) { f.Events[0].Type = cases.EventCleared }, Ended, "end of a situation"},
		"old":       {func(f *Facts) { f.Events = nil }, Joined, "not among the newest"},
		"overtaken": {func(f *Facts) { f.Alert.CaseID, f.Alert.State, f.Events = "", alert.Cleared, nil }, NoCase, "remembered"},
		"waiting":   {func(f *Facts) { f.Alert, f.Lines.Outcome = nil, "" }, Held, "outbox status"},
		"rejected":  {func(f *Facts) { f.Alert, f.Lines.Outcome = nil, "rejected" }, Rejected, "dead letter"},
		"pruned":    {func(f *Facts) { f.Alert = nil }, Forgot, "retention"},
	} {
		f := whole()
		tc.change(&f)
		got := Of(f)
		if got.Outcome != tc.want || !strings.Contains(got.Why, tc.why) || len(got.Steps) != 10 {
			t.Errorf("%s: %s, %q", name, got.Outcome, got.Why)
		}
		var out bytes.Buffer
		if err := got.Write(&out); err != nil || !strings.Contains(out.String(), "10 feed") || strings.Contains(out.String(), "post-3") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// Whatever is said has a code that stays and the arguments of its sentence; no sentence is without its use.
func TestWhatIsSaidHasACode(t *testing.T) {
	console, err := os.ReadFile("../console/web/src/trace/api.ts")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	look := func(where, words, code string, args map[string]string) {
		want, known := Sentences[code]
		for name, value := range args {
			if !strings.Contains(want, "{"+name+"}") {
				t.Errorf("%s: %s has no place for %s", where, code, name)
			}
			want = strings.ReplaceAll(want, "{"+name+"}", value)
		}
		if used[code] = true; !known || strings.ContainsAny(want, "{}") || !strings.HasPrefix(words, want) {
			t.Errorf("%s: %q is said, and %q with %v is %q", where, words, code, args, want)
		}
	}
	for name, f := range everySort() {
		got := Of(f)
		look(name, got.Why, got.WhyCode, got.WhyArgs)
		for _, s := range got.Steps {
			if s.Note != "" {
				look(name, s.Note, s.NoteCode, s.NoteArgs)
			}
		}
	}
	for code := range Sentences {
		if !used[code] {
			t.Errorf("nothing says %s", code)
		}
		if !bytes.Contains(console, []byte("'"+code+"'")) {
			t.Errorf("the console has no words for %s", code)
		}
	}
}

// everySort are facts of which together every sentence comes.
func everySort() map[string]Facts {
	out := map[string]Facts{}
	add := func(name string, change func(*Facts)) {
		f := whole()
		change(&f)
		out[name] = f
	}
	kind := func(e cases.EventType) func(*Facts) { return func(f *Facts) { f.Events[0].Type = e } }
	add("opened", func(*Facts) {})
	add("follows", func(f *Facts) { f.Events[0].Opening.Previous = "c0" })
	add("reopened", kind(cases.EventReopened))
	add("cleared", kind(cases.EventCleared))
	add("joined", func(f *Facts) { f.Events[0].Type, f.Events[0].Count = cases.EventJoined, 9 })
	add("old", func(f *Facts) { f.Events = nil })
	add("only its end", func(f *Facts) { f.Alert.CaseID, f.Alert.State, f.Events = "", alert.Cleared, nil })
	add("no case", func(f *Facts) { f.Alert.CaseID, f.Events = "", nil })
	add("no log", func(f *Facts) { f.Lines, f.Alert.Clock = Lines{}, alert.ReceiveClock })
	add("a sensor", func(f *Facts) { f.Alert.Reading, f.Alert.Clock = &alert.Measure{}, alert.CameraClock })
	add("minted", func(f *Facts) { f.Alert.RaisedAt = time.Time{} })
	add("refused", func(f *Facts) { f.Alert, f.Lines.Outcome = nil, "rejected" })
	add("deleted", func(f *Facts) { f.Alert, f.ID = nil, "x" })
	add("at the edge", func(f *Facts) { f.Alert, f.Lines = nil, Lines{} })
	return out
}

// An id holds the time of its making: an alert that never arrived has at least that.
func TestTheIDHoldsATime(t *testing.T) {
	id := alert.NewID()
	got := Of(Facts{ID: id, Lines: Lines{Found: 1}}).Steps[3]
	if got.Known != FromID || time.Since(got.At) > time.Hour {
		t.Errorf("%+v", got)
	}
	if got := Of(Facts{ID: "x"}).Steps[3]; got.Known != Unknown {
		t.Errorf("no UUID: %+v", got)
	}
}

func TestScan(t *testing.T) {
	log := `{"time":"2026-03-01T08:00:00.31Z","level":"INFO","msg":"alert committed","alert":"` + alertID + `","kind":"motion"}
Mar 01 08:00:01 box gridgate-edge[7]: {"time":"2026-03-01T08:00:00.52Z","msg":"alert answered","alert":"` + alertID + `","sent":"2026-03-01T08:00:00.32Z","attempts":2,"outcome":"accepted"}
{"time":"2026-03-01T09:00:00Z","msg":"alert committed","alert":"` + alert.NewID() + `"}
not JSON ` + alertID + `
{"msg":"alert committed","note":"` + alertID + `"}
` + strings.Repeat("x", 3*maxLogLine) + alertID + `
{"time":"2026-03-01T08:00:05Z","msg":"alert committed","alert":"` + alertID + `"}`
	var l Lines
	if err := l.Scan(strings.NewReader(log), alertID); err != nil {
		t.Fatal(err)
	}
	want := Lines{Committed: t0.Add(310 * time.Millisecond), FirstSent: t0.Add(320 * time.Millisecond), Answered: t0.Add(520 * time.Millisecond), Attempts: 2, Outcome: "accepted", Found: 3, Long: 1}
	if l != want {
		t.Errorf("%+v", l)
	}
	bad := errors.New("no disk")
	if err := l.Scan(failing{bad}, alertID); !errors.Is(err, bad) {
		t.Errorf("a log that cannot be read: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"msg":"alert committed","alert":"` + alertID + `"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var l Lines
		if err := l.Scan(bytes.NewReader(data), alertID); err != nil {
			t.Error(err)
		}
		if got := Of(Facts{ID: alertID, Lines: l}); len(got.Steps) != 10 {
			t.Error(got)
		}
	})
}

// shelf is a store of one alert and its case.
type shelf struct{ f Facts }

func (s shelf) Alert(_ context.Context, id string) (store.StoredAlert, error) {
	if id != alertID {
		return store.StoredAlert{}, store.ErrNotFound
	}
	return *s.f.Alert, nil
}

func (s shelf) CaseFile(_ context.Context, id string, _ int64, _ int) (cases.Case, []cases.Event, error) {
	if id != caseID {
		return cases.Case{}, nil, store.ErrNotFound
	}
	return *s.f.Case, s.f.Events, nil
}

func (s shelf) NoticesOf(context.Context, string) ([]store.Notice, error) { return s.f.Notices, nil }
func (s shelf) Edge(context.Context, string) (store.Edge, error) {
	return store.Edge{}, store.ErrNotFound
}

func (s shelf) Alerts(context.Context, store.Query) ([]store.StoredAlert, string, error) {
	newest := *s.f.Alert
	newest.ID = "newest"
	return []store.StoredAlert{newest}, "", nil
}

func (s shelf) EvidenceAlerts(_ context.Context, sha256 string) ([]string, error) {
	if strings.HasPrefix(sha256, "a") {
		return []string{alertID}, nil
	}
	return nil, nil
}

func TestFindAndRead(t *testing.T) {
	s := shelf{whole()}
	for id, want := range map[string][]string{
		alertID: {alertID}, caseID: {alertID, "newest"}, strings.Repeat("a", 64): {alertID}, "stranger": {"stranger"},
	} {
		if got, err := Find(t.Context(), s, id); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
	if _, err := Find(t.Context(), s, strings.Repeat("b", 64)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a picture of nothing: %v", err)
	}
	f, err := Read(t.Context(), s, alertID)
	if err != nil || f.Case == nil || len(f.Events) != 4 || f.Edge != nil {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := Read(t.Context(), s, "stranger"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
}
