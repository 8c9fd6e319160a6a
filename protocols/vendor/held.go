package vendor

import (
	"maps"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Held pairs the states of one device: what began and has not ended. A state that its source never ends (Expires) is over when it has
// not been repeated for that long. It is for one goroutine at a time.
type Held struct {
	states map[heldKey]held
}

type heldKey struct {
	channel, zone string
	kind          alert.Kind
}

type held struct {
	last observation.Observation
	told time.Time
	due  time.Time // zero: until the source says so
}

// maxHeld bounds the states of one device. What begins beyond is passed on and, if it has no end, ended at once.
const maxHeld = 1024

// Take notes what was said at now, and returns it without the repetitions of a state that holds. The channel of an observation is its
// Device.
func (h *Held) Take(obs []observation.Observation, now time.Time) []observation.Observation {
	var out []observation.Observation
	for _, o := range obs {
		key := heldKey{o.Device, o.Zone, o.Kind}
		before, holds := h.states[key]
		switch {
		case o.Phase == observation.Momentary:
			out = append(out, o)
		case o.Phase == observation.Inactive:
			delete(h.states, key)
			out = append(out, o)
		case holds:
			before.told, before.due = now, dueOf(o, now)
			h.states[key] = before
		default:
			out = append(out, h.begin(key, o, now)...)
		}
	}
	return out
}

func (h *Held) begin(key heldKey, o observation.Observation, now time.Time) []observation.Observation {
	if len(h.states) < maxHeld {
		if h.states == nil {
			h.states = map[heldKey]held{}
		}
		h.states[key] = held{last: o, told: now, due: dueOf(o, now)}
		return []observation.Observation{o}
	}
	if o.Expires == 0 {
		return []observation.Observation{o}
	}
	return []observation.Observation{o, ended(o, now)}
}

func dueOf(o observation.Observation, now time.Time) time.Time {
	if o.Expires <= 0 {
		return time.Time{}
	}
	return now.Add(o.Expires)
}

// Expire returns the ends of what was not repeated in time, in a fixed order.
func (h *Held) Expire(now time.Time) []observation.Observation {
	return h.end(now, func(s held) bool { return !s.due.IsZero() && !now.Before(s.due) })
}

// Stale ends what was told last before since and not again: a device that was lost and has had its time to say what holds.
func (h *Held) Stale(since, now time.Time) []observation.Observation {
	return h.end(now, func(s held) bool { return s.told.Before(since) })
}

func (h *Held) end(now time.Time, over func(held) bool) []observation.Observation {
	var out []observation.Observation
	for _, key := range slices.SortedFunc(maps.Keys(h.states), compareHeld) {
		if s := h.states[key]; over(s) {
			delete(h.states, key)
			out = append(out, ended(s.last, now))
		}
	}
	return out
}

func compareHeld(a, b heldKey) int {
	return strings.Compare(a.channel+"\x00"+a.zone+"\x00"+string(a.kind), b.channel+"\x00"+b.zone+"\x00"+string(b.kind))
}

// ended is the end of a state at now, by our own clock.
func ended(o observation.Observation, now time.Time) observation.Observation {
	o.Phase, o.At, o.Value, o.Score, o.Count, o.Retained = observation.Inactive, now.UTC(), nil, nil, nil, false
	return o
}
