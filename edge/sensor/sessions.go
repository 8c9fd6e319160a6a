package sensor

import (
	"sync"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// sessions are the memories of dialects that need one, for each broker.
type sessions struct {
	ask func(broker string, a sensors.Ask)

	mu   sync.Mutex
	open map[sessionKey]*session
}

type sessionKey struct {
	broker  string
	dialect sensors.Dialect
}

type session struct {
	mu    sync.Mutex
	inner sensors.Session
}

// translate asks the dialect, or its session at the message's broker.
func (s *sessions) translate(d sensors.Dialect, m Message) observation.Translation {
	learner, ok := d.(sensors.Learner)
	if !ok {
		return d.Translate(m.Topic, m.Payload, m.Retained)
	}
	at := s.session(m.Broker, learner)
	at.mu.Lock()
	t := at.inner.Translate(m.Topic, m.Payload, m.Retained)
	asks := at.inner.Asks()
	at.mu.Unlock()
	for _, a := range asks {
		s.ask(m.Broker, a)
	}
	return t
}

func (s *sessions) session(broker string, d sensors.Learner) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sessionKey{broker, d}
	if s.open[key] == nil {
		s.open[key] = &session{inner: d.Session()}
	}
	return s.open[key]
}
