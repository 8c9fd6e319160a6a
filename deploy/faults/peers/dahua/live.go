package dahua

import "context"

// order is what a conversation does between the messages of its script; it returns false to end.
type order func(c *conversation) bool

// Tell sends a message as one part to one of those who listen. It returns false if ctx ends before.
func (d *Device) Tell(ctx context.Context, message []byte) bool {
	return d.give(ctx, func(c *conversation) bool {
		c.part(string(message))
		return true
	})
}

// Silence stops a conversation, heartbeats included, and keeps its connection.
func (d *Device) Silence(ctx context.Context) bool {
	return d.give(ctx, func(c *conversation) bool { <-c.done; return false })
}

// Drop ends a conversation.
func (d *Device) Drop(ctx context.Context) bool {
	return d.give(ctx, func(*conversation) bool { return false })
}

func (d *Device) give(ctx context.Context, o order) bool {
	select {
	case d.live <- o:
		return true
	case <-ctx.Done():
		return false
	}
}
