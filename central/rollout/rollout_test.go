package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridgate/protocols/ingest"
)

// fleet is edges that do as they are told.
type fleet struct {
	targets []Target
	r       Rollout
}

func newFleet(t *testing.T, n int, failures int, waves ...string) *fleet {
	t.Helper()
	r, err := New(n, waves, failures)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{r: r}
	for i := range n {
		f.targets = append(f.targets, Target{Edge: fmt.Sprintf("e%d", i), InTouch: true})
	}
	return f
}

// step does what is decided.
func (f *fleet) step() Decision {
	d := f.r.Step(f.targets)
	f.r = d.Next
	for i := range f.targets {
		t := &f.targets[i]
		if slices.Contains(d.Give, t.Edge) {
			t.Given = true
		}
		if slices.Contains(d.Withdraw, t.Edge) {
			t.Given, t.State = false, ""
		}
	}
	return d
}

// report makes all that were given it report a state.
func (f *fleet) report(s ingest.WantedState) {
	for i, t := range f.targets {
		if t.Given && t.InTouch {
			f.targets[i].State, f.targets[i].Why = s, "because"
		}
	}
}

func expect(t *testing.T, d Decision, state State, give, withdraw int) {
	t.Helper()
	if d.Next.State != state || len(d.Give) != give || len(d.Withdraw) != withdraw {
		t.Fatalf("%s (%s), gives to %d and takes back from %d; want %s, %d, %d; %+v", d.Next.State, d.Next.Why, len(d.Give), len(d.Withdraw), state, give, withdraw, d.Counts)
	}
}

func TestWavesGoOnWhenAllAreWell(t *testing.T) {
	f := newFleet(t, 100, 0)
	expect(t, f.step(), Running, 1, 0)
	expect(t, f.step(), Running, 0, 0)
	f.report(ingest.WantedTrying)
	expect(t, f.step(), Running, 0, 0)
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 9, 0)
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 90, 0)
	f.report(ingest.WantedInForce)
	d := f.step()
	expect(t, d, Done, 0, 0)
	if d.Counts.InForce != 100 || !d.Changed {
		t.Errorf("%+v", d)
	}
	if d := f.step(); d.Changed || len(d.Give) > 0 {
		t.Errorf("what is done goes on: %+v", d)
	}
}

func TestItStopsAtTheFirstFailure(t *testing.T) {
	for _, s := range []ingest.WantedState{ingest.WantedRefused, ingest.WantedRolledBack} {
		f := newFleet(t, 100, 0)
		f.step()
		f.report(s)
		d := f.step()
		expect(t, d, Stopped, 0, 0)
		if want := fmt.Sprintf("e0 %s: because", s); d.Next.Why != want {
			t.Errorf("%q, want %q", d.Next.Why, want)
		}
	}
}

func TestWhoHasNotBegunNeverDoesOnceItStopped(t *testing.T) {
	f := newFleet(t, 10, 0, "10%", "100%")
	f.step()
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 9, 0)
	f.targets[1].State = ingest.WantedTrying
	f.targets[2].State = ingest.WantedRolledBack
	expect(t, f.step(), Stopped, 0, 7) // all but the one in force, the one that tries and the one that failed
	expect(t, f.step(), Stopped, 0, 0)
}

func TestFailuresThatMayBe(t *testing.T) {
	f := newFleet(t, 10, 1, "100%")
	f.step()
	f.report(ingest.WantedInForce)
	f.targets[3].State = ingest.WantedRolledBack
	expect(t, f.step(), Done, 0, 0)

	f = newFleet(t, 10, 0, "5")
	f.step()
	f.report(ingest.WantedInForce)
	f.targets[0].State = ingest.WantedRefused
	expect(t, f.step(), Stopped, 0, 0)
	r, err := f.r.Resume(Count(f.targets).Failed)
	if err != nil {
		t.Fatal(err)
	}
	f.r = r
	expect(t, f.step(), Running, 5, 0)
	f.targets[7].State = ingest.WantedRefused
	if d := f.step(); d.Next.State != Stopped {
		t.Errorf("a second failure: %+v", d)
	}
}

func TestAwayEdgesWaitAndBlockNobody(t *testing.T) {
	f := newFleet(t, 30, 0)
	for i := range 5 {
		f.targets[i].InTouch = false
	}
	d := f.step()
	if len(d.Give) != 1 || d.Give[0] != "e5" || d.Counts.Away != 5 {
		t.Fatalf("the canary is %v; %+v", d.Give, d.Counts)
	}
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 2, 0)
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 22, 0)
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 0, 0)
	f.targets[0].InTouch = true
	d = f.step()
	if len(d.Give) != 1 || d.Give[0] != "e0" {
		t.Fatalf("who came back: %v", d.Give)
	}
}

