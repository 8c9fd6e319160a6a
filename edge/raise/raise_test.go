package raise_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestMemoryKeepsTheContract(t *testing.T) {
	raisetest.TestLog(t,
		func(*testing.T) raise.Log { return &raise.Memory{} },
		func(_ *testing.T, l raise.Log) raise.Log { return l })
}

// clock is a clock that stands until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func signal(kind alert.Kind, phase observation.Phase, at time.Duration) raise.Signal {
	return raise.Signal{
		Observation: observation.Observation{Device: "d1", Kind: kind, Phase: phase, At: start.Add(at)},
		Source:      alert.SensorSource("e1", "d1"), Edge: "e1", Grid: "330106001001001", Origin: "test", Clock: alert.EdgeClock,
	}
}

func states(alerts []alert.Alert) string {
	var out []string
	for _, a := range alerts {
		s := string(a.State)
		if a.Exercise {
			s += "(drill)"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

const (
	active    = observation.Active
	inactive  = observation.Inactive
	momentary = observation.Momentary
)

// step is one signal at a time in milliseconds, or none where only the clock moves, and the alerts that it must bring.
type step struct {
	ms    int
	phase observation.Phase
	mod   func(*raise.Signal)
	want  string
}

func drill(s *raise.Signal)    { s.Exercise = true }
func retained(s *raise.Signal) { s.Retained = true }

func TestStateMachine(t *testing.T) {
	patient := map[alert.Kind]raise.Debounce{
		alert.Motion: {MinActive: time.Second, ClearHold: 2 * time.Second},
		alert.Smoke:  {MinActive: time.Minute, ClearHold: 2 * time.Second},
	}
	tests := []struct {
		name  string
		kind  alert.Kind
		steps []step
	}{
		{"a state is raised and cleared once", alert.Door, []step{
			{0, inactive, nil, ""}, {10, active, nil, "raised"}, {20, active, nil, ""}, {30, inactive, nil, "cleared"}, {40, inactive, nil, ""},
			{50, active, nil, "raised"},
		}},
		{"retained state raises only what is new", alert.Door, []step{
			{0, active, retained, "raised"}, {10, active, retained, ""}, {20, inactive, retained, "cleared"}, {30, momentary, retained, ""},
		}},
		{"a drill gives way to the real thing", alert.Door, []step{
			{0, active, drill, "raised(drill)"}, {10, active, nil, "cleared(drill) raised"}, {20, active, drill, ""}, {30, inactive, nil, "cleared"},
		}},
		{"moments within a second are one", alert.Vibration, []step{
			{0, momentary, nil, "momentary"}, {999, momentary, nil, ""}, {1000, momentary, nil, "momentary"},
		}},
		{"a second call for help is a second alert", alert.SOS, []step{
			{0, momentary, nil, "momentary"}, {299, momentary, nil, ""}, {300, momentary, nil, "momentary"},
		}},
		{"a short state is not raised", alert.Motion, []step{
			{0, active, nil, ""}, {900, inactive, nil, ""}, {2000, "", nil, ""},
		}},
		{"a state that lasts is raised by the clock", alert.Motion, []step{
			{0, active, nil, ""}, {999, "", nil, ""}, {1000, "", nil, "raised"}, {2000, "", nil, ""},
		}},
		{"a state that lasts is raised by the next signal", alert.Motion, []step{
			{0, active, nil, ""}, {1500, active, nil, "raised"}, {1600, inactive, nil, ""}, {3600, "", nil, "cleared"},
		}},
		{"a state that lasted and ended before the clock was asked", alert.Motion, []step{
			{0, active, nil, ""}, {5000, inactive, nil, "raised"}, {7000, "", nil, "cleared"},
		}},
		{"a state that returns goes on", alert.Motion, []step{
			{0, active, nil, ""}, {1000, "", nil, "raised"}, {2000, inactive, nil, ""}, {3000, inactive, nil, ""}, {3900, active, nil, ""},
			{9000, "", nil, ""}, {9500, inactive, nil, ""}, {11500, active, nil, "cleared"}, {12500, "", nil, "raised"},
		}},
		{"life-safety never waits to be raised", alert.Smoke, []step{
			{0, active, nil, "raised"}, {10, inactive, nil, ""}, {2010, "", nil, "cleared"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{now: start}
			r := newRaiser(t, raise.Options{Log: &raise.Memory{}, Now: c.Now, Debounce: patient})
			for i, s := range tt.steps {
				at := time.Duration(s.ms) * time.Millisecond
				c.now = start.Add(at)
				var got []alert.Alert
				var err error
				if s.phase == "" {
					got, err = r.Advance(t.Context(), c.now)
				} else {
					sig := signal(tt.kind, s.phase, at)
					if s.mod != nil {
						s.mod(&sig)
					}
					got, err = r.Raise(t.Context(), "", []raise.Signal{sig}, nil)
				}
				if err != nil || states(got) != s.want {
					t.Fatalf("step %d at %d ms: got %q, %v, want %q", i, s.ms, states(got), err, s.want)
				}
			}
		})
	}
}

// TestAClockThatStandsMergesNoPresses: the device gives every press the same time; what arrives apart is not one press.
func TestAClockThatStandsMergesNoPresses(t *testing.T) {
	for _, kind := range []alert.Kind{alert.SOS, alert.Vibration} {
		c := &clock{now: start}
		r := newRaiser(t, raise.Options{Log: &raise.Memory{}, Now: c.Now})
		for _, s := range []struct {
			arrives time.Duration
			want    string
		}{{0, "momentary"}, {1500 * time.Millisecond, ""}, {2 * time.Second, ""}, {2001 * time.Millisecond, "momentary"}, {time.Hour, "momentary"}} {
			c.now = start.Add(s.arrives)
			press := signal(kind, momentary, 0)
			press.Clock = alert.CameraClock
			got, err := r.Raise(t.Context(), "", []raise.Signal{press}, nil)
			if err != nil || states(got) != s.want {
				t.Errorf("%s, arriving after %v: got %q, %v, want %q", kind, s.arrives, states(got), err, s.want)
			}
		}
	}
}

// TestAClockSetBackMergesNoPresses: the edge tells the time itself, and is set back by a second between two presses.
func TestAClockSetBackMergesNoPresses(t *testing.T) {
	for kind, window := range map[alert.Kind]time.Duration{alert.SOS: raise.LifeSafetyMomentWindow, alert.Vibration: raise.MomentWindow} {
		for _, told := range []alert.Clock{alert.EdgeClock, alert.ReceiveClock} {
			steady := &clock{now: start}
			r := newRaiser(t, raise.Options{Log: &raise.Memory{}, Now: steady.Now})
			for _, s := range []struct {
				passed time.Duration
				want   string
			}{{0, "momentary"}, {window / 2, ""}, {window + time.Millisecond, "momentary"}} {
				steady.now = start.Add(s.passed)
				press := signal(kind, momentary, 0)
				press.Clock = told
				if got, err := r.Raise(t.Context(), "", []raise.Signal{press}, nil); err != nil || states(got) != s.want {
					t.Errorf("%s by the clock %s, after %v: got %q, %v, want %q", kind, told, s.passed, states(got), err, s.want)
				}
			}
		}
	}
}

// The steady clock tells two presses apart whatever the wall clock was set to between them, back by just as long as passed too.
func TestAClockSetBackByAsMuchAsPassedMergesNoPresses(t *testing.T) {
	var steady time.Duration
	wall := &clock{now: start}
	r := newRaiser(t, raise.Options{Log: &raise.Memory{}, Now: wall.Now, Steady: func() time.Duration { return steady }})
	for i, passed := range []time.Duration{0, time.Second, 10 * time.Second} {
		steady += passed // and the wall clock shows the same as before
		press := signal(alert.SOS, momentary, 0)
		press.Clock = alert.ReceiveClock
		if got, err := r.Raise(t.Context(), "", []raise.Signal{press}, nil); err != nil || states(got) != "momentary" {
			t.Errorf("press %d: got %q, %v", i, states(got), err)
		}
	}
}

func newRaiser(t testing.TB, o raise.Options) *raise.Raiser {
	t.Helper()
	r, err := raise.New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestATimeIsNoSurerThanTheClock: while the edge's clock is known to be off, every alert says by how much, whoever told its time.
func TestATimeIsNoSurerThanTheClock(t *testing.T) {
	off := time.Duration(0)
	r := newRaiser(t, raise.Options{Log: &raise.Memory{}, Uncertainty: func() time.Duration { return off }})
	for i, tt := range []struct{ off, told, want time.Duration }{
		{0, 40 * time.Millisecond, 40 * time.Millisecond},
		{5 * time.Second, 40 * time.Millisecond, 5 * time.Second},
		{5 * time.Second, time.Minute, time.Minute},
	} {
		off = tt.off
		on := signal(alert.Door, []observation.Phase{active, inactive, active}[i], time.Duration(i)*time.Minute)
		on.Uncertainty = tt.told
		got, err := r.Raise(t.Context(), "", []raise.Signal{on}, nil)
		if err != nil || len(got) != 1 || got[0].Uncertainty != tt.want {
			t.Errorf("%+v: %+v, %v", tt, got, err)
		}
	}
}

func TestClearNamesItsSituation(t *testing.T) {
	r := newRaiser(t, raise.Options{Log: &raise.Memory{}})
	n, value := 4, 0.5
	on := signal(alert.Presence, active, 0)
	on.Count, on.Score, on.Object = &n, &value, alert.Person
	raised, err := r.Raise(t.Context(), "", []raise.Signal{on}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cleared, err := r.Raise(t.Context(), "", []raise.Signal{signal(alert.Presence, inactive, time.Minute)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := raised[0], cleared[0]
	if a.Situation != a.ID || b.Situation != a.ID || b.ID == a.ID || b.Key != a.Key || a.Severity != alert.Minor || a.CountBucket != alert.CountFew {
		t.Errorf("raised %+v, cleared %+v", a, b)
	}
	if !b.OccurredAt.Equal(start.Add(time.Minute)) || b.CountBucket != "" || b.Score != nil {
		t.Errorf("the clear tells of the raise: %+v", b)
	}
	for _, x := range []alert.Alert{a, b} {
		if _, err := alert.Encode(x); err != nil {
			t.Error(err)
		}
	}
}

func TestInvalidSignalsNameTheField(t *testing.T) {
	tests := map[string]func(*raise.Signal){
		"grid":       func(s *raise.Signal) { s.Grid = "1" },
		"occurredAt": func(s *raise.Signal) { s.At = time.Time{} },
		"phase":      func(s *raise.Signal) { s.Phase = "on" },
		"kind":       func(s *raise.Signal) { s.Kind = "face" },
		"clock":      func(s *raise.Signal) { s.Clock = "" },
		"origin":     func(s *raise.Signal) { s.Origin = "" },
		"source":     func(s *raise.Signal) { s.Device = "other" },
		"severity":   func(s *raise.Signal) { s.Severity = "loud" },
	}
	for field, spoil := range tests {
		t.Run(field, func(t *testing.T) {
			log := &raise.Memory{}
			r := newRaiser(t, raise.Options{Log: log})
			bad := signal(alert.Door, active, 0)
			spoil(&bad)
			_, err := r.Raise(t.Context(), "m", []raise.Signal{signal(alert.Smoke, active, 0), bad}, nil)
			if !errors.Is(err, raise.ErrInvalid) || !strings.Contains(err.Error(), field) {
				t.Errorf("error %v, want one that names %s", err, field)
			}
			if len(r.Open()) != 0 {
				t.Error("an invalid message changed something")
			}
		})
	}
	r := newRaiser(t, raise.Options{Log: &raise.Memory{}})
	if _, err := r.Raise(t.Context(), "", nil, []alert.Reading{{}}); !errors.Is(err, raise.ErrInvalid) || !strings.Contains(err.Error(), "grid") {
		t.Errorf("reading: %v", err)
	}
}

// failingLog fails while told to.
type failingLog struct {
	raise.Memory
	fail bool
}

func (l *failingLog) Commit(ctx context.Context, c raise.Commit) (bool, error) {
	if l.fail {
		return false, errors.New("disk on fire")
	}
	return l.Memory.Commit(ctx, c)
}

func TestNothingIsRememberedThatWasNotCommitted(t *testing.T) {
	log := &failingLog{fail: true}
	r := newRaiser(t, raise.Options{Log: log})
	on := []raise.Signal{signal(alert.SOS, momentary, 0), signal(alert.Gas, active, 0)}
	if got, err := r.Raise(t.Context(), "m", on, nil); err == nil || errors.Is(err, raise.ErrInvalid) || got != nil {
		t.Fatalf("got %v, %v", got, err)
	}
	log.fail = false
	if got, err := r.Raise(t.Context(), "m", on, nil); err != nil || states(got) != "momentary raised" {
		t.Fatalf("after the failure: %q, %v", states(got), err)
	}
	if got, err := r.Raise(t.Context(), "m", []raise.Signal{signal(alert.Gas, inactive, 0)}, nil); err != nil || got != nil {
		t.Fatalf("the same message again: %q, %v", states(got), err)
	}
	if len(r.Open()) != 1 {
		t.Error("the duplicate closed the situation")
	}
}

func TestManyCallersRaiseAKeyOnce(t *testing.T) {
	r := newRaiser(t, raise.Options{Log: &raise.Memory{}})
	var mu sync.Mutex
	raised := map[string]int{}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			var signals []raise.Signal
			for d := range 4 { // overlapping keys in different orders
				s := signal(alert.Door, active, 0)
				s.Device = fmt.Sprintf("d%d", (i+d*3)%8)
				s.Source = alert.SensorSource("e1", s.Device)
				signals = append(signals, s)
			}
			got, err := r.Raise(context.Background(), fmt.Sprint("m", i), signals, nil)
			if err != nil {
				t.Errorf("Raise: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, a := range got {
				raised[a.Key]++
			}
		})
	}
	wg.Wait()
	if len(raised) != 8 {
		t.Errorf("%d keys were raised, want 8", len(raised))
	}
	for k, n := range raised {
		if n != 1 {
			t.Errorf("%s was raised %d times", k, n)
		}
	}
}

// stuckLog answers when it is let go.
type stuckLog struct {
	raise.Memory
	entered, let chan struct{}
}

func (l *stuckLog) Commit(ctx context.Context, c raise.Commit) (bool, error) {
	l.entered <- struct{}{}
	<-l.let
	return l.Memory.Commit(ctx, c)
}

func TestKeysWaitForThemselvesOnly(t *testing.T) {
	log := &stuckLog{entered: make(chan struct{}), let: make(chan struct{})}
	r := newRaiser(t, raise.Options{Log: log})
	var wg sync.WaitGroup
	for _, kind := range []alert.Kind{alert.Door, alert.Gas} {
		wg.Go(func() {
			if _, err := r.Raise(context.Background(), "", []raise.Signal{signal(kind, active, 0)}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	<-log.entered
	<-log.entered // both are in the log at once
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Raise(ctx, "", []raise.Signal{signal(alert.Door, active, 0)}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up: %v", err)
	}
	close(log.let)
	wg.Wait()
}
