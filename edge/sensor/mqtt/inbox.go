package mqtt

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/semaphore"
)

// inboxSize is how many messages wait to be begun. A broker's in-flight window (20 in mosquitto, unless it is told otherwise) is
// far smaller; only a flood of QoS 0 or a broker without a window fills it.
const inboxSize = 1024

// inboxBytes bounds the payloads of what waits and of what is not acknowledged yet: a broker may pass on messages of any size. A
// larger one waits alone.
const inboxBytes = 16 << 20

// received is a message and when it came.
type received struct {
	paho.Message
	at time.Time
}

// inbox stands between paho's router, which must not be held up, and the handler. It belongs to one connection.
type inbox struct {
	now     func() time.Time
	dropped *atomic.Uint64
	queue   chan received
	room    *semaphore.Weighted // bytes of inboxBytes
	ctx     context.Context     // of the connection
	end     context.CancelFunc

	once sync.Once
	err  error // why it ended; set before ctx ends
}

func newInbox(now func() time.Time, dropped *atomic.Uint64) *inbox {
	ctx, end := context.WithCancel(context.Background())
	return &inbox{
		now: now, dropped: dropped, queue: make(chan received, inboxSize), room: semaphore.NewWeighted(inboxBytes), ctx: ctx, end: end,
	}
}

// put takes a message from the router. When the inbox is full, a QoS 0 message is dropped and counted; any other waits, as
// it may, for the end of the connection at the longest: the broker keeps it until it is acknowledged. Whoever takes it calls done.
func (in *inbox) put(m paho.Message) {
	r := received{Message: m, at: in.now()}
	if !in.room.TryAcquire(r.size()) && !in.await(r) {
		return
	}
	select {
	case in.queue <- r:
		return
	default:
	}
	if m.Qos() == 0 {
		in.dropped.Add(1)
		in.room.Release(r.size())
		return
	}
	select {
	case in.queue <- r:
	case <-in.ctx.Done():
	}
}

// await waits until there is room for the bytes of r; false means that r is dropped, or that the inbox ended.
func (in *inbox) await(r received) bool {
	if r.Qos() == 0 {
		in.dropped.Add(1)
		return false
	}
	return in.room.Acquire(in.ctx, r.size()) == nil
}

// size is what a message takes of inboxBytes.
func (r received) size() int64 { return min(int64(len(r.Payload())), inboxBytes) }

// fail ends the inbox with a reason; the first one counts.
func (in *inbox) fail(err error) {
	in.once.Do(func() {
		in.err = err
		in.end()
	})
}

func (in *inbox) close() { in.fail(context.Canceled) }

// next returns the next message, or why there is none. Once the connection is gone, what waits is not handled any more: it
// cannot be acknowledged, and the broker sends it again.
func (in *inbox) next(ctx context.Context) (received, error) {
	select {
	case <-in.ctx.Done():
		return received{}, in.err
	default:
	}
	select {
	case <-ctx.Done():
		return received{}, ctx.Err()
	case <-in.ctx.Done():
		return received{}, in.err
	case m := <-in.queue:
		return m, nil
	}
}

// done gives the room of a message back.
func (in *inbox) done(m received) { in.room.Release(m.size()) }
