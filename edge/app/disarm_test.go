package app

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"gridgate/edge/orders"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

// TestADisarmedSensorIsCleared of what it keeps to itself, and of nothing else; afterwards it is as its file has it.
func TestADisarmedSensorIsCleared(t *testing.T) {
	inner, err := raise.New(t.Context(), raise.Options{Log: &raise.Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	raiser := &announcer{inner: inner, log: slog.New(slog.DiscardHandler)}
	hub, err := sensor.New(sensor.Options{Edge: "e", Raiser: raiser, Devices: []sensor.Device{
		{ID: "s1", Origin: zigbee2mqtt.Name, Dialect: zigbee2mqtt.Dialect{}, Topic: "z/s1", Grid: "110101001001001"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	ss := &sensorSet{hub: hub, grids: map[string]string{"s1": "110101001001001"}, raiser: raiser, open: inner.Open, notify: func() { told++ }}
	say := func(payload string) {
		t.Helper()
		if err := hub.Handle(t.Context(), sensor.Message{Topic: "z/s1", Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	obey := func(h orders.Held, at time.Time) {
		t.Helper()
		if failed := ss.obey(h, at); len(failed) > 0 {
			t.Errorf("%v", failed)
		}
	}
	open := func() (kinds []alert.Kind) {
		for _, s := range inner.Open() {
			kinds = append(kinds, s.Alert.Kind)
		}
		return kinds
	}
	say(`{"contact":false,"smoke":true}`)
	held := orders.Held{Modes: []ingest.ModeOrder{{Device: "s1", Mode: orders.Disarmed, Until: now.Add(time.Hour)}, {Device: "gate", Mode: orders.Disarmed, Until: now.Add(time.Hour)}}}
	for range 3 {
		obey(held, now)
	}
	say(`{"contact":false}`)
	if got := open(); !slices.Equal(got, []alert.Kind{alert.Smoke}) || told != 1 {
		t.Errorf("open are %v; told %d times", got, told)
	}
	if d := ss.devices()[0]; len(d.Zones) != 1 || d.Zones[0].Mode != orders.Disarmed || d.Lane != alert.LifeSafety {
		t.Errorf("%+v", d)
	}
	obey(held, now.Add(2*time.Hour))
	say(`{"contact":false}`)
	if got := open(); !slices.Equal(got, []alert.Kind{alert.Door, alert.Smoke}) || len(ss.devices()[0].Zones) != 0 {
		t.Errorf("afterwards open are %v", got)
	}
}
