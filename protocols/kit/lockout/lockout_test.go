package lockout

import (
	"fmt"
	"testing"
	"time"
)

func TestWaitsHaveACeiling(t *testing.T) {
	var l Table
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var longest time.Duration
	for range 100 {
		longest = max(longest, l.Try("k", now))
		now = now.Add(MaxWait / 2)
	}
	if longest > MaxWait {
		t.Errorf("waited %s, more than %s", longest, MaxWait)
	}
}

// TestWaitsDoubleAndAreForgotten: the first failures cost nothing, each further one twice as much, and others pay nothing.
func TestWaitsDoubleAndAreForgotten(t *testing.T) {
	var l Table
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	free := func(when string) {
		t.Helper()
		for i := range Free {
			if wait := l.Try("k", now); wait != 0 {
				t.Errorf("%s: try %d waits %v", when, i+1, wait)
			}
		}
	}
	free("at first")
	for want := FirstWait; want <= 4*FirstWait; want *= 2 {
		if wait := l.Try("k", now); wait != 0 {
			t.Errorf("after its wait it waits %v", wait)
		}
		if wait := l.Try("k", now.Add(want-1)); wait != 1 {
			t.Errorf("it waits %v until %v have passed", wait, want)
		}
		now = now.Add(want)
	}
	if wait := l.Try("another", now); wait != 0 {
		t.Errorf("another key waits %v", wait)
	}
	l.Succeed("k")
	free("after a success")
	l.Try("k", now)
	now = now.Add(ForgetAfter + 1)
	free("after a long time")
}

func TestTheTableIsBounded(t *testing.T) {
	var l Table
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i := range maxKeys + 10 {
		now = now.Add(time.Millisecond)
		l.Try(fmt.Sprint(i), now)
	}
	if len(l.entries) != maxKeys {
		t.Errorf("%d entries, want %d", len(l.entries), maxKeys)
	}
	if _, ok := l.entries["0"]; ok {
		t.Error("the oldest entry did not give way")
	}
}

func TestKeys(t *testing.T) {
	same := [][2]string{{"192.0.2.1:1", "192.0.2.1:2"}, {"[2001:db8::1]:1", "[2001:db8::ffff:1]:2"}, {"[::ffff:192.0.2.1]:1", "192.0.2.1:9"}}
	for _, pair := range same {
		if Key("a", pair[0]) != Key("a", pair[1]) {
			t.Errorf("%s and %s count apart", pair[0], pair[1])
		}
	}
	apart := [][2]string{{"192.0.2.1:1", "192.0.2.2:1"}, {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1"}}
	for _, pair := range apart {
		if Key("a", pair[0]) == Key("a", pair[1]) {
			t.Errorf("%s and %s count together", pair[0], pair[1])
		}
	}
}
