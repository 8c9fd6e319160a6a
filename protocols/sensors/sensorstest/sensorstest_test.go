package sensorstest

import (
	"fmt"
	"testing"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

func TestSay(t *testing.T) {
	told := sensors.Ignored("t", "")
	told.Observations = append(told.Observations, observation.Observation{Device: "d", Kind: alert.Smoke, Phase: observation.Active, Zone: "1"})
	told.Readings = append(told.Readings, observation.Reading{Device: "e", Quantity: "temperature", Value: 21.5, Unit: "Cel"}, observation.Reading{Quantity: "level", Value: 3})
	told.Dropped = append(told.Dropped, "*")
	for _, c := range []struct {
		got          observation.Translation
		want, device string
	}{
		{told, "smoke/1=active temperature=21.5 Cel level=3 -*", "d"},
		{sensors.Ignored("t", "why"), "!", ""},
		{sensors.Learnt("t", "what"), "quiet", ""},
	} {
		if Say(c.got) != c.want || Device(c.got) != c.device {
			t.Errorf("%q of %q, want %q of %q", Say(c.got), Device(c.got), c.want, c.device)
		}
	}
}

// finder takes down what a demand complains of.
type finder struct {
	testing.TB
	found []string
}

func (f *finder) Helper()           {}
func (f *finder) Error(args ...any) { f.found = append(f.found, fmt.Sprint(args...)) }
func (f *finder) Errorf(format string, args ...any) {
	f.found = append(f.found, fmt.Sprintf(format, args...))
}

// leaky is a dialect that is wrong in every way.
type leaky struct{}

func (leaky) Translate(topic string, payload []byte, _ bool) observation.Translation {
	t := sensors.Ignored(topic, "")
	t.Dropped = append(t.Dropped, string(payload))
	return t
}

func (leaky) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	return sensors.Unlike, string(payload)
}

// TestTheDemandsFindWhatIsWrong: each complains of what it is there for, and of nothing else.
func TestTheDemandsFindWhatIsWrong(t *testing.T) {
	wrongKind := sensors.Ignored("t", "")
	wrongKind.Observations = append(wrongKind.Observations, observation.Observation{Kind: "somebody"})
	wrongUnit := sensors.Ignored("t", "")
	wrongUnit.Readings = append(wrongUnit.Readings, observation.Reading{Quantity: "No Name", Value: 1})
	for name, c := range map[string]struct {
		demand func(t testing.TB)
		found  int
	}{
		"a name in what is told and in a reason": {func(t testing.TB) { Keeps(t, leaky{}, "t", "Zhang San") }, 2},
		"nothing to hide":                        {func(t testing.TB) { Keeps(t, leaky{}, "t", "x") }, 0},
		"a secret of its own":                    {func(t testing.TB) { Hides(t, "x", leaky{}.Translate("t", []byte("x-94D8"), false), "94D8") }, 1},
		"nothing told and no reason":             {func(t testing.TB) { Sound(t, leaky{}.Translate("t", nil, false)) }, 1},
		"a list that is nil":                     {func(t testing.TB) { Sound(t, observation.Translation{Ignored: "why"}) }, 1},
		"no such kind":                           {func(t testing.TB) { Sound(t, wrongKind) }, 1},
		"no such quantity":                       {func(t testing.TB) { Sound(t, wrongUnit) }, 1},
		"all is well":                            {func(t testing.TB) { Sound(t, sensors.Ignored("t", "why")) }, 0},
		"another meaning":                        {func(t testing.TB) { Says(t, leaky{}, "t", "x", "", "smoke=active") }, 2},
		"unlike for a reason":                    {func(t testing.TB) { Likens(t, leaky{}, "t", "x", sensors.Unlike) }, 1},
		"not as sure":                            {func(t testing.TB) { Likens(t, leaky{}, "t", "", sensors.Surely) }, 1},
	} {
		f := &finder{TB: t}
		c.demand(f)
		if len(f.found) != c.found {
			t.Errorf("%s: %q", name, f.found)
		}
	}
}
