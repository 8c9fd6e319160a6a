package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/alert"
)

// desk is a broker in memory: what it was told, and what it retains.
type desk struct {
	mu       sync.Mutex
	told     []Message
	retained map[string]string
	will     Message
	lost     chan struct{}
	refuse   error         // of every message
	away     error         // of every connection
	block    chan struct{} // messages wait for it, if it is set
}

func newDesk() *desk { return &desk{retained: map[string]string{}} }

func (d *desk) dial(_ context.Context, will Message) (Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.will, d.lost = will, make(chan struct{})
	return deskConn{d, d.lost}, d.away
}

type deskConn struct {
	*desk
	lost chan struct{}
}

func (c deskConn) Publish(ctx context.Context, m Message) error {
	c.mu.Lock()
	block := c.block
	c.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	c.told = append(c.told, m)
	switch {
	case m.Retain && len(m.Payload) == 0:
		delete(c.retained, m.Topic)
	case m.Retain:
		c.retained[m.Topic] = string(m.Payload)
	}
	return nil
}

func (c deskConn) Listeners(string) int  { return 1 }
func (c deskConn) Lost() <-chan struct{} { return c.lost }
func (c deskConn) Close()                {}

// set changes how the broker behaves.
func (d *desk) set(change func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// on returns the payloads told on a topic, in their order.
func (d *desk) on(topic string) (payloads []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.told {
		if m.Topic == topic {
			payloads = append(payloads, string(m.Payload))
		}
	}
	return payloads
}

func (d *desk) kept(topic string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.retained[topic]
}

// options is an edge with a sensor, a camera and a siren.
func options(d *desk) Options {
	return Options{
		Edge: "e1", Software: "v1", Dial: d.dial, Topic: "gridgate", Discovery: "homeassistant", Language: English,
		Devices: []Device{
			{ID: "smoke-1", Family: alert.Sensors},
			{ID: "gate", Family: alert.Cameras, Places: []Place{{Zone: "入口", Kind: alert.Motion}, {Kind: alert.VideoLoss}}},
		},
		Sirens: []Siren{hall().Siren},
	}
}

const (
	smokeState  = "gridgate/e1/device/smoke-1/hall/smoke/state"
	smokeKind   = "gridgate/e1/kind/smoke/state"
	smokeAlert  = "gridgate/e1/alert/smoke"
	presentAt   = "gridgate/e1/availability"
	motionState = "gridgate/e1/device/gate/入口/motion/state"
)

// speak runs a voice in a bubble of its own time.
func speak(t *testing.T, o Options, do func(t *testing.T, v *Voice)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		synctest.Wait()
		do(t, v)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// cleared ends the situation of a raised alert.
func cleared(raised alert.Alert) alert.Alert {
	a := raised
	a.ID, a.State = alert.NewID(), alert.Cleared
	return a
}

func TestAnAlertIsToldAndItsStateIsRetained(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		expect(t, "availability", d.kept(presentAt), "online")
		expect(t, "last will", d.will.Topic+" "+string(d.will.Payload), presentAt+" offline")
		expect(t, "a place that reported nothing", d.kept(motionState), "OFF")
		expect(t, "a kind that was not reported", d.kept(smokeKind), "OFF")
		a := smoke()
		v.Hear([]alert.Alert{a})
		synctest.Wait()
		expect(t, "state", d.kept(smokeState), "ON")
		expect(t, "state of the kind", d.kept(smokeKind), "ON")
		told := d.on(smokeAlert)
		if len(told) != 1 {
			t.Fatalf("%d messages of the alert", len(told))
		}
		if e, err := alert.DecodeEvent([]byte(told[0])); err != nil || e.Alert.ID != a.ID {
			t.Errorf("the message is not the alert: %v", err)
		}
		v.Hear([]alert.Alert{cleared(a)})
		synctest.Wait()
		expect(t, "state after the clear", d.kept(smokeState), "OFF")
		expect(t, "state of the kind after it", d.kept(smokeKind), "OFF")
	})
	expect(t, "availability after the end", d.kept(presentAt), "offline")
}

func TestAKindIsOnWhileAnyOfItsSituationsIs(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		one, two := smoke(), smoke(from("gate"))
		v.Hear([]alert.Alert{one, two, cleared(one)})
		synctest.Wait()
		expect(t, "kind with one left", d.kept(smokeKind), "ON")
		expect(t, "the one that ended", d.kept(smokeState), "OFF")
		v.Hear([]alert.Alert{cleared(two), cleared(two)})
		synctest.Wait()
		expect(t, "kind with none left", d.kept(smokeKind), "OFF")
	})
}

