package evidence

import (
	"slices"
	"sync/atomic"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// step is one thing to do for a job.
type step string

const (
	stepOnset step = "picture of the onset" // at once: an operator waits for it
	stepStrip step = "filmstrip"            // all others in one pass, when the last of their moments has come
	stepClip  step = "clip"
)

type task struct {
	step step
	due  time.Time
}

// job is the evidence of one onset, for the alerts that were raised then.
type job struct {
	alerts []alert.Alert
	onset  time.Time
	ring   Ring
	units  []source.AccessUnit // of the ring when the job came: it may have moved on when their turn comes
	bytes  int
	tasks  []task
	stored map[string]bool // digests of what this job has stored
}

// strip are the moments of a filmstrip beside the onset.
func (j *job) strip(offsets []time.Duration) (out []time.Time) {
	for _, o := range offsets {
		if o != 0 {
			out = append(out, j.onset.Add(o))
		}
	}
	return out
}

// newJob has all tasks; [Maker.enqueue] spares some of them.
func (m *Maker) newJob(alerts []alert.Alert, onset time.Time, ring Ring, now time.Time) *job {
	j := &job{alerts: alerts, onset: onset, ring: ring, stored: map[string]bool{}}
	j.tasks = []task{{step: stepOnset, due: now}}
	from := onset.Add(m.opt.Offsets[0])
	if len(m.opt.Offsets) > 1 {
		j.tasks = append(j.tasks, task{step: stepStrip, due: now.Add(m.wait(onset, now))})
	}
	if m.opt.Clip != nil {
		before, after := m.opt.Clip.Span()
		if start := onset.Add(-before); start.Before(from) {
			from = start
		}
		wait := min(max(onset.Add(after).Sub(now), 0), after) + settle
		j.tasks = append(j.tasks, task{step: stepClip, due: now.Add(wait)})
	}
	j.hold(ring.Window(from))
	return j
}

// hold keeps units for j and lets go of those before.
func (j *job) hold(units []source.AccessUnit) { j.units, j.bytes = units, size(units) }

func size(units []source.AccessUnit) (n int) {
	for _, u := range units {
		n += u.Bytes()
	}
	return n
}

// enqueue takes j in, if need be with nothing but the group of its onset; not taken means that there is no room. strip says
// whether j has a filmstrip.
func (m *Maker) enqueue(j *job, now time.Time) (taken, strip bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held+j.bytes > m.opt.MaxHeld {
		j.hold(group(j.units, j.onset))
	}
	waiting := 0
	for _, other := range m.jobs {
		if other.tasks[0].step == stepOnset {
			waiting++
		}
	}
	if waiting >= maxJobs || m.held+j.bytes > m.opt.MaxHeld {
		return false, false
	}
	m.spare(j, now)
	if len(j.tasks) == 1 {
		j.hold(group(j.units, j.onset))
	}
	m.jobs = append(m.jobs, j)
	m.held += j.bytes
	return true, slices.ContainsFunc(j.tasks, func(t task) bool { return t.step == stepStrip })
}

// spare takes from j a filmstrip that comes soon after the last one, and a clip that would overlap with the last one. A clock
// that was set back spares nothing.
func (m *Maker) spare(j *job, now time.Time) {
	var before, after time.Duration
	if m.opt.Clip != nil {
		before, after = m.opt.Clip.Span()
	}
	j.tasks = slices.DeleteFunc(j.tasks, func(t task) bool {
		last, at, apart := &m.lastStrip, now, stripEvery
		switch t.step {
		case stepOnset:
			return false
		case stepClip:
			last, at, apart = &m.lastClip, j.onset, before+after
		}
		if since := at.Sub(*last); !last.IsZero() && since >= 0 && since < apart {
			m.count.spared.Add(m.things(j, t.step))
			return true
		}
		*last = at
		return false
	})
}

// next is the step to do now: the picture of an onset before all else. Without one, wait is the time until there is, negative
// if no job is there.
func (m *Maker) next(now time.Time) (j *job, s step, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait = -1
	for _, candidate := range m.jobs {
		t := candidate.tasks[0]
		left := max(t.due.Sub(now), 0)
		switch {
		case t.step == stepOnset:
			return candidate, t.step, 0
		case wait < 0 || left < wait:
			j, s, wait = candidate, t.step, left
		}
	}
	if wait > 0 {
		return nil, "", wait
	}
	return j, s, wait
}

// done takes a step off j. After the picture of its onset a job goes no further if too many wait for the rest already.
func (m *Maker) done(j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wasOnset := j.tasks[0].step == stepOnset
	j.tasks = j.tasks[1:]
	slices.SortStableFunc(j.tasks, func(a, b task) int { return a.due.Compare(b.due) })
	later := 0
	for _, other := range m.jobs {
		if other != j && other.tasks[0].step != stepOnset {
			later++
		}
	}
	if wasOnset && later >= maxJobs {
		m.skipTasks(j)
		j.tasks = nil
	}
	if len(j.tasks) == 0 {
		m.held -= j.bytes
		m.jobs = slices.DeleteFunc(m.jobs, func(other *job) bool { return other == j })
	}
}

// skip counts all that j would have got.
func (m *Maker) skip(j *job) {
	m.skipTasks(j)
	m.opt.Log.Warn("an alert stays without evidence: too much is waiting")
}

func (m *Maker) skipTasks(j *job) {
	for _, t := range j.tasks {
		counter := &m.count.noPicture
		if t.step == stepClip {
			counter = &m.count.noClip
		}
		counter.Add(m.things(j, t.step))
	}
}

// things is how many pictures or clips a step makes, each counted once for each alert.
func (m *Maker) things(j *job, s step) uint64 {
	if s == stepStrip {
		return uint64(len(j.alerts) * (len(m.opt.Offsets) - 1))
	}
	return uint64(len(j.alerts))
}

type counters struct{ pictures, noPicture, clips, noClip, spared atomic.Uint64 }

// Counters are totals since the start, each counted once for each alert.
type Counters struct {
	Pictures  uint64 `json:"pictures"`  // stored
	NoPicture uint64 `json:"noPicture"` // wanted and not made: no room, no coded picture of that moment, no redaction, no storage
	Clips     uint64 `json:"clips"`
	NoClip    uint64 `json:"noClip"`
	Spared    uint64 `json:"spared"` // pictures and clips not wanted, since those of an alert shortly before show much the same
}

// Counters is a snapshot.
func (m *Maker) Counters() Counters {
	c := &m.count
	return Counters{
		Pictures: c.pictures.Load(), NoPicture: c.noPicture.Load(), Clips: c.clips.Load(), NoClip: c.noClip.Load(), Spared: c.spared.Load(),
	}
}
