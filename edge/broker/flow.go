package broker

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

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
	session    string
	queue      chan *flight
	head       *flight             // taken out of queue and not stored yet
	ready      []*flight           // stored and not acknowledged yet
	out        []byte              // of the acknowledgements
	room       *semaphore.Weighted // bytes
	ctx        context.Context     // of the connection
	end        context.CancelFunc
}

// flight is a message that was begun.
type flight struct {
	pk     packets.Packet
	store  func(context.Context) error
	stored chan error // one answer
}

// flights are those that were acknowledged: a packet of the library is large.
var flights = sync.Pool{New: func() any { return &flight{stored: make(chan error, 1)} }}

// done gives back a flight whose answer was taken.
func (f *flight) done() {
	f.pk, f.store = packets.Packet{}, nil
	flights.Put(f)
}

// OnSessionEstablished implements [mochi.Hook].
func (h *hook) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	if err := h.ctx.Err(); err != nil {
		cl.Stop(err) // the library ends those that it knew when it began to end, and waits for all
		return
	}
	f := &flow{
		connection: h.connections.Add(1), session: sessionOf(cl),
		queue: make(chan *flight, window-2), room: semaphore.NewWeighted(int64(h.o.MaxMessage)),
	}
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
	f := found.(*flow)
	if f.room.Acquire(f.ctx, size(pk)) != nil {
		return false
	}
	next := flights.Get().(*flight)
	next.pk, next.store = pk, h.begin(f.session, pk, f.connection)
	select {
	case h.begun <- next:
	default:
		go h.work(next)
	}
	select {
	case f.queue <- next:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// maxIdle is how many goroutines wait for messages. More than that are made anew, and their stacks grow anew.
const maxIdle = 1024

// work stores a message, and others after it as they come, until ctx ends or enough others wait.
func (h *hook) work(f *flight) {
	for {
		f.stored <- h.within(f.store)
		if h.idle.Add(1) > maxIdle {
			h.idle.Add(-1)
			return
		}
		select {
		case f = <-h.begun:
			h.idle.Add(-1)
		case <-h.ctx.Done():
			return
		}
	}
}

func size(pk packets.Packet) int64 { return int64(len(pk.Payload)) }

// answer acknowledges what is stored, in order, until the connection is over or a message cannot be stored. Then it ends the
// connection: the sender comes again with all that was not acknowledged. Who waits in enter then waits no more.
func (h *hook) answer(cl *mochi.Client, f *flow) {
	defer f.end()
	var self *mochi.Client // speaks to subscribers in the client's name
	for {
		err := f.next()
		if len(f.ready) > 0 && f.acknowledge(cl) != nil {
			err = errGone
		}
		for _, stored := range f.ready {
			if h.read.Load() || stored.pk.FixedHeader.Retain {
				if self == nil {
					self = h.spokesman(cl)
				}
				_ = h.inject(self, stored.pk) // fails only for what no subscriber could be sent
			}
			f.room.Release(size(stored.pk))
			stored.done()
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

// next waits until the oldest message is stored and makes it and those behind it that are stored by then, too, ready, or says why
// there is none.
func (f *flow) next() error {
	clear(f.ready)
	f.ready = f.ready[:0]
	if f.head == nil {
		select {
		case <-f.ctx.Done():
			return errGone
		case f.head = <-f.queue:
		}
	}
	if err := <-f.head.stored; err != nil {
		return err
	}
	runtime.Gosched() // those that the same commit stored are about to say so: one write acknowledges them all
	f.ready, f.head = append(f.ready, f.head), nil
	for {
		select {
		case f.head = <-f.queue:
		default:
			return nil
		}
		select {
		case err := <-f.head.stored:
			if err != nil {
				return err
			}
			f.ready, f.head = append(f.ready, f.head), nil
		default:
			return nil
		}
	}
}

// acknowledge writes the PUBACKs of what is ready and has QoS 1 at once.
func (f *flow) acknowledge(cl *mochi.Client) error {
	f.out = f.out[:0]
	for _, stored := range f.ready {
		if pk := &stored.pk; pk.FixedHeader.Qos == 1 { // 3.4: a PUBACK without reason and properties is the same in 3.1.1 and 5
			f.out = append(f.out, packets.Puback<<4, 2, byte(pk.PacketID>>8), byte(pk.PacketID))
		}
	}
	if len(f.out) == 0 {
		return nil
	}
	cl.Lock()
	defer cl.Unlock()
	_, err := cl.Net.Conn.Write(f.out)
	return err
}

// within stores a message in bounded time.
func (h *hook) within(store func(context.Context) error) error { return store(h.deadline()) }

// deadline is the context of a message that is stored from now on. Those of the same moment share one, so that it ends up to a
// sixteenth of the time later.
func (h *hook) deadline() context.Context {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due == nil || now.After(h.stale) {
		more := h.o.HandleTimeout / 16
		due, cancel := context.WithDeadline(h.ctx, now.Add(h.o.HandleTimeout+more))
		context.AfterFunc(due, cancel) // not sooner: others may have it still
		h.due, h.stale = due, now.Add(more)
	}
	return h.due
}