func TestAMomentIsOnForAWhile(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		v.Hear([]alert.Alert{made(alert.SOS, alert.Momentary)})
		synctest.Wait()
		topic := "gridgate/e1/device/smoke-1/hall/sos/state"
		expect(t, "state of a press", d.kept(topic), "ON")
		time.Sleep(momentaryOn + time.Millisecond)
		synctest.Wait()
		expect(t, "state after it", d.kept(topic), "OFF")
		expect(t, "kind after it", d.kept("gridgate/e1/kind/sos/state"), "OFF")
	})
}

func TestADrillIsToldAndSwitchesNothing(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		v.Hear([]alert.Alert{smoke(drill)})
		synctest.Wait()
		expect(t, "state", d.kept(smokeState), "OFF")
		if told := d.on(smokeAlert); len(told) != 1 || !strings.Contains(told[0], `"exercise":true`) {
			t.Errorf("told %v", told)
		}
		if on := d.on("hall/set"); slices.Contains(on, "on") {
			t.Errorf("the siren was told %v", on)
		}
	})
}

// Nothing but the commit is before the siren: this package knows of no central.
func TestASirenIsToldAtOnceAndInItsTime(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		v.Hear([]alert.Alert{smoke()})
		synctest.Wait()
		if got := d.on("hall/set"); !slices.Equal(got, []string{"off", "on"}) { // the first one ends what a crash may have left on
			t.Fatalf("commands %v", got)
		}
		if s := v.Sirens()[0]; !s.Sounding || s.Unsent || s.Listeners != 1 {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Minute + time.Millisecond)
		synctest.Wait()
		if got := d.on("hall/set"); !slices.Equal(got, []string{"off", "on", "off"}) {
			t.Errorf("commands %v", got)
		}
		time.Sleep(time.Minute)
		v.Hear([]alert.Alert{smoke()})
		synctest.Wait()
		if !v.Silence("hall") || v.Silence("cellar") {
			t.Error("silenced the wrong siren")
		}
		synctest.Wait()
		if got := d.on("hall/set"); !slices.Equal(got[3:], []string{"on", "off"}) {
			t.Errorf("commands %v", got)
		}
		time.Sleep(time.Minute)
		v.Hear([]alert.Alert{smoke()})
	})
	if got := d.on("hall/set"); got[len(got)-1] != "off" {
		t.Errorf("the edge ended and left the siren at %v", got)
	}
}

