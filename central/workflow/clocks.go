package workflow

import (
	"errors"
	"slices"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
)

// Limit is one milestone of an event class: how long it may take from one mark to another.
type Limit struct {
	Name   string        `json:"name" yaml:"name"` // of the deadline, one of its kind in a class
	Span   calendar.Span `json:"span" yaml:"span"`
	From   Mark          `json:"from" yaml:"from"`
	To     Mark          `json:"to" yaml:"to"`
	Yellow float64       `json:"yellow,omitempty" yaml:"yellow"` // the share of the time after which little is left; 0: [DefaultYellow]
}

// DefaultYellow is the share of a limit after which its deadline turns yellow.
const DefaultYellow = 0.75

func (l Limit) yellow() float64 {
	if l.Yellow <= 0 || l.Yellow > 1 {
		return DefaultYellow
	}
	return l.Yellow
}

func (l Loop) limit(name string) (Limit, bool) {
	i := slices.IndexFunc(l.Limits, func(m Limit) bool { return m.Name == name })
	if i < 0 {
		return Limit{}, false
	}
	return l.Limits[i], true
}

// clocks sets what the event says of deadlines, all of them if any changed.
func (t *turn) clocks(e *cases.Event) error {
	deadlines := slices.Clone(t.c.Deadlines)
	if t.c.Workflow == "" { // taken into the loop by this very step
		opened, err := t.l.start(deadlines, Opened, t.c.OpenedAt)
		if err != nil {
			return t.uncovered(err)
		}
		deadlines = opened
	}
	deadlines, err := t.wind(deadlines, *e)
	if err != nil {
		return t.uncovered(err)
	}
	if !slices.Equal(deadlines, t.c.Deadlines) {
		e.Deadlines = append([]cases.Deadline{}, deadlines...)
	}
	return nil
}

// wind does to deadlines what the action says: drop, unmeet, resume, meet and start at its marks, extend, pause. Where it leads a parked case
// on and says nothing of its clocks, they go on, too, but those of a case that it closes: nobody needs what they had left.
func (t *turn) wind(deadlines []cases.Deadline, e cases.Event) ([]cases.Deadline, error) {
	w := t.a.Clocks
	leaves := !t.c.ParkedAt.IsZero() && !e.Parked
	deadlines = t.drop(deadlines)
	for i := range deadlines {
		d := &deadlines[i]
		if m, ok := t.l.limit(d.Name); ok && slices.Contains(w.Unmeets, m.To) {
			d.Met = time.Time{}
		}
		switch {
		case leaves && e.State == cases.Closed && !w.Resumes:
			d.Left, d.Calm = "", ""
		case leaves || w.Resumes:
			if err := t.l.resume(d, t.r.At); err != nil {
				return nil, err
			}
		}
	}
	for _, mark := range t.a.Marks {
		t.l.meet(deadlines, mark, t.r.At)
		var err error
		if deadlines, err = t.l.start(deadlines, mark, t.r.At); err != nil {
			return nil, err
		}
	}
	return deadlines, t.stretch(deadlines)
}

