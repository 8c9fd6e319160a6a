// Package schedule says when a zone is awake: windows of the clock on kinds of days, with a calendar of holidays and of workdays
// that were moved.
//
// In: windows, a calendar, a time. Out: yes or no. It is pure: no clock of its own, no I/O, no state.
package schedule

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Day names the days on which a window begins.
type Day string

// The days. A workday is Monday to Friday unless it is a holiday, or any day that the calendar makes one (in China, weekend days
// are moved around long holidays every year); every other day is a restday.
const (
	Monday    Day = "mon"
	Tuesday   Day = "tue"
	Wednesday Day = "wed"
	Thursday  Day = "thu"
	Friday    Day = "fri"
	Saturday  Day = "sat"
	Sunday    Day = "sun"
	Workday   Day = "workday"
	Restday   Day = "restday"
)

// Days are all of them, in the order of the week.
var Days = []Day{Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Workday, Restday}

// weekdays in the order of [time.Weekday].
var weekdays = [...]Day{Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday}

// Window is a span of wall-clock time. If To is not after From it ends on the next day; equal times are a whole day.
type Window struct {
	Days     []Day         // on which it begins; none means every day
	From, To time.Duration // since midnight, 0 to 24 h
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day on which t falls, in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// ParseDate reads a date as 2026-10-01 (ISO 8601-1, 5.2.2.1).
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, errors.New("a date is written like 2026-10-01")
	}
	return DateOf(t), nil
}

// ParseClock reads a time of day as 22:30; 24:00 is the end of the day.
func ParseClock(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, errors.New("a time of day is written like 22:30")
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// Calendar knows the days that differ from their place in the week.
type Calendar struct {
	Holidays []Date
	Workdays []Date // that would be restdays by their place in the week
}

// workday says whether work is done on the day of t.
func (c Calendar) workday(t time.Time) bool {
	day := DateOf(t)
	switch {
	case slices.Contains(c.Workdays, day):
		return true
	case slices.Contains(c.Holidays, day):
		return false
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

// Schedule is a zone's windows. The zero value is always awake.
type Schedule struct {
	windows  []Window
	calendar Calendar
	location *time.Location
}

// New checks the windows. Without one the schedule is always awake.
func New(windows []Window, calendar Calendar, location *time.Location) (Schedule, error) {
	if location == nil {
		return Schedule{}, errors.New("a schedule needs a time zone")
	}
	for _, w := range windows {
		if w.From < 0 || w.To < 0 || w.From >= 24*time.Hour || w.To > 24*time.Hour {
			return Schedule{}, errors.New("a window lies between 00:00 and 24:00")
		}
		for _, d := range w.Days {
			if !slices.Contains(Days, d) {
				return Schedule{}, fmt.Errorf("unknown day %q", string(d))
			}
		}
	}
	return Schedule{windows: windows, calendar: calendar, location: location}, nil
}

// Awake says whether t lies in a window. Wall-clock times are those of the schedule's time zone.
func (s Schedule) Awake(t time.Time) bool {
	if len(s.windows) == 0 {
		return true
	}
	t = t.In(s.location)
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	yesterday := time.Date(t.Year(), t.Month(), t.Day()-1, 12, 0, 0, 0, s.location)
	for _, w := range s.windows {
		if s.begins(w, t) && w.coversToday(clock) || s.begins(w, yesterday) && w.coversTomorrow(clock) {
			return true
		}
	}
	return false
}

// Always says whether there is no window: the schedule is awake at any time.
func (s Schedule) Always() bool { return len(s.windows) == 0 }

// Asleep is the opposite of [Schedule.Awake].
func (s Schedule) Asleep(t time.Time) bool { return !s.Awake(t) }

// begins says whether w begins on the day of t.
func (s Schedule) begins(w Window, t time.Time) bool {
	kind := Restday
	if s.calendar.workday(t) {
		kind = Workday
	}
	return len(w.Days) == 0 || slices.Contains(w.Days, kind) || slices.Contains(w.Days, weekdays[t.Weekday()])
}

// coversToday says whether a window that begins today holds at clock.
func (w Window) coversToday(clock time.Duration) bool {
	if w.From < w.To {
		return clock >= w.From && clock < w.To
	}
	return clock >= w.From
}

// coversTomorrow says whether a window that began yesterday holds at clock.
func (w Window) coversTomorrow(clock time.Duration) bool { return w.To <= w.From && clock < w.To }
