package local

import (
	"time"

	"gridgate/protocols/alert"
)

// outgoing is what the broker has to be told beside alerts and commands. States are looked up when it is their turn, so that
// however often one changed meanwhile, it is told once.
type outgoing struct {
	urgent, others []entity // whose state may have changed
	queued         map[entity]bool
	again          []entity // whose state a new connection has to be told, changed or not
	configs        []entity // to announce
	stale          []string // topics to empty
}

func newOutgoing() outgoing { return outgoing{queued: map[entity]bool{}} }

func (o *outgoing) states(es []entity) {
	for _, e := range es {
		if o.queued[e] {
			continue
		}
		o.queued[e] = true
		if e.Kind.Lane() == alert.LifeSafety {
			o.urgent = append(o.urgent, e)
		} else {
			o.others = append(o.others, e)
		}
	}
}

func pop[T any](list *[]T) (v T, ok bool) {
	if len(*list) == 0 {
		return v, false
	}
	v, *list = (*list)[0], (*list)[1:]
	return v, true
}

// turn is one message that is being told.
type turn struct {
	message Message
	siren   *siren // whose command it is
	number  int
	event   *event // that it tells
	stale   string // topic that it empties
}

// begin queues, for a new connection, everything that is retained: the broker may have lost it. What is on comes first, and nothing of
// the rest is ahead of what changes meanwhile.
func (v *Voice) begin(conn Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.conn = conn
	v.outgoing = newOutgoing()
	for _, e := range v.known.list {
		if v.standing.on(e) {
			v.outgoing.states([]entity{e})
		} else {
			v.outgoing.again = append(v.outgoing.again, e)
		}
	}
	if v.scheme.Discovery != "" {
		v.outgoing.configs = append(v.outgoing.configs, v.known.list...)
	}
	v.outgoing.stale = append(v.outgoing.stale, v.known.stale...)
}

// next takes what is most urgent, or says when there will be something; zero: when it is poked.
func (v *Voice) next() (t turn, ok bool, wake time.Time) {
	now := v.o.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.sirens {
		s.advance(now)
		if s.command.number != 0 {
			return turn{message: s.message(), siren: s, number: s.command.number}, true, wake
		}
		wake = sooner(wake, s.wake())
	}
	ended, release := v.standing.release(now)
	v.outgoing.states(ended)
	wake = sooner(wake, release)
	for _, take := range []func(time.Time) (turn, bool){
		v.takeUrgentState, v.takeUrgentEvent, v.takeEvent, v.takeState, v.takeSameState, v.takeConfig, v.takeStale,
	} {
		if t, ok := take(now); ok {
			return t, true, wake
		}
	}
	return turn{}, false, wake
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (v *Voice) takeUrgentState(time.Time) (turn, bool) { return v.state(&v.outgoing.urgent) }

func (v *Voice) takeState(time.Time) (turn, bool) { return v.state(&v.outgoing.others) }

func (v *Voice) takeSameState(time.Time) (turn, bool) { return v.state(&v.outgoing.again) }

func (v *Voice) state(list *[]entity) (turn, bool) {
	for {
		e, ok := pop(list)
		if !ok {
			return turn{}, false
		}
		delete(v.outgoing.queued, e)
		if !v.known.has[e] {
			continue // a device that is not configured, or one too many
		}
		payload := off
		if v.standing.on(e) {
			payload = on
		}
		return turn{message: Message{Topic: v.scheme.state(e), Payload: []byte(payload), Retain: true}}, true
	}
}

func (v *Voice) takeUrgentEvent(now time.Time) (turn, bool) { return v.event(now, true) }

func (v *Voice) takeEvent(now time.Time) (turn, bool) { return v.event(now, false) }

func (v *Voice) event(now time.Time, urgentOnly bool) (turn, bool) {
	for {
		e, ok, dropped := v.events.pop(now, urgentOnly)
		v.status.Dropped += dropped
		if !ok {
			return turn{}, false
		}
		body, err := alert.Encode(e.alert)
		if err != nil { // raise makes none of these
			v.status.Dropped++
			continue
		}
		return turn{message: Message{Topic: v.scheme.alert(e.alert.Kind), Payload: body, MaxAge: maxEventAge}, event: &e}, true
	}
}

func (v *Voice) takeConfig(time.Time) (turn, bool) {
	e, ok := pop(&v.outgoing.configs)
	if !ok || v.scheme.Discovery == "" {
		return turn{}, false
	}
	body, err := v.discoveryOf(e)
	if err != nil {
		return turn{}, false
	}
	return turn{message: Message{Topic: v.scheme.config(e), Payload: body, Retain: true}}, true
}

func (v *Voice) takeStale(time.Time) (turn, bool) {
	topic, ok := pop(&v.outgoing.stale)
	return turn{message: Message{Topic: topic, Retain: true}, stale: topic}, ok
}

// told notes what became of a message.
func (v *Voice) told(t turn, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		if t.event != nil {
			v.status.Dropped += v.events.putBack(*t.event)
		}
		return
	}
	v.status.Published++
	if t.siren != nil {
		t.siren.sent(t.number)
	}
	if t.stale != "" && len(v.outgoing.stale) == 0 {
		v.known.stale = nil
	}
}
