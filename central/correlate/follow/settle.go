package follow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
)

// maxHistory is how many events of a history are searched for a person who took a case out.
const maxHistory = 500

// settlement turns decisions into changes of cases as they are now.
type settlement struct {
	j       *Job
	cases   map[string]cases.Case
	taken   map[string]map[string]bool // case, then those from which a person took it
	first   map[string]bool            // cases that a change was made of
	gained  map[string]map[string]gain // parent, then rule
	changes []store.Change
	denied  []rules.Decision
}

// gain is what a rule brought under a case in one step.
type gain struct {
	n   int
	why cases.Words
}

// settle drops what does not hold any more: a case closed or merged meanwhile, or one that a person once took from where a rule wants it.
func (j *Job) settle(ctx context.Context, decisions []rules.Decision) ([]store.Change, []rules.Decision, error) {
	s := &settlement{j: j, cases: map[string]cases.Case{}, taken: map[string]map[string]bool{}, first: map[string]bool{}, gained: map[string]map[string]gain{}}
	for _, d := range decisions {
		if err := s.decide(ctx, d); err != nil {
			return nil, nil, err
		}
	}
	s.tellParents()
	return s.changes, s.denied, nil
}

func (s *settlement) decide(ctx context.Context, d rules.Decision) error {
	if found, err := s.read(ctx, d.Event.CaseID); err != nil || !found {
		return err
	}
	if d.Event.Type != cases.EventMerged {
		s.add(d.Event)
		return nil
	}
	found, err := s.read(ctx, d.Event.Into)
	if err != nil || !found {
		return err
	}
	apart, err := s.apart(ctx, d)
	if err != nil {
		return err
	}
	parent := s.cases[d.Event.Into]
	if apart {
		s.denied = append(s.denied, d)
		return nil
	}
	if parent.Parent == "" && parent.State != cases.Closed && s.add(d.Event) {
		s.gain(d.Event)
	}
	return nil
}

// read gets a case as it is now, once.
func (s *settlement) read(ctx context.Context, id string) (bool, error) {
	if _, ok := s.cases[id]; ok {
		return true, nil
	}
	c, err := s.j.o.Store.Case(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read case %s: %w", id, err)
	}
	s.cases[id] = c
	return true, nil
}

// add makes a change of an event if its case allows it. The first change of a merge expects the case to stand where it was read: whoever
// merges the other way round at this moment has touched it.
func (s *settlement) add(e cases.Event) bool {
	e.At = s.j.o.Now().UTC()
	c := s.cases[e.CaseID]
	after, err := cases.Apply(c, e)
	if err != nil {
		return false
	}
	change := store.Change{Event: e}
	if e.Type == cases.EventMerged && !s.first[e.CaseID] {
		change.Expect = c.Position
	}
	s.first[e.CaseID] = true
	s.cases[e.CaseID] = after
	s.changes = append(s.changes, change)
	return true
}

func (s *settlement) gain(e cases.Event) {
	if s.gained[e.Into] == nil {
		s.gained[e.Into] = map[string]gain{}
	}
	g := s.gained[e.Into][e.Rule]
	g.n++
	g.why = *e.Why
	s.gained[e.Into][e.Rule] = g
}

// tellParents notes in each case what became part of it: one event for each rule, however many cases there were.
func (s *settlement) tellParents() {
	for _, parent := range slices.Sorted(maps.Keys(s.gained)) {
		for _, rule := range slices.Sorted(maps.Keys(s.gained[parent])) {
			g := s.gained[parent][rule]
			why := cases.Words{
				ZH: fmt.Sprintf("并入%d件案件。%s", g.n, g.why.ZH), EN: fmt.Sprintf("Cases that became part of this one: %d. %s", g.n, g.why.EN),
			}
			s.add(cases.Event{CaseID: parent, Type: cases.EventAnnotated, Rule: rule, Why: &why})
		}
	}
}

// apart says whether a person once took one of the two cases of a merge out of the other.
func (s *settlement) apart(ctx context.Context, d rules.Decision) (bool, error) {
	if d.Whole {
		return false, nil // the rules looked already
	}
	for _, id := range []string{d.Event.CaseID, d.Event.Into} {
		if s.taken[id] != nil {
			continue
		}
		_, history, err := s.j.o.Store.CaseFile(ctx, id, 0, maxHistory)
		if err != nil {
			return false, fmt.Errorf("read the history of case %s: %w", id, err)
		}
		s.taken[id] = map[string]bool{}
		for _, e := range history {
			if e.Type == cases.EventUnmerged && e.Actor != "" {
				s.taken[id][e.Into] = true
			}
		}
	}
	return s.taken[d.Event.CaseID][d.Event.Into] || s.taken[d.Event.Into][d.Event.CaseID], nil
}
