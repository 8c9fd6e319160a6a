// Package calendar does arithmetic in working time: when a limit ends, and how much of it is left.
//
// In: a [Table] (working hours, holidays, make-up days, the years it knows and where it knows them from) and instants. Out:
// instants and spans. It is pure, reads no clock, and never guesses: a year that the table does not cover is a [GapError], not a year
// without holidays.
//
// How working days count. The day on which a limit starts does not count; the limit ends at the end of work of its last working day.
// That is how the Civil Code counts (民法典, articles 201 and 203: the first day is left out, the last ends when business ends), and
// a table says so with "end", the default. A centre whose manual reads "the same time n working days later" says "same".
// Working hours count from the very moment.
package calendar

import (
	"fmt"
	"slices"
	"sort"
	"time"
	_ "time/tzdata" // a centre's zone must not hang on what the machine has installed
)

// GapError says that an answer would need a year that the calendar does not cover.
type GapError struct {
	Calendar string
	Year     int
}

func (e *GapError) Error() string {
	return fmt.Sprintf("calendar %q does not cover the year %d: import its holidays and make-up days", e.Calendar, e.Year)
}

// Calendar answers questions in working time. It does not change and is safe for concurrent use.
type Calendar struct {
	table     Table
	zone      *time.Location
	from, to  time.Time // what is covered
	intervals []interval
	days      []day // the working ones, in order
}

// interval is one uninterrupted stretch of work. Times are nanoseconds since 1970.
type interval struct {
	start, end int64
	before     int64 // working time from the beginning of what is covered until start
}

// day is a working day.
type day struct {
	date        int // yyyymmdd
	first, last int // its intervals: [first, last)
}

// ID names the calendar.
func (c *Calendar) ID() string { return c.table.ID }

// Zone is where the calendar's days begin.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Table is what the calendar was made of.
func (c *Calendar) Table() Table { return c.table.clone() }

// Add returns when a span that starts at from ends. Spans by the clock end anywhere, all others within working time.
// A [GapError] if that is not covered.
func (c *Calendar) Add(from time.Time, s Span) (time.Time, error) {
	if err := s.check(); err != nil {
		return time.Time{}, fmt.Errorf("add %s: %w", s, err)
	}
	if s.Unit == Clock {
		return from.Add(s.Time), nil
	}
	if err := c.covers(from); err != nil {
		return time.Time{}, err
	}
	if s.Unit == Days {
		return c.addDays(from, s.Days)
	}
	return c.addHours(from, s.Time)
}

func (c *Calendar) addHours(from time.Time, d time.Duration) (time.Time, error) {
	target := c.worked(from) + int64(d)
	i := sort.Search(len(c.intervals), func(i int) bool { v := c.intervals[i]; return v.before+v.end-v.start >= target })
	if i == len(c.intervals) {
		return time.Time{}, c.gapAfter()
	}
	v := c.intervals[i]
	return c.instant(v.start+target-v.before, from), nil
}

func (c *Calendar) addDays(from time.Time, n int) (time.Time, error) {
	i := sort.Search(len(c.days), func(i int) bool { return c.days[i].date > dateOf(from.In(c.zone)) })
	at := i + n - 1
	if c.table.Days == SameTime {
		from = c.nextWork(from)
		at = sort.Search(len(c.days), func(i int) bool { return c.days[i].date >= dateOf(from.In(c.zone)) }) + n
	}
	if at >= len(c.days) {
		return time.Time{}, c.gapAfter()
	}
	d := c.days[at]
	if c.table.Days == SameTime {
		return c.sameTime(from, d), nil
	}
	return c.instant(c.intervals[d.last-1].end, from), nil
}

// nextWork is from, or the start of work after it if it is not within working time.
func (c *Calendar) nextWork(from time.Time) time.Time {
	i := sort.Search(len(c.intervals), func(i int) bool { return c.intervals[i].end >= from.UnixNano() })
	if i == len(c.intervals) || c.intervals[i].start <= from.UnixNano() {
		return from
	}
	return c.instant(c.intervals[i].start, from)
}

