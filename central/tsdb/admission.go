package tsdb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Admission is what every implementation asks before it writes: is the sample well formed, of a plausible time, and of a
// series that still fits? It is for one goroutine at a time.
type Admission struct {
	MaxSeries int              // distinct series that may exist; the next one is refused. A spare one is at 3/5 of it
	Past      time.Duration    // how old a sample may be by the clock; 0: any age
	Ahead     time.Duration    // how far ahead of the clock it may be
	Now       func() time.Time // nil: time.Now

	series map[string]struct{}
}

// Admitted is a sample that passed, with its place in the write.
type Admitted struct {
	Index  int
	Series string // identity of (Metric, Labels)
	Ms     int64  // At, in milliseconds since the Unix epoch
	Sample
}

// Screen sorts what may be written by time and names what may not. A sample that stands twice in the write is admitted
// once; with another value the second is refused.
func (a *Admission) Screen(samples []Sample) ([]Admitted, Rejection) {
	refused := Rejection{}
	admitted := make([]Admitted, 0, len(samples))
	now := a.now()
	for i, s := range samples {
		in := Admitted{Index: i, Series: SeriesID(s.Metric, s.Labels), Ms: s.At.UnixMilli(), Sample: s}
		if err := a.check(in, now); err != nil {
			refused[i] = err.Error()
			continue
		}
		a.Know(in.Series)
		admitted = append(admitted, in)
	}
	slices.SortStableFunc(admitted, func(x, y Admitted) int { return cmp.Compare(x.Ms, y.Ms) })
	return unique(admitted, refused), refused
}

func (a *Admission) check(in Admitted, now time.Time) error {
	if err := in.Validate(); err != nil {
		return err
	}
	if ahead := in.At.Sub(now); ahead > a.Ahead {
		return fmt.Errorf("time is more than %v ahead of central's clock", a.Ahead)
	}
	if a.Past > 0 && now.Sub(in.At) > a.Past {
		return fmt.Errorf("time is more than %v ago", a.Past)
	}
	if _, known := a.series[in.Series]; !known && len(a.series) >= a.most(in.Spare) {
		return fmt.Errorf("one series too many: there are %d already", len(a.series))
	}
	return nil
}

// most is how many series there may be with one more.
func (a *Admission) most(spare bool) int {
	if spare {
		return a.MaxSeries * 3 / 5
	}
	return a.MaxSeries
}

func (a *Admission) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// Know counts a series that exists.
func (a *Admission) Know(series string) {
	if a.series == nil {
		a.series = map[string]struct{}{}
	}
	a.series[series] = struct{}{}
}

// Full says whether a new series would be refused, at least a spare one.
func (a *Admission) Full() bool { return len(a.series) >= a.most(true) }

// Forget drops all series, before those that still exist are counted anew.
func (a *Admission) Forget() { clear(a.series) }

// unique keeps the first of samples with the same series and time. The order of admitted, by time, is kept.
func unique(admitted []Admitted, refused Rejection) []Admitted {
	type identity struct {
		series string
		ms     int64
	}
	seen := make(map[identity]float64, len(admitted))
	return slices.DeleteFunc(admitted, func(in Admitted) bool {
		id := identity{in.Series, in.Ms}
		value, twice := seen[id]
		if !twice {
			seen[id] = in.Value
			return false
		}
		if value != in.Value {
			refused[in.Index] = ReasonOtherValue
		}
		return true
	})
}

// ReasonOtherValue is the reason for refusing a second value at the same time.
const ReasonOtherValue = "another value was written for this time before"

// SeriesID is the identity of (metric, labels): one unambiguous, sortable line, since no part can hold the separators.
func SeriesID(metric string, labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for n := range labels {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(metric)
	for _, n := range names {
		b.WriteByte(0)
		b.WriteString(n)
		b.WriteByte(1)
		b.WriteString(labels[n])
	}
	return b.String()
}

// ParseSeriesID is the way back from [SeriesID].
func ParseSeriesID(id string) (metric string, labels map[string]string) {
	parts := strings.Split(id, "\x00")
	labels = make(map[string]string, len(parts)-1)
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "\x01")
		labels[name] = value
	}
	return parts[0], labels
}
