package onvif

import (
	"hash/maphash"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// states tells apart the states of one pull point that mean the same: two rules on one region are two states, and the region is
// quiet when both are. What is kept is a hash of topic and sources, and whether the state holds.
type states struct {
	seed  maphash.Seed
	begun bool
	holds map[stateKey]map[uint64]bool
}

type stateKey struct {
	channel, zone string
	kind          alert.Kind
}

// maxStates bounds the states of one meaning, and maxMeanings these. What is beyond is passed on as it is.
const (
	maxStates   = 64
	maxMeanings = 512
)

// take notes what a statement says and removes the ends of states that another still holds. A device that tells changes as if they were
// what holds at the start, as some do, is believed where its own earlier word shows the change.
func (s *states) take(one *statement) {
	if !s.begun {
		s.begun, s.seed, s.holds = true, maphash.MakeSeed(), map[stateKey]map[uint64]bool{}
	}
	kept := one.Observations[:0]
	for i, o := range one.Observations {
		if o.Phase == observation.Momentary || o.Expires > 0 || s.note(&o, one.identities[i]) {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 && len(one.Observations) > 0 {
		one.Ignored, one.Quiet = "the same still holds by another rule", true
	}
	one.Observations = kept
}

// note returns false for an end that is none.
func (s *states) note(o *observation.Observation, identity string) bool {
	key := stateKey{o.Device, o.Zone, o.Kind}
	id := maphash.String(s.seed, identity)
	of := s.holds[key]
	if of == nil {
		if len(s.holds) >= maxMeanings {
			return true
		}
		of = map[uint64]bool{}
		s.holds[key] = of
	}
	active := o.Phase == observation.Active
	if before, known := of[id]; known && before != active {
		o.Retained = false
	}
	if _, known := of[id]; known || len(of) < maxStates {
		of[id] = active
	}
	if active {
		return true
	}
	for _, holds := range of {
		if holds {
			return false
		}
	}
	return true
}
