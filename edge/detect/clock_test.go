package detect_test

import (
	"testing"
	"time"

	"gridgate/edge/detect"
)

func TestClockGoesOnOverSteps(t *testing.T) {
	const ms = time.Millisecond
	ticks := []struct {
		pts, now time.Duration
		stepped  bool
	}{
		{1000 * ms, 1000 * ms, false},
		{1120 * ms, 1120 * ms, false},
		{1040 * ms, 1120 * ms, false},         // a B picture
		{time.Hour, 1120 * ms, true},          // forward
		{time.Hour + 40*ms, 1160 * ms, false}, //
		{500 * ms, 1160 * ms, true},           // back
		{10500 * ms, 11160 * ms, false},       // a pause is no step
	}
	var c detect.Clock
	for i, k := range ticks {
		if stepped := c.Tick(k.pts); stepped != k.stepped || c.Now() != k.now {
			t.Errorf("tick %d: stepped %v, now %v; want %v, %v", i, stepped, c.Now(), k.stepped, k.now)
		}
	}
	if got := c.At(10460 * ms); got != 11120*ms {
		t.Errorf("a picture before the newest is at %v, want 11.12s", got)
	}
}

func TestClockKnowsTheStepOfPicturesOutOfOrder(t *testing.T) {
	var c detect.Clock
	for i := 0; i < 100; i += 2 { // each second picture comes before the one that is shown first
		c.Tick(time.Duration(i+1) * 40 * time.Millisecond)
		c.Tick(time.Duration(i) * 40 * time.Millisecond)
	}
	if c.Step() < 30*time.Millisecond || c.Step() > 50*time.Millisecond {
		t.Errorf("step of 25 pictures a second is %v", c.Step())
	}
}
