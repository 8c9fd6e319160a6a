package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/kit/conf"
)

const good = `edge: east-gate-1
data: /tmp/gridgate
timezone: Asia/Shanghai
calendar: {holidays: ["2026-10-01"], workdays: ["2026-10-10"]}
detectors:
  - {name: bags, url: "http://127.0.0.1:5000/v1/vision/detection", labels: {suitcase: left-object}}
central:
  url: https://central.example
  token: {env: GRIDGATE_EDGE_TOKEN}
place: {grid: "110101001001001", kind: 街道}
cameras:
  - id: gate
    url: rtsp://192.0.2.7/stream
    username: viewer
    password: {file: gate-password}
    owner: 东门物业
    purpose: public safety
    legal_basis: art. 7
    sub: rtsps://192.0.2.7/sub
    fingerprint: "AA:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    detectors: [bags]
    clip: {recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p}
    zones:
      - {name: 入口, polygon: [[0, 0], [1, 0], [1, 1]], mode: walk-test, presence: true, schedule: [{days: [workday], from: "22:00", to: "06:00"}]}
profiles:
  - {name: gauge, like: water-level, interval: 10m, battery: {unit: V, empty: 2.4, full: 3.0}, quantities: {water_level: {unit: cm, max: 900, dead_band: 1}}}
mqtt:
  sources:
    - {name: main, url: "tcp://127.0.0.1:1883"}
sensors:
  - {id: smoke-1, dialect: zigbee2mqtt, topic: zigbee2mqtt/hall, place: {kind: home}, silence: 25h, profile: gauge, severity: {smoke: major}, mode: disarmed}
local:
  mqtt: {broker: main}
  sirens: [{name: hall, kinds: [smoke], devices: [smoke-1], min_severity: major, topic: hall/set, on: "1", off: "0"}]
  page: {password: {env: PAGE}}
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadFillsDefaultsAndInheritsThePlace(t *testing.T) {
	c, err := Load(write(t, good))
	if err != nil {
		t.Fatal(err)
	}
	cam := c.Cameras[0]
	if cam.Place != (Place{Grid: "110101001001001", Kind: "street"}) {
		t.Errorf("camera's place = %+v, want the edge's, in its English name", cam.Place)
	}
	if cam.Sample != time.Second || cam.Transport != "auto" || c.Central.Sync != time.Minute || c.Listen != "127.0.0.1:8430" {
		t.Errorf("defaults missing: %+v", c)
	}
	if s := c.Sensors[0]; s.Place != (Place{Grid: "110101001001001", Kind: Home}) || s.Silence != 25*time.Hour {
		t.Errorf("sensor = %+v", s)
	}
	if cam.Gate != "auto" || cam.Ring != (Ring{MiB: 8, Keep: 2 * time.Second}) || cam.Clip.Before != 5*time.Second || cam.Clip.After != 10*time.Second {
		t.Errorf("defaults of the video engine: %+v", cam)
	}
	if d := c.Detectors[0]; d.Every != time.Second || d.Timeout != 5*time.Second || d.Parallel != 1 || d.MinScore != 0.5 {
		t.Errorf("defaults of a detector: %+v", d)
	}
	if s := c.Local.Sirens[0]; s.Duration != time.Minute || s.MinGap != 10*time.Second || s.MaxAge != 30*time.Second || c.Local.MQTT.Topic != "gridgate" {
		t.Errorf("defaults of the local voice: %+v", c.Local)
	}
	if len(c.Version) != 12 {
		t.Errorf("version %q is not 12 digits", c.Version)
	}
}

// TestEveryMistakeNamesItsPlace changes one thing in a good file and expects a problem at that line.
func TestEveryMistakeNamesItsPlace(t *testing.T) {
	eachIsFound(t, []mistake{
		{"misspelt key", "purpose: public", "pupose: public", "cameras[0].pupose", "unknown key"},
		{"misspelt key at the top", "mqtt:", "mqqt:", "mqqt", "unknown key"},
		{"no name", "edge: east-gate-1", `edge: ""`, "edge", "needs a name"},
		{"http over the network", "https://central.example", "http://central.example", "central.url", "leaves this machine"},
		{"password in the file", "token: {env: GRIDGATE_EDGE_TOKEN}", "token: {}", "central.token", "no secret is named"},
		{"credential in the address", "rtsp://192.0.2.7", "rtsp://a:b@192.0.2.7", "cameras[0].url", "a credential stands in the address"},
		{"not RTSP", "rtsp://192.0.2.7/stream", "ftp://192.0.2.7/stream", "cameras[0].url", "not an RTSP address"},
		{"no owner", "owner: 东门物业", `owner: ""`, "cameras[0].owner", "is demanded"},
		{"no basis", "legal_basis: art. 7", `legal_basis: " "`, "cameras[0].legal_basis", "is demanded"},
		{"bad grid", `grid: "110101001001001"`, `grid: "1101"`, "cameras[0].place.grid", "not a grid code"},
		{"point outside", "[1, 0], [1, 1]", "[1, 0], [1, 2]", "cameras[0].zones[0].polygon", "not inside the picture"},
		{"two points", "[[0, 0], [1, 0], [1, 1]]", "[[0, 0], [1, 0]]", "cameras[0].zones[0].polygon", "not an outline"},
		{"points on a line", "[[0, 0], [1, 0], [1, 1]]", "[[0, 0], [0.5, 0.5], [1, 1]]", "cameras[0].zones[0].polygon", "holds nothing"},
		{"an outline twice", "[[0, 0], [1, 0], [1, 1]]", "[[0, 0], [1, 0], [1, 1], [0, 0], [1, 0], [1, 1]]", "cameras[0].zones[0].polygon", "holds nothing"},
		{"mask on a line", "    detectors: [bags]", "    masks: [[[0.2, 0.2], [0.2, 0.8], [0.2, 0.5]]]", "cameras[0].masks[0]", "holds nothing"},
		{"unknown mode", "mode: walk-test", "mode: asleep", "cameras[0].zones[0].mode", "unknown mode"},
		{"unknown dialect", "dialect: zigbee2mqtt", "dialect: klingon", "sensors[0].dialect", "unknown dialect"},
		{"bad filter", "topic: zigbee2mqtt/hall", `topic: "a/#/b"`, "sensors[0].topic", "not a topic filter"},
		{"bad filter of a user", "mqtt:\n", "mqtt:\n  broker: {listen: \"127.0.0.1:1883\", users: [{name: s, password: {env: P}, publish: [\"a#\"]}]}\n", "mqtt.broker.users[0].publish[0]", "not a topic filter"},
		{"a camera's name", "id: smoke-1", "id: gate", "sensors[0].id", "used twice"},
		{"mapping of another dialect", "silence: 25h", "mapping: edge.yaml", "sensors[0].mapping", "only the dialect mapped"},
		{"no host", "rtsp://192.0.2.7/", "rtsp://:554/", "cameras[0].url", "not an RTSP address"},
		{"certificate without TLS", "https://central.example", "http://127.0.0.1:8420\n  fingerprint: " + strings.Repeat("ab", 32), "central.ca", "no certificate"},
		{"bad fingerprint of central", "https://central.example", "https://central.example\n  fingerprint: abcd", "central.fingerprint", "not a SHA-256"},
		{"evidence too slow", "https://central.example", "https://central.example\n  evidence_rate: 64", "central.evidence_rate", "out of range"},
		{"free of no bound", "https://central.example", "https://central.example\n  evidence_free: [{from: \"23:00\", to: \"05:00\"}]", "central.evidence_free", "no bound"},
		{"bad hours of evidence", "https://central.example", "https://central.example\n  evidence_rate: 512\n  evidence_free: [{from: \"25:00\", to: \"05:00\"}]", "central.evidence_free[0].from", "not a time"},
		{"query to central", "https://central.example", "https://central.example?x=1", "central.url", "more than an address"},
		{"unknown place", "kind: home", "kind: moon", "sensors[0].place.kind", "unknown kind of place"},
		{"wrong type", "silence: 25h", "silence: [1]", "", ""},
		{"doubled key", "data: /tmp/gridgate", "data: /tmp/gridgate\ndata: /tmp/b", "data", ""},
		{"unknown time zone", "Asia/Shanghai", "Asia/Nowhere", "timezone", "unknown time zone"},
		{"no date", `["2026-10-01"]`, `["1 Oct"]`, "calendar.holidays[0]", "not a date"},
		{"unknown day", "[workday]", "[payday]", "cameras[0].zones[0].schedule[0].days[0]", "unknown day"},
		{"no time of day", `"22:00"`, `"10 pm"`, "cameras[0].zones[0].schedule[0].from", "not a time of day"},
		{"sub is no address", "rtsps://192.0.2.7/sub", "192.0.2.7", "cameras[0].sub", "not an RTSP address"},
		{"sub is main", "rtsps://192.0.2.7/sub", "rtsp://192.0.2.7/stream", "cameras[0].sub", "it is the main stream"},
		{"certificate without TLS", "rtsps://192.0.2.7/sub", "rtsp://192.0.2.7/sub", "cameras[0].ca", "no certificate"},
		{"fingerprint cut short", "AA:aa", "aa", "cameras[0].fingerprint", "not a SHA-256"},
		{"unknown detector", "detectors: [bags]", "detectors: [cones]", "cameras[0].detectors[0]", "no such detector"},
		{"detector named twice", "detectors: [bags]", "detectors: [bags, bags]", "cameras[0].detectors[1]", "named twice"},
		{"detector far away", "http://127.0.0.1:5000", "http://192.0.2.9:5000", "detectors[0].url", "leaves this machine"},
		{"detector of faces", "{suitcase: left-object}", "{face: intrusion}", "detectors[0].labels.face", "tells who somebody is"},
		{"detector of presence", "{suitcase: left-object}", "{suitcase: presence}", "detectors[0].labels.suitcase", "not a kind"},
		{"neither address nor command", `url: "http://127.0.0.1:5000/v1/vision/detection", `, "", "detectors[0].url", "is demanded"},
		{"secret key", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "AGE-SECRET-KEY-1X", "cameras[0].clip.recipient", "not a public key"},
		{"clip and masks", "    detectors: [bags]", "    masks: [[[0, 0], [1, 0], [1, 1]]]", "cameras[0].clip", "makes no clips"},
		{"gate", "    detectors: [bags]", "    gate: maybe", "cameras[0].gate", "unknown"},
		{"pictures", "    detectors: [bags]", "    pictures: few", "cameras[0].pictures", "unknown"},
		{"clip without pictures", "    detectors: [bags]", "    pictures: off", "cameras[0].clip", "makes no clips"},
		{"ring", "    detectors: [bags]", "    ring: {mib: 1000}", "cameras[0].ring.mib", "out of range"},
		{"budget", "mqtt:\n", "decoder: {workers: 2, budget: -1}\nmqtt:\n", "decoder.budget", "out of range"},
		{"no broker for a siren", "mqtt: {broker: main}", "mqtt: {topic: g}", "local.sirens", "no broker takes their commands"},
		{"unknown local broker", "mqtt: {broker: main}", "mqtt: {broker: other}", "local.mqtt.broker", "no such broker"},
		{"embedded broker that is off", "mqtt: {broker: main}", "mqtt: {broker: embedded}", "local.mqtt.broker", "no such broker"},
		{"wildcard in a topic", "mqtt: {broker: main}", "mqtt: {broker: main, topic: \"a/+\"}", "local.mqtt.topic", "not a topic"},
		{"unknown language", "mqtt: {broker: main}", "mqtt: {broker: main, language: tlh}", "local.mqtt.language", "unknown language"},
		{"a sensor that is an edge", "topic: zigbee2mqtt/hall", "topic: gridgate/e2/alert/smoke", "sensors[0].topic", "edges speak"},
		{"a source named embedded", "name: main", "name: embedded", "mqtt.sources[0].name", "has this name"},
		{"siren of no kind", "kinds: [smoke]", "kinds: [face]", "local.sirens[0].kinds[0]", "unknown kind"},
		{"siren of a stranger", "devices: [smoke-1]", "devices: [smoke-9]", "local.sirens[0].devices[0]", "no such device"},
		{"siren of unknown gravity", "min_severity: major", "min_severity: huge", "local.sirens[0].min_severity", "unknown severity"},
		{"siren on our own topics", "topic: hall/set", "topic: gridgate/hall", "local.sirens[0].topic", "the edge tells its alerts"},
		{"siren without a command", `off: "0"`, `off: ""`, "local.sirens[0].off", "is demanded"},
		{"siren for a day", `off: "0"`, `off: "0", duration: 24h`, "local.sirens[0].duration", "out of range"},
		{"siren that starts late", `off: "0"`, `off: "0", max_age: 1h`, "local.sirens[0].max_age", "out of range"},
		{"siren that starts late after a gap", `off: "0"`, `off: "0", min_gap: 1m`, "local.sirens[0].min_gap", "out of range"},
		{"siren where a sensor speaks", "topic: hall/set", "topic: zigbee2mqtt/hall", "local.sirens[0].topic", "would not be heard"},
		{"page without TLS", "data: /tmp/gridgate", "data: /tmp/gridgate\nlisten: 192.0.2.1:8430", "local.page.certificate", "without TLS"},
		{"certificate without key", "page: {", "page: {certificate: edge.yaml, ", "local.page.key", "go together"},
		{"broken yaml", "cameras:", "cameras: [", "(yaml)", ""},
	})
}

// mistake is a change of a good file, and what has to be said of it.
type mistake struct {
	name, old, new string
	field, message string
}

func eachIsFound(t *testing.T, tests []mistake) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			if text == good {
				t.Fatal("the test changes nothing")
			}
			file := write(t, text)
			_, err := Load(file)
			var problems conf.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error = %v, want problems", err)
			}
			found := slices.ContainsFunc(problems, func(p conf.Problem) bool {
				return p.File == file && p.Line > 0 && p.Remedy != "" &&
					(tt.field == "" || p.Field == tt.field) && strings.Contains(p.Message, tt.message)
			})
			if !found {
				t.Errorf("problems = %v, want field %q and %q, with a line and a remedy", problems, tt.field, tt.message)
			}
		})
	}
}

func TestForbiddenPlacesAreRefusedInBothLanguages(t *testing.T) {
	for _, kind := range []string{"toilet", "Changing-Room", "fitting_room", "dormitory", "guest-room", "bath", "nursing-room", "home",
		"卫生间", "更衣室", "女生宿舍", "酒店客房", "试衣间", "母婴室", "hotel room", "locker room"} {
		t.Run(kind, func(t *testing.T) {
			_, err := Load(write(t, strings.Replace(good, "    owner: 东门物业", "    place: {kind: "+kind+"}\n    owner: 东门物业", 1)))
			if err == nil || !strings.Contains(err.Error(), "a camera is forbidden in such a place") {
				t.Errorf("error = %v, want a refusal", err)
			}
		})
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	text := strings.NewReplacer("edge: east-gate-1", "edge: A", "mode: walk-test", "mode: x", "owner: ", "ower: ").Replace(good)
	_, err := Load(write(t, text))
	var problems conf.Problems
	if !errors.As(err, &problems) || len(problems) < 4 {
		t.Fatalf("problems = %v, want the unknown key, the missing owner, the edge and the mode", err)
	}
}

func TestSecretsAreReadBesideTheFile(t *testing.T) {
	file := write(t, good)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "gate-password"), []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Secret(c.Cameras[0].Password); err != nil || got != "pw" {
		t.Errorf("secret = %q, %v", got, err)
	}
}

func TestSchedulesKnowTheCalendar(t *testing.T) {
	c, err := Load(write(t, good))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Schedule(c.Cameras[0].Zones[0].Schedule)
	if err != nil {
		t.Fatal(err)
	}
	china := time.FixedZone("", 8*3600)
	for day, want := range map[int]bool{30: true, 31: false, 40: true} { // 30 September, the holiday, the Saturday on which work is done
		if at := time.Date(2026, time.September, day, 23, 0, 0, 0, china); s.Awake(at) != want {
			t.Errorf("awake on %s: %v", at.Format(time.DateTime), !want)
		}
	}
}

// TestNoTwoDetectorsOfACameraReportOneKind: what one found the other would call over.
func TestNoTwoDetectorsOfACameraReportOneKind(t *testing.T) {
	text := strings.Replace(good, "central:\n", "  - {name: cases, command: [/bin/cases], labels: {case: left-object, fog: smoke}}\ncentral:\n", 1)
	if _, err := Load(write(t, text)); err != nil {
		t.Fatal(err)
	}
	_, err := Load(write(t, strings.Replace(text, "detectors: [bags]", "detectors: [bags, cases]", 1)))
	if err == nil || !strings.Contains(err.Error(), "cameras[0].detectors[1]") || !strings.Contains(err.Error(), "report left-object") {
		t.Errorf("error = %v, want a refusal", err)
	}
}
