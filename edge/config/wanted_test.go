package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/conf"
)

// ownFile is an edge whose file lets central say everything that it ever can, and hides what can be hidden.
const ownFile = `edge: town-1
data: data
central:
  url: http://127.0.0.1:8420
  token: {file: token}
  manage: [cameras, sensors, profiles, rules, detectors, mqtt.sources, gb28181, discovery, calendar, place, timezone]
place: {grid: "110101001001001", kind: street}
detectors: [{name: bags, command: [/usr/bin/bags], labels: {suitcase: left-object}}, {name: far, url: "https://192.0.2.30/look", labels: {smoke: smoke}}]
cameras:
  - {id: gate, url: "rtsp://192.0.2.7/a", owner: o, purpose: p, legal_basis: l, masks: [[[0, 0], [0.2, 0], [0.2, 0.3]]]}
  - {id: dark, url: "rtsp://192.0.2.8/a", owner: o, purpose: p, legal_basis: l, pictures: off}
  - {id: hall, url: "rtsp://192.0.2.9/a", owner: o, purpose: p, legal_basis: l, clip: {recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p, before: 5s, after: 10s}}
  - {id: door, url: "rtsp://192.0.2.10/a", owner: o, purpose: p, legal_basis: l, zones: [{name: in, presence: true, schedule: [{from: "22:00", to: "06:00"}]}, {name: out}]}
mqtt:
  broker: {listen: "127.0.0.1:1883", users: [{name: s, password: {file: token}, publish: ["#"]}]}
  sources: [{name: main, url: "tcp://192.0.2.20:1883"}, {name: other, url: "tcp://192.0.2.21:1883"}]
sensors:
  - {id: smoke-1, dialect: zigbee2mqtt, topic: z/smoke}
  - {id: flat, dialect: zigbee2mqtt, topic: z/flat, place: {kind: home}}
gb28181:
  listen: 127.0.0.1:5060
  id: "34020000002000000001"
  devices: [{id: "34020000001320000001", password: {file: token}}]
discovery: {orders: off}
local: {mqtt: {broker: main}}
`

