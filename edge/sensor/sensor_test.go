package sensor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors/mapped"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

const grid = "110101001001001"

// recorder is a Raiser that remembers, and fails as often as it is told to.
type recorder struct {
	mu       sync.Mutex
	fail     []error
	messages []string
	signals  []raise.Signal
	readings []alert.Reading
}

func (r *recorder) Raise(_ context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fail) > 0 {
		err := r.fail[0]
		r.fail = r.fail[1:]
		return nil, err
	}
	r.messages = append(r.messages, message)
	r.signals = append(r.signals, signals...)
	r.readings = append(r.readings, readings...)
	return nil, nil
}

func (r *recorder) told() []raise.Signal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.signals)
}

func device(id string) Device {
	return Device{ID: id, Origin: zigbee2mqtt.Name, Dialect: zigbee2mqtt.Dialect{}, Topic: "zigbee2mqtt/" + id, Grid: grid, Zone: "hall"}
}

func hub(t *testing.T, r Raiser, devices ...Device) *Hub {
	t.Helper()
	h, err := New(Options{Edge: "edge1", Devices: devices, Raiser: r})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var received = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func message(topic, payload string) Message {
	return Message{Broker: "b", Session: "s", Topic: topic, Payload: []byte(payload), QoS: 1, PacketID: 1, Received: received}
}

func handle(t *testing.T, h *Hub, m Message) {
	t.Helper()
	if err := h.Handle(context.Background(), m); err != nil {
		t.Fatal(err)
	}
}

func TestSignalCarriesTheDevice(t *testing.T) {
	r := &recorder{}
	d := device("smoke1")
	d.Severity = map[alert.Kind]alert.Severity{alert.Smoke: alert.Major}
	d.Exercise = true
	handle(t, hub(t, r, d), message("zigbee2mqtt/smoke1", `{"smoke":true,"temperature":21.5,"owner":"Zhang San"}`))

	if len(r.signals) != 1 || len(r.readings) != 1 {
		t.Fatalf("%d signals, %d readings", len(r.signals), len(r.readings))
	}
	s := r.signals[0]
	want := raise.Signal{
		Observation: observation.Observation{Device: "smoke1", Kind: alert.Smoke, Phase: observation.Active, At: received, Zone: "hall"},
		Source:      "/edges/edge1/sensors/smoke1", Edge: "edge1", Grid: grid, Origin: "zigbee2mqtt", Clock: alert.ReceiveClock,
		Severity: alert.Major, Exercise: true,
	}
	if s != want {
		t.Errorf("signal\n%+v\nwant\n%+v", s, want)
	}
	if err := r.readings[0].Validate(); err != nil || r.readings[0].Value != 21.5 || !r.readings[0].At.Equal(received) {
		t.Errorf("reading %+v: %v", r.readings[0], err)
	}
}

func TestDeviceClockIsBelievedWithinADay(t *testing.T) {
	for told, want := range map[string]alert.Clock{
		"2026-03-04T05:06:00Z": alert.CameraClock,
		"2026-03-03T06:00:00Z": alert.CameraClock,
		"2026-02-20T05:06:00Z": alert.ReceiveClock,
		"2026-03-06T05:06:00Z": alert.ReceiveClock,
	} {
		r := &recorder{}
		handle(t, hub(t, r, device("d")), message("zigbee2mqtt/d", `{"smoke":true,"last_seen":"`+told+`"}`))
		if got := r.signals[0].Clock; got != want {
			t.Errorf("%s: clock %s, want %s", told, got, want)
		}
	}
}

func TestHomeSendsHazardsOnly(t *testing.T) {
	r := &recorder{}
	d := device("h")
	d.Home = true
	h := hub(t, r, d)
	handle(t, h, message("zigbee2mqtt/h", `{"smoke":true,"contact":false,"occupancy":true,"presence":true,"vibration":true,
		"battery_low":true,"tamper":true,"battery":49,"co":2}`))
	if len(r.readings) != 0 {
		t.Errorf("the readings %+v tell when a door moved", r.readings)
	}
	handle(t, h, message("zigbee2mqtt/h", `{"temperature":20,"humidity":40,"illuminance":3,"co2":900,"power":90,"battery":50,"co":3}`))
	var kinds, quantities []string
	for _, s := range r.signals {
		kinds = append(kinds, string(s.Kind))
	}
	for _, x := range r.readings {
		quantities = append(quantities, x.Quantity)
	}
	if got := strings.Join(kinds, " "); got != "low-battery smoke tamper" {
		t.Errorf("kinds %q leave the home", got)
	}
	if got := strings.Join(quantities, " "); got != "battery co" {
		t.Errorf("readings %q leave the home", got)
	}
	handle(t, h, message("zigbee2mqtt/h", `{"contact":true}`))
	if st := h.Status()[0]; st.State != Online || !st.LastSeen.IsZero() {
		t.Errorf("status %+v tells when somebody moved", st)
	}
	if len(r.messages) != 2 || len(h.Unknown()) != 0 {
		t.Error("a door in a home was told, or counted as unknown")
	}
}

func TestEveryKindIsDecidedForHomes(t *testing.T) {
	private := []alert.Kind{alert.Motion, alert.Presence, alert.Door, alert.Vibration, alert.Intrusion, alert.Tripwire, alert.Temperature,
		alert.Humidity, alert.Power, alert.Other}
	for _, k := range private {
		if leavesHome(k) {
			t.Errorf("%s leaves a home", k)
		}
	}
	for _, k := range alert.Kinds() {
		if k.Lane() == alert.LifeSafety && !leavesHome(k) {
			t.Errorf("%s is life-safety and stays in a home", k)
		}
	}
}

func TestIdentity(t *testing.T) {
	m := message("t", "{}")
	again := m
	again.Duplicate = true
	if got := raise.FirstDelivery(identity(again)); got != identity(m) {
		t.Error("a redelivery has another identity")
	}
	for name, change := range map[string]func(*Message){
		"broker": func(m *Message) { m.Broker = "x" }, "session": func(m *Message) { m.Session = "x" }, "topic": func(m *Message) { m.Topic = "x" },
		"packet": func(m *Message) { m.PacketID = 9 }, "payload": func(m *Message) { m.Payload = []byte("x") },
	} {
		other := m
		change(&other)
		if identity(other) == identity(m) {
			t.Errorf("%s is not part of the identity", name)
		}
	}
	// The outbox knows those of releases before.
	m.Session, m.PacketID = "a \"b\"\n\u00e9\xff", 65535
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q %s", m.Broker, m.Session, m.PacketID, m.Topic, m.Payload))
	if want := raise.FirstDelivery("mqtt " + hex.EncodeToString(sum[:])); identity(m) != want {
		t.Errorf("the identity is %s, was %s", identity(m), want)
	}
	m.QoS = 0
	if identity(m) != "" {
		t.Error("QoS 0 has an identity")
	}
}

// TestRedelivery goes through the real raiser: a second press is a second alert, a redelivery is none.
func TestRedelivery(t *testing.T) {
	now := received
	raiser, err := raise.New(context.Background(), raise.Options{Log: &raise.Memory{}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	counted := &counter{Raiser: raiser}
	h := hub(t, counted, device("button"))
	press := message("zigbee2mqtt/button", `{"action":"emergency"}`)
	steps := []struct {
		name string
		dup  bool
		want int
	}{{"a press", false, 1}, {"redelivered", true, 1}, {"another press with the same packet id", false, 2}, {"that redelivered", true, 2}}
	for _, step := range steps {
		now = now.Add(10 * time.Second)
		press.Received, press.Duplicate = now, step.dup
		handle(t, h, press)
		if counted.alerts != step.want {
			t.Fatalf("%s: %d alerts, want %d", step.name, counted.alerts, step.want)
		}
	}
}

type counter struct {
	Raiser
	alerts int
}

func (c *counter) Raise(ctx context.Context, message string, s []raise.Signal, r []alert.Reading) ([]alert.Alert, error) {
	alerts, err := c.Raiser.Raise(ctx, message, s, r)
	c.alerts += len(alerts)
	return alerts, err
}

func TestStorageFailureIsNotAcknowledged(t *testing.T) {
	r := &recorder{fail: []error{errors.New("disk full"), fmt.Errorf("%w: bad", raise.ErrInvalid)}}
	h := hub(t, r, device("d"))
	m := message("zigbee2mqtt/d", `{"smoke":true}`)
	if err := h.Handle(context.Background(), m); err == nil {
		t.Error("a message that could not be stored was acknowledged")
	}
	if err := h.Handle(context.Background(), m); err != nil || len(h.Unknown()) != 1 {
		t.Errorf("an alert that can never be stored must be acknowledged and counted: %v", err)
	}
	handle(t, h, m)
	if len(r.signals) != 1 {
		t.Error("the next message was not raised")
	}
}

func TestNotUnderstoodIsCountedAndAcknowledged(t *testing.T) {
	r := &recorder{}
	h := hub(t, r, device("d"))
	for _, payload := range []string{"", "{", "[]", strings.Repeat("x", 70<<10), `{"smoke":3}`} {
		handle(t, h, message("zigbee2mqtt/d", payload))
	}
	handle(t, h, message("elsewhere/"+strings.Repeat("很", 100), "{}"))
	table := h.Unknown()
	if len(table) != 2 || table[1].Count != 4 || table[1].Topic != "zigbee2mqtt/d" {
		t.Fatalf("table %+v", table)
	}
	if len(table[0].Topic) > maxUnknownTopic || !strings.HasSuffix(table[0].Topic, "很") {
		t.Errorf("topic %q is not cut at a rune", table[0].Topic)
	}
	if messages, refused := h.Counts(); messages != 6 || refused != 5 {
		t.Errorf("%d messages, %d refused", messages, refused)
	}
	for i := range 2 * maxUnknown {
		handle(t, h, message(fmt.Sprintf("x/%d", i), "{}"))
	}
	if n := len(h.Unknown()); n != maxUnknown {
		t.Errorf("%d rows, at most %d", n, maxUnknown)
	}
}

func TestRetained(t *testing.T) {
	r := &recorder{}
	h := hub(t, r, device("d"))
	m := message("zigbee2mqtt/d", `{"smoke":true,"temperature":20,"action":"emergency"}`)
	m.Retained = true
	handle(t, h, m)
	if len(r.signals) != 1 || !r.signals[0].Retained || len(r.readings) != 0 {
		t.Errorf("signals %+v, readings %+v", r.signals, r.readings)
	}
	if st := h.Status()[0]; st.State != Unknown {
		t.Errorf("a retained message proves no life: %s", st.State)
	}
}

func TestNamedDeviceOnASharedTopic(t *testing.T) {
	mapping, err := mapped.Parse("m.yaml", []byte(`
mappings:
  - device: payload.dev
    observations:
      - {kind: leak, active: payload.wet, inactive: not payload.wet}
`))
	if err != nil {
		t.Fatal(err)
	}
	shared := func(id, name string) Device {
		return Device{ID: id, Origin: mapped.Name, Dialect: mapping, Topic: "plant/+", Name: name, Grid: grid}
	}
	r := &recorder{}
	h := hub(t, r, shared("a", "7"), shared("b", "8"))
	handle(t, h, message("plant/x", `{"dev":8,"wet":true}`))
	handle(t, h, message("plant/x", `{"dev":9,"wet":true}`))
	if len(r.signals) != 1 || r.signals[0].Device != "b" {
		t.Errorf("signals %+v", r.signals)
	}
	if table := h.Unknown(); len(table) != 1 {
		t.Errorf("table %+v", table)
	}
}

// parrot is a dialect that counts how often it is asked.
type parrot struct{ asked *int }

func (p parrot) Translate(topic string, payload []byte, retained bool) observation.Translation {
	*p.asked++
	return zigbee2mqtt.Dialect{}.Translate(topic, payload, retained)
}

func TestSharedTopicIsReadOnce(t *testing.T) {
	asked := 0
	var devices []Device
	for i := range 500 {
		devices = append(devices, Device{ID: fmt.Sprint("d", i), Origin: "x", Dialect: parrot{&asked}, Topic: "gw/+", Name: fmt.Sprint(i), Grid: grid})
	}
	r := &recorder{}
	handle(t, hub(t, r, devices...), message("gw/7", `{"smoke":true}`))
	if asked != 1 || len(r.signals) != 1 || r.signals[0].Device != "d7" {
		t.Errorf("asked %d times, signals %+v", asked, r.signals)
	}
}

// TestLongNamesStillRaise: whatever names a configuration and a dialect may use, the alert must be valid.
func TestLongNamesStillRaise(t *testing.T) {
	d := device(strings.Repeat("d", alert.MaxName))
	d.Zone = strings.Repeat("楼", alert.MaxName)
	log := &raise.Memory{}
	raiser, err := raise.New(t.Context(), raise.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Options{Edge: strings.Repeat("e", alert.MaxName), Devices: []Device{d}, Raiser: raiser})
	if err != nil {
		t.Fatal(err)
	}
	handle(t, h, message(d.Topic, `{"smoke_zone_12":true,"water_leak":true}`))
	if open := raiser.Open(); len(open) != 2 || len(h.Unknown()) != 0 {
		t.Errorf("open %+v, not understood %+v", open, h.Unknown())
	}
}

// TestSilenceDoesNotEndWhatTheDialectSays: a device that spoke a moment ago is not silent, but it did say that it goes.
func TestSilenceDoesNotEndWhatTheDialectSays(t *testing.T) {
	r := &recorder{}
	d := device("d")
	d.Silence = time.Hour
	changes := 0
	h, err := New(Options{
		Edge: "edge1", Devices: []Device{d}, Raiser: r, Now: func() time.Time { return received }, OnChange: func() { changes++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		handle(t, h, message("zigbee2mqtt/d", `{"smoke":false}`))
	}
	if changes != 1 {
		t.Errorf("%d changes from one state to another, want 1", changes)
	}
	handle(t, h, message("zigbee2mqtt/d/availability", "offline"))
	before := len(r.told())
	if err := h.CheckSilence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told := r.told(); len(told) != before || h.Status()[0].State != Offline {
		t.Errorf("told %+v, status %+v", told[before:], h.Status())
	}
	handle(t, h, message("zigbee2mqtt/d/availability", "online"))
	if err := h.CheckSilence(t.Context()); err != nil || h.Status()[0].State != Online {
		t.Errorf("error %v, status %+v", err, h.Status())
	}
	if changes != 3 {
		t.Errorf("%d changes, want online, offline, online", changes)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		d, quiet := device("d"), device("never-asked")
		d.Silence = time.Hour
		h := hub(t, r, d, quiet)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()

		wait := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		wait(59 * time.Minute)
		if len(r.told()) != 0 {
			t.Fatal("offline too early")
		}
		wait(2 * time.Minute)
		if st := h.Status()[0]; time.Since(st.Since) > time.Minute+checkEvery {
			t.Errorf("offline since %v, at %v", st.Since, time.Now())
		}
		if len(r.told()) != 1 || r.told()[0].Phase != observation.Active || h.Status()[0].State != Offline {
			t.Fatalf("signals %+v", r.told())
		}
		m := message("zigbee2mqtt/d", `{"linkquality":90}`)
		m.Received = time.Now()
		handle(t, h, m)
		wait(time.Minute)
		if len(r.told()) != 2 || r.told()[1].Phase != observation.Inactive || h.Status()[0].State != Online {
			t.Fatalf("signals %+v, status %+v", r.told(), h.Status())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	bad := map[string][]Device{
		"no dialect":   {{ID: "a", Origin: "x", Topic: "t"}},
		"a bad filter": {{ID: "a", Origin: "x", Topic: "t/#/x", Dialect: zigbee2mqtt.Dialect{}}},
		"twice":        {device("a"), device("a")},
	}
	for name, devices := range bad {
		if _, err := New(Options{Edge: "e", Raiser: &recorder{}, Devices: devices}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestSilenceCountsFromNowOnceTheClockWasSetBack, and not from when the wrong time comes again.
func TestSilenceCountsFromNowOnceTheClockWasSetBack(t *testing.T) {
	r, now := &recorder{}, received.Add(24*time.Hour)
	d := device("d")
	d.Silence = time.Hour
	h, err := New(Options{Edge: "edge1", Devices: []Device{d}, Raiser: r, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	m := message("zigbee2mqtt/d", `{"smoke":false}`)
	m.Received = now
	handle(t, h, m)
	for _, now = range []time.Time{received, received.Add(2 * time.Hour)} {
		if err := h.CheckSilence(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if st := h.Status()[0]; st.State != Offline {
		t.Errorf("after two hours of silence it is %s", st.State)
	}
}
