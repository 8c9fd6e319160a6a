package mqtt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gridgate/edge/sensor"
)

// flight is a message that was begun.
type flight struct {
	received
	stored chan error // one answer
}

// window is what is under way on one connection: messages that were begun and are stored side by side.
type window struct {
	s          *Source
	in         *inbox
	r          *retry
	connection uint64
	refusal    error // why a message could not be stored; the first counts, and nothing is acknowledged after it
}

// handle acknowledges the messages in order, until one is refused or the connection ends. It returns once none is under way.
func (s *Source) handle(ctx context.Context, in *inbox, r *retry) error {
	w := &window{s: s, in: in, r: r, connection: s.connections.Add(1)}
	err := w.fly(ctx, ctx)
	if w.refusal == nil || ctx.Err() != nil {
		return err
	}
	err = fmt.Errorf("handle a message: %w", w.refusal)
	w.linger(ctx, r.after(err))
	r.over = true
	return err
}

// linger handles for d what comes behind a refused message and acknowledges none of it. A failure changes nothing: all of it
// comes again.
func (w *window) linger(ctx context.Context, d time.Duration) {
	waiting, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	_ = w.fly(ctx, waiting)
	<-waiting.Done() // the connection may be lost, but the wait is not over
}

// fly begins messages until beginning or the connection ends, or one is refused for the first time.
func (w *window) fly(ctx, beginning context.Context) error {
	beginning, stop := context.WithCancel(beginning)
	defer stop()
	flights := make(chan flight, w.s.o.Window-1)
	var answering sync.WaitGroup
	answering.Go(func() {
		for f := range flights {
			w.answer(f, stop)
		}
	})
	err := w.begin(ctx, beginning, flights)
	close(flights)
	answering.Wait()
	return err
}

func (w *window) begin(ctx, beginning context.Context, flights chan<- flight) error {
	for {
		m, err := w.in.next(beginning)
		if err != nil {
			return err
		}
		flights <- w.one(ctx, m)
	}
}

// one begins a message and lets it be stored.
func (w *window) one(ctx context.Context, m received) flight {
	s, f := w.s, flight{received: m, stored: make(chan error, 1)}
	store := s.o.Begin(sensor.Message{
		Broker: s.o.Name, Session: s.o.ClientID, Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retained: m.Retained(),
		Duplicate: m.Duplicate(), PacketID: m.MessageID(), Received: m.at, Connection: w.connection,
	})
	go func() { // answer waits for it
		ctx, cancel := context.WithTimeout(ctx, s.o.HandleTimeout)
		defer cancel()
		f.stored <- store(ctx)
	}()
	return f
}

// answer waits for a message and acknowledges it, if it and all before it are stored; else it stops the beginning of new ones once.
func (w *window) answer(f flight, stop func()) {
	err := <-f.stored
	w.in.done(f.received)
	switch {
	case w.refusal != nil:
	case err != nil:
		w.refusal = err
		stop()
	default:
		f.Ack()
		w.s.messages.Add(1)
		w.r.wait.Reset()
	}
}