// withFile writes an edge's file, its secrets and traps beside them.
func withFile(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"secrets", "secrets/folder"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("edge.yaml", text)
	write("token", "the edge's own")
	write("secrets/camera", "a-password")
	write("secrets/ca.pem", "a certificate")
	for link, to := range map[string]string{"out": "../token", "shadow": "/etc/shadow", "in": "camera"} {
		if err := os.Symlink(to, filepath.Join(dir, "secrets", link)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "edge.yaml")
}

// cam is a text with one camera.
func cam(rest string) string {
	return "cameras:\n  - {owner: o, purpose: p, legal_basis: l, " + rest + "}\n"
}

func TestWhatCentralMayNotSay(t *testing.T) {
	file := withFile(t, ownFile)
	secret := func(s string) string {
		return cam(`id: new, url: "rtsp://192.0.2.99/a", username: u, password: ` + s)
	}
	for name, c := range map[string]struct {
		text  string
		line  int
		field string
		what  string
	}{
		"the edge's name":          {"timezone: Asia/Shanghai\nedge: other\n", 2, "edge", "never"},
		"its folder":               {"data: /tmp\n", 1, "data", "never"},
		"its page":                 {"listen: 0.0.0.0:80\n", 1, "listen", "never"},
		"where central is":         {"central: {url: \"https://evil.example\"}\n", 1, "central", "never"},
		"its own permission":       {"central: {manage: [cameras]}\n", 1, "central", "never"},
		"decoders":                 {"decoder: {workers: 16}\n", 1, "decoder", "never"},
		"the voice":                {"local: {sirens: []}\n", 1, "local", "never"},
		"where pushes are taken":   {"push: {listen: \"0.0.0.0:1\"}\n", 1, "push", "never"},
		"the embedded broker":      {"mqtt:\n  sources: []\n  broker: {listen: \"0.0.0.0:1883\"}\n", 3, "mqtt.broker", "never"},
		"an unknown section":       {"backdoor: 1\n", 1, "*", "unknown key"},
		"an unknown key":           {cam("id: x, backdoor: 1"), 2, "cameras[0].*", "unknown key"},
		"no YAML":                  {"cameras: [}", 1, "", "cannot be read"},
		"two documents":            {"timezone: UTC\n---\ntimezone: UTC\n", 2, "---", "more than one"},
		"an anchor":                {"cameras: &a []\n", 1, "(yaml)", "anchor"},
		"a tag":                    {"cameras: !!set {}\n", 1, "(yaml)", "tag"},
		"deep nesting":             {"cameras: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), 1, "(yaml)", "brackets"},
		"a key twice":              {"place: {kind: street}\nplace: {kind: street}\n", 2, "place", "twice"},
		"a number that is none":    {cam(`id: a, url: "rtsp://192.0.2.99/a", ring: {mib: much}`), 2, "cameras[0].ring.mib", "is not a"},
		"an absolute path":         {secret("{file: /etc/shadow}"), 2, "cameras[0].password.file", "plain names"},
		"a way up":                 {secret("{file: ../token}"), 2, "cameras[0].password.file", "plain names"},
		"a way up within":          {secret("{file: folder/../../token}"), 2, "cameras[0].password.file", "plain names"},
		"dots":                     {secret(`{file: ".."}`), 2, "cameras[0].password.file", "plain names"},
		"a link out":               {secret("{file: out}"), 2, "cameras[0].password.file", "no such file"},
		"a link to the machine's":  {secret("{file: shadow}"), 2, "cameras[0].password.file", "no such file"},
		"a folder":                 {secret("{file: folder}"), 2, "cameras[0].password.file", "no such file"},
		"a file that is not there": {secret("{file: none}"), 2, "cameras[0].password.file", "no such file"},
		"a variable":               {secret("{env: PATH}"), 2, "cameras[0].password.env", "no variable"},
		"a CA of the machine":      {cam(`id: n, url: "rtsps://192.0.2.99/a", ca: /etc/shadow`), 2, "cameras[0].ca", "plain names"},
		"a mapping of the machine": {"sensors: [{id: s, dialect: mapped, topic: a, mapping: /etc/shadow}]\n", 1, "sensors[0].mapping", "plain names"},
		"a key of the machine":     {"mqtt: {sources: [{name: n, url: \"ssl://h:1\", certificate: ca.pem, key: ../token}]}\n", 1, "mqtt.sources[0].key", "plain names"},
		"events with a variable":   {cam(`id: n, url: "rtsp://192.0.2.99/a", events: {protocol: hikvision, url: "http://h", username: u, password: {env: HOME}}`), 2, "cameras[0].events.password.env", "no variable"},
		"a bath":                   {cam(`id: n, url: "rtsp://192.0.2.99/a", place: {kind: bath}`), 2, "cameras[0].place.kind", "forbidden"},
		"no purpose":               {"cameras:\n  - id: n\n    url: rtsp://192.0.2.99/a\n    owner: o\n    legal_basis: l\n", 2, "cameras[0].purpose", "demanded"},
		"pictures of the dark one": {cam(`id: dark, url: "rtsp://192.0.2.8/a", pictures: on`), 2, "cameras[0].pictures", "no pictures"},
		"the dark one renamed":     {cam(`id: bright, url: "rtsp://192.0.2.8/b"`), 2, "cameras[0].url", "hides something"},
		"the dark one as another":  {cam(`id: hall, url: "rtsp://192.0.2.8/a"`), 2, "cameras[0].url", "hides something"},
		"the masked one as a sub":  {cam(`id: hall, url: "rtsp://192.0.2.9/a", sub: "rtsp://[::ffff:192.0.2.7]/b"`), 2, "cameras[0].url", "hides something"},
		"a clip":                   {cam(`id: door, url: "rtsp://192.0.2.10/a", clip: {recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p}`), 2, "cameras[0].clip", "no such clip"},
		"a clip for another":       {cam(`id: hall, url: "rtsp://192.0.2.9/a", clip: {recipient: age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg}`), 2, "cameras[0].clip", "no such clip"},
		"a longer clip":            {cam(`id: hall, url: "rtsp://192.0.2.9/a", clip: {recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p, before: 20s}`), 2, "cameras[0].clip", "no such clip"},
		"presence":                 {cam(`id: door, url: "rtsp://192.0.2.10/a", zones: [{name: out, presence: true}]`), 2, "cameras[0].zones[0].presence", "presence"},
		"presence at all hours":    {cam(`id: door, url: "rtsp://192.0.2.10/a", zones: [{name: in, presence: true, schedule: [{from: "00:00", to: "24:00"}]}]`), 2, "cameras[0].zones[0].schedule", "presence"},
		"a program":                {"detectors: [{name: bags, command: [/bin/sh], labels: {a: smoke}}]\n", 1, "detectors[0].command", "no program"},
		"pictures for another":     {"detectors: [{name: far, url: \"https://evil.example\", labels: {a: smoke}}]\n", 1, "detectors[0].url", "address of the edge's own file"},
		"a detector of its own":    {"detectors: [{name: new, url: \"https://evil.example\", labels: {a: smoke}}]\n", 1, "detectors[0].name", "no detector"},
		"an identity":              {"detectors: [{name: far, labels: {plate: intrusion}}]\n", 1, "detectors[0].labels.*", "who somebody is"},
		"searches":                 {"discovery: {orders: on}\n", 1, "discovery.orders", "no searches"},
		"the voice's broker":       {"mqtt: {sources: [{name: main, url: \"tcp://evil.example:1\"}]}\n", 1, "mqtt.sources[0].name", "speaks"},
		"where devices register":   {"gb28181:\n  devices: []\n  listen: 0.0.0.0:5060\n", 3, "gb28181.listen", "own file"},
		"an open device":           {"gb28181: {devices: [{id: \"34020000001320000001\", open: true}]}\n", 1, "gb28181.devices[0].open", "password"},
		"a home is none":           {"sensors: [{id: flat, dialect: zigbee2mqtt, topic: z/flat, place: {kind: street}}]\n", 1, "sensors[0].place.kind", "home"},
		"a home renamed":           {"sensors: [{id: street, dialect: zigbee2mqtt, topic: \"z/+\"}]\n", 1, "sensors[0].place.kind", "home"},
		"a sensor that rules name": {"sensors: [{id: b, dialect: none, topic: x}]\n", 1, "sensors[0].dialect", "unknown dialect"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Merge(file, []byte(c.text))
			var refusal *Refusal
			if !errors.As(err, &refusal) || len(refusal.Problems) == 0 {
				t.Fatalf("%v", err)
			}
			if !slices.ContainsFunc(refusal.Problems, func(p conf.Problem) bool {
				return p.Line == c.line && (c.field == "" || p.Field == c.field) && strings.Contains(p.Message, c.what)
			}) {
				t.Errorf("want line %d, %s, %q; got\n%v", c.line, c.field, c.what, refusal.Problems)
			}
		})
	}
}

// TestWhatCentralMaySay: a section replaces that of the file, what the file hides stays hidden, and the rest stays the file's.
func TestWhatCentralMaySay(t *testing.T) {
	file := withFile(t, ownFile)
	text := `cameras:
  - {id: gate, url: "rtsp://192.0.2.7/a", owner: o, purpose: other, legal_basis: l, username: u, password: {file: camera}, masks: [[[0.5, 0.5], [0.9, 0.5], [0.9, 0.9]]], detectors: [bags]}
  - {id: dark, url: "rtsp://192.0.2.8/a", owner: o, purpose: p, legal_basis: l}
  - {id: door, url: "rtsp://192.0.2.10/a", owner: o, purpose: p, legal_basis: l, zones: [{name: in, presence: true}]}
  - {id: new, url: "rtsps://192.0.2.11/a", owner: o, purpose: p, legal_basis: l, ca: ca.pem, username: u, password: {file: in}}
detectors: [{name: bags, labels: {box: left-object}, min_score: 0.7}]
mqtt: {sources: [{name: more, url: "tcp://192.0.2.22:1883"}]}
gb28181: {devices: []}
discovery: {at: [192.0.2.40]}
`
	m, err := Merge(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(filepath.Dir(file), "secrets")
	gate, dark, door := m.Cameras[0], m.Cameras[1], m.Cameras[2]
	for what, ok := range map[string]bool{
		"sections":  slices.Equal(m.Sections, []string{"cameras", "detectors", "mqtt.sources", "gb28181", "discovery"}),
		"cameras":   len(m.Cameras) == 4 && gate.Purpose == "other" && gate.Password.File == filepath.Join(secrets, "camera"),
		"masks":     len(gate.Masks) == 2,
		"pictures":  dark.Pictures == "off" && gate.Pictures == "on",
		"presence":  door.Zones[0].Presence && len(door.Zones[0].Schedule) == 1,
		"ca":        m.Cameras[3].CA == filepath.Join(secrets, "ca.pem"),
		"detectors": len(m.Detectors) == 1 && m.Detectors[0].Command[0] == "/usr/bin/bags" && m.Detectors[0].Labels["box"] == "left-object",
		"sources":   len(m.MQTT.Sources) == 2 && m.MQTT.Sources[0].Name == "more" && m.MQTT.Sources[1].Name == "main",
		"broker":    m.MQTT.Broker.Listen == "127.0.0.1:1883",
		"gb28181":   m.GB28181.Listen == "127.0.0.1:5060" && len(m.GB28181.Devices) == 0,
		"discovery": m.Discovery.Orders == "off" && len(m.Discovery.At) == 1,
		"sensors":   len(m.Sensors) == 2,
		"own":       len(m.Own.Cameras) == 4 && m.Version == m.Own.Version && m.Edge == "town-1",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, m.Config)
		}
	}
	if password, err := m.Secret(gate.Password); err != nil || password != "a-password" {
		t.Errorf("%q, %v", password, err)
	}
}

