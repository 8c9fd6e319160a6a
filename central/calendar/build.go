package calendar

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// builder turns a table into a calendar and collects what is wrong with it.
type builder struct {
	t        Table
	c        *Calendar
	week     [7][]stay
	off      map[int]string // date -> field that says so
	on       map[int][]stay
	problems Problems
}

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// New builds a calendar. The error is [Problems]: unknown zones and weekdays, hours that overlap, a gap between the years, a year without a
// source, days that are said twice or lie outside the years, a make-up day that is worked anyhow, hours that a change of the clocks
// leaves out.
func New(t Table) (*Calendar, error) {
	b := builder{t: t.clone(), off: map[int]string{}, on: map[int][]stay{}}
	b.head()
	b.hours()
	b.years()
	if len(b.problems) == 0 {
		b.offDays()
		b.onDays()
	}
	if len(b.problems) == 0 {
		b.lay()
	}
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	return b.c, nil
}

func (b *builder) fault(field, format string, args ...any) {
	b.problems = append(b.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (b *builder) head() {
	if !validID.MatchString(b.t.ID) {
		b.fault("id", "%q is not lower-case letters, digits and dashes (at most 32)", b.t.ID)
	}
	if b.t.Zone == "" {
		b.t.Zone = DefaultZone
	}
	if b.t.Days == "" {
		b.t.Days = EndOfWork
	}
	if b.t.Days != EndOfWork && b.t.Days != SameTime {
		b.fault("days", "%q is neither %q nor %q", b.t.Days, EndOfWork, SameTime)
	}
	zone, err := time.LoadLocation(b.t.Zone)
	if err != nil || b.t.Zone == "Local" {
		b.fault("zone", "%q is no zone of the IANA database", b.t.Zone)
		zone = time.UTC
	}
	b.c = &Calendar{table: b.t, zone: zone}
}

func (b *builder) hours() {
	for _, name := range slices.Sorted(maps.Keys(b.t.Hours)) {
		stays, err := parseStays(b.t.Hours[name])
		if err != nil {
			b.fault("hours."+name, "%v", err)
		}
		i := slices.Index(weekdays, name)
		if i < 0 {
			b.fault("hours."+name, "is none of %s", strings.Join(weekdays, ", "))
			continue
		}
		b.week[i] = stays
	}
	if len(b.t.Hours) == 0 {
		b.fault("hours", "nobody ever works")
	}
}

func (b *builder) years() {
	years := b.t.Years
	if len(years) == 0 || len(years) > MaxYears {
		b.fault("years", "must name 1 to %d years", MaxYears)
		return
	}
	for i, y := range years {
		field := fmt.Sprintf("years[%d]", i)
		if strings.TrimSpace(y.Source) == "" {
			b.fault(field+".source", "the year %d has no source: name the notice that its holidays are from", y.Year)
		}
		if y.Year < 2000 || y.Year > 2200 {
			b.fault(field+".year", "%d is not between 2000 and 2200", y.Year)
		}
		if i > 0 && y.Year != years[i-1].Year+1 {
			b.fault(field+".year", "%d does not follow %d: there must be no gap", y.Year, years[i-1].Year)
		}
	}
	b.c.from = time.Date(years[0].Year, 1, 1, 0, 0, 0, 0, b.c.zone)
	b.c.to = time.Date(years[len(years)-1].Year+1, 1, 1, 0, 0, 0, 0, b.c.zone)
}

// date reads a date that must be covered.
func (b *builder) date(field, text string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		b.fault(field, "%q is not a date like 2026-10-01", text)
		return t, false
	}
	if y := t.Year(); y < b.c.from.Year() || y >= b.c.to.Year() {
		b.fault(field, "%s is in %d, which is not among the years", text, y)
		return t, false
	}
	return t, true
}

func (b *builder) offDays() {
	for i, o := range b.t.Off {
		field := fmt.Sprintf("off[%d]", i)
		if o.To == "" {
			o.To = o.From
		}
		from, ok1 := b.date(field+".from", o.From)
		to, ok2 := b.date(field+".to", o.To)
		switch {
		case !ok1 || !ok2:
			continue
		case to.Before(from) || to.Sub(from) > 60*24*time.Hour:
			b.fault(field+".to", "%s is before %s, or more than 60 days after it", o.To, o.From)
			continue
		}
		for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
			if other := b.off[dateOf(d)]; other != "" {
				b.fault(field, "%s is off by %s already", d.Format(time.DateOnly), other)
				break
			}
			b.off[dateOf(d)] = field
		}
	}
}

func (b *builder) onDays() {
	for i, o := range b.t.On {
		field := fmt.Sprintf("on[%d]", i)
		d, ok := b.date(field+".date", o.Date)
		if !ok {
			continue
		}
		stays, err := parseStays(o.Hours)
		if err != nil {
			b.fault(field+".hours", "%v", err)
		}
		if len(o.Hours) == 0 {
			stays = b.week[time.Monday]
		}
		_, twice := b.on[dateOf(d)]
		switch {
		case twice:
			b.fault(field, "%s is worked by another row already", o.Date)
		case b.off[dateOf(d)] != "":
			b.fault(field, "%s is off by %s", o.Date, b.off[dateOf(d)])
		case len(b.week[d.Weekday()]) > 0:
			b.fault(field, "%s is a %s and worked anyhow", o.Date, d.Weekday())
		case len(stays) == 0:
			b.fault(field+".hours", "Monday has no hours: say when %s is worked", o.Date)
		}
		b.on[dateOf(d)] = stays
	}
}

// lay lays out every working day that is covered.
func (b *builder) lay() {
	var total int64
	for d := time.Date(b.c.from.Year(), 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < b.c.to.Year(); d = d.AddDate(0, 0, 1) {
		first := len(b.c.intervals)
		for _, s := range b.stays(d) {
			v := interval{start: b.at(d, s.from), end: b.at(d, s.to), before: total}
			if n := len(b.c.intervals); v.end <= v.start || n > 0 && v.start < b.c.intervals[n-1].end || !b.exists(d, s.from) || !b.exists(d, s.to) {
				b.fault("hours", "on %s the clocks change in %s: give that day other hours", d.Format(time.DateOnly), b.t.Zone)
				return
			}
			total += v.end - v.start
			b.c.intervals = append(b.c.intervals, v)
		}
		if last := len(b.c.intervals); last > first {
			b.c.days = append(b.c.days, day{date: dateOf(d), first: first, last: last})
		}
	}
	if len(b.c.days) == 0 {
		b.fault("hours", "nobody ever works")
	}
}

func (b *builder) stays(d time.Time) []stay {
	if b.off[dateOf(d)] != "" {
		return nil
	}
	if on, ok := b.on[dateOf(d)]; ok {
		return on
	}
	return b.week[d.Weekday()]
}

func (b *builder) local(d time.Time, minute int) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), minute/60, minute%60, 0, 0, b.c.zone)
}

func (b *builder) at(d time.Time, minute int) int64 { return b.local(d, minute).UnixNano() }

// exists says whether a time of day is there on that day: one that is left out when summer time begins is not.
func (b *builder) exists(d time.Time, minute int) bool {
	t := b.local(d, minute)
	return t.Hour() == minute/60%24 && t.Minute() == minute%60
}
