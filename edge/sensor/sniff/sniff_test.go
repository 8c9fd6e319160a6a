package sniff_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gridgate/edge/sensor/sniff"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/mapped"
	"gridgate/protocols/sensors/sparkplug"
	"gridgate/protocols/sensors/zigbee2mqtt"
)

var registry = sensors.Registry{zigbee2mqtt.Name: zigbee2mqtt.Dialect{}, sparkplug.Name: sparkplug.Dialect{}, mapped.Name: mapped.Default{}}

// understand takes a message for the dialect that its first level names.
func understand(topic string, payload []byte, retained bool) (observation.Translation, sensors.Guess) {
	name := map[string]string{"zigbee2mqtt": zigbee2mqtt.Name, "spBv1.0": sparkplug.Name}[strings.Split(topic, "/")[0]]
	if name == "" {
		return sensors.Ignored(topic, "no dialect recognises the message"), sensors.Guess{}
	}
	return registry[name].Translate(topic, payload, retained), sensors.Guess{Dialect: name, Because: "of its topic", Like: sensors.Surely}
}

var begun = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func heard(messages ...[2]string) *sniff.Sniffer {
	s := sniff.New(understand)
	for i, m := range messages {
		s.Hear(sniff.Message{Topic: m[0], Payload: []byte(m[1]), At: begun.Add(time.Duration(i) * 10 * time.Second)})
	}
	return s
}

func written(t *testing.T, s *sniff.Sniffer) string {
	t.Helper()
	var out strings.Builder
	if err := s.Report().Write(&out, registry); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReport(t *testing.T) {
	got := written(t, heard(
		[2]string{"zigbee2mqtt/hall", `{"smoke":false,"linkquality":80,"owner":"Zhang San"}`},
		[2]string{"zigbee2mqtt/hall", `{"smoke":false,"battery":90}`},
		[2]string{"zigbee2mqtt/hall", `{"smoke":true}`},
		[2]string{"zigbee2mqtt/hall/availability", `online`},
		[2]string{"zigbee2mqtt/garage/availability", `online`},
		[2]string{"spBv1.0/g/NBIRTH/n", `{"timestamp":1772352000000,"seq":0,"metrics":[]}`},
		[2]string{"spBv1.0/g/DDATA/n/sump", `{"timestamp":1772352000000,"seq":1,"metrics":[{"name":"Leak","dataType":"Boolean","value":true}]}`},
		[2]string{"spBv1.0/g/NCMD/n", `{"timestamp":1772352000000,"seq":1,"metrics":[]}`},
		[2]string{"river/1/level", `{"lvl":2.5,"pump":{"runs":true},"name":"Zhang San","13800138000":1,"note":"Li Si"}`},
		[2]string{"river/2/level", `{"lvl":2.6,"pump":{"runs":false},"name":"Li Si","13800138000":2,"note":"x"}`},
		[2]string{"clock", `tick`},
	))
	for _, want := range []string{
		"# Heard 11 messages on 9 topics in 1m40s; 1 told nothing of their own (descriptions, commands).\n",
		"# hall\n#   dialect     zigbee2mqtt: of its topic\n#   kinds       device-offline, smoke\n#   quantities  battery %\n#   not taken   *, linkquality\n" +
			"#   messages    4, one every 10s\n#   topics      zigbee2mqtt/hall, zigbee2mqtt/hall/availability\n",
		"sensors:\n  - {id: sump, dialect: sparkplug, topic: \"spBv1.0/g/DDATA/n/sump\"}\n  - {id: hall, dialect: zigbee2mqtt, topic: \"zigbee2mqtt/hall\"}\n\n---\n",
		"  # clock: 1 messages on 1 topics, nothing that a mapping could read (no JSON): no dialect recognises the message\n",
		"  - topic: \"river/+/level\"  # 2 messages on 2 topics: no dialect recognises the message\n    device: topic[1]\n" +
			"    observations:\n      - {kind: \"\", active: payload.pump.runs == true, inactive: payload.pump.runs == false}\n" +
			"    readings:\n      - {quantity: lvl, unit: \"\", value: payload.lvl}\n    # payload.* is null\n    # payload.note is text\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks\n%s", want)
		}
	}
	for _, secret := range []string{"Zhang", "Li Si", "138001", "2.5", "2.6"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q comes out", secret)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// TestSkeletonIsNoMappingYet: it is refused for what only a person knows, and accepted once that is written.
func TestSkeletonIsNoMappingYet(t *testing.T) {
	got := written(t, heard([2]string{"river/1/level", `{"lvl":2.5,"alarm":true}`}))
	_, skeleton, _ := strings.Cut(got, "\n---\n")
	if _, err := mapped.Parse("m.yaml", []byte(skeleton)); err == nil {
		t.Errorf("the skeleton is accepted:\n%s", skeleton)
	}
	complete := strings.NewReplacer(`unit: ""`, "unit: m", `kind: ""`, "kind: water-level").Replace(skeleton)
	d, err := mapped.Parse("m.yaml", []byte(complete))
	if err != nil {
		t.Fatalf("%v\n%s", err, complete)
	}
	if said := d.Translate("river/1/level", []byte(`{"lvl":2.5,"alarm":true}`), false); len(said.Readings) != 1 || len(said.Observations) != 1 {
		t.Errorf("%+v", said)
	}
}

func TestDevicesOfOneGatewayAreToldApart(t *testing.T) {
	got := written(t, heard(
		[2]string{"zigbee2mqtt/a/hall", `{"smoke":false}`}, [2]string{"zigbee2mqtt/b/hall", `{"smoke":false}`},
		[2]string{"zigbee2mqtt/b/hall/smoke", `true`}, [2]string{"zigbee2mqtt/张三 3", `{"smoke":false}`},
	))
	for _, want := range []string{
		`{id: hall, dialect: zigbee2mqtt, topic: "zigbee2mqtt/a/hall"}`, `{id: b-hall, dialect: zigbee2mqtt, topic: "zigbee2mqtt/b/hall/#"}`, `{id: "3", dialect`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %s:\n%s", want, got)
		}
	}
}

