package notify

import (
	"fmt"
	"time"
)

// day is the minutes of one.
const day = 24 * 60

// leastLoud is how many minutes of a day quiet hours leave: what waits for them, and a chain after it, is told before it is given up.
const leastLoud = 10 * 60

// hours are the quiet ones of a recipient.
type hours struct {
	zone    *time.Location
	windows []window
}

// window is a stretch of a day in minutes after midnight; to is of the next day if it is not after from.
type window struct{ from, to int }

func newHours(j *judge, place string, quiet []Quiet, zone *time.Location) hours {
	h := hours{zone: zone}
	j.demand(len(quiet) <= MaxQuiet, place+".quiet", fmt.Sprintf("has more than %d stretches", MaxQuiet))
	for i, q := range quiet[:min(len(quiet), MaxQuiet)] {
		at := fmt.Sprintf("%s.quiet[%d]", place, i)
		w := window{j.minute(at+".from", q.From), j.minute(at+".to", q.To)}
		j.demand(w.from != w.to, at, "has the same from and to")
		h.windows = append(h.windows, w)
	}
	loud := 0
	for m := range day {
		if h.at(m) == nil {
			loud++
		}
	}
	j.demand(loud >= leastLoud, place+".quiet", "leaves less than ten hours of a day")
	return h
}

func (j *judge) minute(place, text string) int {
	t, err := time.Parse("15:04", text)
	if err != nil {
		j.bad(place, "must be HH:MM")
		return 0
	}
	return t.Hour()*60 + t.Minute()
}

// at returns the window that holds minute m of a day, or nil.
func (h hours) at(m int) *window {
	for i, w := range h.windows {
		over := w.to <= w.from // midnight
		if over && (m >= w.from || m < w.to) || !over && m >= w.from && m < w.to {
			return &h.windows[i]
		}
	}
	return nil
}

// next returns the first moment at or after t that is not quiet.
func (h hours) next(t time.Time) time.Time {
	for range 2 * (MaxQuiet + 1) { // windows may meet; those of a day are at most MaxQuiet
		local := t.In(h.zone)
		m := local.Hour()*60 + local.Minute()
		w := h.at(m)
		if w == nil {
			return t
		}
		t = w.end(local, m)
	}
	return t
}

// end is when w is over, seen from local, whose minute of the day is m. The clock that is set back has some minutes twice: the second
// ones are reckoned from local itself.
func (w window) end(local time.Time, m int) time.Time {
	days := 0
	if m >= w.to {
		days = 1
	}
	end := time.Date(local.Year(), local.Month(), local.Day()+days, w.to/60, w.to%60, 0, 0, local.Location())
	if !end.After(local) {
		end = local.Add(time.Duration(w.to+days*day-m) * time.Minute).Truncate(time.Minute)
	}
	return end
}
