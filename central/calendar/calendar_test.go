package calendar_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "gridgate/central/calendar"
)

func shipped(t *testing.T) *Calendar {
	t.Helper()
	c, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at reads a time of day in China.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	got, err := time.ParseInLocation("2006-01-02 15:04", text, shipped(t).Zone())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestPublishedWeeks works limits over the make-up weeks of the two notices by hand.
func TestPublishedWeeks(t *testing.T) {
	c := shipped(t)
	for _, tt := range []struct{ from, span, want string }{
		// 2025: spring festival 01-28 to 02-04, worked on Sunday 01-26 and Saturday 02-08.
		{"2025-01-24 16:30", "w4h", "2025-01-26 11:30"},
		{"2025-01-25 10:00", "w1d", "2025-01-26 17:30"},
		{"2025-01-26 09:00", "w2d", "2025-02-05 17:30"},
		{"2025-01-27 17:00", "w1h", "2025-02-05 09:00"},
		{"2025-02-07 15:00", "1个工作日", "2025-02-08 17:30"},
		{"2025-02-07 15:00", "w2d", "2025-02-10 17:30"},
		// 2025: labour day 05-01 to 05-05, worked on Sunday 04-27.
		{"2025-04-25 17:00", "w4h", "2025-04-27 12:00"},
		{"2025-04-30 09:00", "w1d", "2025-05-06 17:30"},
		// 2025: national day and mid-autumn 10-01 to 10-08, worked on Sunday 09-28 and Saturday 10-11.
		{"2025-09-26 14:30", "w4d", "2025-10-09 17:30"},
		{"2025-09-30 17:30", "w2h", "2025-10-09 10:30"},
		{"2025-10-10 08:00", "w2d", "2025-10-13 17:30"},
		{"2025-12-31 10:00", "w1d", "2026-01-04 17:30"},
		// 2026: spring festival 02-15 to 02-23, worked on Saturdays 02-14 and 02-28.
		{"2026-02-13 17:00", "w1h", "2026-02-14 09:00"},
		{"2026-02-14 17:00", "4工作时", "2026-02-24 12:00"},
		{"2026-02-14 09:00", "w5d", "2026-02-28 17:30"},
		{"2026-02-27 09:00", "w2d", "2026-03-02 17:30"},
		// 2026: labour day 05-01 to 05-05, worked on Saturday 05-09.
		{"2026-04-30 16:30", "w5h", "2026-05-06 14:30"},
		{"2026-05-06 09:00", "w3d", "2026-05-09 17:30"},
		// 2026: worked on Sunday 09-20; mid-autumn 09-25 to 09-27, national day 10-01 to 10-07, worked on Saturday 10-10.
		{"2026-09-18 17:00", "w1h", "2026-09-20 09:00"},
		{"2026-09-24 09:00", "w15d", "2026-10-22 17:30"},
		{"2026-10-09 12:30", "w7h", "2026-10-10 12:00"},
		// Emergencies know no holidays.
		{"2026-10-01 03:00", "30m", "2026-10-01 03:30"},
		{"2026-02-17 23:00", "2小时", "2026-02-18 01:00"},
	} {
		span, err := ParseSpan(tt.span)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Add(at(t, tt.from), span)
		if err != nil || !got.Equal(at(t, tt.want)) {
			t.Errorf("%s + %s = %v, %v, want %s", tt.from, tt.span, got, err, tt.want)
		}
	}
}

// TestWorkingDaysOfTheYears counts: 365 days less weekends and holidays, plus make-up days.
func TestWorkingDaysOfTheYears(t *testing.T) {
	c := shipped(t)
	for year, want := range map[int]int{2025: 248, 2026: 248} {
		n := 0
		for d := time.Date(year, 1, 1, 12, 0, 0, 0, c.Zone()); d.Year() == year; d = d.AddDate(0, 0, 1) {
			working, err := c.WorkingDay(d)
			if err != nil {
				t.Fatal(err)
			}
			if working {
				n++
			}
		}
		if n != want {
			t.Errorf("%d has %d working days, want %d", year, n, want)
		}
	}
}

func TestSameTime(t *testing.T) {
	table := shipped(t).Table()
	table.Days = SameTime
	c, err := New(table)
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"2025-01-27 10:15": "2025-02-05 10:15", "2025-01-27 12:30": "2025-02-05 14:00", "2025-01-29 10:00": "2025-02-06 08:30", "2025-01-27 20:00": "2025-02-06 08:30",
	} {
		if got, err := c.Add(at(t, from), WorkingDays(1)); err != nil || !got.Equal(at(t, want)) {
			t.Errorf("%s + w1d = %v, %v, want %s", from, got, err, want)
		}
	}
}

