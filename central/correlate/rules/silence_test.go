package rules

import (
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
)

func silenceOf(change func(*Silence)) Silence {
	s := Silence{ID: "s1", Sort: Maintenance, Grid: "330106109", Reason: "更换电池", Owner: "zhang", From: t0, Until: t0.Add(time.Hour)}
	change(&s)
	return s
}

func TestSilenced(t *testing.T) {
	at := func(kind alert.Kind, grid string) cases.Case {
		return cases.Case{ID: "c", Opening: cases.Opening{Kind: kind, Grid: grid, Class: "0101", Source: alert.CameraSource("e1", "cam1")}}
	}
	meant := func(s *Silence) { s.LifeSafety = true }
	approved := func(s *Silence) { s.LifeSafety, s.ApprovedBy = true, "li" }
	tests := map[string]struct {
		change func(*Silence)
		c      cases.Case
		after  time.Duration
		want   bool
	}{
		"in it":                        {func(*Silence) {}, at(alert.Door, gridA), 0, true},
		"not yet":                      {func(*Silence) {}, at(alert.Door, gridA), -time.Second, false},
		"over":                         {func(*Silence) {}, at(alert.Door, gridA), time.Hour, false},
		"elsewhere":                    {func(*Silence) {}, at(alert.Door, "330106110001"), 0, false},
		"another kind":                 {func(s *Silence) { s.Kinds = []alert.Kind{alert.Motion} }, at(alert.Door, gridA), 0, false},
		"its kind":                     {func(s *Silence) { s.Kinds = []alert.Kind{alert.Motion, alert.Door} }, at(alert.Door, gridA), 0, true},
		"its condition":                {func(s *Silence) { s.Grid, s.Match = "", `device == "cam1"` }, at(alert.Door, gridA), 0, true},
		"not its condition":            {func(s *Silence) { s.Match = `device == "cam2"` }, at(alert.Door, gridA), 0, false},
		"ended":                        {func(s *Silence) { s.EndedAt = t0.Add(time.Minute) }, at(alert.Door, gridA), time.Minute, false},
		"life-safety":                  {func(*Silence) {}, at(alert.Smoke, gridA), 0, false},
		"life-safety, nobody approved": {meant, at(alert.Smoke, gridA), 0, false},
		"nobody approved":              {meant, at(alert.Door, gridA), 0, false},
		"life-safety, approved":        {approved, at(alert.Smoke, gridA), 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all, err := NewSilences([]Silence{silenceOf(test.change)})
			if err != nil {
				t.Fatal(err)
			}
			if id, got := all.Silenced(test.c, t0.Add(test.after)); got != test.want || got && id != "s1" {
				t.Errorf("silenced: %v (%q), want %v", got, id, test.want)
			}
		})
	}
	if _, got := (Silences{}).Silenced(at(alert.Door, gridA), t0); got {
		t.Error("no silence silences")
	}
}

func TestBadSilences(t *testing.T) {
	for want, change := range map[string]func(*Silence){
		"owner":               func(s *Silence) { s.Owner = "" },
		"sort":                func(s *Silence) { s.Sort = "off" },
		"reason":              func(s *Silence) { s.Reason = strings.Repeat("因", MaxReason+1) },
		"until":               func(s *Silence) { s.Until = s.From },
		"at most 90 days":     func(s *Silence) { s.Until = s.From.Add(MaxSilence + 1) },
		"everything":          func(s *Silence) { s.Grid = "" },
		"grid":                func(s *Silence) { s.Grid = "north" },
		"kinds":               func(s *Silence) { s.Kinds = []alert.Kind{"face"} },
		"match":               func(s *Silence) { s.Match = "person == 1" },
		"whoever made a sile": func(s *Silence) { s.ApprovedBy = "zhang" },
	} {
		if _, err := NewSilences([]Silence{silenceOf(change)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

// TestSilenceIsNoted: the history of a case says that nobody was told and why, once.
func TestSilenceIsNoted(t *testing.T) {
	all, err := NewSilences([]Silence{silenceOf(func(*Silence) {})})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "rules: []", func(o *Options) { o.Silences = all })
	w.open("c1", alert.Door, gridA, "d1")
	w.join("c1")
	w.open("c2", alert.Smoke, gridA, "d2")
	w.says("c1", "annotated silence:s1")
	w.says("c2")
	if why := w.log[1].Why; !strings.Contains(why.ZH, "更换电池") || !strings.Contains(why.EN, "21:00") {
		t.Errorf("it says %+v", why)
	}
}
