package local

import (
	"time"

	"gridgate/protocols/alert"
)

// standing is what holds now: open situations, and momentary ones for a while. Drills are none of it.
type standing struct {
	open  map[entity]map[string]bool // situations: a device and its rules tell of one kind each for themselves
	kinds map[alert.Kind]int         // open situations of a kind
	held  map[entity]time.Time
}

func newStanding() standing {
	return standing{open: map[entity]map[string]bool{}, kinds: map[alert.Kind]int{}, held: map[entity]time.Time{}}
}

// apply returns the entities whose state may have changed.
func (s standing) apply(a alert.Alert, now time.Time) []entity {
	e := entityOf(a)
	kind := entity{Kind: a.Kind}
	switch {
	case a.State == alert.Cleared && s.open[e][a.Situation]:
		if delete(s.open[e], a.Situation); len(s.open[e]) == 0 {
			delete(s.open, e)
		}
		if s.kinds[a.Kind]--; s.kinds[a.Kind] == 0 {
			delete(s.kinds, a.Kind)
		}
	case a.Exercise:
		return nil
	case a.State == alert.Raised && !s.open[e][a.Situation]:
		if s.open[e] == nil {
			s.open[e] = map[string]bool{}
		}
		s.open[e][a.Situation] = true
		s.kinds[a.Kind]++
	case a.State == alert.Momentary:
		s.held[e], s.held[kind] = now.Add(momentaryOn), now.Add(momentaryOn)
	default:
		return nil
	}
	return []entity{e, kind}
}

func (s standing) on(e entity) bool {
	_, held := s.held[e]
	if e.Device == "" {
		return held || s.kinds[e.Kind] > 0
	}
	return held || len(s.open[e]) > 0
}

// release returns the entities that are held no longer, and when the next one ends; zero: none.
func (s standing) release(now time.Time) (ended []entity, next time.Time) {
	for e, until := range s.held {
		switch {
		case !until.After(now):
			delete(s.held, e)
			ended = append(ended, e)
		case next.IsZero() || until.Before(next):
			next = until
		}
	}
	return ended, next
}

func entityOf(a alert.Alert) entity { return entity{Device: deviceOf(a), Zone: a.Zone, Kind: a.Kind} }

// event is an alert that waits to be told.
type event struct {
	alert alert.Alert
	heard time.Time
}

// events wait for the broker: at most [maxEvents], life-safety first.
type events struct{ urgent, others []event }

// push returns how many were dropped for want of room: the oldest, life-safety last.
func (q *events) push(e event) (dropped int64) {
	if e.alert.Lane() == alert.LifeSafety {
		q.urgent = append(q.urgent, e)
	} else {
		q.others = append(q.others, e)
	}
	return q.shrink()
}

func (q *events) shrink() (dropped int64) {
	for ; len(q.urgent)+len(q.others) > maxEvents; dropped++ {
		if len(q.others) > 0 {
			q.others = q.others[1:]
		} else {
			q.urgent = q.urgent[1:]
		}
	}
	return dropped
}

// pop takes the oldest of the most urgent that is not too old, and says how many were.
func (q *events) pop(now time.Time, urgentOnly bool) (e event, ok bool, dropped int64) {
	lists := []*[]event{&q.urgent, &q.others}
	if urgentOnly {
		lists = lists[:1]
	}
	for _, list := range lists {
		for len(*list) > 0 {
			e, *list = (*list)[0], (*list)[1:]
			if now.Sub(e.heard) <= maxEventAge {
				return e, true, dropped
			}
			dropped++
		}
	}
	return event{}, false, dropped
}

// putBack returns what could not be told to the head of its queue.
func (q *events) putBack(e event) (dropped int64) {
	list := &q.others
	if e.alert.Lane() == alert.LifeSafety {
		list = &q.urgent
	}
	*list = append([]event{e}, *list...)
	return q.shrink()
}
