package intake_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/protocols/alert"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// centre has one class and one grid, east of 120 degrees.
type centre struct{}

func (centre) Class(code string) (intake.Class, bool) {
	return intake.Class{Code: "0202", Kind: alert.Flood, Severity: alert.Major}, code == "0202"
}

func (centre) GridAt(p cases.LonLat, _ time.Time) (string, bool) { return "330106109001", p.Lon > 120 }

func report() intake.Report {
	return intake.Report{
		ID: alert.NewID(), Origin: cases.ByResident, Class: "0202", Place: &cases.LonLat{Lon: 120.1, Lat: 30.2}, Note: " 路口积水 ", At: t0,
	}
}

func TestOpened(t *testing.T) {
	r := report()
	e, err := intake.Opened(r, centre{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cases.Apply(cases.Case{}, e)
	if err != nil {
		t.Fatal(err)
	}
	if c.Grid != "330106109001" || c.Kind != alert.Flood || c.Severity != alert.Major || c.Origin != cases.ByResident || c.Alerts != 0 || e.Note != "路口积水" {
		t.Errorf("the case is %+v, the note %q", c, e.Note)
	}
	if _, _, _, err := alert.ParseSource(c.Source); err != nil {
		t.Errorf("its source has another form than a device's: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*intake.Report)
		says   string
	}{
		"class":             {func(r *intake.Report) { r.Class = "9999" }, "class:"},
		"outside":           {func(r *intake.Report) { r.Place.Lon = 100 }, "in no grid of this centre"},
		"no place":          {func(r *intake.Report) { r.Place = nil }, "grid:"},
		"not on earth":      {func(r *intake.Report) { r.Place.Lat = 91 }, "degrees"},
		"a resident's name": {func(r *intake.Report) { r.Actor = "zhang" }, "actor:"},
		"staff without one": {func(r *intake.Report) { r.Origin = cases.ByStaff }, "actor:"},
		"origin":            {func(r *intake.Report) { r.Origin = "robot" }, "origin:"},
		"severity":          {func(r *intake.Report) { r.Severity = "awful" }, "severity:"},
		"a long note":       {func(r *intake.Report) { r.Note = strings.Repeat("水", cases.MaxNote+1) }, "note:"},
		"a telephone":       {func(r *intake.Report) { r.Note = "打 13812345678 找他" }, "mobile telephone number"},
		"no time":           {func(r *intake.Report) { r.At = time.Time{} }, "time"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report()
			tt.change(&r)
			_, err := intake.Opened(r, centre{})
			if !errors.Is(err, intake.ErrReport) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "138") {
				t.Errorf("the error repeats the number: %v", err)
			}
		})
	}
}

func TestEveryFieldIsNamedAtOnce(t *testing.T) {
	r := report()
	r.Class, r.Place, r.Severity = "x", nil, "y"
	_, err := intake.Opened(r, centre{})
	for _, field := range []string{"class:", "grid:", "severity:"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not name %s", err, field)
		}
	}
}
