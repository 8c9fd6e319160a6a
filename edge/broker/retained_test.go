package broker

import (
	"fmt"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

func TestRetainedIsBounded(t *testing.T) {
	var r retained
	kept := 0
	for i := range 1000 {
		if r.keep(fmt.Sprintf("s/%03d", i), 1<<20) {
			kept++
		}
	}
	if kept == 0 || kept > maxRetained>>20 || r.total > maxRetained {
		t.Fatalf("%d messages of 1 MiB are kept, %d bytes", kept, r.total)
	}
	if !r.keep("s/000", 1<<20) {
		t.Error("a message does not replace the one before it")
	}
	if !r.keep("s/000", 0) || !r.keep("s/999", 1<<20) {
		t.Error("removing a message makes no room")
	}
	for i := range 1000 {
		r.keep(fmt.Sprintf("s/%03d", i), 0)
	}
	if r.total != 0 || len(r.sizes) != 0 {
		t.Errorf("%d bytes of %d topics are left", r.total, len(r.sizes))
	}
}

// TestARestartForgetsWhatWasRetained: it is told to a subscriber until then, and not after. Nothing of the edge hangs on it: what a
// message meant is stored before it is acknowledged.
func TestARestartForgetsWhatWasRetained(t *testing.T) {
	told := func(first bool) (payload string) {
		b, _ := start(t, func(*Options) {})
		c := dial(t, b, "gateway", plain)
		if first {
			if token := c.Publish("zigbee2mqtt/d/availability", 1, true, "online"); !token.WaitTimeout(patient) || token.Error() != nil {
				t.Fatal("publish: ", token.Error())
			}
		}
		heard := make(chan string, 2)
		token := c.Subscribe("zigbee2mqtt/#", 1, func(_ paho.Client, m paho.Message) { heard <- string(m.Payload()) })
		if !token.WaitTimeout(patient) || token.Error() != nil {
			t.Fatal("subscribe: ", token.Error())
		}
		c.Publish("zigbee2mqtt/end", 1, false, "end")
		select {
		case payload = <-heard:
		case <-time.After(patient):
			t.Fatal("nothing comes")
		}
		return payload
	}
	if got := told(true); got != "online" {
		t.Errorf("before the restart a subscriber hears %q", got)
	}
	if got := told(false); got != "end" {
		t.Errorf("after the restart a subscriber hears %q", got)
	}
}

// TestWhatIsRetainedIsLookedForWhileMoreComes, by several at once, and while it is removed. The race detector judges.
func TestWhatIsRetainedIsLookedForWhileMoreComes(t *testing.T) {
	b, _ := start(t, func(o *Options) { o.Users[0].Read = []string{"a/#"} })
	whenRunning(t, b, Publication{Topic: "first"})
	var publishing sync.WaitGroup
	over := make(chan struct{})
	publishing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			default:
			}
			payload := []byte("x")
			if i%3 == 2 {
				payload = nil
			}
			if err := b.Publish(Publication{Topic: fmt.Sprintf("a/%d", i%100), Payload: payload, Retain: true}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var asking sync.WaitGroup
	for i := range 4 {
		c := dial(t, b, "gateway", func(o *paho.ClientOptions) { o.SetClientID(fmt.Sprint("panel-", i)).SetCleanSession(true) })
		asking.Go(func() {
			for _, filter := range []string{"a/#", "a/+", "a/+/b", "a/#"} {
				if token := c.Subscribe(filter, 0, func(paho.Client, paho.Message) {}); !token.WaitTimeout(patient) || token.Error() != nil {
					t.Error("subscribe: ", token.Error())
				}
			}
		})
	}
	asking.Wait()
	close(over)
	publishing.Wait()
	// A will is retained on another way.
	will := dial(t, b, "gateway", func(o *paho.ClientOptions) {
		o.SetClientID("willing").SetAutoReconnect(false).SetWill("zigbee2mqtt/d/availability", "offline", 1, true)
	})
	will.Publish("zigbee2mqtt/d", 1, false, make([]byte, 2<<20)) // too large: it is sent away, and its will goes out
	got := make(chan paho.Message, 10)
	subscribe(t, dial(t, b, "gateway", plain), "zigbee2mqtt/#", got)
	if m := receive(t, got); string(m.Payload()) != "offline" {
		t.Errorf("%q on %s", m.Payload(), m.Topic())
	}
}
