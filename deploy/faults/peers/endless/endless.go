// Package endless is what the simulators share that answer one request with messages without end: heartbeats while time passes, bytes in
// pieces, and what a test tells one of the conversations to do.
//
// In: a request, and how a device writes a message and a heartbeat. Out: the bytes of the answer. It knows no vendor's form.
package endless

import (
	"context"
	"net/http"
	"time"
)

// Orders reach the conversations of a device. Make them with [NewOrders].
type Orders struct{ live chan order }

// order is what a conversation does between the messages of its script; it returns false to end.
type order func(c *Conversation) bool

// NewOrders returns orders that no conversation listens to yet.
func NewOrders() Orders { return Orders{make(chan order)} }

// Tell sends a message to one of those who listen. It returns false if ctx ends before.
func (o Orders) Tell(ctx context.Context, message []byte) bool {
	return o.give(ctx, func(c *Conversation) bool {
		c.Say(message)
		return true
	})
}

// Silence stops a conversation, heartbeats included, and keeps its connection.
func (o Orders) Silence(ctx context.Context) bool {
	return o.give(ctx, func(c *Conversation) bool {
		c.Hang()
		return false
	})
}

// Drop ends a conversation.
func (o Orders) Drop(ctx context.Context) bool {
	return o.give(ctx, func(*Conversation) bool { return false })
}

func (o Orders) give(ctx context.Context, do order) bool {
	select {
	case o.live <- do:
		return true
	case <-ctx.Done():
		return false
	}
}

// Conversation is one connection. Say and Beat must be set before time passes.
type Conversation struct {
	Say   func(message []byte) // sends a message in the device's form
	Beat  func()               // sends a heartbeat
	Every time.Duration        // between heartbeats; 0: none
	Split int                  // bytes sent at once; 0: as they are given

	out  http.ResponseWriter
	rc   *http.ResponseController
	done <-chan struct{}
	live <-chan order
}

// Begin answers a request with the head of an endless answer, and returns the conversation that follows.
func Begin(o Orders, w http.ResponseWriter, r *http.Request, contentType string) *Conversation {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	return &Conversation{out: w, rc: http.NewResponseController(w), done: r.Context().Done(), live: o.live}
}

// never is longer than any test.
const never = 1 << 62

// Rest lets time pass, with heartbeats; false: the conversation is over.
func (c *Conversation) Rest(d time.Duration) bool {
	end := time.NewTimer(d)
	defer end.Stop()
	every := c.Every
	if every <= 0 {
		every = never
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		select {
		case <-end.C:
			return true
		case <-c.done:
			return false
		case do := <-c.live:
			if !do(c) {
				return false
			}
		case <-beat.C:
			c.Beat()
		}
	}
}

// GoOn sends heartbeats until the conversation is over.
func (c *Conversation) GoOn() { c.Rest(never) }

// Hang sends nothing more until the client is gone.
func (c *Conversation) Hang() { <-c.done }

// Send writes in pieces of Split bytes.
func (c *Conversation) Send(b []byte) {
	size := c.Split
	if size <= 0 {
		size = max(1, len(b))
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := c.out.Write(b[:n]); err != nil {
			return
		}
		c.Flush()
		b = b[n:]
	}
}

// Flush sends what was written, and at first the head of the answer.
func (c *Conversation) Flush() {
	_ = c.rc.Flush() // a client that is gone ends the conversation by its context
}