// TestAHomeByThePlaceOfTheFile: sensors that name no place have the file's, which central may not move out of the home.
func TestAHomeByThePlaceOfTheFile(t *testing.T) {
	text := strings.NewReplacer("kind: street}\ndetectors", "kind: home}\ndetectors", "owner: o", "owner: o, place: {kind: street}").Replace(ownFile)
	file := withFile(t, text)
	_, err := Merge(file, []byte("timezone: UTC\nplace: {grid: \"110101001001001\", kind: street}\n"))
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Problems[0].Field != "place.kind" || refusal.Problems[0].Line != 2 {
		t.Errorf("%v", err)
	}
}

func TestNothingIsAllowedUnlessTheFileSaysSo(t *testing.T) {
	at := strings.Index(ownFile, "  manage")
	end := at + strings.Index(ownFile[at:], "\n") + 1
	for manage, want := range map[string]string{"": "central.manage", "  manage: [sensors]\n": "timezone"} {
		file := withFile(t, ownFile[:at]+manage+ownFile[end:])
		_, err := Merge(file, []byte("timezone: UTC\n"))
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Problems[0].Field != want || refusal.Problems[0].Remedy == "" {
			t.Errorf("%q: %v", manage, err)
		}
	}
	own := strings.Replace(ownFile, "token: {file: token}", "token: {file: secrets/camera}", 1)
	if _, err := Load(withFile(t, own[:at+len("secrets/camera")-len("token")]+own[end+len("secrets/camera")-len("token"):])); err != nil {
		t.Errorf("a token beside the passwords of an edge of which central says nothing: %v", err)
	}
	for text, field := range map[string]string{
		own: "central.secrets",
		strings.Replace(ownFile, "[cameras,", "[central,", 1):                                         "central.manage[0]",
		strings.Replace(ownFile, "[cameras,", "[sensors,", 1):                                         "central.manage[1]",
		strings.Replace(ownFile, "  token: {file: token}", "  token: {file: token}\n  secrets: .", 1): "central.secrets",
	} {
		_, err := Load(withFile(t, text))
		var problems conf.Problems
		if !errors.As(err, &problems) || problems[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestWhatTheFileHasMustGoWithIt: what central says is one thing, what the file says of it another; then no line of the text is at fault.
func TestWhatTheFileHasMustGoWithIt(t *testing.T) {
	file := withFile(t, ownFile+"rules: {own: [{name: r, sensors: [smoke-1], kind: smoke, state: smoke}]}\n")
	_, err := Merge(file, []byte("sensors: [{id: other, dialect: zigbee2mqtt, topic: q/w}]\n"))
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Problems[0].Line != 0 || refusal.Problems[0].Field != "rules.own[0].sensors[0]" {
		t.Errorf("%v", err)
	}
}

// TestNoTextCostsMuch: whatever central writes into the bytes that it has, it is judged soon. Without bounds these take minutes.
func TestNoTextCostsMuch(t *testing.T) {
	file := withFile(t, ownFile)
	fill := func(head, line string) string {
		b := bytes.NewBufferString(head)
		for i := 0; b.Len() < ingest.MaxConfiguration-64; i++ {
			fmt.Fprintf(b, line, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		text  string
		line  int
		field string
	}{
		"keys":    {fill("", "k%d:\n"), 1001, "(yaml)"},
		"labels":  {fill("detectors:\n  - name: far\n    labels:\n", "      k%d: smoke\n"), 1004, "(yaml)"},
		"cameras": {fill("cameras:\n", "- id: c%d\n")[:100<<10], 1, "cameras"},
	} {
		t.Run(name, func(t *testing.T) {
			before := burnt(t)
			_, err := Merge(file, []byte(c.text))
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Problems[0].Line != c.line || refusal.Problems[0].Field != c.field {
				t.Errorf("%v", err)
			}
			if d := burnt(t) - before; d > 10*time.Second {
				t.Errorf("it took %v of CPU", d)
			}
		})
	}
}

// burnt is the time of CPU that this process had.
func burnt(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestEveryPathOfWhatCentralSaysIsKnown: a new key that holds text in these sections is either no path, and added here, or one of pathKeys.
func TestEveryPathOfWhatCentralSaysIsKnown(t *testing.T) {
	plain := strings.Fields(`channel client_id device dialect fingerprint from gate grid holidays id kind legal_basis like mode name orders owner pictures
		profile protocol purpose quantity recipient sensor severity source state sub timezone to topic transport trust unit url username when workdays zone
		missing default rule address listen realm at days detectors sensors profiles modes command labels zones`)
	var walk func(t reflect.Type, key string)
	seen := map[reflect.Type]bool{}
	walk = func(typ reflect.Type, key string) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		switch {
		case typ.Kind() == reflect.String && !slices.Contains(plain, key) && !slices.Contains(pathKeys, key):
			t.Errorf("%s: may central name a file by it? then it belongs to pathKeys", key)
		case typ.Kind() == reflect.Struct && typ != secretType && !seen[typ]:
			seen[typ] = true
			for i := range typ.NumField() {
				if key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ","); key != "" && key != "-" {
					walk(typ.Field(i).Type, key)
				}
			}
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Camera](), reflect.TypeFor[Sensor](), reflect.TypeFor[Profile](), reflect.TypeFor[Rules](), reflect.TypeFor[Detector](),
		reflect.TypeFor[MQTTSource](), reflect.TypeFor[GB28181](), reflect.TypeFor[Discovery](), reflect.TypeFor[Calendar](), reflect.TypeFor[Place](),
	} {
		walk(typ, "")
	}
}

// FuzzMerge: whatever the text, it is merged or refused with problems that repeat nothing of it, and what the file keeps is kept.
func FuzzMerge(f *testing.F) {
	const canary = "Zq7canary"
	for _, text := range []string{
		cam(`id: Zq7canary, url: "rtsp://Zq7canary@h/Zq7canary", sample: Zq7canary`), cam(`id: dark, url: "rtsp://192.0.2.8/a", place: {kind: Zq7canary}`),
		"detectors: [{name: far, labels: {Zq7canary: Zq7canary}}]\n", "sensors: [{id: Zq7canary, dialect: Zq7canary, topic: \"a/#/Zq7canary\", source: Zq7canary, severity: {Zq7canary: x}}]\n",
		"rules: {own: [{name: r, sensors: [smoke-1], kind: smoke, when: \"Zq7canary > Zq7canary(\", inputs: {Zq7canary: {sensor: Zq7canary}}}]}\n",
		"Zq7canary: 1\n", "cameras: \"Zq7canary\n", "profiles: [{name: smoke, quantities: {Zq7canary: {unit: Zq7canary}}}]\n", "calendar: {holidays: [Zq7canary]}\ntimezone: Zq7canary\n",
		"mqtt: {sources: [{name: Zq7canary, url: \"tcp://h:1\"}]}\nsensors: [{id: s, dialect: auto, topic: a, source: x}]\n", "place: {kind: Zq7canary, grid: Zq7canary}\nplace: {Zq7canary: 1, Zq7canary: 2}\n",
	} {
		f.Add(text)
	}
	file := withFile(f, ownFile)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Merge(file, []byte(text))
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			for _, p := range refusal.Problems {
				if strings.Contains(p.Field+p.Message+p.Remedy, canary) {
					t.Errorf("a problem repeats the text: %v", p)
				}
			}
		case err != nil:
			t.Errorf("neither merged nor refused: %v", err)
		default:
			kept(t, m)
		}
	})
}

// kept checks what no text may change.
func kept(t *testing.T, m *Merged) {
	t.Helper()
	same := m.Edge == m.Own.Edge && m.Data == m.Own.Data && m.Listen == m.Own.Listen && reflect.DeepEqual(m.Central, m.Own.Central) &&
		reflect.DeepEqual(m.MQTT.Broker, m.Own.MQTT.Broker) && reflect.DeepEqual(m.Local, m.Own.Local) && m.Decoder == m.Own.Decoder && m.Push == m.Own.Push
	if !same {
		t.Error("a section of the file alone changed")
	}
	for _, c := range m.Cameras {
		if own := cameraOf(m.Own, c.ID); own != nil && (len(c.Masks) < len(own.Masks) || own.Pictures == "off" && c.Pictures != "off") || own == nil && c.Clip != nil {
			t.Errorf("camera %q shows more than the file lets it", c.ID)
		}
	}
}
