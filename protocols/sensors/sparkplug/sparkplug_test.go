package sparkplug

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/sensorstest"
)

// say is [sensorstest.Say] with the reason behind the "!".
func say(t observation.Translation) string {
	if t.Quiet {
		return sensorstest.Say(t)
	}
	return sensorstest.Say(t) + t.Ignored
}

// spoken is a message of the independent encoder, npm sparkplug-payload; see testdata/encoder.
type spoken struct {
	Topic   string `json:"topic"`
	Payload []byte `json:"payload"`
}

func conversation(t testing.TB) []spoken {
	t.Helper()
	f, err := os.Open("testdata/conversation.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []spoken
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s spoken
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func TestConversationOfAnotherEncoder(t *testing.T) {
	want := []string{
		"device-offline=inactive voltage=23.9 V -hardware_make",
		"device-offline=inactive leak=inactive smoke/2=inactive smoke/1=inactive temperature=-5 Cel humidity=61 % water_level=142.5 cm gas_lel=3.5 %{LEL} -*",
		"leak=active temperature=-12 Cel water_level=181.25 cm -*",
		"smoke/2=active -humidity -temperature",
		"smoke/1=momentary temperature=-20 Cel temperature=-21 Cel",
		"temperature_1=-7 Cel temperature_2=-30 Cel temperature_3=-9 Cel temperature_4=200 Cel temperature_5=1200 Cel temperature_6=21 Cel temperature_7=21.3 Cel temperature_8=-0.125 Cel",
		"temperature=20 Cel -*",
		"temperature=17 Cel",
		"temperature=17 Cel",
		"voltage=24.1 V",
		"device-offline=active",
		"quiet",
		"device-offline=active device-offline=active",
	}
	s := Dialect{}.Session()
	heard := conversation(t)
	if len(heard) != len(want) {
		t.Fatalf("%d messages, want %d", len(heard), len(want))
	}
	for i, m := range heard {
		got := s.Translate(m.Topic, m.Payload, false)
		if say(got) != want[i] {
			t.Errorf("message %d on %s\n got %s\nwant %s", i, m.Topic, say(got), want[i])
		}
		line, err := json.Marshal(got)
		if err != nil || bytes.Contains(line, []byte("Zhang")) || bytes.Contains(line, []byte("Li Si")) || bytes.Contains(line, []byte("Hall")) {
			t.Errorf("message %d: %v %s", i, err, line)
		}
		if asks := s.Asks(); (len(asks) > 0) != (i == 11) {
			t.Errorf("message %d leads to %d questions", i, len(asks))
		}
	}
}

// send lets a session hear a message written as JSON.
func send(s sensors.Session, kind, device, payload string) string {
	topic := "spBv1.0/g/" + kind + "/n"
	if device != "" {
		topic += "/" + device
	}
	return say(s.Translate(topic, []byte(payload), false))
}

// one is a message with one metric.
func one(metric string) string {
	return `{"timestamp":1772352000000,"seq":1,"metrics":[` + metric + `]}`
}

func TestMetrics(t *testing.T) {
	for metric, want := range map[string]string{
		`{"name":"Sensors/Temperature","dataType":"Double","value":21.5}`:                                                                  "temperature=21.5 Cel",
		`{"name":"Temperature (°F)","dataType":"Float","value":70}`:                                                                        "temperature=70 [degF]",
		`{"name":"temp_f","dataType":"Float","value":70}`:                                                                                  "temperature=70 [degF]",
		`{"name":"AmbientTemperature","dataType":"Float","value":21}`:                                                                      "temperature=21 Cel",
		`{"name":"Boiler Temperature","dataType":"Float","value":90}`:                                                                      "-* !",
		`{"name":"Room 3/Temperature/PV","dataType":"Float","value":20}`:                                                                   "temperature_3=20 Cel",
		`{"name":"Temperature","dataType":"Int32","value":"50"}`:                                                                           "temperature=50 Cel",
		`{"name":"Temperature","datatype":3,"int_value":4294967291}`:                                                                       "temperature=-5 Cel",
		`{"name":"Temperature","datatype":2,"intValue":65531}`:                                                                             "temperature=-5 Cel",
		`{"name":"Temperature","datatype":4,"longValue":"-5"}`:                                                                             "temperature=-5 Cel",
		`{"name":"Temperature","dataType":"Float","value":-273.15}`:                                                                        "-temperature !",
		`{"name":"Temperature","dataType":"Float","isNull":true}`:                                                                          "-temperature !",
		`{"name":"Temperature","dataType":"Float","value":20,"isTransient":true}`:                                                          "-temperature !",
		`{"name":"Temperature","dataType":"Float","value":20,"properties":{"Quality":{"type":"Int32","value":500}}}`:                       "-temperature !",
		`{"name":"Temperature","dataType":"Float","value":20,"properties":{"quality":192,"engUnit":"°F"}}`:                                 "temperature=20 [degF]",
		`{"name":"Temperature","dataType":"Float","value":20,"properties":{"keys":["engUnit"],"values":[{"type":12,"stringValue":"°C"}]}}`: "temperature=20 Cel",
		`{"name":"Temperature","dataType":"Float","value":20,"properties":{"engUnit":{"value":"furlong"}}}`:                                "-temperature !",
		`{"name":"Temperature","dataType":"Float","value":20,"properties":{"engUnit":{"value":"ppm"}}}`:                                    "-temperature !",
		`{"name":"Level","dataType":"Float","value":2}`:                                                                                    "-level !",
		`{"name":"Level","dataType":"Float","value":2,"properties":{"engUnit":"m"}}`:                                                       "level=2 m",
		`{"name":"Water Level (cm)","dataType":"Float","value":142}`:                                                                       "water_level=142 cm",
		`{"name":"Pressure","dataType":"Float","value":4.2}`:                                                                               "-pressure !",
		`{"name":"Pressure","dataType":"Float","value":4.2,"properties":{"engUnit":"bar"}}`:                                                "pressure=4.2 bar",
		`{"name":"Pressure","dataType":"Float","value":1013.2}`:                                                                            "pressure=1013.2 hPa",
		`{"name":"Smoke Alarm","dataType":"Boolean","value":true}`:                                                                         "smoke=active",
		`{"name":"Smoke/Alarm","dataType":"Boolean","booleanValue":true}`:                                                                  "smoke=active",
		`{"name":"Smoke Alarm","dataType":"Int16","value":1}`:                                                                              "smoke=active",
		`{"name":"Smoke Alarm","dataType":"Int16","value":7}`:                                                                              "-smoke_alarm !",
		`{"name":"Smoke Alarm","dataType":"String","value":"ALARM"}`:                                                                       "smoke=active",
		`{"name":"Gas","dataType":"Float","value":12}`:                                                                                     "gas=12 [ppm]",
		`{"name":"Gas","dataType":"Boolean","value":true}`:                                                                                 "gas=active",
		`{"name":"Gas LEL","dataType":"Float","value":12}`:                                                                                 "gas_lel=12 %{LEL}",
		`{"name":"Door Closed","dataType":"Boolean","value":false}`:                                                                        "door=active",
		`{"name":"Zone 2/Panic Button","dataType":"Boolean","value":true}`:                                                                 "sos/2=active",
		`{"name":"Zhang San/Badge","dataType":"String","value":"Li Si"}`:                                                                   "-* !",
		`{"alias":4,"dataType":"Float","value":20}`:                                                                                        "-* !",
		`{"name":"Temperature","dataType":"DateTime","value":1772352000000}`:                                                               "-temperature !",
		`{"name":"Battery","dataType":"Float","value":87.5}`:                                                                               "battery=87.5 %",
		`{"name":"Battery","dataType":"Double","value":3.3}`:                                                                               "-battery !",
		`{"name":"Process.Tank 5.Level%","dataType":"Double","value":75}`:                                                                  "level_5=75 %",
		`{"name":"plc:unit:temperature","dataType":"Double","value":25.3}`:                                                                 "temperature=25.3 Cel",
		`{"name":"Pump 2.Amps","dataType":"Double","value":9.5}`:                                                                           "current_2=9.5 A",
		`{"name":"pm2.5","dataType":"Float","value":8}`:                                                                                    "pm25=8 ug/m3",
		`{"name":"CO2","dataType":"Int32","value":612}`:                                                                                    "co2=612 [ppm]",
	} {
		got := say(Dialect{}.Translate("spBv1.0/g/DDATA/n/d", []byte(one(metric)), false))
		if got, _, _ = strings.Cut(got+" ", "!"); strings.HasSuffix(want, "!") {
			got += "!"
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%s\n got %s\nwant %s", metric, got, want)
		}
		if strings.Contains(got, "Zhang") || strings.Contains(got, "Li Si") {
			t.Errorf("%s: an identity comes out", metric)
		}
	}
}

func TestTopics(t *testing.T) {
	payload := []byte(one(`{"name":"Leak","dataType":"Boolean","value":true}`))
	for topic, want := range map[string]string{
		"spBv1.0/g/DDATA/n/d":    "g/n/d leak=active",
		"spBv1.0/g/NDATA/n":      "g/n leak=active",
		"spBv1.0/g/DBIRTH/n/d":   "g/n/d device-offline=inactive leak=active",
		"spBv1.0/g/NDEATH/n":     "g/n device-offline=active",
		"spBv1.0/g/DDEATH/n/d":   "g/n/d device-offline=active",
		"decoded/spb/d":          "decoded/spb/d leak=active",
		"spBv1.0/g/NDATA/n/d":    "spBv1.0/g/NDATA/n/d leak=active",
		"spBv1.0/g/NCMD/n":       "quiet",
		"spBv1.0/g/DCMD/n/d":     "quiet",
		"spBv1.0/STATE/host":     "quiet",
		"STATE/host":             "quiet",
		"spAv1.0/g/DDATA/n/d":    "ignored",
		strings.Repeat("x", 600): "ignored",
	} {
		got := Dialect{}.Translate(topic, payload, false)
		switch text := say(got); {
		case got.Quiet != (want == "quiet"), (got.Ignored != "") != (want == "quiet" || want == "ignored"):
			t.Errorf("%s: %s", topic, text)
		case got.Ignored == "" && got.Observations[0].Device+" "+text != want:
			t.Errorf("%s: %s %s, want %s", topic, got.Observations[0].Device, text, want)
		}
	}
	for _, payload := range []string{"", "{", "[]", "{}", "\x08", "\x12\x05abc", `{"timestamp":1}`, "\x7b\x7b"} {
		if got := (Dialect{}).Translate("spBv1.0/g/DDATA/n/d", []byte(payload), false); got.Ignored == "" {
			t.Errorf("%q is %s", payload, say(got))
		}
	}
}

func TestTimes(t *testing.T) {
	got := Dialect{}.Translate("spBv1.0/g/DDATA/n/d", []byte(`{"timestamp":1772352000000,"seq":1,"metrics":[
		{"name":"Temperature","dataType":"Float","value":1,"timestamp":1772351990000},
		{"name":"Humidity","dataType":"Float","value":2},
		{"name":"Battery","dataType":"Float","value":3,"timestamp":1772000000000,"isHistorical":true}]}`), false)
	if len(got.Readings) != 3 {
		t.Fatal(say(got))
	}
	for i, ms := range []int64{1772351990000, 1772352000000, 1772000000000} {
		if r := got.Readings[i]; !r.At.Equal(time.UnixMilli(ms)) || r.Kept != (i == 2) {
			t.Errorf("%+v", r)
		}
	}
}

// TestLosses: a gap in the sequence leads to one question, however many messages come after it.
func TestLosses(t *testing.T) {
	s := Dialect{}.Session()
	asked := func() int { return len(s.Asks()) }
	message := func(kind, device string, seq int) {
		metrics := `{"alias":1,"value":20}`
		if strings.HasSuffix(kind, "BIRTH") {
			metrics = `{"name":"Temperature","alias":1,"dataType":"Float","value":20}`
		}
		send(s, kind, device, fmt.Sprintf(`{"timestamp":1772352000000,"seq":%d,"metrics":[%s]}`, seq, metrics))
	}
	message("DDATA", "d", 9)
	if asks := s.Asks(); len(asks) != 1 || asks[0].Topic != "spBv1.0/g/NCMD/n" {
		t.Fatalf("a node without a birth: %+v", asks)
	} else if p, err := decode(asks[0].Payload); err != nil || p.metrics[0].name != "Node Control/Rebirth" || p.metrics[0].raw.value(p.metrics[0].datatype) != true {
		t.Fatalf("%+v %v", p, err)
	}
	message("NBIRTH", "", 0)
	message("DBIRTH", "d", 1)
	for seq := 2; seq < 600; seq++ {
		message("DDATA", "d", seq%256)
	}
	message("DDATA", "d", 87) // the last came again
	if n := asked(); n != 0 {
		t.Fatalf("%d questions though all is in order", n)
	}
	total := 0
	for i := range 100 { // every second message is lost
		message("DDATA", "d", (90+2*i)%256)
		total += asked()
	}
	if total != 3 { // after 1, 17 and 49 messages
		t.Errorf("%d questions of 100 losses", total)
	}
}

func TestZeroThatAnEncoderLeavesOut(t *testing.T) {
	s := Dialect{}.Session()
	send(s, "NBIRTH", "", `{"timestamp":1772352000000,"metrics":[],"seq":254}`)
	send(s, "NDATA", "", `{"timestamp":1772352000000,"metrics":[],"seq":255}`)
	send(s, "NDATA", "", `{"timestamp":1772352000000,"metrics":[]}`)
	send(s, "NDATA", "", `{"timestamp":1772352000000,"metrics":[],"seq":1}`)
	if asks := s.Asks(); len(asks) != 0 {
		t.Errorf("%+v", asks)
	}
}

// TestDeath: what a dead node's aliases meant is forgotten, its devices are not.
func TestDeath(t *testing.T) {
	s := Dialect{}.Session()
	send(s, "NBIRTH", "", `{"timestamp":1772352000000,"seq":0,"metrics":[{"name":"bdSeq","dataType":"Int64","value":255}]}`)
	send(s, "DBIRTH", "d", `{"timestamp":1772352000000,"seq":1,"metrics":[{"name":"Leak","alias":1,"dataType":"Boolean","value":false}]}`)
	if got := send(s, "DDATA", "d", `{"timestamp":1772352000000,"seq":2,"metrics":[{"alias":1,"value":true}]}`); got != "leak=active" {
		t.Error(got)
	}
	t.Run("of a connection that we do not know", func(t *testing.T) {
		got := s.Translate("spBv1.0/g/NDEATH/n", []byte(`{"timestamp":1772352000000,"metrics":[{"name":"bdSeq","dataType":"Int64","value":0}]}`), false)
		if len(got.Observations) != 2 || got.Observations[0].Device != "g/n" || got.Observations[1].Device != "g/n/d" {
			t.Errorf("%+v", got)
		}
		if asks := s.Asks(); len(asks) != 1 {
			t.Errorf("%d questions", len(asks))
		}
	})
	if got := send(s, "DDATA", "d", `{"timestamp":1772352000000,"seq":3,"metrics":[{"alias":1,"value":true}]}`); got != "-* !"+whyAliases {
		t.Error(got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	limit := bounds{nodes: 20, devices: 8, nodeMetrics: 50, metrics: 300}
	s := &session{memory: newMemory(limit)}
	payload := `{"timestamp":1772352000000,"seq":0,"metrics":[
		{"name":"Temperature 1","alias":1,"dataType":"Float","value":20},{"name":"Temperature 2","alias":2,"dataType":"Float","value":20},
		{"name":"Temperature 3","alias":3,"dataType":"Float","value":20},{"name":"Owner","alias":4,"dataType":"String","value":"Zhang San"}]}`
	for node := range 60 {
		s.Translate(fmt.Sprintf("spBv1.0/g/NBIRTH/%d", node), []byte(payload), false)
		for device := range node % 12 {
			s.Translate(fmt.Sprintf("spBv1.0/g/DBIRTH/%d/%d", node, device), []byte(payload), false)
		}
		if asks := s.Asks(); len(asks) > 0 {
			t.Errorf("%d questions about node %d", len(asks), node)
		}
		if s.memory.metrics > limit.metrics {
			t.Fatalf("%d metrics", s.memory.metrics)
		}
	}
	held, full := 0, 0
	for _, n := range s.memory.nodes {
		sum := 0
		for _, d := range n.devices {
			sum += d.size()
		}
		if sum != n.metrics || sum > limit.nodeMetrics || len(n.devices) > limit.devices+1 {
			t.Errorf("%s holds %d metrics, counts %d, of %d devices", n.descriptor, sum, n.metrics, len(n.devices))
		}
		if held += sum; n.full {
			full++
		}
	}
	if held != s.memory.metrics || len(s.memory.nodes) > limit.nodes || s.memory.recent.Len() != len(s.memory.nodes) || full == 0 {
		t.Errorf("%d of %d metrics in %d nodes, %d of them full", held, s.memory.metrics, len(s.memory.nodes), full)
	}
	if _, last := s.memory.nodes["g/59"]; !last {
		t.Error("the last is forgotten")
	}
}

func TestFilters(t *testing.T) {
	for filter, want := range map[string][2]string{
		"spBv1.0/g/DDATA/n/d": {"spBv1.0/g/+/n/#", "g/n/d"},
		"spBv1.0/g/+/n/d":     {"spBv1.0/g/+/n/#", "g/n/d"},
		"spBv1.0/g/NDATA/n":   {"spBv1.0/g/+/n/#", "g/n"},
		"spBv1.0/g/+/n/+":     {"spBv1.0/g/+/n/#", ""},
		"spBv1.0/g/+/+/d":     {"spBv1.0/g/+/+/#", ""},
		"spBv1.0/#":           {"", ""},
		"decoded/x":           {"", ""},
	} {
		also := strings.Join(Dialect{}.Also(filter), " ")
		if name := (Dialect{}).NameOf(filter); also != want[0] || name != want[1] {
			t.Errorf("%s: %q %q", filter, also, name)
		}
		if also != "" && sensors.CheckFilter(also) != nil {
			t.Errorf("%s: %q is no filter", filter, also)
		}
	}
}
