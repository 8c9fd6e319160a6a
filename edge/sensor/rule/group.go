package rule

import (
	"sync"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// roll is an [Absence] of a group: the sensors that have the rule.
type roll struct {
	rule *Rule

	mu      sync.Mutex
	members []*member
}

type member struct {
	*watch
	last  time.Time // heard, or the start
	heard bool      // since the start
}

// hear notes that a member spoke.
func (r *roll) hear(m *member, now time.Time) (Finding, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.last, m.heard, m.phase = now, true, observation.Inactive
	return m.say(m.phase, now, now)
}

// tick says which members are silent. One that was not heard since the start says nothing until it is late: what was raised
// before the start stays so long.
func (r *roll) tick(now time.Time, out []Finding) []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var newest, second time.Time
	for _, m := range r.members {
		if m.last.After(now) { // our clock was set back
			m.last = now
		}
		if !m.heard {
			continue
		}
		if m.last.After(newest) {
			newest, second = m.last, newest
		} else if m.last.After(second) {
			second = m.last
		}
	}
	for _, m := range r.members {
		others := newest
		if m.heard && m.last.Equal(newest) {
			others = second
		}
		if f, ok := r.judge(m, others, now); ok {
			out = append(out, f)
		}
	}
	return out
}

func (r *roll) judge(m *member, others, now time.Time) (Finding, bool) {
	a := r.rule.Absence
	late := now.Sub(m.last) >= a.After
	alone := a.Others && others.Before(m.last.Add(a.After)) // nobody spoke since it is late
	switch {
	case late && !alone:
		m.phase = observation.Active
	case late || !m.heard:
		m.phase = "" // nobody knows
	}
	return m.tick(now)
}

// mix is a [Combination] at work.
type mix struct {
	mu     sync.Mutex
	watch  *watch
	inputs map[string]*value
	env    map[string]any
	age    map[string]float64
}

// value is the last of an input.
type value struct {
	Input
	known bool
	at    time.Time // when it came
	told  time.Time // its own time
	is    any       // float64 or bool
}

func (s *Stage) mix(r *Rule, device string) *mix {
	m := &mix{watch: s.watch(r, device, r.Zone), inputs: map[string]*value{}, age: map[string]float64{}}
	m.env = map[string]any{ages: m.age}
	for name, in := range r.Combination.Inputs {
		m.inputs[name] = &value{Input: in}
	}
	return m
}

// take notes what an input told and says what follows.
func (m *mix) take(name string, is any, told, now time.Time) (Finding, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.inputs[name]
	if told.IsZero() {
		told = now
	}
	if v.known && told.Before(v.told) && recent(v.at, now) {
		return Finding{}, false
	}
	v.known, v.at, v.told, v.is = true, now, told, is
	if x, ok := is.(float64); ok && v.Sensor == m.watch.device {
		m.watch.measure, m.watch.measured = alert.Measure{Quantity: v.Quantity, Value: x, Unit: v.Unit}, true
	}
	return m.judge(now)
}

func (m *mix) tick(now time.Time) (Finding, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.judge(now)
}

func (m *mix) judge(now time.Time) (Finding, bool) {
	m.watch.phase = m.phase(now)
	return m.watch.tick(now)
}

// phase is what the expression says. What it cannot work out is undecided.
func (m *mix) phase(now time.Time) observation.Phase {
	c := m.watch.rule.Combination
	for name, v := range m.inputs {
		age := now.Sub(v.at)
		if !v.known || age > v.MaxAge {
			return map[Missing]observation.Phase{True: observation.Active, False: observation.Inactive}[c.Missing]
		}
		m.env[name], m.age[name] = v.is, max(0, age).Seconds()
	}
	switch is, err := c.program.eval(m.env); {
	case err != nil:
		return ""
	case is:
		return observation.Active
	}
	return observation.Inactive
}
