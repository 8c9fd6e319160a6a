package broker

import (
	"context"
	"errors"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/sync/semaphore"
)

// window is how many messages of one connection are stored side by side; the next one waits, and with it the connection. Together they
// are no larger than one message may be.
const window = 64

// flow is what of one connection is under way: messages that were begun, in order of arrival, and are acknowledged in that order once
// they are stored. It lives as long as the connection.
type flow struct {
	connection uint64
	queue      chan flight
	head       *flight             // taken out of queue and not stored yet
	room       *semaphore.Weighted // bytes
	ctx        context.Context     // of the connection
	end        context.CancelFunc
}

// flight is a message that was begun.
type flight struct {
	pk     packets.Packet
	stored chan error // one answer
}

// OnSessionEstablished implements [mochi.Hook].
func (h *hook) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	f := &flow{connection: h.connections.Add(1), queue: make(chan flight, window-2), room: semaphore.NewWeighted(int64(h.o.MaxMessage))}
	f.ctx, f.end = context.WithCancel(h.ctx)
	h.flows.Store(cl, f)
	h.flowing.Go(func() { h.answer(cl, f) })
}

// enter begins a message and lets it be stored; false says that the connection is over. The library is told to say nothing: answer does.
func (h *hook) enter(cl *mochi.Client, pk packets.Packet) bool {
	found, ok := h.flows.Load(cl)
	if !ok {
		return false
	}
	f, next := found.(*flow), flight{pk: pk, stored: make(chan error, 1)}
	if f.room.Acquire(f.ctx, size(pk)) != nil {
		return false
	}
	store := h.begin(cl, pk, f.connection)
	go func() { next.stored <- h.within(store) }()
	select {
	case f.queue <- next:
		return true
	case <-f.ctx.Done():
		return false
	}
}

func size(pk packets.Packet) int64 { return int64(len(pk.Payload)) }

// answer acknowledges what is stored, in order, until the connection is over or a message cannot be stored. Then it ends the
// connection: the sender comes again with all that was not acknowledged. Who waits in enter then waits no more.
func (h *hook) answer(cl *mochi.Client, f *flow) {
	defer f.end()
	var self *mochi.Client // speaks to subscribers in the client's name
	for {
		ready, err := f.next()
		if len(ready) > 0 && acknowledge(cl, ready) != nil {
			err = errGone
		}
		for _, pk := range ready {
			if self == nil {
				self = h.spokesman(cl)
			}
			_ = h.inject(self, pk) // fails only for what no subscriber could be sent
			f.room.Release(size(pk))
		}
		switch {
		case err == nil:
		case errors.Is(err, errGone):
			return
		default:
			cl.Stop(errors.New("a message could not be stored"))
			return
		}
	}
}

// errGone says that the connection is over.
var errGone = errors.New("the connection is over")

// next waits until the oldest message is stored and returns it and those behind it that are stored by then, too, or why there is none.
func (f *flow) next() (ready []packets.Packet, err error) {
	if f.head == nil {
		select {
		case <-f.ctx.Done():
			return nil, errGone
		case first := <-f.queue:
			f.head = &first
		}
	}
	if err := <-f.head.stored; err != nil {
		return nil, err
	}
	ready, f.head = append(ready, f.head.pk), nil
	for {
		select {
		case more := <-f.queue:
			f.head = &more
		default:
			return ready, nil
		}
		select {
		case err := <-f.head.stored:
			if err != nil {
				return ready, err
			}
			ready, f.head = append(ready, f.head.pk), nil
		default:
			return ready, nil
		}
	}
}

// acknowledge writes the PUBACKs of those with QoS 1 at once.
func acknowledge(cl *mochi.Client, ready []packets.Packet) error {
	var out []byte
	for _, pk := range ready {
		if pk.FixedHeader.Qos == 1 { // 3.4: a PUBACK without reason and properties is the same in 3.1.1 and 5
			out = append(out, packets.Puback<<4, 2, byte(pk.PacketID>>8), byte(pk.PacketID))
		}
	}
	if len(out) == 0 {
		return nil
	}
	cl.Lock()
	defer cl.Unlock()
	_, err := cl.Net.Conn.Write(out)
	return err
}

// within stores a message in bounded time.
func (h *hook) within(store func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(h.ctx, h.o.HandleTimeout)
	defer cancel()
	return store(ctx)
}
