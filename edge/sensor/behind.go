package sensor

import (
	"slices"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// missed are the keys whose state a refused message would have changed. It is bounded by what the devices can say.
type missed map[string]bool

// identityOf is [identity], or none for a message that tells a state which a refused message before it tells, too. When both
// come again, in their order, the last word must be that of the later one: with an identity it would count as known, and the
// state of the refused one would stay. States may be told twice. A message that also tells a moment keeps its identity: a
// call for help must not be told anew at each try.
func (h *Hub) identityOf(m Message, signals []raise.Signal) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !m.Behind {
		delete(h.missed, m.Broker) // the broker began again at its oldest message
	}
	late := h.missed[m.Broker]
	overtakes := func(s raise.Signal) bool { return isState(s) && late[keyOf(s)] }
	if !slices.ContainsFunc(signals, overtakes) || slices.ContainsFunc(signals, isMoment) {
		return identity(m)
	}
	return ""
}

// miss remembers which states a message would have changed that could not be stored.
func (h *Hub) miss(m Message, signals []raise.Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.missed[m.Broker] == nil {
		h.missed[m.Broker] = missed{}
	}
	for _, s := range signals {
		if isState(s) {
			h.missed[m.Broker][keyOf(s)] = true
		}
	}
}

func keyOf(s raise.Signal) string { return alert.KeyOf(s.Edge, s.Device, s.Zone, s.Kind) }

func isMoment(s raise.Signal) bool { return s.Phase == observation.Momentary }

func isState(s raise.Signal) bool { return !isMoment(s) }