// A broker that hangs or is away holds nothing up; when it is back it is told what holds then, and nothing that is too old.
func TestABrokerThatIsAway(t *testing.T) {
	d := newDesk()
	d.away = errors.New("refused")
	speak(t, options(d), func(t *testing.T, v *Voice) {
		if st := v.Status(); st.Connected || !strings.Contains(st.Why, "refused") {
			t.Errorf("status %+v", st)
		}
		begun := time.Now()
		first := smoke()
		v.Hear([]alert.Alert{first})
		for range 10 * maxEvents {
			v.Hear([]alert.Alert{made(alert.Door, alert.Momentary)})
		}
		if time.Since(begun) != 0 {
			t.Error("hearing waited")
		}
		if st := v.Status(); st.Dropped != 10*maxEvents+1-maxEvents {
			t.Errorf("%d alerts dropped", st.Dropped)
		}
		time.Sleep(2 * maxEventAge)
		v.Hear([]alert.Alert{made(alert.Gas, alert.Raised)})
		d.set(func(d *desk) { d.away = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expect(t, "state of the smoke", d.kept(smokeState), "ON")
		if n := len(d.on(smokeAlert)); n != 0 {
			t.Errorf("an alert of two minutes ago is told %d times", n)
		}
		if n := len(d.on("gridgate/e1/alert/gas")); n != 1 {
			t.Errorf("the alert of just now is told %d times", n)
		}
		if got := d.on("hall/set"); !slices.Equal(got, []string{"off"}) || v.Sirens()[0].Dropped != 1 {
			t.Errorf("the siren is told %v two minutes late, %d dropped", got, v.Sirens()[0].Dropped)
		}
	})
}

// TestWhatHappensIsToldBeforeWhatIsToldAgain: a broker that hangs holds no caller up, and of all that a new connection has to be told
// nothing is ahead of what just happened.
func TestWhatHappensIsToldBeforeWhatIsToldAgain(t *testing.T) {
	d := newDesk()
	o := options(d)
	for i := range 300 {
		o.Devices[1].Places = append(o.Devices[1].Places, Place{Zone: fmt.Sprint("z", i), Kind: alert.Fire})
	}
	o.Dial = func(ctx context.Context, will Message) (Conn, error) {
		d.set(func(d *desk) { d.block = make(chan struct{}) })
		return d.dial(ctx, will)
	}
	speak(t, o, func(t *testing.T, v *Voice) { // it hangs on the first message
		begun := time.Now()
		v.Hear([]alert.Alert{smoke()})
		if time.Since(begun) != 0 {
			t.Error("hearing waited")
		}
		d.set(func(d *desk) {
			close(d.block)
			d.block = nil
		})
		synctest.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, topic := range []string{"hall/set", smokeState, smokeKind, smokeAlert} {
			if at := slices.IndexFunc(d.told, func(m Message) bool { return m.Topic == topic }); at < 0 || at > 5 {
				t.Errorf("%s is told as number %d of %d", topic, at, len(d.told))
			}
		}
		if len(d.told) < 600 {
			t.Errorf("only %d messages are told", len(d.told))
		}
	})
}

func TestLifeSafetyIsDroppedLast(t *testing.T) {
	var q events
	q.push(event{alert: smoke(), heard: at(0)})
	var dropped int64
	for range 2 * maxEvents {
		dropped += q.push(event{alert: made(alert.Door, alert.Momentary), heard: at(0)})
	}
	if e, ok, _ := q.pop(at(0), true); !ok || e.alert.Kind != alert.Smoke || dropped != maxEvents+1 {
		t.Errorf("smoke is kept: %v, %d dropped", ok, dropped)
	}
	for range 3 * maxEvents {
		q.push(event{alert: smoke(), heard: at(1)})
	}
	if n := len(q.urgent) + len(q.others); n != maxEvents {
		t.Errorf("%d wait, want at most %d", n, maxEvents)
	}
}

func TestALostConnectionIsBegunAnew(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		v.Hear([]alert.Alert{smoke()})
		synctest.Wait()
		d.set(func(d *desk) { // the broker died with all that it held
			close(d.lost)
			d.retained = map[string]string{}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		expect(t, "state", d.kept(smokeState), "ON")
		expect(t, "availability", d.kept(presentAt), "online")
		if d.kept("homeassistant/binary_sensor/gridgate_e1/smoke/config") == "" {
			t.Error("nothing is announced")
		}
	})
}

func TestAMessageThatFailedIsToldAgain(t *testing.T) {
	d := newDesk()
	speak(t, options(d), func(t *testing.T, v *Voice) {
		d.set(func(d *desk) { d.refuse = errors.New("no") })
		v.Hear([]alert.Alert{smoke()})
		synctest.Wait()
		d.set(func(d *desk) { d.refuse = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(d.on(smokeAlert)); n != 1 {
			t.Errorf("the alert is told %d times", n)
		}
		if got := d.on("hall/set"); !slices.Contains(got, "on") {
			t.Errorf("the siren was told %v", got)
		}
	})
}

// TestWhatHoldsIsToldAfterARestart: states come from open situations, a siren that would still sound goes on.
func TestWhatHoldsIsToldAfterARestart(t *testing.T) {
	d := newDesk()
	o := options(d)
	synctest.Test(t, func(t *testing.T) {
		lately := func(a *alert.Alert) { a.RaisedAt = time.Now().Add(-20 * time.Second) }
		o.Open = []alert.Alert{smoke(lately), made(alert.Gas, alert.Raised, drill)}
		o.Recent = []alert.Alert{made(alert.Door, alert.Momentary, lately), o.Open[0]}
		v, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		synctest.Wait()
		expect(t, "state", d.kept(smokeState), "ON")
		expect(t, "state of a drill", d.kept("gridgate/e1/kind/gas/state"), "OFF")
		if n := len(d.on(smokeAlert)); n != 0 {
			t.Errorf("the alert of before is told %d times more", n)
		}
		if got := d.on("hall/set"); !slices.Equal(got, []string{"on"}) {
			t.Errorf("the siren is told %v", got)
		}
		if until := v.Sirens()[0].Until; !until.Equal(time.Now().Add(40 * time.Second)) {
			t.Errorf("it sounds until %v", until)
		}
		if r := v.Recent(); len(r) != 2 || r[0].Kind != alert.Smoke {
			t.Errorf("recent %v", r)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsGoneIsTakenBack: a device that the configuration no longer has, and another way to name topics.
func TestWhatIsGoneIsTakenBack(t *testing.T) {
	d := newDesk()
	o := options(d)
	o.Memory = filepath.Join(t.TempDir(), "announced.json")
	first := o
	first.Devices = append(slices.Clone(o.Devices), Device{ID: "old", Family: alert.Sensors})
	speak(t, first, func(t *testing.T, v *Voice) {
		v.Hear([]alert.Alert{smoke(), smoke(from("old"))})
		synctest.Wait()
	})
	announced := func(device string) (n int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for topic, payload := range d.retained {
			if strings.Contains(topic, "/device/"+device+"/") || strings.Contains(payload, `"state_topic":"gridgate/e1/device/`+device+`/`) {
				n++
			}
		}
		return n
	}
	if n := announced("old"); n != 2 {
		t.Fatalf("%d retained messages of the device, want its state and its discovery", n)
	}
	speak(t, o, func(t *testing.T, v *Voice) {
		if n := announced("old"); n != 0 {
			t.Errorf("%d retained messages of the device that is gone", n)
		}
		if n := announced("smoke-1"); n != 2 {
			t.Errorf("%d retained messages of the sensor, which reported before the restart, want 2", n)
		}
	})
	moved := o
	moved.Topic, moved.Discovery = "township", ""
	speak(t, moved, func(t *testing.T, v *Voice) {
		d.mu.Lock()
		defer d.mu.Unlock()
		for topic := range d.retained {
			if !strings.HasPrefix(topic, "township/") {
				t.Errorf("%s is left", topic)
			}
		}
	})
}

func TestADamagedMemoryCostsNothingElse(t *testing.T) {
	d := newDesk()
	o := options(d)
	o.Memory = filepath.Join(t.TempDir(), "announced.json")
	if err := os.WriteFile(o.Memory, []byte(`{"entities":[{`), 0o600); err != nil {
		t.Fatal(err)
	}
	speak(t, o, func(t *testing.T, v *Voice) { expect(t, "availability", d.kept(presentAt), "online") })
	if s, err := readStored(o.Memory); err != nil || len(s.Entities) == 0 {
		t.Errorf("the file was not made anew: %v", err)
	}
}

func TestWithoutABrokerAlertsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := New(Options{Edge: "e1"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range maxRecent + 50 {
			v.Hear([]alert.Alert{smoke(func(a *alert.Alert) { a.Zone = fmt.Sprint(i) })})
		}
		r := v.Recent()
		if len(r) != maxRecent || r[0].Zone != fmt.Sprint(maxRecent+49) || r[maxRecent-1].Zone != "50" {
			t.Errorf("%d alerts, from %s to %s", len(r), r[0].Zone, r[len(r)-1].Zone)
		}
		if st := v.Status(); st.Configured || st.Dropped != 0 {
			t.Errorf("status %+v", st)
		}
	})
	if _, err := New(Options{Edge: "e1", Sirens: []Siren{hall().Siren}}); err == nil {
		t.Error("a siren without a broker is accepted")
	}
}

func TestOwnTopics(t *testing.T) {
	own := Own{Edge: "e1", Topic: "gridgate", Discovery: "homeassistant", Commands: []string{"zigbee2mqtt/siren/set"}}
	for topic, want := range map[string]bool{
		"gridgate/e1/alert/smoke": true, "gridgate/e2/alert/smoke": true, "zigbee2mqtt/siren/set": true,
		"homeassistant/binary_sensor/gridgate_e1/smoke/config": true, "homeassistant/binary_sensor/door/state": false,
		"zigbee2mqtt/siren": false, "gridgate": false, "gridgates/x": false,
	} {
		if got := own.Has(topic); got != want {
			t.Errorf("%s: %v, want %v", topic, got, want)
		}
		if (Own{}).Has(topic) {
			t.Errorf("%s belongs to nobody's topics", topic)
		}
	}
	want := []string{"gridgate/e1/#", "homeassistant/binary_sensor/gridgate_e1/#"}
	if got := own.Reserved(); !slices.Equal(got, want) || len((Own{}).Reserved()) != 0 {
		t.Errorf("reserved %v, want %v", got, want)
	}
}
