package care

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/sensor"
	"gridgate/protocols/observation"
)

func thinning(band float64, every time.Duration) map[string]Settings {
	return map[string]Settings{"d": {Profile: Profile{Quantities: map[string]Quantity{"temperature": {Unit: "Cel", Band: band, Every: every}}}}}
}

func told(at time.Time, values ...float64) *sensor.Told {
	t := &sensor.Told{Device: &sensor.Device{ID: "d"}, Received: at}
	for _, v := range values {
		t.Readings = append(t.Readings, reading("temperature", v, "Cel"))
	}
	return t
}

func TestDeadBand(t *testing.T) {
	x := NewThin(thinning(0.5, 15*time.Minute))
	for i, step := range []struct {
		minute time.Duration
		value  float64
		kept   int
	}{
		{0, 20, 1}, {1, 20.4, 0}, {2, 19.5, 0}, {3, 20.6, 1}, {4, 20.2, 0}, {17, 20.6, 0}, {18, 20.6, 1}, // 15 minutes since the last that was sent
	} {
		m := told(start.Add(step.minute*time.Minute), step.value)
		x.Take(m)
		x.Keep(m)
		if len(m.Readings) != step.kept {
			t.Errorf("step %d, %v: %d kept, want %d", i, step.value, len(m.Readings), step.kept)
		}
	}
	if x.Left() != 4 {
		t.Errorf("%d were left out", x.Left())
	}
}

func TestWhatCouldNotBeStoredPassesAgain(t *testing.T) {
	x := NewThin(thinning(1, time.Hour))
	for range 3 {
		m := told(start, 20)
		if x.Take(m); len(m.Readings) != 1 {
			t.Fatal("what was not stored is left out")
		}
	}
	m := told(start, 20)
	x.Take(m)
	x.Keep(m)
	if again := told(start, 20); x.Take(again) != nil || len(again.Readings) != 0 {
		t.Errorf("%v", again.Readings)
	}
}

func TestOthersAreNotThinned(t *testing.T) {
	x := NewThin(thinning(1, time.Hour))
	for range 2 {
		m := told(start)
		m.Readings = []observation.Reading{reading("humidity", 40, "%")}
		x.Take(m)
		x.Keep(m)
		if len(m.Readings) != 1 {
			t.Error("a quantity without a band is left out")
		}
		stranger := told(start, 20)
		stranger.Device = &sensor.Device{ID: "other"}
		x.Take(stranger)
		x.Keep(stranger)
		if len(stranger.Readings) != 1 {
			t.Error("a device without a band is thinned")
		}
	}
	if x.Tick(start) != nil {
		t.Error("time alone means something")
	}
}

// TestWhatIsLeftOutIsNearWhatIsSent: every reading is within the band of the one that was kept before it, and no pause is longer than every.
func TestWhatIsLeftOutIsNearWhatIsSent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		band := rapid.Float64Range(0, 5).Draw(rt, "band")
		x := NewThin(thinning(band, 10*time.Minute))
		now, value := start, 20.0
		var kept point
		for range 100 {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "pause")) * time.Second)
			value += rapid.Float64Range(-3, 3).Draw(rt, "step")
			m := told(now, value, value+rapid.Float64Range(-3, 3).Draw(rt, "second"))
			m.Readings[0].At, m.Readings[1].At = now.Add(-time.Second), now
			all := append([]observation.Reading{}, m.Readings...)
			x.Take(m)
			x.Keep(m)
			for _, r := range all {
				for _, k := range m.Readings {
					if k.At.Equal(r.At) {
						kept = point{k.Value, k.Unit, k.At}
					}
				}
				if math.Abs(r.Value-kept.value) > band || r.At.Sub(kept.at) >= 10*time.Minute {
					rt.Fatalf("%v at %v is left out, %v at %v was kept", r.Value, r.At, kept.value, kept.at)
				}
			}
		}
	})
}
