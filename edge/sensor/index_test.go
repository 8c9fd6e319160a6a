package sensor

import (
	"strings"
	"testing"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

func TestAvailabilityAndTopics(t *testing.T) {
	r := &recorder{}
	h := hub(t, r, device("d"))
	if got := strings.Join(h.Topics("b"), " "); got != "zigbee2mqtt/d zigbee2mqtt/d/availability" {
		t.Errorf("topics %q", got)
	}
	handle(t, h, message("zigbee2mqtt/d/availability", `{"state":"offline"}`))
	if len(r.signals) != 1 || r.signals[0].Kind != alert.DeviceOffline || h.Status()[0].State != Offline {
		t.Errorf("signals %+v, status %+v", r.signals, h.Status())
	}
	handle(t, h, message("zigbee2mqtt/d", `{"smoke":false}`))
	if st := h.Status()[0]; st.State != Online || !st.LastSeen.Equal(received) {
		t.Errorf("status %+v", st)
	}
}

// TestAvailabilityOfAWildcard: what is subscribed to is matched, too, and each device gets its own.
func TestAvailabilityOfAWildcard(t *testing.T) {
	for _, topic := range []string{"zigbee2mqtt/+", "zigbee2mqtt/#", "+/+"} {
		r := &recorder{}
		d, other := device("d"), device("other")
		d.Topic, d.Name, other.Topic, other.Name = topic, "d", topic, "other"
		h := hub(t, r, d, other)
		handle(t, h, message("zigbee2mqtt/d/availability", `{"state":"offline"}`))
		if len(r.signals) != 1 || r.signals[0].Device != "d" || r.signals[0].Phase != observation.Active || len(h.Unknown()) != 0 {
			t.Errorf("%s: signals %+v, not understood %+v", topic, r.signals, h.Unknown())
		}
		if st := h.Status(); st[0].State != Offline || st[1].State != Unknown {
			t.Errorf("%s: status %+v", topic, st)
		}
		handle(t, h, message("zigbee2mqtt/d/contact", "false"))
		if topic != "zigbee2mqtt/#" && len(r.signals) != 1 {
			t.Errorf("%s: another topic below a device's is its own: %+v", topic, r.signals)
		}
	}
}
