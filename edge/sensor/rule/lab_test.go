package rule_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) // a Monday

// says is a dialect of the test: it says what it was told to.
type says struct{ next observation.Translation }

func (d *says) Translate(topic string, _ []byte, _ bool) observation.Translation {
	t := d.next
	for i := range t.Readings {
		t.Readings[i].Device = topic
	}
	for i := range t.Observations {
		t.Observations[i].Device = topic
	}
	return t
}

var _ sensors.Dialect = (*says)(nil)

// fatal is what a test and a property test have in common.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// lab is sensors, rules, a hub and raise, on a clock that stands until it is moved.
type lab struct {
	fatal
	sensors []rule.Sensor
	applied []rule.Applied
	dialect *says
	log     raise.Memory
	now     time.Time
	hub     *sensor.Hub
	raiser  *raise.Raiser
	stage   *rule.Stage
	alerts  []alert.Alert
}

func newLab(t fatal, set rule.Set, list ...rule.Sensor) *lab {
	l := &lab{fatal: t, sensors: list, dialect: &says{}, now: begin, applied: set.Apply(list)}
	l.restart()
	return l
}

// restart is a crash and a new start: what the log holds is all that is left.
func (l *lab) restart() {
	l.Helper()
	var err error
	l.raiser, err = raise.New(context.Background(), raise.Options{Log: &l.log, Now: func() time.Time { return l.now }})
	if err != nil {
		l.Fatalf("raise: %v", err)
	}
	mode := func(id string) sensor.Mode { return l.hub.Mode(id) }
	l.stage = rule.New(rule.Options{Applied: l.applied, Mode: mode, Convert: care.Convert, Now: func() time.Time { return l.now }})
	var devices []sensor.Device
	for _, s := range l.sensors {
		devices = append(devices, sensor.Device{ID: s.ID, Origin: "test", Dialect: l.dialect, Topic: s.ID, Grid: "330106001001001", Home: s.Home})
	}
	l.hub, err = sensor.New(sensor.Options{
		Edge: "e1", Devices: devices, Raiser: l, Stages: []sensor.Stage{l.stage}, Now: func() time.Time { return l.now },
	})
	if err != nil {
		l.Fatalf("hub: %v", err)
	}
}

// Raise implements [sensor.Raiser] and keeps the alerts.
func (l *lab) Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	alerts, err := l.raiser.Raise(ctx, message, signals, readings)
	l.alerts = append(l.alerts, alerts...)
	return alerts, err
}

// to moves the clock, in steps of five seconds, as time passes for a hub and for raise.
func (l *lab) to(at time.Duration) {
	l.Helper()
	for end := begin.Add(at); l.now.Before(end); {
		l.now = l.now.Add(min(5*time.Second, end.Sub(l.now)))
		alerts, err := l.raiser.Advance(context.Background(), l.now)
		if err != nil {
			l.Fatalf("advance: %v", err)
		}
		l.alerts = append(l.alerts, alerts...)
		if err := l.hub.Advance(context.Background()); err != nil {
			l.Fatalf("tick: %v", err)
		}
	}
}

func (l *lab) say(device string, t observation.Translation) {
	l.Helper()
	l.dialect.next = t
	if err := l.hub.Handle(context.Background(), sensor.Message{Broker: "b", Topic: device, Payload: []byte("x"), Received: l.now}); err != nil {
		l.Fatalf("handle: %v", err)
	}
}

var units = map[string]string{"temperature": "Cel", "water_level": "m", "gas_lel": "%{LEL}", "co": "[ppm]", "voltage": "V", "power": "W"}

// number tells a reading now.
func (l *lab) number(device, quantity string, v float64) {
	l.numberAt(device, quantity, v, time.Time{})
}

func (l *lab) numberAt(device, quantity string, v float64, at time.Time) {
	l.Helper()
	base, _, _ := strings.Cut(quantity, "_2")
	l.say(device, observation.Translation{Readings: []observation.Reading{{Quantity: quantity, Value: v, Unit: units[base], At: at}}})
}

func (l *lab) state(device string, kind alert.Kind, phase observation.Phase, zone string) {
	l.Helper()
	l.say(device, observation.Translation{Observations: []observation.Observation{{Kind: kind, Phase: phase, Zone: zone}}})
}

// ours are the alerts of rules, in words.
func (l *lab) ours() string {
	var out []string
	for _, a := range l.alerts {
		name, is := strings.CutPrefix(a.Origin, rule.Prefix)
		if !is {
			continue
		}
		word := fmt.Sprintf("%s %s %v", name, a.State, a.RaisedAt.Sub(begin))
		if a.Exercise {
			word += " (drill)"
		}
		if a.Zone != "" {
			word += " in " + a.Zone
		}
		out = append(out, word)
	}
	return strings.Join(out, ", ")
}

func (l *lab) want(want string) {
	l.Helper()
	if got := l.ours(); got != want {
		l.Fatalf("alerts are\n\t%s\nwant\n\t%s", got, want)
	}
}

func p(v float64) *float64 { return &v }

// own is a set of one rule for the sensors a and b, and no built-in ones.
func own(t fatal, r *rule.Rule) rule.Set {
	t.Helper()
	if m := r.Check(); len(m) > 0 {
		t.Fatalf("the rule has mistakes: %v", m)
	}
	return rule.Set{NoDefaults: true, Own: []rule.Own{{Rule: r, Selector: rule.Selector{Sensors: []string{"a", "b"}}}}}
}

func hot(clear float64, wait, hold time.Duration) *rule.Rule {
	return &rule.Rule{Name: "hot", Kind: alert.Heat, For: wait, Hold: hold, Level: &rule.Level{Quantity: "temperature", Above: p(50), Clear: p(clear)}}
}

var a, b = rule.Sensor{ID: "a"}, rule.Sensor{ID: "b"}