// stretch extends or pauses.
func (t *turn) stretch(deadlines []cases.Deadline) error {
	for i := range deadlines {
		d := &deadlines[i]
		if t.a.Clocks.Extends && d.Runs() {
			if err := t.l.extend(d, t.r.By, t.r.At); err != nil {
				return err
			}
		}
		if t.a.Clocks.Pauses {
			if err := t.l.pause(d, t.r.At); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop removes deadlines that started at a mark to be dropped; one whose limit is no longer known goes, too, if any do.
func (t *turn) drop(deadlines []cases.Deadline) []cases.Deadline {
	drops := t.a.Clocks.Drops
	return slices.DeleteFunc(deadlines, func(d cases.Deadline) bool {
		m, ok := t.l.limit(d.Name)
		return len(drops) > 0 && (!ok || slices.Contains(drops, m.From))
	})
}

// start adds a deadline for each limit that starts at a mark. One that is there runs on as it is: a clock starts once.
func (l Loop) start(deadlines []cases.Deadline, mark Mark, at time.Time) ([]cases.Deadline, error) {
	for _, m := range l.Limits {
		if m.From != mark || slices.ContainsFunc(deadlines, func(d cases.Deadline) bool { return d.Name == m.Name }) {
			continue
		}
		due, err := l.Calendar.Add(at, m.Span)
		if err != nil {
			return deadlines, err
		}
		warn, err := l.Calendar.Share(at, due, m.yellow(), m.Span.Unit)
		if err != nil {
			return deadlines, err
		}
		deadlines = append(deadlines, cases.Deadline{Name: m.Name, From: at.UTC(), Warn: warn.UTC(), Due: due.UTC()})
	}
	return deadlines, nil
}

// meet notes that what the deadlines of a mark waited for was done.
func (l Loop) meet(deadlines []cases.Deadline, mark Mark, at time.Time) {
	for i := range deadlines {
		if m, ok := l.limit(deadlines[i].Name); ok && m.To == mark && deadlines[i].Met.IsZero() {
			deadlines[i].Met = at.UTC()
		}
	}
}

// unit is how the time of a deadline counts: by its limit, and by working time if that is no longer known.
func (l Loop) unit(name string) calendar.Unit {
	if m, ok := l.limit(name); ok && m.Span.Unit == calendar.Clock {
		return calendar.Clock
	}
	return calendar.Working
}

// pause stops a deadline that runs. One that is overdue stays so.
func (l Loop) pause(d *cases.Deadline, at time.Time) error {
	if !d.Runs() || !d.Due.After(at) {
		return nil
	}
	unit := l.unit(d.Name)
	left, err := l.Calendar.Left(at, d.Due, unit)
	if err != nil {
		return err
	}
	calm, err := l.Calendar.Left(at, d.Warn, unit)
	if err != nil {
		return err
	}
	left.Time = max(left.Time, 1) // outside working time the end may be no working time away
	d.Left, d.Calm, d.Due = left.String(), "", time.Time{}
	if calm.Time > 0 && d.Told == "" {
		d.Calm = calm.String()
	}
	d.Warn = time.Time{}
	return nil
}

// resume lets a deadline go on that was paused.
func (l Loop) resume(d *cases.Deadline, at time.Time) error {
	if d.Left == "" {
		return nil
	}
	left, err := calendar.ParseSpan(d.Left)
	if err != nil {
		return err
	}
	due, err := l.Calendar.Add(at, left)
	if err != nil {
		return err
	}
	warn := at
	if d.Calm != "" {
		calm, err := calendar.ParseSpan(d.Calm)
		if err != nil {
			return err
		}
		if warn, err = l.Calendar.Add(at, calm); err != nil {
			return err
		}
	}
	d.Warn, d.Due, d.Left, d.Calm = warn.UTC(), due.UTC(), "", ""
	return nil
}

// extend moves the end of a deadline: from where it was, or from now if it is overdue. What was told of it is taken back.
func (l Loop) extend(d *cases.Deadline, by calendar.Span, at time.Time) error {
	from := d.Due
	if at.After(from) {
		from = at
	}
	due, err := l.Calendar.Add(from, by)
	if err != nil {
		return err
	}
	m, _ := l.limit(d.Name)
	warn, err := l.Calendar.Share(at, due, m.yellow(), l.unit(d.Name))
	if err != nil {
		return err
	}
	d.Warn, d.Due, d.Told = warn.UTC(), due.UTC(), ""
	return nil
}

// uncovered tells what is missing of the calendar.
func (t *turn) uncovered(err error) error {
	var gap *calendar.GapError
	if !errors.As(err, &gap) {
		return err
	}
	r := t.refuse(NotCovered, "", "工作日历“%s”没有%d年的安排，无法计算时限，请先导入", "calendar %q does not cover %d, so the deadline cannot be computed: import that year first",
		gap.Calendar, gap.Year)
	r.Err = err
	return r
}