func TestBounds(t *testing.T) {
	s := sniff.New(understand)
	for i := range sniff.MaxTopics + 500 {
		s.Hear(sniff.Message{Topic: fmt.Sprintf("x/%d", i), Payload: []byte(`{"a":1}`), At: begun})
	}
	var keys []string
	for i := range 40 {
		keys = append(keys, fmt.Sprintf(`"k%c%c":1`, 'a'+i%26, 'a'+i/26))
	}
	table := sniff.New(understand)
	table.Hear(sniff.Message{Topic: "t", Payload: []byte("{" + strings.Join(keys, ",") + "}"), At: begun})
	table.Hear(sniff.Message{Topic: strings.Repeat("t", 600), Payload: []byte("{}"), At: begun})
	r := s.Report()
	if r.Topics != sniff.MaxTopics || r.Unheard != 500 || r.Messages != sniff.MaxTopics+500 {
		t.Errorf("%d topics, %d unheard of %d", r.Topics, r.Unheard, r.Messages)
	}
	if u := r.Unknown; len(u) != 1 || u[0].Filter != "x/+" || u[0].Topics != sniff.MaxTopics {
		t.Errorf("%+v", u)
	}
	if u := table.Report().Unknown; len(u) != 1 || len(u[0].Paths) != 1 || u[0].Paths[0].Name != "payload.*" {
		t.Errorf("%+v", u)
	}
}

func TestKeysThatCouldBeSomebody(t *testing.T) {
	got := written(t, heard([2]string{"x", `{"a1b2c3d4e5f60708":1,"plate_no":1,"userName":1,"cardNo":true,"张三":1,"A-1":1,"temp2":1,"age":3,"voltage":3}`}))
	if !strings.Contains(got, "payload.temp2") || !strings.Contains(got, "payload.voltage") || strings.Count(got, "value: payload.") != 2 || strings.Contains(got, "active:") {
		t.Error(got)
	}
	_, skeleton, _ := strings.Cut(got, "\nmappings:")
	for _, key := range []string{"a1b2", "plate", "userName", "card", "张三", "A-1", "quantity: age"} {
		if strings.Contains(skeleton, key) {
			t.Errorf("%s comes out", key)
		}
	}
}

func FuzzHear(f *testing.F) {
	f.Add("river/1/level", []byte(`{"lvl":2.5,"pump":{"runs":true},"a":[1]}`), "zigbee2mqtt/x", []byte(`{"smoke":true}`))
	f.Add("spBv1.0/g/DDATA/n/d", []byte(`{"timestamp":1,"metrics":[]}`), "a/\n#x: 1", []byte("\xff"))
	f.Fuzz(func(t *testing.T, topic string, payload []byte, topic2 string, payload2 []byte) {
		s := heard([2]string{topic, string(payload)}, [2]string{topic2, string(payload2)}, [2]string{topic, string(payload2)})
		written(t, s)
	})
}