// sameTime is the time of day of from on d, or the nearest end of work before it, or the start of work.
func (c *Calendar) sameTime(from time.Time, d day) time.Time {
	local := from.In(c.zone)
	year, month, dom := d.date/10000, time.Month(d.date/100%100), d.date%100
	want := time.Date(year, month, dom, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), c.zone).UnixNano()
	best := c.intervals[d.first].start
	for _, v := range c.intervals[d.first:d.last] {
		if v.start <= want {
			best = min(want, v.end)
		}
	}
	return c.instant(best, from)
}

// Between is the working time from one instant to another, negative if to is before from.
func (c *Calendar) Between(from, to time.Time) (time.Duration, error) {
	for _, t := range []time.Time{from, to} {
		if err := c.covers(t); err != nil {
			return 0, err
		}
	}
	return time.Duration(c.worked(to) - c.worked(from)), nil
}

// Left is how much of a limit of that unit is left at now; what is not Clock is told in working time. Negative once due is past.
func (c *Calendar) Left(now, due time.Time, unit Unit) (Span, error) {
	if unit == Clock {
		return ByClock(due.Sub(now)), nil
	}
	d, err := c.Between(now, due)
	return Hours(d), err
}

// Share returns when a share (0 to 1) of the time between two instants has passed, counted as the unit says.
func (c *Calendar) Share(from, due time.Time, share float64, unit Unit) (time.Time, error) {
	if share <= 0 {
		return from, nil
	}
	left, err := c.Left(from, due, unit)
	if err != nil || left.Time <= 0 || share >= 1 {
		return due, err
	}
	left.Time = max(1, time.Duration(float64(left.Time)*share))
	return c.Add(from, left)
}

// Open says whether t is within working time.
func (c *Calendar) Open(t time.Time) (bool, error) {
	if err := c.covers(t); err != nil {
		return false, err
	}
	i := sort.Search(len(c.intervals), func(i int) bool { return c.intervals[i].end >= t.UnixNano() })
	return i < len(c.intervals) && c.intervals[i].start <= t.UnixNano(), nil
}

// WorkingDay says whether any work is done on the day of t.
func (c *Calendar) WorkingDay(t time.Time) (bool, error) {
	if err := c.covers(t); err != nil {
		return false, err
	}
	_, found := slices.BinarySearchFunc(c.days, dateOf(t.In(c.zone)), func(d day, date int) int { return d.date - date })
	return found, nil
}

// Day is how long is worked on the first working day at or after t, or on the last one that is covered.
func (c *Calendar) Day(t time.Time) time.Duration {
	date := dateOf(t.In(c.zone))
	i := sort.Search(len(c.days), func(i int) bool { return c.days[i].date >= date })
	d := c.days[min(i, len(c.days)-1)]
	var worked int64
	for _, v := range c.intervals[d.first:d.last] {
		worked += v.end - v.start
	}
	return time.Duration(worked)
}

// worked is the working time from the beginning of what is covered until t.
func (c *Calendar) worked(t time.Time) int64 {
	nanos := t.UnixNano()
	i := sort.Search(len(c.intervals), func(i int) bool { return c.intervals[i].end >= nanos })
	if i == len(c.intervals) {
		last := c.intervals[i-1]
		return last.before + last.end - last.start
	}
	v := c.intervals[i]
	return v.before + max(0, nanos-v.start)
}

func (c *Calendar) covers(t time.Time) error {
	if t.Before(c.from) || !t.Before(c.to) {
		return &GapError{Calendar: c.table.ID, Year: t.In(c.zone).Year()}
	}
	return nil
}

func (c *Calendar) gapAfter() error {
	return &GapError{Calendar: c.table.ID, Year: c.to.In(c.zone).Year()}
}

// instant gives nanoseconds the zone that like has.
func (c *Calendar) instant(nanos int64, like time.Time) time.Time {
	return time.Unix(0, nanos).In(like.Location())
}

func dateOf(t time.Time) int {
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}
