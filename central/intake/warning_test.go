package intake_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
)

// lands answers with the codes of an area itself.
type lands struct{}

func (lands) Touching(a cap.Area, _ time.Time) (codes []string) {
	for _, c := range a.Codes {
		codes = append(codes, c.Value)
	}
	return codes
}

func area(codes ...string) (a cap.Area) {
	for _, c := range codes {
		a.Codes = append(a.Codes, cap.Code{List: "grid", Value: c})
	}
	return a
}

func warning() cap.Message {
	return cap.Message{
		Identifier: "W-1", Sender: "water@example.org", Sent: t0, Status: cap.Actual, Type: cap.Alert,
		Infos: []cap.Info{{
			Categories: []cap.Category{"Met"}, Urgency: "Immediate", Severity: "Severe", Certainty: "Likely", Expires: t0.Add(time.Hour),
			Areas: []cap.Area{area("330106109001", "330106109002"), area("330106109001")},
		}},
	}
}

var byCategory = map[cap.Category]string{"Met": "0202"}

func warn(t *testing.T, change func(*cap.Message)) intake.Warned {
	t.Helper()
	m := warning()
	change(&m)
	w, err := intake.Warn(m, lands{}, centre{}, byCategory, t0)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAWarningOpensACaseInEachGrid(t *testing.T) {
	w := warn(t, func(*cap.Message) {})
	if len(w.Reports) != 2 || w.Reports[1].Grid != "330106109002" || w.Reports[0].Class != "0202" || w.Reports[0].Severity != alert.Major {
		t.Fatalf("reports %+v", w.Reports)
	}
	for _, r := range w.Reports {
		e, err := intake.Opened(r, centre{})
		if err != nil {
			t.Fatal(err)
		}
		if e.Opening.Origin != cases.ByWarning || strings.Contains(e.Opening.Key, "water@") {
			t.Errorf("opening %+v", e.Opening)
		}
	}
	again := warn(t, func(*cap.Message) {})
	if again.Reports[0].Key != w.Reports[0].Key {
		t.Error("the same warning has another key when it is sent again")
	}
}

func TestWarningsThatLeadToNothing(t *testing.T) {
	for name, change := range map[string]func(*cap.Message){
		"a test":  func(m *cap.Message) { m.Status = cap.Test },
		"an ack":  func(m *cap.Message) { m.Type = cap.Ack },
		"past":    func(m *cap.Message) { m.Infos[0].Urgency = "Past" },
		"expired": func(m *cap.Message) { m.Infos[0].Expires = t0 },
		"nowhere": func(m *cap.Message) { m.Infos[0].Areas = nil },
	} {
		if w := warn(t, change); len(w.Reports) != 0 {
			t.Errorf("%s: %+v", name, w.Reports)
		}
	}
}

func TestWarningsReplaceAndEnd(t *testing.T) {
	refer := func(m *cap.Message) { m.References = []cap.Reference{{Sender: m.Sender, Identifier: "W-0", Sent: t0}} }
	over := []string{intake.WarningKey("water@example.org", "W-0")}
	w := warn(t, func(m *cap.Message) { m.Type = cap.Cancel; refer(m) })
	if len(w.Reports) != 0 || !slices.Equal(w.Over, over) {
		t.Errorf("a cancel: %+v", w)
	}
	w = warn(t, func(m *cap.Message) { m.Type = cap.Update; refer(m) })
	if len(w.Reports) != 2 || !slices.Equal(w.Over, over) || w.Why.ZH == "" || w.Why.EN == "" {
		t.Errorf("an update: %+v", w)
	}
}

func TestADrillStaysOne(t *testing.T) {
	if w := warn(t, func(m *cap.Message) { m.Status = cap.Exercise }); len(w.Reports) != 2 || !w.Reports[0].Exercise {
		t.Errorf("%+v", w.Reports)
	}
}

func TestTheSendersClassComesFirst(t *testing.T) {
	for code, want := range map[string]string{"0202": "0202", "9999": intake.OtherClass} {
		w := warn(t, func(m *cap.Message) {
			m.Infos[0].Categories = []cap.Category{"Geo"}
			m.Infos[0].Codes = []cap.Code{{List: intake.ClassList, Value: code}}
		})
		if w.Reports[0].Class != want {
			t.Errorf("class %s, want %s", w.Reports[0].Class, want)
		}
	}
}

func TestAWarningIsBounded(t *testing.T) {
	m := warning()
	var codes []string
	for i := range intake.MaxWarned + 1 {
		codes = append(codes, strings.Repeat("1", 9)+string(rune('0'+i/100))+string(rune('0'+i/10%10))+string(rune('0'+i%10)))
	}
	m.Infos[0].Areas = []cap.Area{area(codes...)}
	if _, err := intake.Warn(m, lands{}, centre{}, byCategory, t0); !errors.Is(err, intake.ErrReport) {
		t.Errorf("got %v", err)
	}
}

func TestPublish(t *testing.T) {
	e, err := intake.Opened(report(), centre{})
	if err != nil {
		t.Fatal(err)
	}
	e.Position = 7
	c, err := cases.Apply(cases.Case{}, e)
	if err != nil {
		t.Fatal(err)
	}
	land := [][]cap.Point{{{Lat: 30, Lon: 120}, {Lat: 30, Lon: 121}, {Lat: 31, Lon: 121}, {Lat: 30, Lon: 120}}}
	opened := published(t, c, land)
	if opened.Type != cap.Alert || opened.Infos[0].Severity != "Severe" || opened.Infos[0].Categories[0] != "Env" {
		t.Errorf("%+v", opened)
	}
	c.State, c.ClosedAt = cases.Closed, t0.Add(time.Hour)
	over := published(t, c, land)
	if over.Type != cap.Cancel || !over.Supersedes(opened.Sender, opened.Identifier) {
		t.Errorf("%+v", over)
	}
	c.Class = "0301"
	if _, err := intake.Publish(c, "centre@example.org", land); !errors.Is(err, intake.ErrNotPublic) {
		t.Errorf("a call for help is published: %v", err)
	}
}

// published writes and reads the message of a case.
func published(t *testing.T, c cases.Case, land [][]cap.Point) cap.Message {
	t.Helper()
	m, err := intake.Publish(c, "centre@example.org", land)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cap.Encode(m, []cap.Words{{Event: "积水内涝", Area: c.Grid}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "路口") {
		t.Errorf("words of the report are published: %s", out)
	}
	m, err = cap.Parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
