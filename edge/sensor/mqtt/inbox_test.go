package mqtt

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func init() { learnPause = 5 * time.Second } // a broker of this machine may have to wait for its turn

// large is a message of some size.
type large struct {
	paho.Message
	qos  byte
	size int
}

func (l large) Qos() byte       { return l.qos }
func (l large) Payload() []byte { return make([]byte, l.size) }

// TestInboxBoundsBytes: what waits for the handler is bounded in bytes, not only in messages.
func TestInboxBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dropped atomic.Uint64
		in := newInbox(time.Now, &dropped)
		in.put(large{qos: 1, size: 2 * inboxBytes})
		in.put(large{qos: 0, size: 1})
		if dropped.Load() != 1 || len(in.queue) != 1 {
			t.Fatalf("%d dropped, %d wait; want the QoS 0 message dropped", dropped.Load(), len(in.queue))
		}
		var wg sync.WaitGroup
		wg.Go(func() { in.put(large{qos: 1, size: inboxBytes}) })
		synctest.Wait()
		if len(in.queue) != 1 {
			t.Fatal("a second large message does not wait")
		}
		for range 2 {
			m, err := in.next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			in.done(m)
			synctest.Wait()
		}
		wg.Go(func() { in.put(large{qos: 1, size: inboxBytes}); in.put(large{qos: 1, size: 1}) })
		synctest.Wait()
		in.close()
		wg.Wait() // the end of the connection frees whoever waits
	})
}
