package vendor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

func TestSummary(t *testing.T) {
	motion := observation.Observation{Device: "1", Kind: alert.Motion, Phase: observation.Active, At: time.Unix(1, 0)}
	later := motion
	later.At = time.Unix(2, 0)
	for name, c := range map[string]struct {
		say            func(s *Summary)
		observations   int
		quiet          bool
		ignored, taken string
	}{
		"nothing":                     {say: func(*Summary) {}, quiet: true},
		"a heartbeat":                 {say: func(s *Summary) { s.Calm("a heartbeat"); s.Calm("noise") }, quiet: true, ignored: "a heartbeat"},
		"a refusal is graver":         {say: func(s *Summary) { s.Calm("a heartbeat"); s.Reject("unknown"); s.Reject("other"); s.Calm("noise") }, ignored: "unknown"},
		"reasons beside observations": {say: func(s *Summary) { s.Observe(motion); s.Reject("unknown") }, observations: 1},
		"the same again":              {say: func(s *Summary) { s.Observe(motion); s.Observe(later); s.Observe(motion) }, observations: 2},
		"the same, by another clock":  {say: func(s *Summary) { s.Observe(motion); again := motion; again.At = again.At.UTC(); s.Observe(again) }, observations: 1},
		"what was dropped":            {say: func(s *Summary) { s.Drop("b"); s.Drop("*"); s.Drop("b") }, quiet: true, taken: "* b"},
		"too many": {say: func(s *Summary) {
			for i := range MaxObservations + 1 {
				o := motion
				o.At = time.Unix(int64(i), 0)
				s.Observe(o)
			}
		}, observations: MaxObservations, taken: "*"},
	} {
		var s Summary
		c.say(&s)
		got := s.Translation(observation.Meta{Topic: "t"})
		if len(got.Observations) != c.observations || got.Quiet != c.quiet || got.Ignored != c.ignored || strings.Join(got.Dropped, " ") != c.taken || got.Meta.Topic != "t" {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Observations == nil || got.Readings == nil || got.Dropped == nil {
			t.Errorf("%s: a list is nil", name)
		}
	}
}

func TestMeanings(t *testing.T) {
	table := Table(Meaning{Kind: alert.Smoke}.Of("Smoke", "FIRE"), Meaning{Kind: alert.Fire, Moment: true}.Of("fire"), Meaning{Never: "about somebody"}.Of("face"))
	if len(table) != 3 || table["smoke"].Kind != alert.Smoke || table["fire"] != (Meaning{Kind: alert.Fire, Moment: true}) {
		t.Errorf("%+v", table)
	}
	for m, want := range map[Meaning]bool{{Kind: alert.Motion, Moment: true}: true, {Kind: alert.Presence}: true, {Kind: alert.Presence, Moment: true}: false, {Kind: alert.Smoke}: false} {
		if m.TellsObject() != want {
			t.Errorf("%+v", m)
		}
	}
	got := KindsOf(table, Meaning{Kind: alert.Motion}.Of("VMD"))
	if want := []alert.Kind{alert.Motion, alert.Smoke, alert.Fire}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestBase(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://camera": true, "https://recorder:8443/base": true, "camera": false, "ftp://camera": false, "http://": false, "http://u:ID-password@camera": false, "http://%zz": false,
	} {
		u, err := Base(address)
		if (err == nil) != ok || (u != nil) != ok || err != nil && strings.Contains(err.Error(), "ID-") {
			t.Errorf("%s: %v, %v", address, u, err)
		}
	}
}
