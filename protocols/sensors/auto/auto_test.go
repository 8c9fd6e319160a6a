package auto_test

import (
	"slices"
	"strings"
	"testing"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/auto"
)

// word is a dialect whose messages are a word of its own. One that learns understands a word only when it hears it again.
type word struct {
	says string
	like sensors.Likeness
	deaf bool
}

func (w word) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	if strings.HasPrefix(string(payload), w.says) {
		return w.like, "it says " + w.says
	}
	return sensors.Unlike, ""
}

func (w word) Translate(topic string, _ []byte, retained bool) observation.Translation {
	b := sensors.Builder{Topic: topic, Device: w.says, Retained: retained}
	if !w.deaf {
		b.Observe("", alert.Smoke, observation.Active, "")
	}
	return b.Done("deaf")
}

type learner struct{ word }

type memory struct {
	word
	heard int
}

func (l learner) Session() sensors.Session { return &memory{word: l.word} }

func (l learner) Also(filter string) []string { return []string{filter + "/birth"} }

func (l learner) NameOf(filter string) string { return strings.TrimPrefix(filter, "learner/") }

func (m *memory) Translate(topic string, payload []byte, retained bool) observation.Translation {
	if m.heard++; m.heard == 1 {
		return sensors.Learnt(topic, "described")
	}
	return m.word.Translate(topic, payload, retained)
}

func (m *memory) Asks() []sensors.Ask { return make([]sensors.Ask, 3) }

// Expects says that what it heard first named a topic.
func (m *memory) Expects(topic string) bool { return m.heard > 0 && topic == "named/by/its/source" }

func registry() sensors.Registry {
	return sensors.Registry{
		"a-deaf": word{"bell", sensors.Likely, true}, "b-bell": word{"bell", sensors.Perhaps, false}, "c-mark": word{"bell!", sensors.Surely, true},
		"d-learner": learner{word{"learn", sensors.Likely, false}}, "e-learner": learner{word{"learn", sensors.Perhaps, false}},
	}
}

func TestTheLikeliestThatUnderstands(t *testing.T) {
	for payload, want := range map[string]string{
		"bell":  "b-bell understood", // the likelier one does not understand it
		"bell!": "c-mark deaf",       // the mark is only its own
		"learn": "d-learner described",
		"x":     " no dialect recognises the message",
	} {
		s := auto.New(registry()).Session().(*auto.Session)
		got := s.Translate("t", []byte(payload), false)
		said := got.Ignored
		if said == "" {
			said = "understood"
		}
		if s.Last().Dialect+" "+said != want || (s.Last().Because == "") != (s.Last().Dialect == "") {
			t.Errorf("%s: %+v %s", payload, s.Last(), said)
		}
	}
}

func TestSessionsAreKept(t *testing.T) {
	s := auto.New(registry()).Session()
	if got := s.Translate("t", []byte("learn"), false); !got.Quiet {
		t.Errorf("%+v", got)
	}
	if got := s.Translate("t", []byte("learn"), false); len(got.Observations) != 1 {
		t.Errorf("%+v", got)
	}
	if got := len(s.Asks()); got != 3 {
		t.Errorf("%d questions", got)
	}
	if got := auto.New(registry()).Translate("t", []byte("learn"), false); !got.Quiet {
		t.Errorf("without a session: %+v", got)
	}
}

func TestCompanions(t *testing.T) {
	d := auto.New(registry())
	if also := d.Also("t"); !slices.Equal(also, []string{"t/birth"}) {
		t.Error(also)
	}
	if name := d.NameOf("learner/7"); name != "7" {
		t.Error(name)
	}
	if name := auto.New(sensors.Registry{}).NameOf("t"); name != "" {
		t.Error(name)
	}
}

// A topic that a source named belongs to the session that heard so, unless the message has the shape of another dialect.
func TestSessionsKnowTopicsThatWereNamed(t *testing.T) {
	r := sensors.Registry{"learner": learner{word{"birth", sensors.Surely, false}}, "other": word{"shape", sensors.Likely, false}, "vague": word{"5", sensors.Perhaps, false}}
	s := auto.New(r).Session().(*auto.Session)
	if got := s.Translate("named/by/its/source", []byte("5"), false); s.Last().Dialect != "vague" {
		t.Errorf("before it was named: %+v by %+v", got, s.Last())
	}
	s.Translate("learner/1", []byte("birth"), false)
	for payload, want := range map[string]string{"5": "learner", "shape": "other", "x": "learner"} {
		if s.Translate("named/by/its/source", []byte(payload), false); s.Last().Dialect != want {
			t.Errorf("%s: by %+v, want %s", payload, s.Last(), want)
		}
	}
}
