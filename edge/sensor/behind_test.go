package sensor

import (
	"context"
	"errors"
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// picky is a Raiser that refuses one message after another, as long as it is told to, if they tell of a door.
type picky struct {
	*raise.Raiser
	full   bool
	alerts []alert.Alert
}

func (p *picky) Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	if p.full && len(signals) > 0 && signals[0].Kind == alert.Door && signals[0].Phase == observation.Active {
		return nil, errors.New("no room")
	}
	alerts, err := p.Raiser.Raise(ctx, message, signals, readings)
	p.alerts = append(p.alerts, alerts...)
	return alerts, err
}

// TestWhatComesBehindARefusedMessage: it is told once, but the last word on a state is that of the later message.
func TestWhatComesBehindARefusedMessage(t *testing.T) {
	now := received
	raiser, err := raise.New(t.Context(), raise.Options{Log: &raise.Memory{}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	p := &picky{Raiser: raiser, full: true}
	h := hub(t, p, device("door"), device("button"))
	payloads := []struct{ topic, payload string }{
		{"zigbee2mqtt/door", `{"contact":false}`}, // open: refused while full
		{"zigbee2mqtt/button", `{"action":"emergency"}`},
		{"zigbee2mqtt/door", `{"contact":true}`}, // closed again
	}
	connection := uint64(0)
	deliver := func(dup bool) {
		connection++
		for i, m := range payloads {
			now = now.Add(10 * time.Second)
			msg := message(m.topic, m.payload)
			msg.PacketID, msg.Duplicate, msg.Connection, msg.Received = uint16(i+1), dup, connection, now
			if err := h.Handle(t.Context(), msg); err != nil && !p.full {
				t.Fatal(err)
			}
		}
	}
	deliver(false)
	deliver(true)
	if len(p.alerts) != 1 || p.alerts[0].Kind != alert.SOS {
		t.Fatalf("while there is no room: %+v, want one call for help", p.alerts)
	}
	p.full = false
	deliver(true)
	if open := raiser.Open(); len(open) != 0 || len(p.alerts) != 3 {
		t.Errorf("the closed door stays open: %+v, alerts %+v", open, p.alerts)
	}
	deliver(true)
	if len(p.alerts) != 3 {
		t.Errorf("a redelivery was told again: %+v", p.alerts)
	}
}

// TestACallForHelpBehindKeepsItsIdentity although its message tells a state that a refused one tells, too.
func TestACallForHelpBehindKeepsItsIdentity(t *testing.T) {
	r := &recorder{fail: []error{errors.New("no room")}}
	h := hub(t, r, device("d"))
	refused := message("zigbee2mqtt/d", `{"contact":false}`)
	refused.Connection = 1
	if err := h.Handle(t.Context(), refused); err == nil {
		t.Fatal("not refused")
	}
	for _, payload := range []string{`{"contact":true,"action":"emergency"}`, `{"contact":true}`, `{"tamper":true}`} {
		m := message("zigbee2mqtt/d", payload)
		m.Connection = 1
		handle(t, h, m)
	}
	refused.Connection = 2
	handle(t, h, refused)
	for i, want := range []bool{true, false, true, true} {
		if got := r.messages[i] != ""; got != want {
			t.Errorf("message %d has an identity: %v, want %v", i, got, want)
		}
	}
}