// A canary that falls silent may be the victim of what it was given.
func TestASilentCanaryHoldsUpAll(t *testing.T) {
	f := newFleet(t, 30, 0)
	f.step()
	f.targets[0].InTouch = false
	d := f.step()
	expect(t, d, Running, 0, 0)
	if d.Counts.Silent != 1 {
		t.Errorf("%+v", d.Counts)
	}
	f.targets[0].InTouch, f.targets[0].State = true, ingest.WantedInForce
	expect(t, f.step(), Running, 2, 0)

	f = newFleet(t, 30, 0, "20")
	f.step()
	f.targets[0].InTouch, f.targets[1].InTouch = false, false
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Running, 10, 0) // 2 of 20 may
}

func TestPauseResumeAbort(t *testing.T) {
	f := newFleet(t, 10, 0)
	f.step()
	var err error
	if f.r, err = f.r.Pause(); err != nil {
		t.Fatal(err)
	}
	f.report(ingest.WantedInForce)
	expect(t, f.step(), Paused, 0, 0)
	if f.r, err = f.r.Resume(0); err != nil {
		t.Fatal(err)
	}
	expect(t, f.step(), Running, 9, 0) // a tenth of ten is the canary itself, so the second wave falls away
	if f.r, err = f.r.Abort(); err != nil {
		t.Fatal(err)
	}
	expect(t, f.step(), Aborted, 0, 10)
	expect(t, f.step(), Aborted, 0, 0)
	_, a := f.r.Abort()
	_, b := f.r.Pause()
	_, c := f.r.Resume(0)
	for _, err := range []error{a, b, c} {
		if !errors.Is(err, ErrState) {
			t.Errorf("of an aborted one: %v", err)
		}
	}
	if !f.r.Over() {
		t.Error("it is not over")
	}
}

func TestParseWaves(t *testing.T) {
	for name, c := range map[string]struct {
		total int
		waves string
		want  string
	}{
		"default":      {1000, "", "[1 100 1000]"},
		"one edge":     {1, "", "[1]"},
		"few":          {4, "", "[1 4]"},
		"shares":       {7, "10% 50% 100%", "[1 4 7]"},
		"the rest":     {50, "5", "[5 50]"},
		"too many":     {5, "100", "[5]"},
		"shrinking":    {50, "10 5 20", "[10 20 50]"},
		"no edges":     {0, "", "error"},
		"many edges":   {MaxTargets + 1, "", "error"},
		"a word":       {5, "many", "error"},
		"nothing":      {5, "0", "error"},
		"over all":     {5, "101%", "error"},
		"negative":     {5, "-1%", "error"},
		"eleven waves": {50, "1 2 3 4 5 6 7 8 9 10 11", "error"},
	} {
		ends, err := ParseWaves(c.total, strings.Fields(c.waves))
		got := fmt.Sprint(ends)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
	for _, failures := range []int{-1, 6} {
		if _, err := New(5, nil, failures); err == nil {
			t.Errorf("%d failures of 5 were let pass", failures)
		}
	}
}

// Whatever edges do: never more than the wave has are given it, nobody who is away is, and a rollout that stopped gives to nobody.
func TestAnyFleet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "edges")
		r, err := New(n, nil, rapid.IntRange(0, 1).Draw(t, "failures"))
		if err != nil {
			t.Fatal(err)
		}
		f := &fleet{r: r}
		for i := range n {
			f.targets = append(f.targets, Target{Edge: fmt.Sprint(i), InTouch: rapid.Bool().Draw(t, "touch")})
		}
		states := rapid.SampledFrom(append([]ingest.WantedState{""}, ingest.WantedStates...))
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			d := f.step()
			given := len(pick(f.targets, func(t Target) bool { return t.Given }))
			if f.r.State == Running && given > f.r.end() || f.r.State == Stopped && len(d.Give) > 0 {
				t.Fatalf("%d were given it in wave %+v", given, f.r)
			}
			for i := range f.targets {
				one := &f.targets[i]
				if slices.Contains(d.Give, one.Edge) && !one.InTouch {
					t.Fatal("one that is away was given it")
				}
				if one.Given && !one.settled() {
					one.State = states.Draw(t, "state")
				}
				one.InTouch = rapid.Bool().Draw(t, "touch")
			}
		}
	})
}
