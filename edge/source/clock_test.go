package source

import (
	"testing"
	"time"
)

func TestClockIgnoresJumps(t *testing.T) {
	start := time.Unix(1000, 0)
	var c mediaClock
	c.at(1<<32-90000, start)
	for i, step := range []struct {
		stamp uint32
		want  time.Duration
	}{
		{0, time.Second},         // over the wrap
		{90000, 2 * time.Second}, // steady
		{180000, 3 * time.Second},
		{180000 + 1<<30, 4 * time.Second}, // a jump forward: the second that passed counts
		{1<<30 - 90000, 5 * time.Second},  // and one back
	} {
		if got := c.at(step.stamp, start.Add(time.Duration(i+1)*time.Second)); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	if c.jumps != 2 {
		t.Errorf("%d jumps", c.jumps)
	}
}

func TestClockKeepsTheOrderOfReorderedPictures(t *testing.T) {
	start := time.Unix(1000, 0)
	var c mediaClock
	order := []int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8}
	for round := range 20 {
		for i, shown := range order {
			n := 10*round + shown
			got := c.at(uint32(n*3600), start.Add(time.Duration(10*round+i)*40*time.Millisecond))
			if want := time.Duration(n) * 40 * time.Millisecond; got != want {
				t.Fatalf("picture %d at %v, want %v", n, got, want)
			}
		}
	}
}

func TestClockStaysNearToTheTimeHere(t *testing.T) {
	for name, rate := range map[string]float64{"twice as fast": 2, "half as fast": 0.5, "stands": 0, "a thousandth too fast": 1.001, "runs back": -1} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1000, 0)
			var c mediaClock
			for n := range 15 * 600 {
				here := time.Duration(n) * time.Second / 15
				got := c.at(uint32(int64(here.Seconds()*ClockRate*rate)), start.Add(here))
				bound := maxDrift + time.Second
				if rate > 1 && rate < 1.01 {
					bound = slewDrift + 100*time.Millisecond
				}
				if (got - here).Abs() > bound {
					t.Fatalf("at %v after %v", got, here)
				}
			}
		})
	}
}
