package forward

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
)

// steppingClock is a wall clock that can be set, over a steady one.
type steppingClock struct {
	*Clock
	wall   time.Time
	steady time.Duration
	log    bytes.Buffer
}

func newSteppingClock() *steppingClock {
	c := &steppingClock{wall: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	c.Clock = NewClock(slog.New(slog.NewTextHandler(&c.log, nil)))
	c.Clock.wall = func() time.Time { return c.wall }
	c.Clock.steady = func() time.Duration { return c.steady }
	return c
}

func (c *steppingClock) pass(d time.Duration) { c.wall, c.steady = c.wall.Add(d), c.steady+d }

func TestClock(t *testing.T) {
	c := newSteppingClock()
	if c.Offset() != 0 || c.Uncertainty() != 0 {
		t.Error("central has told nothing yet")
	}
	c.set(c.wall.Add(time.Second), 200*time.Millisecond)
	if got := c.Offset(); got != 1100*time.Millisecond || c.Uncertainty() != 0 {
		t.Errorf("offset %v, uncertainty %v", got, c.Uncertainty())
	}
	c.pass(time.Hour)
	if got := c.Offset(); got != 1100*time.Millisecond {
		t.Errorf("an hour later: %v", got)
	}
	c.wall = c.wall.Add(-10 * time.Second) // somebody sets the clock
	if got := c.Uncertainty(); got != 11200*time.Millisecond {
		t.Errorf("after a step: %v", got)
	}
	c.set(c.wall.Add(11*time.Second), 0)
	c.set(c.wall.Add(12*time.Second), 0)
	c.set(c.wall, 0)
	if got := c.Uncertainty(); got != 0 {
		t.Errorf("after it was set right: %v", got)
	}
	if text := c.log.String(); strings.Count(text, "differs") != 1 || strings.Count(text, "agrees") != 1 {
		t.Errorf("log: %s", text)
	}
}

// TestASlowAnswerProvesNoSkew: what an answer of 10 s says of central's clock is known to 5 s only.
func TestASlowAnswerProvesNoSkew(t *testing.T) {
	c := newSteppingClock()
	c.set(c.wall.Add(-11*time.Second), 10*time.Second)
	if got := c.Uncertainty(); got != 0 {
		t.Errorf("uncertainty %v", got)
	}
}

// TestAClockOf1970StillMakesAlerts: what it says must be a valid alert.
func TestAClockOf1970StillMakesAlerts(t *testing.T) {
	c := newSteppingClock()
	c.set(c.wall, 0)
	c.wall = time.Unix(100, 0)
	a := raisetest.Alert(alert.SOS, 1)
	a.Uncertainty = c.Uncertainty()
	event, err := alert.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := alert.DecodeEvent(event); err != nil || back.Alert.Uncertainty != maxUncertainty {
		t.Errorf("%v, %v", back, err)
	}
}
