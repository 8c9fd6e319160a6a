package motion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/edge/detect"
)

// Trial is what zones would have told of the samples that a [Memory] holds.
type Trial struct {
	From, To time.Time // of the samples; zero without one
	Samples  int       // that were judged
	Events   []Event   // in the order in which they began, at most [MaxEvents]
	// Unseen says, zone by zone, what cannot be told since nobody looked: parts that lay outside of the zones of that time, and regions
	// that were too small for them.
	Unseen []string
}

// Event is one situation of a zone, by the edge's clock. One that still held at the end ends with the last sample.
type Event struct {
	Zone     string
	From, To time.Time
}

// MaxEvents bounds the events of a [Trial].
const MaxEvents = 200

// Try runs zones and masks over what was seen since a time, by the code with which a [Detector] judges. Limit: a region of which a new
// mask hides a part counts by what is left of it; whether that part still moved enough, or was light, is not judged again.
func (m *Memory) Try(zones []detect.Zone, masks []detect.Polygon, since time.Time) (Trial, error) {
	tried, err := newArea(Options{Zones: zones, Masks: masks})
	if err != nil {
		return Trial{}, err
	}
	hidden := make([]bool, pixels)
	for _, mask := range masks {
		paint(mask, func(p int) { hidden[p] = true })
	}
	m.mu.Lock()
	buf, before, seen := slices.Clone(m.buf), m.first, m.area
	m.mu.Unlock()
	t := trying{area: tried, hidden: hidden, bench: takeBench(), open: map[string]int{}}
	defer t.bench.back()
	for len(buf) > 0 {
		var r record
		r, buf = next(buf, before)
		before = r.mark
		if r.mark.at >= since.UnixMilli() {
			t.take(r)
		}
	}
	t.end()
	if seen != nil {
		t.Unseen = tried.unseen(seen)
	}
	return t.Trial, nil
}

// trying is a trial under way.
type trying struct {
	Trial
	area   *area
	hidden []bool
	bench  *bench
	open   map[string]int // index of the event that goes on in a zone
}

func (t *trying) take(r record) {
	at := time.UnixMilli(r.mark.at).UTC()
	if t.From.IsZero() {
		t.From = at
	}
	t.To = at
	switch r.what {
	case begun:
		t.area.reset()
	case judged:
		t.Samples++
		t.judge(r, at)
	}
}

func (t *trying) judge(r record, at time.Time) {
	var found []detect.Blob
	if len(r.shape) > 0 {
		w := t.bench
		paintShape(w.changed, r.shape, t.hidden)
		w.labeller.label(w.changed, w.changed)
		found = w.labeller.keep(func(b *detect.Blob) bool { return b.Area >= t.area.smallest })
	}
	v := t.area.verdict(found, t.bench.labeller.labels, time.Duration(r.mark.pts)*time.Microsecond, r.step)
	if !v.Judged {
		return
	}
	active := map[string]bool{}
	for _, d := range v.Detections {
		active[d.Zone] = true
		if _, goesOn := t.open[d.Zone]; !goesOn && len(t.Events) < MaxEvents {
			t.open[d.Zone] = len(t.Events)
			t.Events = append(t.Events, Event{Zone: d.Zone, From: at})
		}
	}
	for zone, i := range t.open {
		if !active[zone] {
			t.Events[i].To = at
			delete(t.open, zone)
		}
	}
}

func (t *trying) end() {
	for _, i := range t.open {
		t.Events[i].To = t.To
	}
}

// worthTelling is the share of a zone from which on it is told that nobody looked there: outlines are drawn by hand.
const worthTelling = 0.02

// unseen says what of the zones of a lies outside of what was looked at.
func (a *area) unseen(seen *area) (out []string) {
	looked := make([]bool, pixels)
	for _, r := range seen.visible {
		for i := r.from; i < r.to; i++ {
			looked[i] = true
		}
	}
	for _, z := range a.zones {
		all, missed := 0, 0
		for _, r := range z.runs {
			for i := r.from; i < r.to; i++ {
				all++
				if !looked[i] {
					missed++
				}
			}
		}
		if share := float64(missed) / float64(max(all, 1)); share > worthTelling {
			out = append(out, fmt.Sprintf("of zone %q %.0f %% was not looked at, since no zone of that time held it", z.name, 100*share))
		}
		if z.smallest < seen.smallest {
			out = append(out, fmt.Sprintf("zone %q asks for regions smaller than were looked for", z.name))
		}
	}
	return out
}

// Why is [Trial.Unseen] in one line.
func (t Trial) Why() string { return strings.Join(t.Unseen, "; ") }
