package homeassistant

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors/sensorstest"
)

// sound fails if the counts of a session are not those of what it holds.
func sound(t *testing.T, s *Session) {
	t.Helper()
	entities, bytes, users := 0, 0, map[*availability]int{}
	names := map[name]int{}
	for _, d := range s.described {
		entities += len(d.entities)
		bytes += d.bytes
		for _, e := range d.entities {
			for _, n := range e.names() {
				names[n]++
			}
			if e.availability != nil {
				users[e.availability]++
			}
		}
	}
	if entities != s.entities || bytes != s.bytes || entities > maxEntities || bytes > maxBytes {
		t.Fatalf("%d entities of %d bytes are counted as %d of %d", entities, bytes, s.entities, s.bytes)
	}
	if len(users) != len(s.available) || len(names) != len(s.names) {
		t.Fatalf("%d availabilities and %d names are held as %d and %d", len(users), len(names), len(s.available), len(s.names))
	}
	for a, n := range users {
		if a.users != n || s.available[a.key] != a {
			t.Fatalf("an availability of %d entities counts %d", n, a.users)
		}
	}
}

// anyDescription is a discovery message of few topics, so that descriptions are often replaced and removed.
func anyDescription(r *rand.Rand) (topic, payload string) {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	topic = fmt.Sprintf("homeassistant/%s/n%d/o%d/config", pick("sensor", "binary_sensor", "light", "device"), r.IntN(3), r.IntN(4))
	entity := fmt.Sprintf(`"p":"%s","stat_t":"%s","dev_cla":"%s","unit_of_meas":"%s","val_tpl":"%s","avty_mode":"%s","avty":[{"t":"%s"},{"t":"up/2"}]`,
		pick("sensor", "binary_sensor"), pick("a/b", "+/b", "a/#", "c", "", "#/x"), pick("temperature", "smoke", "humidity", "x"),
		pick("°C", "%", ""), pick("{{ value }}", "{{ value_json.a }}", "{% for"), pick("all", "any", "latest"), pick("up/1", "up/+", "a/b"))
	switch r.IntN(6) {
	case 0:
		return topic, ""
	case 1:
		return topic, "{" + entity
	case 2:
		return topic, fmt.Sprintf(`{"cmps":{"a":{%s},"b":{%s}}}`, entity, strings.ReplaceAll(entity, "up/1", "up/3"))
	}
	return topic, "{" + entity + "}"
}

func TestSessionStaysSound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newSession(Dialect{})
	for range 4000 {
		topic, payload := anyDescription(r)
		s.Translate(topic, []byte(payload), true)
		sensorstest.Sound(t, s.Translate([]string{"a/b", "c", "up/1", "up/2", "x/b"}[r.IntN(5)], []byte([]string{"1", "ON", "online", "offline", `{"a":1}`}[r.IntN(5)]), false))
		sound(t, s)
	}
	for topic := range s.described {
		s.Translate(topic, nil, false)
	}
	sound(t, s)
	if len(s.index.plain)+len(s.available)+len(s.names) > 0 || !s.index.wild.Empty() || s.bytes != 0 {
		t.Errorf("something is left when all is forgotten: %+v", s)
	}
}

func TestForgottenAndDescribedAnew(t *testing.T) {
	s := heard(t, "binary_sensor/n/smoke", `{"stat_t":"old","dev_cla":"smoke"}`)
	expect := func(topic, want string) {
		t.Helper()
		if got := say(s.Translate(topic, []byte("ON"), false)); got != want {
			t.Errorf("%s: %q, want %q", topic, got, want)
		}
	}
	expect("old", "smoke=active")
	s.Translate("homeassistant/binary_sensor/n/smoke/config", []byte(`{"stat_t":"new","dev_cla":"gas"}`), false)
	expect("old", "")
	expect("new", "gas=active")
	s.Translate("homeassistant/binary_sensor/n/smoke/config", []byte(`{broken`), false)
	expect("new", "gas=active")
	s.Translate("homeassistant/binary_sensor/n/smoke/config", nil, true)
	expect("new", "")
}

