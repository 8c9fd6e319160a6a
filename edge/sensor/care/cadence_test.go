package care

import (
	"math/rand/v2"
	"testing"
	"time"
)

// hears lets the device speak for days, with pauses from pause.
func (b *bench) hears(days int, pause func(time.Time) time.Duration) {
	for end := b.now.Add(time.Duration(days) * 24 * time.Hour); b.now.Before(end); {
		b.now = b.now.Add(pause(b.now))
		b.care.Heard("d", b.now)
	}
}

func every(d time.Duration) func(time.Time) time.Duration {
	rng := rand.New(rand.NewPCG(3, 4))
	return func(time.Time) time.Duration { return d + time.Duration(rng.Int64N(int64(d)/5)) }
}

// people make a contact speak: often by day, not at all by night.
func people(now time.Time) time.Duration {
	if now.Hour() >= 20 {
		return 11 * time.Hour
	}
	return 3*time.Minute + time.Duration(now.Minute())*time.Minute
}

func TestLearntSilence(t *testing.T) {
	for _, tt := range []struct {
		name        string
		s           Settings
		days        int
		pause       func(time.Time) time.Duration
		battery     bool
		least, most time.Duration // of the silence that is borne; 0: any
	}{
		{"every ten minutes", Settings{}, 10, every(10 * time.Minute), false, leastSilence, 64 * time.Minute},
		{"every hour", Settings{}, 10, every(time.Hour), false, 4 * time.Hour, 8 * time.Hour},
		{"every hour, by battery", Settings{}, 10, every(time.Hour), true, passiveSilence, passiveSilence},
		{"every second", Settings{}, 9, every(5 * time.Second), false, leastSilence, leastSilence},
		{"not for long enough", Settings{}, 6, every(time.Hour), false, 0, 0},
		{"too seldom", Settings{}, 40, every(30 * time.Hour), false, 0, 0},
		{"when people move", Settings{}, 20, people, true, 0, 0},
		{"a beat in a home", Settings{Home: true}, 10, every(time.Hour), true, passiveSilence, passiveSilence},
		{"when people move in a home", Settings{Home: true}, 20, people, true, 0, 0},
		{"the profile knows", Settings{Profile: Profile{Interval: 10 * time.Minute}}, 1, people, false, 30 * time.Minute, 30 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.s)
			if tt.battery {
				b.tell(reading("battery", 80, "%"))
			}
			b.hears(tt.days, tt.pause)
			for after, want := range map[time.Duration]bool{tt.least - time.Minute: false, tt.most + time.Minute: tt.most > 0, 90 * 24 * time.Hour: tt.most > 0} {
				if silent, judged := b.care.Silent("d", b.now, b.now.Add(after)); silent != want || judged != (tt.most > 0) {
					t.Errorf("silent after %v: %v, judged: %v, want %v", after, silent, judged, want)
				}
			}
		})
	}
}

// TestAWeekendIsNoSilence: what speaks on workdays only is never missed.
func TestAWeekendIsNoSilence(t *testing.T) {
	b := newBench(t, Settings{})
	work := func(now time.Time) time.Duration {
		if now.Weekday() == time.Friday && now.Hour() >= 18 {
			return 62 * time.Hour
		}
		return 10 * time.Minute
	}
	for range 300 {
		b.hears(1, work)
		if _, judged := b.care.Silent("d", b.now, b.now); judged {
			t.Fatalf("judged on %v", b.now)
		}
	}
}

// TestALinkThatWasAwayIsNoSilence of the devices behind it, and teaches nothing.
func TestALinkThatWasAwayIsNoSilence(t *testing.T) {
	b := &bench{t: t, now: start}
	linked := start.Add(-time.Hour)
	b.open(Options{Devices: map[string]Settings{"d": {}}, Linked: func(string) time.Time { return linked }})
	b.hears(10, every(10*time.Minute))
	last := b.now
	linked = time.Time{}
	b.now = b.now.Add(30 * time.Hour)
	if silent, _ := b.care.Silent("d", last, b.now); silent {
		t.Error("missed while its messages cannot come")
	}
	linked = b.now
	if silent, _ := b.care.Silent("d", last, b.now.Add(leastSilence-time.Minute)); silent {
		t.Error("missed before it could speak again")
	}
	b.care.Heard("d", b.now.Add(time.Minute))
	if longest := b.care.devices["d"].Cadence.Longest.most(); longest > time.Hour {
		t.Errorf("it is learnt that it was silent for %v", longest)
	}
	if silent, _ := b.care.Silent("d", last, b.now.Add(leastSilence+5*time.Minute)); !silent {
		t.Error("not missed")
	}
}

func TestBucketsHoldTheirPauses(t *testing.T) {
	for gap := time.Minute; gap < 60*24*time.Hour; gap += gap/7 + time.Second {
		if b := bucketOf(gap); gap > upper(b)+time.Second || b > 0 && gap < upper(b-1)-time.Second {
			t.Errorf("%v is in the bucket up to %v", gap, upper(b))
		}
	}
	if b := bucketOf(10 * 365 * 24 * time.Hour); b != gapBuckets-1 {
		t.Errorf("ten years are in bucket %d", b)
	}
}
