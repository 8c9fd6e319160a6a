package forward

import (
	"testing"
	"time"
)

// TestPaceFindsTheSizeThatFits plays links on which an answer takes a while for itself and a while for each alert.
func TestPaceFindsTheSizeThatFits(t *testing.T) {
	tests := map[string]struct {
		base, each  time.Duration
		least, most int
	}{
		"fast":              {2 * time.Millisecond, 20 * time.Microsecond, 1000, 1000},
		"far":               {700 * time.Millisecond, 20 * time.Microsecond, 1000, 1000},
		"mobile":            {80 * time.Millisecond, 2 * time.Millisecond, 60, 250},
		"thin":              {100 * time.Millisecond, 50 * time.Millisecond, 2, 10},
		"thin and far":      {2 * time.Second, 50 * time.Millisecond, 2, 16},
		"one takes seconds": {time.Second, 3 * time.Second, 1, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPace(1000)
			for range 50 {
				p.answered(p.size, tt.base+time.Duration(p.size)*tt.each)
			}
			for range 20 {
				p.answered(p.size, tt.base+time.Duration(p.size)*tt.each)
				if p.size < tt.least || p.size > tt.most {
					t.Fatalf("batches of %d, want %d to %d", p.size, tt.least, tt.most)
				}
			}
		})
	}
}

func TestPaceGetsOverTrouble(t *testing.T) {
	p := newPace(1000)
	quick := func(rounds int) {
		for range rounds {
			p.answered(p.size, 5*time.Millisecond)
		}
	}
	quick(12)
	for range 15 {
		p.halve()
	}
	if p.size != 1 {
		t.Errorf("after timeouts: %d", p.size)
	}
	quick(12)
	p.answered(p.size, 3*time.Second)
	if p.size != 500 {
		t.Errorf("after a slow answer: %d", p.size)
	}
	p.answered(3, time.Millisecond)
	if p.size != 500 {
		t.Errorf("after a batch that was not full: %d", p.size)
	}
	quick(3)
	if p.size != 1000 {
		t.Errorf("after quick ones: %d", p.size)
	}
}