// A flood fills the memory and no more, and those that were there before it stay.
func TestMemoryIsBounded(t *testing.T) {
	s := heard(t, "binary_sensor/n/smoke", `{"stat_t":"first","dev_cla":"smoke"}`)
	before := heap()
	template := "{{ value_json.a" + strings.Repeat(" + 1", 60) + " }}"
	refused := 0
	for i := range 3_000 {
		got := s.Translate(fmt.Sprintf("homeassistant/sensor/node%d/o/config", i), fmt.Appendf(nil,
			`{"stat_t":"+/%d/%s","dev_cla":"temperature","unit_of_meas":"C","val_tpl":"%s","avty_t":"up/%d"}`, i, strings.Repeat("x/", 10), template, i), true)
		if got.Ignored == errFull.Error() {
			refused++
		}
	}
	sound(t, s)
	if refused == 0 || len(s.described) < 500 {
		t.Errorf("%d refused, %d taken", refused, len(s.described))
	}
	grown := heap() - before
	if grown > 2*maxBytes {
		t.Errorf("%d entities take %d MiB, counted as %d", s.entities, grown>>20, s.bytes>>20)
	}
	t.Logf("%d entities: %d bytes counted, %d on the heap", s.entities, s.bytes, grown)
	if got := say(s.Translate("first", []byte("ON"), false)); got != "smoke=active" {
		t.Errorf("the first sensor was pushed out: %q", got)
	}
	runtime.KeepAlive(s)
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Ten thousand plain sensors fit, and not one more.
func TestEntitiesAreBounded(t *testing.T) {
	s := newSession(Dialect{})
	for i := range maxEntities + 5 {
		s.Translate(fmt.Sprintf("homeassistant/sensor/node%d/temperature/config", i),
			fmt.Appendf(nil, `{"stat_t":"house/%d","dev_cla":"temperature","unit_of_meas":"C","val_tpl":"{{ value_json.t }}"}`, i), true)
	}
	if s.entities != maxEntities {
		t.Errorf("%d entities", s.entities)
	}
	if got := say(s.Translate("house/9999", []byte(`{"t":1}`), false)); got != "temperature=1Cel" {
		t.Errorf("%q", got)
	}
	if got := s.Translate("house/10001", []byte(`{"t":1}`), false); got.Ignored != whyUnknown {
		t.Errorf("%+v", got)
	}
}

// One topic may be named by more than is read of one message; what is left out is said.
func TestListenersAreBounded(t *testing.T) {
	s := newSession(Dialect{})
	for i := range maxListeners + 10 {
		s.Translate(fmt.Sprintf("homeassistant/sensor/node%d/t/config", i), []byte(`{"stat_t":"all","dev_cla":"temperature","unit_of_meas":"C"}`), true)
	}
	got := s.Translate("all", []byte("1"), false)
	if len(got.Readings) != maxListeners || say(observation.Translation{Dropped: got.Dropped}) != "-*" {
		t.Errorf("%d readings, dropped %v", len(got.Readings), got.Dropped)
	}
}

func FuzzDescription(f *testing.F) {
	f.Add("homeassistant/sensor/n/o/config", []byte(`{"~":"a","stat_t":"~/b","dev_cla":"temperature","unit_of_meas":"C","exp_aft":3,"dev":{"ids":["x"]}}`), "a/b", []byte("1"))
	f.Add("homeassistant/device/n/config", []byte(`{"stat_t":"s","cmps":{"a":{"p":"binary_sensor","dev_cla":"smoke","avty":[{"t":"u"}],"avty_mode":"all"}}}`), "u", []byte("online"))
	f.Add("homeassistant/event/o/config", []byte(`{"stat_t":"+/e/#","event_types":["sos"]}`), "x/e", []byte(`{"event_type":"sos"}`))
	f.Add("homeassistant/device_automation/o/config", []byte(`{"t":"t","subtype":"panic","pl":"x"}`), "t", []byte("x"))
	f.Add("homeassistant/cover/o/config", []byte(`{"stat_t":"~t","dev_cla":"gate","off_dly":1}`), "t", []byte("open"))
	f.Fuzz(func(t *testing.T, config string, description []byte, topic string, payload []byte) {
		s := newSession(Dialect{})
		s.Translate("homeassistant/binary_sensor/own/smoke/config", []byte(`{"stat_t":"own","dev_cla":"smoke","avty_t":"up"}`), true)
		sensorstest.Sound(t, s.Translate(config, description, true))
		sensorstest.Sound(t, s.Translate(topic, payload, false))
		sensorstest.Sound(t, s.Translate("own", payload, true))
		sound(t, s)
		s.Translate(config, nil, false)
		sound(t, s)
	})
}

// FuzzState gives one message to many kinds of entities.
func FuzzState(f *testing.F) {
	f.Add("t", []byte(`{"a":21.5,"b":"ON","state":"online","event_type":"sos"}`), false)
	f.Add("t", []byte("ON"), true)
	f.Add("node/binary_sensor/smoke/state", []byte("ON"), false)
	f.Add("node/sensor/humidity/state", []byte("1e308"), false)
	f.Add("n/status", []byte("offline"), false)
	f.Fuzz(func(t *testing.T, topic string, payload []byte, retained bool) {
		s := newSession(Dialect{})
		for i, d := range []string{
			`{"stat_t":"#","dev_cla":"temperature","unit_of_meas":"C","val_tpl":"{{ value_json.a | round(1) }}"}`,
			`{"stat_t":"t","dev_cla":"power","unit_of_meas":"W"}`,
			`{"p":"binary_sensor","stat_t":"t","dev_cla":"smoke","val_tpl":"{{ value_json.b }}","avty":[{"t":"+","val_tpl":"{{ value_json.state }}"}]}`,
			`{"p":"event","stat_t":"t","event_types":["sos"]}`,
		} {
			component := []string{"sensor", "sensor", "binary_sensor", "event"}[i]
			s.Translate(fmt.Sprintf("homeassistant/%s/n/o%d/config", component, i), []byte(d), true)
		}
		sensorstest.Sound(t, s.Translate(topic, payload, retained))
		sensorstest.Sound(t, Dialect{}.Translate(topic, payload, retained))
		Dialect{}.Recognise(topic, payload)
		sound(t, s)
	})
}
