package sensor

import (
	"context"
	"sync"
)

// order lets messages that tell of the same situation be stored in the order in which they came, while all others are stored
// side by side. It remembers only those that are not stored yet.
type order struct {
	mu     sync.Mutex
	number uint64
	last   map[string]chan struct{} // by key: closed once the last message that tells of it is over
}

// turn is the place of one message.
type turn struct {
	order  *order
	number uint64 // in the order of arrival
	keys   []string
	before []chan struct{} // of the messages to wait for
	over   chan struct{}   // nil: nobody can wait for this one
}

// take gives the next turn to a message that tells of keys. Whoever has it calls end.
func (o *order) take(keys []string) turn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.number++
	t := turn{order: o, number: o.number, keys: keys}
	if len(keys) == 0 {
		return t
	}
	t.over = make(chan struct{})
	for _, k := range keys {
		if before := o.last[k]; before != nil && before != t.over {
			t.before = append(t.before, before)
		}
		o.last[k] = t.over
	}
	return t
}

// wait returns once it is the message's turn.
func (t turn) wait(ctx context.Context) error {
	for _, before := range t.before {
		select {
		case <-before:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (t turn) end() {
	if t.over == nil {
		return
	}
	close(t.over)
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	for _, k := range t.keys {
		if t.order.last[k] == t.over {
			delete(t.order.last, k)
		}
	}
}
