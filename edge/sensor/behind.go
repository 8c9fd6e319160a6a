package sensor

import (
	"slices"

	"gridgate/edge/raise"
	"gridgate/protocols/observation"
)

// maxMissed bounds the clients of whose refused messages anything is remembered. Beyond it all of that is forgotten: a state that was
// refused, and ended behind that, may then stay until the device tells it again.
const maxMissed = 4096

// client is whose messages come again after a refusal.
type client struct{ broker, session string }

func clientOf(m Message) client { return client{m.Broker, m.Session} }

// missed are the keys whose state a refused message of a connection would have changed. It is bounded by what the devices can say.
type missed struct {
	connection uint64
	keys       map[string]bool
}

// identityOf is [identity], or none for a message that tells a state which a refused message before it tells, too. When both
// come again, in their order, the last word must be that of the later one: with an identity it would count as known, and the
// state of the refused one would stay. States may be told twice. A message that also tells a moment keeps its identity: a
// call for help must not be told anew at each try.
func (h *Hub) identityOf(w *work) string {
	h.mu.Lock()
	late := h.missed[clientOf(w.message)]
	if late.connection != w.message.Connection { // on a later one the broker began again at its oldest message
		late.keys = nil
	}
	overtakes := len(late.keys) > 0 && slices.ContainsFunc(w.signals, func(s raise.Signal) bool { return isState(s) && late.keys[keyOf(s)] })
	h.mu.Unlock()
	if !overtakes || slices.ContainsFunc(w.signals, isMoment) {
		return w.identity
	}
	return ""
}

// miss remembers which states a message would have changed that could not be stored. Where nothing is behind it, there is no need.
func (h *Hub) miss(w *work) {
	if w.message.Connection == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	client := clientOf(w.message)
	late := h.missed[client]
	if late.connection != w.message.Connection {
		late = missed{w.message.Connection, map[string]bool{}}
		if len(h.missed) >= maxMissed {
			clear(h.missed)
		}
		h.missed[client] = late
	}
	for _, s := range w.signals {
		if isState(s) {
			late.keys[keyOf(s)] = true
		}
	}
}

// keysOf returns the keys of signals.
func keysOf(signals []raise.Signal) []string {
	if len(signals) == 0 {
		return nil
	}
	keys := make([]string, len(signals))
	for i, s := range signals {
		keys[i] = keyOf(s)
	}
	return keys
}

func keyOf(s raise.Signal) string { return s.Key() }

func isMoment(s raise.Signal) bool { return s.Phase == observation.Momentary }

func isState(s raise.Signal) bool { return !isMoment(s) }
