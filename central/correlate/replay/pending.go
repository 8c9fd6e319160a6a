package replay

import (
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/protocols/alert"
)

// maxPending is how many decisions of one side wait for the other side to make them, too; above, the oldest is told.
const maxPending = 50_000

// what is decided, whichever rule does it.
type what struct {
	typ      cases.EventType
	id, into string
	severity alert.Severity
	level    cases.Level
	note     string // the rule, where it is all there is to say
}

func whatOf(d rules.Decision) what {
	w := what{typ: d.Event.Type, id: d.Event.CaseID, into: d.Event.Into, severity: d.Event.Severity, level: d.Event.Level}
	if d.Event.Type == cases.EventAnnotated {
		w.note = d.Event.Rule
	}
	return w
}

// pending holds the decisions of one side that the other has not made yet, in their order.
type pending struct {
	tell  func(Difference) error
	queue []*Difference // nil Event.CaseID: the other side came
	open  map[what]*Difference

	onlyOld, onlyNew, elsewise int
}

func newPending(tell func(Difference) error) *pending {
	return &pending{tell: tell, open: map[what]*Difference{}}
}

// compare takes in what both sides decided on the same events.
func (p *pending) compare(was, would []rules.Decision) error {
	for len(was)+len(would) > 0 { // in the order of the log
		if len(would) == 0 || len(was) > 0 && was[0].By <= would[0].By {
			p.add(was[0], false)
			was = was[1:]
			continue
		}
		p.add(would[0], true)
		would = would[1:]
	}
	for len(p.queue) > maxPending {
		if err := p.first(); err != nil {
			return err
		}
	}
	return nil
}

func (p *pending) add(d rules.Decision, isNew bool) {
	w := whatOf(d)
	if other := p.open[w]; other != nil && other.New != isNew {
		if other.Event.Rule != d.Event.Rule {
			p.elsewise++
		}
		other.Event.CaseID = ""
		delete(p.open, w)
		return
	}
	one := &Difference{Decision: d, New: isNew}
	p.open[w] = one
	p.queue = append(p.queue, one)
}

// flush tells what waited since before t; all of it for the zero time.
func (p *pending) flush(t time.Time) error {
	for len(p.queue) > 0 && (t.IsZero() || p.queue[0].At.Before(t)) {
		if err := p.first(); err != nil {
			return err
		}
	}
	return nil
}

// first tells the oldest, unless the other side came.
func (p *pending) first() error {
	d := p.queue[0]
	p.queue = p.queue[1:]
	if d.Event.CaseID == "" {
		return nil
	}
	delete(p.open, whatOf(d.Decision))
	if d.New {
		p.onlyNew++
	} else {
		p.onlyOld++
	}
	return p.tell(*d)
}
