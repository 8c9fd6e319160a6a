package ingest

import (
	"slices"
	"sync"
)

// queue holds batches that wait for a commit. Its senders take turns, so that one with many batches keeps no other waiting; those
// of one sender come in order of arrival. Admission bounds it.
type queue struct {
	mu   sync.Mutex
	of   map[string][]*batch
	turn []string // senders that have a batch, the next one first
}

func (q *queue) push(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of == nil {
		q.of = make(map[string][]*batch)
	}
	if len(q.of[b.sender]) == 0 {
		q.turn = append(q.turn, b.sender)
	}
	q.of[b.sender] = append(q.of[b.sender], b)
}

// pop takes the next batch, nil if there is none.
func (q *queue) pop() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turn) == 0 {
		return nil
	}
	sender := q.turn[0]
	q.turn = q.turn[1:]
	all := q.of[sender]
	first := all[0]
	all[0] = nil
	if len(all) == 1 {
		delete(q.of, sender)
	} else {
		q.of[sender] = all[1:]
		q.turn = append(q.turn, sender)
	}
	return first
}

// remove takes b back, unless it was popped.
func (q *queue) remove(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.of[b.sender]
	at := slices.Index(all, b)
	switch {
	case at < 0:
	case len(all) > 1:
		q.of[b.sender] = slices.Delete(all, at, at+1)
	default:
		delete(q.of, b.sender)
		q.turn = slices.DeleteFunc(q.turn, func(sender string) bool { return sender == b.sender })
	}
}
