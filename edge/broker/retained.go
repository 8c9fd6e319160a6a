package broker

import "sync"

const (
	maxRetained      = 64 << 20 // bytes, topics and overheads included
	retainedOverhead = 512      // bytes of one message beside its payload and topic, about
)

// retained counts what the library keeps of retained messages, which it does not bound: a user may invent topics without end.
type retained struct {
	mu    sync.Mutex
	sizes map[string]int // by topic
	total int

	// index is held while the library notes a message that is retained, and, by any number, while it looks for those that a wildcard selects.
	// It reads a topic there that the other writes, without a lock between them; half of one could end this program.
	index sync.RWMutex
}

// keep says whether a message may be retained, and counts it then. An empty payload removes the topic's message.
func (r *retained) keep(topic string, payload int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.sizes[topic]
	if payload == 0 {
		r.total -= before
		delete(r.sizes, topic)
		return true
	}
	size := payload + 2*len(topic) + retainedOverhead
	if r.total-before+size > maxRetained {
		return false
	}
	if r.sizes == nil {
		r.sizes = map[string]int{}
	}
	r.sizes[topic] = size
	r.total += size - before
	return true
}
