package app

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/orders"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
)

const caredFor = `edge: e
data: %s
central: {url: "http://127.0.0.1:1", token: {env: T}}
place: {grid: "110101001001001", kind: street}
mqtt: {broker: {listen: "127.0.0.1:0", users: [{name: s, password: {env: T}, publish: ["#"]}]}}
profiles:
  - {name: cellar, like: temperature, battery: {unit: V, empty: 2, full: 3}, quantities: {temperature: {max: 60, dead_band: 0.5}}}
sensors:
  - {id: cellar, dialect: zigbee2mqtt, topic: z/cellar, profile: cellar, severity: {smoke: major}}
  - {id: home, dialect: zigbee2mqtt, topic: z/home, place: {kind: home}}
  - {id: door, dialect: zigbee2mqtt, topic: z/door, mode: disarmed}
`

// wired are the sensors of a file, and what they raise.
func wired(t *testing.T, dir string) (*sensorSet, *raise.Memory, *raise.Raiser) {
	t.Helper()
	t.Setenv("T", "secret")
	file := filepath.Join(dir, "edge.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, caredFor, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	memory := &raise.Memory{}
	inner, err := raise.New(t.Context(), raise.Options{Log: memory})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSensors(cfg, &announcer{inner: inner, log: slog.New(slog.DiscardHandler)}, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.open = inner.Open
	return s, memory, inner
}

func TestSensorsAreCaredFor(t *testing.T) {
	s, _, inner := wired(t, t.TempDir())
	say := func(device, payload string) {
		t.Helper()
		if err := s.hub.Handle(t.Context(), sensor.Message{Broker: config.EmbeddedBroker, Topic: "z/" + device, Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		say("cellar", `{"temperature":99,"voltage":2100}`)
		say("home", `{"temperature":-95}`)
	}
	say("cellar", `{"smoke":true}`)
	say("door", `{"contact":false}`)
	open := map[string]alert.Severity{}
	for _, o := range inner.Open() {
		open[strings.TrimPrefix(o.Key, "e/")] = o.Alert.Severity
	}
	for key, severity := range map[string]alert.Severity{
		"cellar//device-fault/care-temperature": alert.Minor, "home//device-fault/care-temperature": alert.Minor, "cellar//smoke": alert.Major,
	} {
		if open[key] != severity {
			t.Errorf("%s is %q, want %s: %v", key, open[key], severity, open)
		}
	}
	for key := range open {
		if strings.HasPrefix(key, "door/") {
			t.Errorf("a disarmed sensor raised %s", key)
		}
	}
	for _, d := range s.devices() {
		if want := map[string]string{"door": "disarmed"}[d.ID]; want != "" && (len(d.Zones) != 1 || d.Zones[0].Mode != want) {
			t.Errorf("%+v is not told as disarmed", d)
		}
		if want := map[string]string{"cellar": "temperature: implausible", "home": "temperature: implausible"}[d.ID]; d.Why != want {
			t.Errorf("%s: %q", d.ID, d.Why)
		}
	}
	if got := s.leftOut(); got.Implausible != 6 {
		t.Errorf("left out: %+v", got)
	}
}

// TestAHomeSaysNothingInTheStatus of when it spoke or what it measured.
func TestAHomeSaysNothingInTheStatus(t *testing.T) {
	s, _, _ := wired(t, t.TempDir())
	for i := range 200 {
		m := sensor.Message{
			Broker: config.EmbeddedBroker, Topic: "z/home", Payload: []byte(`{"humidity":73.25,"battery":61,"contact":false}`),
			Received: time.Now().Add(time.Duration(i-200) * time.Hour),
		}
		if err := s.hub.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(map[string]any{"health": s.health(), "devices": s.devices()})
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"73.25", `"silence"`, "lastSeen", "clockBehind", "values"} {
		if strings.Contains(string(text), leak) {
			t.Errorf("the status holds %q: %s", leak, text)
		}
	}
	if !strings.Contains(string(text), `"battery":61`) {
		t.Errorf("the battery is missing: %s", text)
	}
}

// TestADisarmedSensorComesBackAsItsFileHasIt when central's order is over.
func TestASensorComesBackAsItsFileHasIt(t *testing.T) {
	s, _, _ := wired(t, t.TempDir())
	if got := s.hub.Mode("door"); got != sensor.Disarmed {
		t.Fatalf("at the start it is %s", got)
	}
	s.setOrdered(map[string]sensor.Mode{"door": sensor.Armed})
	if err := s.hub.SetMode("door", sensor.Armed); err != nil {
		t.Fatal(err)
	}
	if failed := s.obey(orders.Held{}, time.Now()); len(failed) > 0 {
		t.Error(failed)
	}
	if got := s.hub.Mode("door"); got != sensor.Disarmed {
		t.Errorf("it is %s, and its file says disarmed", got)
	}
}
