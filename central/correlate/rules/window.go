package rules

import (
	"container/list"
	"slices"
	"strings"
	"time"

	"gridgate/central/cases"
)

// MaxCases is how many cases a window holds; above, those that were quiet longest are forgotten.
const MaxCases = 20_000

// State is the window over the log: the cases that had alerts within [Engine.Span], with what rules need of them. The zero value is not
// ready, see [NewState]. It is not safe for concurrent use.
type State struct {
	now     time.Time // the latest moment of the log
	members map[string]*list.Element
	order   *list.List // of *member, quiet longest first
	buckets map[string]*bucket
}

// bucket holds the cases that agree in the fields of a rule, in the order in which they came.
type bucket struct {
	list []*member
	head *member // the case under which the rule gathered last; nil for none
}

// maxLook is how many cases of a bucket a rule looks at, the newest; beside them it knows the head.
const maxLook = 400

// look returns the head of a bucket and its newest members, in the order in which they came.
func (s *State) look(name string) (head *member, newest []*member) {
	b := s.buckets[name]
	if b == nil {
		return nil, nil
	}
	return b.head, b.list[max(0, len(b.list)-maxLook):]
}

// lead makes m the head of a bucket.
func (s *State) lead(name string, m *member) {
	if b := s.buckets[name]; b != nil {
		b.head = m
	}
}

// NewState is an empty window.
func NewState() *State {
	return &State{members: map[string]*list.Element{}, order: list.New(), buckets: map[string]*bucket{}}
}

// Len is how many cases the window holds.
func (s *State) Len() int { return len(s.members) }

// Now is the latest moment that the window has seen in the log.
func (s *State) Now() time.Time { return s.now }

// Wants names the cases of which the window must be told beside these events ([Item.Case]): those that it does not know, or will have
// forgotten by then.
func (e *Engine) Wants(s *State, events []cases.Event) (ids []string) {
	now, last, quiet := s.now, map[string]time.Time{}, s.quiet(len(events))
	for _, ev := range events {
		if ev.At.After(now) {
			now = ev.At
		}
		at, known := last[ev.CaseID]
		if m := s.member(ev.CaseID); !known && m != nil {
			at, known = m.last, true
		}
		forgotten := !known || quiet(ev.CaseID) || now.Sub(at) > e.span
		if forgotten && ev.Type != cases.EventOpened && (fresh(ev) || ev.Type == cases.EventUnmerged) && !slices.Contains(ids, ev.CaseID) {
			ids = append(ids, ev.CaseID)
		}
		if known || fresh(ev) || ev.Type == cases.EventUnmerged {
			last[ev.CaseID] = at
		}
		if fresh(ev) || !known && ev.Type == cases.EventUnmerged {
			last[ev.CaseID] = now
		}
	}
	return ids
}

// quiet says of which cases further events can make the window forget because it is full: of those that were quiet longest. Each event makes
// it forget one at most and moves one that is not forgotten; so many events that they fill a good part of the window can do so of any.
func (s *State) quiet(events int) func(id string) bool {
	over := len(s.members) + events - MaxCases
	if over <= 0 {
		return func(string) bool { return false }
	}
	if events > MaxCases/8 {
		return func(string) bool { return true }
	}
	ids := make(map[string]bool, over+events)
	for el, n := s.order.Front(), over+events; el != nil && n > 0; el, n = el.Next(), n-1 {
		ids[el.Value.(*member).c.ID] = true
	}
	return func(id string) bool { return ids[id] }
}

// fresh says whether e tells of new alerts, or of a case that somebody opened.
func fresh(e cases.Event) bool {
	return e.Type == cases.EventOpened || e.Type == cases.EventJoined || e.Type == cases.EventReopened
}

// member is a case in the window.
type member struct {
	begun      int64 // started in nanoseconds; this and the next stand first, for a rule that looks at hundreds of members
	alone      bool  // neither closed nor part of another case
	lifeSafety bool

	c       cases.Case
	facts   Facts
	met     []answer    // by number of condition, see [member.meets]
	whole   bool        // the window saw its history from the beginning
	starts  []time.Time // when it was opened and reopened, the latest at most
	last    time.Time   // of its latest alert
	said    map[string]bool
	apart   map[string]bool // cases from which a person took it
	buckets []string
}

// started is when it was opened or reopened last.
func (m *member) started() time.Time { return m.starts[len(m.starts)-1] }

// start notes that the case was opened or reopened.
func (m *member) start(at time.Time) {
	m.starts, m.begun = append(m.starts[max(0, len(m.starts)-maxTimes):], at), at.UnixNano()
}

// note makes c the case as it is now.
func (m *member) note(c cases.Case) {
	m.c, m.alone = c, c.Parent == "" && c.State != cases.Closed
}

func (m *member) say(what string) {
	if m.said == nil {
		m.said = map[string]bool{}
	}
	m.said[what] = true
}

// maxApart is how many cases from which it was taken a member remembers.
const maxApart = 64

// fold makes an event true of m. An event that is true already, because the window foresaw it, changes nothing.
func (m *member) fold(e cases.Event) {
	switch {
	case e.Type == cases.EventUnmerged && e.Actor != "" && len(m.apart) < maxApart:
		if m.apart == nil {
			m.apart = map[string]bool{}
		}
		m.apart[e.Into] = true
	case e.Rule != "" && (e.Type == cases.EventAnnotated || e.Type == cases.EventRaised):
		m.say(e.Rule)
	case e.Rule != "" && e.Type == cases.EventRelated:
		m.say(e.Rule + "\x1f" + e.Into)
	}
	if c, err := cases.Apply(m.c, e); err == nil {
		if c.Severity != m.c.Severity || c.Level != m.c.Level {
			clear(m.met)
		}
		m.note(c)
		m.facts.Severity, m.facts.Rank, m.facts.Level = string(c.Severity), c.Severity.Rank(), string(c.Level)
	}
}

