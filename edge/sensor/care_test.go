package sensor

import (
	"errors"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// nurse is a Care whose answers tests set.
type nurse struct {
	ahead    time.Duration // of every device's clock
	believes bool
	patience time.Duration // 0: it judges nobody
	heard    []string
	stage    *notes
}

func (n *nurse) Time(_ string, told, _ time.Time, _ bool) (time.Time, bool) {
	return told.Add(-n.ahead), n.believes
}
func (n *nurse) Heard(device string, _ time.Time) { n.heard = append(n.heard, device) }
func (n *nurse) Silent(_ string, last, now time.Time) (bool, bool) {
	return n.patience > 0 && now.Sub(last) > n.patience, n.patience > 0
}
func (n *nurse) Health(string) Health { return Health{Faults: []string{"temperature: stuck"}} }

// notes is a stage that notes what it is told.
type notes struct{ took, kept []time.Time }

func (n *notes) Take(told *Told) []Finding {
	for _, r := range told.Readings {
		n.took = append(n.took, r.At)
	}
	return nil
}

func (n *notes) Keep(told *Told) {
	for _, r := range told.Readings {
		n.kept = append(n.kept, r.At)
	}
}
func (*notes) Tick(time.Time) []Finding { return nil }

func nursed(t *testing.T, r Raiser, n *nurse, now func() time.Time, devices ...Device) *Hub {
	t.Helper()
	n.stage = &notes{}
	h, err := New(Options{Edge: "edge1", Devices: devices, Raiser: r, Stages: []Stage{n.stage}, Care: n, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestOnePlaceDecidesTimes: stages, signals and readings have the same time, and none of a clock that is not believed.
func TestOnePlaceDecidesTimes(t *testing.T) {
	const payload = `{"smoke":true,"temperature":20,"last_seen":"2026-03-04T13:06:00Z"}` // eight hours ahead
	for _, tt := range []struct {
		n         *nurse
		want      time.Time
		clock     alert.Clock
		readingAt time.Time
	}{
		{&nurse{ahead: 8 * time.Hour, believes: true}, received.Add(-7 * time.Second), alert.CameraClock, received.Add(-7 * time.Second)},
		{&nurse{believes: false}, received, alert.ReceiveClock, received},
		{&nurse{ahead: 80 * time.Hour, believes: true}, received, alert.ReceiveClock, received.Add(-72*time.Hour - 7*time.Second)}, // kept for three days: no alert of then
	} {
		r := &recorder{}
		handle(t, nursed(t, r, tt.n, nil, device("d")), message("zigbee2mqtt/d", payload))
		if s := r.signals[0]; !s.At.Equal(tt.want) || s.Clock != tt.clock {
			t.Errorf("%+v: signal of %v by the clock %s, want %v, %s", tt.n, s.At, s.Clock, tt.want, tt.clock)
		}
		if got := r.readings[0].At; !got.Equal(tt.readingAt) {
			t.Errorf("%+v: reading of %v, want %v", tt.n, got, tt.readingAt)
		}
		if took := tt.n.stage.took[0]; !took.IsZero() && !took.Equal(tt.readingAt) {
			t.Errorf("%+v: the stage saw %v", tt.n, took)
		}
	}
}

// TestStagesKnowWhatWasStored, once it is.
func TestStagesKnowWhatWasStored(t *testing.T) {
	r := &recorder{fail: []error{errors.New("no room")}}
	n := &nurse{believes: true}
	h := nursed(t, r, n, nil, device("d"))
	m := message("zigbee2mqtt/d", `{"temperature":20}`)
	if err := h.Handle(t.Context(), m); err == nil {
		t.Fatal("not refused")
	}
	if len(n.stage.kept) != 0 || len(n.heard) != 0 {
		t.Errorf("kept %v, heard %v of what was refused", n.stage.kept, n.heard)
	}
	handle(t, h, m)
	if len(n.stage.took) != 2 || len(n.stage.kept) != 1 || len(n.heard) != 1 {
		t.Errorf("took %v, kept %v, heard %v", n.stage.took, n.stage.kept, n.heard)
	}
}

// TestOneVoiceTellsOfSilence: the configured silence goes before what is learnt, and a device that nobody can judge is not judged.
func TestOneVoiceTellsOfSilence(t *testing.T) {
	for _, tt := range []struct {
		name          string
		configured    time.Duration
		learnt        time.Duration
		after         time.Duration
		want          []observation.Phase
		healthSilence int
	}{
		{"learnt", 0, time.Hour, 2 * time.Hour, []observation.Phase{observation.Active, observation.Inactive}, 0},
		{"configured", 3 * time.Hour, time.Hour, 2 * time.Hour, []observation.Phase{observation.Inactive}, 3 * 3600},
		{"neither", 0, 0, 2000 * time.Hour, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := received
			r := &recorder{}
			d := device("d")
			d.Silence = tt.configured
			h := nursed(t, r, &nurse{believes: true, patience: tt.learnt}, func() time.Time { return now }, d)
			check := func() {
				t.Helper()
				if err := h.CheckSilence(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(tt.after)
			check()
			check()
			m := message("zigbee2mqtt/d", `{"temperature":20}`)
			m.Received = now
			handle(t, h, m)
			check()
			check()
			if len(r.signals) != len(tt.want) {
				t.Fatalf("signals %+v, want %v", r.signals, tt.want)
			}
			for i, s := range r.signals {
				if s.Kind != alert.DeviceOffline || s.Phase != tt.want[i] {
					t.Errorf("signal %d: %s %s, want %s", i, s.Kind, s.Phase, tt.want[i])
				}
			}
			if st := h.Status()[0]; st.Health.Silence != tt.healthSilence || len(st.Health.Faults) != 1 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

// TestTheEndOfNothingTellsNoLane: a sensor that was never broken has told nothing.
func TestTheEndOfNothingTellsNoLane(t *testing.T) {
	h := hub(t, &recorder{}, device("d"))
	if _, ok := h.found(Finding{Device: "d", Observation: observation.Observation{Kind: alert.DeviceFault, Phase: observation.Inactive}}, received); !ok {
		t.Fatal("not passed on")
	}
	if lane := h.Status()[0].Lane; lane != "" {
		t.Errorf("lane %s", lane)
	}
}
