package broker

import (
	"fmt"
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