// TestGaps: what is not covered is named, never guessed.
func TestGaps(t *testing.T) {
	c := shipped(t)
	_, add := c.Add(at(t, "2026-12-31 16:30"), Hours(2*time.Hour))
	_, days := c.Add(at(t, "2026-12-31 16:30"), WorkingDays(1))
	_, early := c.Add(at(t, "2024-12-31 16:30"), Hours(time.Hour))
	_, between := c.Between(at(t, "2026-05-01 00:00"), at(t, "2028-05-01 00:00"))
	_, left := c.Left(at(t, "2027-01-01 00:00"), at(t, "2026-05-01 00:00"), Days)
	_, working := c.WorkingDay(at(t, "2024-05-01 00:00"))
	for err, want := range map[error]int{add: 2027, days: 2027, early: 2024, between: 2028, left: 2027, working: 2024} {
		var gap *GapError
		if !errors.As(err, &gap) || gap.Year != want || !strings.Contains(err.Error(), "does not cover") {
			t.Errorf("%v, want a gap in %d", err, want)
		}
	}
	if got, err := c.Add(at(t, "2031-01-01 00:00"), ByClock(time.Hour)); err != nil || !got.Equal(at(t, "2031-01-01 01:00")) {
		t.Errorf("an emergency needs no table: %v, %v", got, err)
	}
	if _, err := c.Add(at(t, "2026-05-06 09:00"), Span{}); err == nil {
		t.Error("a span of nothing was added")
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]Span{
		"w4h": Hours(4 * time.Hour), "w90m": Hours(90 * time.Minute), "w20d": WorkingDays(20), "30m": ByClock(30 * time.Minute),
		"5工作时": Hours(5 * time.Hour), "15 个工作日": WorkingDays(15), "2小时": ByClock(2 * time.Hour), "45分钟": ByClock(45 * time.Minute),
	} {
		got, err := ParseSpan(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := ParseSpan(got.String()); err != nil || again != got {
			t.Errorf("%s: written %s, read %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "w", "wd", "4", "w0d", "w-1h", "0s", "3d", "w99999d", "9999999工作时", "w1.5d", "两个工作日", "w4h extra"} {
		if got, err := ParseSpan(text); err == nil {
			t.Errorf("%q became %v", text, got)
		}
	}
}

// TestArithmetic holds what makes deadlines believable, for any instant and span that is covered.
func TestArithmetic(t *testing.T) {
	c := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		from := instant(t, "from")
		a, b := hours(t, "a"), hours(t, "b")
		one, err1 := c.Add(from, Hours(a))
		two, err2 := c.Add(one, Hours(b))
		both, err3 := c.Add(from, Hours(a+b))
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if !two.Equal(both) {
			t.Fatalf("%v + %v + %v = %v, at once %v", from, a, b, two, both)
		}
		if !two.After(one) || one.Before(from) {
			t.Fatalf("not monotone: %v, %v, %v", from, one, two)
		}
		if got, err := c.Between(from, both); err != nil || got != a+b {
			t.Fatalf("between is %v, %v, want %v", got, err, a+b)
		}
		if back, err := c.Between(both, from); err != nil || back != -(a+b) {
			t.Fatalf("backwards is %v, %v", back, err)
		}
		within(t, c, one, both)
	})
}

func TestDaysAddUp(t *testing.T) {
	table := shipped(t).Table()
	for _, counting := range []Counting{EndOfWork, SameTime} {
		table.Days = counting
		c, err := New(table)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			from, later := instant(t, "from"), instant(t, "later")
			n, m := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(1, 40).Draw(t, "m")
			one, err1 := c.Add(from, WorkingDays(n))
			two, err2 := c.Add(one, WorkingDays(m))
			both, err3 := c.Add(from, WorkingDays(n+m))
			other, err4 := c.Add(later, WorkingDays(n))
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			if !two.Equal(both) {
				t.Fatalf("%s: %v + %dd + %dd = %v, at once %v", counting, from, n, m, two, both)
			}
			if !later.Before(from) && other.Before(one) {
				t.Fatalf("%s: the later start %v ends %v, before %v", counting, later, other, one)
			}
			within(t, c, one, both)
		})
	}
}

// TestShare: a share of a limit lies between its ends and grows.
func TestShare(t *testing.T) {
	c := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		from := instant(t, "from")
		unit := rapid.SampledFrom([]Unit{Clock, Working}).Draw(t, "unit")
		due, err := c.Add(from, Span{Unit: unit, Time: hours(t, "h")})
		if err != nil {
			t.Fatal(err)
		}
		x, y := rapid.Float64Range(0, 1).Draw(t, "x"), rapid.Float64Range(0, 1).Draw(t, "y")
		first, err1 := c.Share(from, due, min(x, y), unit)
		second, err2 := c.Share(from, due, max(x, y), unit)
		if err := errors.Join(err1, err2); err != nil || first.Before(from) || second.After(due) || second.Before(first) {
			t.Fatalf("%v..%v: %v at %v, %v at %v, %v", from, due, min(x, y), first, max(x, y), second, err)
		}
	})
}

func instant(t *rapid.T, name string) time.Time {
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))
	return first.Add(time.Duration(rapid.Int64Range(0, int64(500*24*time.Hour)).Draw(t, name)))
}

func hours(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(1, int64(200*time.Hour)).Draw(t, name))
}

func within(t *rapid.T, c *Calendar, instants ...time.Time) {
	for _, at := range instants {
		if open, err := c.Open(at); err != nil || !open {
			t.Fatalf("%v is outside working time (%v)", at, err)
		}
	}
}

// TestSummerTime: a zone whose clocks change, with a night shift over the change.
func TestSummerTime(t *testing.T) {
	table := Table{ID: "berlin", Zone: "Europe/Berlin", Hours: map[string][]string{"sun": {"00:30-08:00"}, "mon": {"09:00-17:00"}}, Years: []Year{{2026, "test"}}}
	c, err := New(table)
	if err != nil {
		t.Fatal(err)
	}
	spring := time.Date(2026, 3, 29, 0, 30, 0, 0, c.Zone()) // an hour is missing
	autumn := time.Date(2026, 10, 25, 0, 30, 0, 0, c.Zone())
	for from, want := range map[time.Time]time.Duration{spring: 6*time.Hour + 30*time.Minute, autumn: 8*time.Hour + 30*time.Minute} {
		if got, err := c.Between(from, from.Add(12*time.Hour)); err != nil || got != want {
			t.Errorf("%v: %v, %v, want %v", from, got, err, want)
		}
	}
	table.Hours["sun"] = []string{"02:30-08:00"}
	if _, err := New(table); err == nil || !strings.Contains(err.Error(), "2026-03-29") {
		t.Errorf("half past two does not exist on that day: %v", err)
	}
}
