package care

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// live tells n messages, one every pause, by a clock that is behind, after delays of up to a second.
func (b *bench) live(n int, pause, behind time.Duration) (at time.Time, believed bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		b.now = b.now.Add(pause)
		at, believed = b.care.Time("d", b.now.Add(-behind-time.Duration(rng.Int64N(1e9))), b.now, true)
	}
	return at, believed
}

func TestASteadilyWrongClockIsCorrected(t *testing.T) {
	for name, behind := range map[string]time.Duration{
		"local time as UTC": -8 * time.Hour, "UTC as local time": 8 * time.Hour, "a week ahead": -7 * 24 * time.Hour,
		"a week behind": 7 * 24 * time.Hour, "since 1970": 56 * 365 * 24 * time.Hour, "five minutes": 5 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Settings{})
			at, believed := b.live(clockSlots, time.Minute, behind)
			if late := b.now.Sub(at); !believed || late < 0 || late > 2*time.Second {
				t.Fatalf("a live message is of %v before it came, believed: %v", late, believed)
			}
			// A day without a link: what it kept comes in its order.
			before := b.now
			b.now = b.now.Add(24 * time.Hour)
			last := time.Time{}
			for kept := before.Add(time.Hour); kept.Before(b.now); kept = kept.Add(time.Hour) {
				told := kept.Add(-behind)
				if told.Sub(b.now).Abs() <= exact {
					continue // it looks as if the clock had been set right
				}
				at, believed := b.care.Time("d", told, b.now, true)
				if late := at.Sub(kept).Abs(); !believed || late > 2*time.Second || !at.After(last) {
					t.Fatalf("what was kept at %v is of %v, believed: %v", kept, at, believed)
				}
				last = at
			}
		})
	}
}

func TestClocks(t *testing.T) {
	t.Run("an odd time is not believed", func(t *testing.T) {
		b := newBench(t, Settings{})
		b.live(clockSlots, time.Minute, 0)
		for _, odd := range []time.Duration{8 * time.Hour, 3 * time.Minute, -8 * 24 * time.Hour} {
			if at, believed := b.care.Time("d", b.now.Add(odd), b.now, true); believed {
				t.Errorf("%v ahead is believed: %v", odd, at)
			}
		}
		if at, believed := b.care.Time("d", b.now.Add(-3*24*time.Hour), b.now, true); !believed || !at.Equal(b.now.Add(-3*24*time.Hour)) {
			t.Errorf("what a right clock told three days ago is %v, %v", at, believed)
		}
	})
	t.Run("unknown within a day", func(t *testing.T) {
		b := newBench(t, Settings{})
		if _, believed := b.care.Time("d", b.now.Add(-23*time.Hour), b.now, true); !believed {
			t.Error("23 hours are not believed")
		}
		if _, believed := b.care.Time("d", b.now.Add(25*time.Hour), b.now, true); believed {
			t.Error("25 hours ahead are believed")
		}
	})
	t.Run("a clock that was set right", func(t *testing.T) {
		b := newBench(t, Settings{})
		b.live(clockSlots, time.Minute, -8*time.Hour)
		if at, believed := b.live(1, time.Minute, 0); !believed || b.now.Sub(at) > 2*time.Second {
			t.Errorf("its first right time is %v before it came, %v", b.now.Sub(at), believed)
		}
		b.live(clockSlots, time.Minute, 0)
		if behind := b.care.devices["d"].Clock.Behind; behind != 0 {
			t.Errorf("still behind by %v", behind)
		}
	})
	t.Run("all that was kept at once teaches nothing", func(t *testing.T) {
		b := newBench(t, Settings{})
		for i := range 1000 {
			b.care.Time("d", b.now.Add(-5*time.Hour+time.Duration(i)*time.Second), b.now.Add(time.Duration(i)*time.Millisecond), true)
		}
		if c := b.care.devices["d"].Clock; c.Known || len(c.Slots) != 1 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("retained messages teach nothing", func(t *testing.T) {
		b := newBench(t, Settings{})
		for range 20 {
			b.now = b.now.Add(time.Hour)
			b.care.Time("d", start, b.now, false)
		}
		if c := b.care.devices["d"].Clock; len(c.Slots) != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// TestARightClockIsLeftAlone, however late its messages come, as long as most are in time.
func TestARightClockIsLeftAlone(t *testing.T) {
	const shortest = int(enoughSpan/time.Second)/(clockSlots-1) + 1 // with pauses of which its clock is learnt in clockSlots messages
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, Settings{})
		var kept [60]bool
		for i := range kept {
			b.now = b.now.Add(time.Duration(rapid.IntRange(shortest, 7200).Draw(rt, "pause")) * time.Second)
			late := time.Duration(rapid.IntRange(0, 5).Draw(rt, "delay")) * time.Second
			few := i > clockSlots && count(kept[i-clockSlots+1:i]) < clockSlots/2-1
			if kept[i] = few && rapid.IntRange(0, 4).Draw(rt, "kept") == 0; kept[i] {
				late = time.Duration(rapid.IntRange(120, 600_000).Draw(rt, "late")) * time.Second
			}
			told := b.now.Add(-late)
			at, believed := b.care.Time("d", told, b.now, true)
			if i > clockSlots && (!believed || !at.Equal(told)) {
				rt.Fatalf("message %d of %v is of %v, believed: %v", i, told, at, believed)
			}
		}
	})
}

// count is how many are true.
func count(list []bool) (n int) {
	for _, is := range list {
		if is {
			n++
		}
	}
	return n
}
