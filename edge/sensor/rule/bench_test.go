package rule_test

import (
	"fmt"
	"testing"
	"time"

	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/observation"
)

// many are sensors of a profile with the built-in rules.
func many(profile string) (*rule.Stage, []*sensor.Device) {
	var list []rule.Sensor
	var devices []*sensor.Device
	for i := range 1000 {
		id := fmt.Sprint("s", i)
		list, devices = append(list, rule.Sensor{ID: id, Sort: profile}), append(devices, &sensor.Device{ID: id})
	}
	set := rule.Set{NoDefaults: profile == ""}
	return rule.New(rule.Options{Applied: set.Apply(list), Convert: care.Convert}), devices
}

func told(d *sensor.Device, received time.Time, v float64) *sensor.Told {
	return &sensor.Told{Device: d, Received: received, Readings: []observation.Reading{
		{Quantity: "temperature", Value: v, Unit: "Cel"}, {Quantity: "humidity", Value: 50, Unit: "%"}, {Quantity: "battery", Value: 90, Unit: "%"},
	}}
}

// TestQuietSensorsCostNothing: neither a sensor without rules nor one whose numbers are ordinary allocates.
func TestQuietSensorsCostNothing(t *testing.T) {
	for _, profile := range []string{"", "generic", "temperature"} {
		stage, devices := many(profile)
		now := begin
		for range 100 {
			now = now.Add(10 * time.Second)
			stage.Take(told(devices[0], now, 20))
		}
		message := told(devices[0], now.Add(time.Millisecond), 20)
		if n := testing.AllocsPerRun(100, func() { stage.Take(message) }); n != 0 {
			t.Errorf("profile %q: %v allocations for a message", profile, n)
		}
	}
}

// BenchmarkTake is one message of three numbers of one of 1,000 sensors, 10 s after its last: nothing happens.
func BenchmarkTake(b *testing.B) {
	for _, profile := range []string{"", "generic", "temperature"} {
		b.Run("profile="+profile, func(b *testing.B) {
			stage, devices := many(profile)
			messages := make([]*sensor.Told, len(devices))
			for i, d := range devices {
				messages[i] = told(d, begin, 20)
			}
			take := func(i int) {
				m := messages[i%len(messages)]
				m.Received = begin.Add(time.Duration(i/len(messages)) * 10 * time.Second)
				stage.Take(m)
			}
			i := 0
			for ; i < 20*len(messages); i++ {
				take(i)
			}
			b.ReportAllocs()
			for ; b.Loop(); i++ {
				take(i)
			}
		})
	}
}

// BenchmarkHub is one message through the hub, the rules and raise, with nothing to store but its three readings; the log is memory.
func BenchmarkHub(b *testing.B) {
	var list []rule.Sensor
	for i := range 1000 {
		list = append(list, rule.Sensor{ID: fmt.Sprint("s", i), Sort: "temperature"})
	}
	l := newLab(b, rule.Set{}, list...)
	next := told(nil, begin, 20)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(list) == 0 {
			l.now = l.now.Add(10 * time.Second)
		}
		l.say(list[i%len(list)].ID, observation.Translation{Readings: next.Readings})
	}
}
