package raise

import (
	"context"
	"sync"
)

// Memory is a [Log] that nothing survives, for replay and tests. The zero value is ready. It keeps no alerts or readings:
// [Raiser.Raise] returns the alerts. Message identities are kept without bound.
type Memory struct {
	mu       sync.Mutex
	open     map[string]Situation
	messages map[string]bool
}

var _ Log = (*Memory)(nil)

// Situations returns what is open.
func (m *Memory) Situations(context.Context) ([]Situation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Situation
	for _, s := range m.open {
		out = append(out, s)
	}
	return out, nil
}

// Commit remembers c. It never fails.
func (m *Memory) Commit(_ context.Context, c Commit) (duplicate bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.messages[c.Message] && !c.First {
		return true, nil
	}
	if m.open == nil {
		m.open, m.messages = map[string]Situation{}, map[string]bool{}
	}
	if c.Message != "" {
		m.messages[c.Message] = true
	}
	for _, s := range c.Opened {
		m.open[s.Key] = s
	}
	for _, k := range c.Closed {
		delete(m.open, k)
	}
	return false, nil
}
