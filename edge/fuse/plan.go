package fuse

import (
	"slices"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/observation"
)

// plan works out what signals change, on a copy: nothing is lost if it is thrown away.
type plan struct {
	f       *Fuser
	now     time.Time
	claims  map[place]claim
	waiting []raise.Signal
	out     []raise.Signal
}

// forget drops what is too long ago to be joined.
func (p *plan) forget() {
	for at, c := range p.claims {
		if !c.held() && p.old(c.last) {
			delete(p.claims, at)
		}
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(s raise.Signal) bool { return !phaseIs(s, observation.Active) && p.old(s.At) })
}

// old says whether the window is over. A clock that was set back ends it, too.
func (p *plan) old(t time.Time) bool { return p.now.Sub(t).Abs() > p.f.o.Window }

// take applies one signal.
func (p *plan) take(s raise.Signal) {
	switch {
	case !slices.Contains(seen, s.Kind):
		p.share(s)
	case phaseIs(s, observation.Inactive):
		p.withdraw(s)
	case p.trust(s) == Off:
	case p.trust(s) == Confirm && !p.confirmed(s):
		p.wait(s)
	default:
		p.believe(s)
		p.release(s)
	}
}

func (p *plan) trust(s raise.Signal) Trust {
	t := p.f.o.Trust[s.Device]
	if p.f.o.Events(s.Origin) {
		return t.Events
	}
	return t.Detectors
}

// confirmed says whether a source of the other sort sees something on the zone, or saw it within the window.
func (p *plan) confirmed(s raise.Signal) bool {
	for at, c := range p.claims {
		other := func(o string) bool { return p.f.o.Events(o) != p.f.o.Events(s.Origin) }
		near := at.zone == s.Zone || at.zone == "" || s.Zone == ""
		if near && slices.Contains(seen, at.kind) && slices.ContainsFunc(c.origins, other) {
			return true
		}
	}
	return slices.ContainsFunc(p.waiting, func(w raise.Signal) bool { return p.second(w, s) })
}

// second says whether two signals confirm each other.
func (p *plan) second(a, b raise.Signal) bool {
	return (a.Zone == b.Zone || a.Zone == "" || b.Zone == "") && p.f.o.Events(a.Origin) != p.f.o.Events(b.Origin)
}

// wait keeps a signal until another source confirms it: a state while it holds, a moment for the window. Of the same place and origin the
// newest is kept.
func (p *plan) wait(s raise.Signal) {
	p.waiting = slices.DeleteFunc(p.waiting, func(w raise.Signal) bool { return same(w, s) })
	if len(p.waiting) == maxWaiting {
		p.waiting = p.waiting[1:]
	}
	p.waiting = append(p.waiting, s)
}

func same(a, b raise.Signal) bool {
	return a.Zone == b.Zone && a.Kind == b.Kind && a.Origin == b.Origin
}

// release believes what waited for s.
func (p *plan) release(s raise.Signal) {
	var still []raise.Signal
	for _, w := range p.waiting {
		if p.second(w, s) {
			p.believe(w)
		} else {
			still = append(still, w)
		}
	}
	p.waiting = still
}

// believe passes a signal on, unless it is part of what is known.
func (p *plan) believe(s raise.Signal) {
	at, state := place{s.Zone, s.Kind}, phaseIs(s, observation.Active)
	c := p.claims[at]
	held, new := c.held(), !slices.Contains(c.origins, s.Origin)
	late := !held && new && len(c.origins) > 0 && !p.old(c.last) // another source has said it, and is done
	if !held && !late {
		c = claim{drill: s.Exercise}
	}
	c.join(s.Origin)
	c.last = p.now
	if state {
		c.hold(s.Origin)
	}
	more, isPart := p.more(at)
	switch {
	case isPart:
		c.part = true
		p.told(more, s.Origin)
	case held && c.part, late && !state:
	case held && new && c.drill == s.Exercise:
	default:
		c.drill = c.drill && s.Exercise
		p.absorb(at, &c, s)
		s.Origin, c.part = c.name(), false
		p.out = append(p.out, s)
	}
	p.claims[at] = c
}

// told names one more origin of what is known at a place.
func (p *plan) told(at place, origin string) {
	c := p.claims[at]
	c.join(origin)
	p.claims[at] = c
}

// more finds what motion at a place is part of now.
func (p *plan) more(at place) (place, bool) {
	for other, c := range p.claims {
		if other.telling(at) && (c.held() || !p.old(c.last)) && !c.part {
			return other, true
		}
	}
	return place{}, false
}

// absorb makes motion part of what is now known at a place, and ends what was raised of it. Motion that goes on from before, as part of what
// was over for a moment, is part of this, too.
func (p *plan) absorb(at place, into *claim, s raise.Signal) {
	for other, c := range p.claims {
		if !at.telling(other) || !c.held() && (c.part || p.old(c.last)) {
			continue
		}
		into.join(c.origins...)
		if c.part {
			continue
		}
		p.out = append(p.out, ended(s, other, c.name())) // it may be waiting to end
		c.part = true
		p.claims[other] = c
	}
}

func ended(s raise.Signal, at place, origin string) raise.Signal {
	s.Observation = observation.Observation{Device: s.Device, Kind: at.kind, Zone: at.zone, Phase: observation.Inactive, At: s.At}
	s.Origin, s.Reading, s.Severity, s.Patience = origin, nil, "", &raise.Debounce{}
	return s
}

// withdraw ends what a source said; the situation ends with the last one that says it.
func (p *plan) withdraw(s raise.Signal) {
	at := place{s.Zone, s.Kind}
	p.waiting = slices.DeleteFunc(p.waiting, func(w raise.Signal) bool { return same(w, s) })
	c, known := p.claims[at]
	if !known {
		p.out = append(p.out, s) // of before a restart
		return
	}
	was := c.held()
	delete(c.holders, s.Origin)
	if was {
		c.last = p.now
	}
	p.claims[at] = c
	if c.held() || c.part {
		return
	}
	if was {
		s.Origin = c.name()
	}
	if slices.Contains(seen, s.Kind) {
		s.Patience = &raise.Debounce{ClearHold: p.f.o.Window} // the other source may be about to tell the same
	}
	p.out = append(p.out, s)
}

// share joins what several sources say of the camera itself: it holds while one says so.
func (p *plan) share(s raise.Signal) {
	at := place{s.Zone, s.Kind}
	if phaseIs(s, observation.Inactive) {
		p.withdraw(s)
		return
	}
	c := p.claims[at]
	if phaseIs(s, observation.Active) {
		if !c.held() {
			c.origins = nil
		}
		c.hold(s.Origin)
		c.last = p.now
		c.join(s.Origin)
		p.claims[at] = c
		s.Origin = c.name()
	}
	p.out = append(p.out, s)
}