// Learn notes events without deciding anything: what was before the rules looked, or before they were the rules.
func (e *Engine) Learn(s *State, items []Item) {
	for _, it := range items {
		s.take(e, it)
	}
}

// Deny tells the window that a merge was not done, because a person once took the case out of there.
func (s *State) Deny(d Decision) {
	m := s.member(d.Event.CaseID)
	if m == nil || d.Event.Type != cases.EventMerged {
		return
	}
	m.fold(cases.Event{CaseID: m.c.ID, Type: cases.EventUnmerged, At: d.At, Into: d.Event.Into, Actor: "-"})
}

// take notes an event. m is nil if its case is none of the window's.
func (s *State) take(e *Engine, it Item) (m *member, started, isFresh bool) {
	if it.Event.At.After(s.now) {
		s.now = it.Event.At
	}
	isFresh = fresh(it.Event)
	started = isFresh && it.Event.Type != cases.EventJoined
	if el := s.members[it.Event.CaseID]; el != nil {
		m = el.Value.(*member)
		m.fold(it.Event)
		if isFresh {
			s.order.MoveToBack(el)
		}
	} else if m = s.adopt(it); m == nil {
		return nil, false, false
	} else {
		m.fold(it.Event)
		s.enter(e, m)
	}
	s.follow(m, it.Event)
	if isFresh {
		m.last = s.now
	}
	s.forget(e.span)
	if started {
		m.start(s.now)
	}
	return m, started, isFresh
}

// follow makes the case under which a rule gathered the head of the rule's bucket, as it was when the rule did.
func (s *State) follow(m *member, e cases.Event) {
	if e.Type == cases.EventMerged {
		if m = s.member(e.Into); m == nil {
			return
		}
	} else if e.Type != cases.EventAnnotated {
		return
	}
	for _, b := range m.buckets {
		if e.Rule != "" && strings.HasPrefix(b, e.Rule+"\x1f") {
			s.lead(b, m)
		}
	}
}

// member is a case of the window, nil if it is none.
func (s *State) member(id string) *member {
	if el := s.members[id]; el != nil {
		return el.Value.(*member)
	}
	return nil
}

// adopt makes a member of a case that is new to the window.
func (s *State) adopt(it Item) *member {
	switch {
	case it.Event.Type == cases.EventOpened:
		c, err := cases.Apply(cases.Case{}, it.Event)
		if err != nil {
			return nil
		}
		return newMember(c, true)
	case it.Case != nil && (fresh(it.Event) || it.Event.Type == cases.EventUnmerged):
		m := newMember(*it.Case, false)
		m.start(it.Case.OpenedAt)
		m.last = s.now
		return m
	}
	return nil
}

func newMember(c cases.Case, whole bool) *member {
	m := &member{facts: FactsOf(c), lifeSafety: lifeSafety(c), whole: whole}
	m.note(c)
	return m
}

// enter puts m into the window and into the buckets of the rules that look for it.
func (s *State) enter(e *Engine, m *member) {
	s.members[m.c.ID] = s.order.PushBack(m)
	for i := range e.rules {
		for _, b := range e.rules[i].bucketsOf(m) {
			m.buckets = append(m.buckets, b)
			if s.buckets[b] == nil {
				s.buckets[b] = &bucket{}
			}
			s.buckets[b].list = append(s.buckets[b].list, m)
		}
	}
}

// bucketsOf names the buckets in which a rule looks for m.
func (r *rule) bucketsOf(m *member) []string {
	meets := func(conditions ...*condition) bool {
		return slices.ContainsFunc(conditions, func(c *condition) bool { return m.meets(c) })
	}
	switch r.Sort {
	case Confirm:
		if meets(r.of...) {
			return []string{bucketOf(r, &m.facts, r.Same)}
		}
	case Inhibit:
		if meets(r.cause, r.held) {
			return []string{bucketOf(r, &m.facts, r.Same)}
		}
	case Flapping:
		if meets(r.match) {
			return []string{r.keyBucket(m)}
		}
	case Water:
		if meets(r.match) {
			return r.riverBuckets(m)
		}
	default:
		if meets(r.match) {
			return []string{bucketOf(r, &m.facts, r.fields())}
		}
	}
	return nil
}

// forget drops what is older than the window, and the quietest above [MaxCases].
func (s *State) forget(span time.Duration) {
	for el := s.order.Front(); el != nil; el = s.order.Front() {
		m := el.Value.(*member)
		if len(s.members) <= MaxCases && s.now.Sub(m.last) <= span {
			return
		}
		s.order.Remove(el)
		delete(s.members, m.c.ID)
		for _, b := range m.buckets {
			s.leave(b, m)
		}
	}
}

func (s *State) leave(name string, m *member) {
	b := s.buckets[name]
	if i := slices.Index(b.list, m); i >= 0 {
		b.list = slices.Delete(b.list, i, i+1)
	}
	if b.head == m {
		b.head = nil
	}
	if len(b.list) == 0 {
		delete(s.buckets, name)
	}
}
