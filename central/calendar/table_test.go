package calendar_test

import (
	"errors"
	"strings"
	"testing"

	. "gridgate/central/calendar"
)

// TestBadTables: each mistake names its field and what is wrong.
func TestBadTables(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Table)
		want   string
	}{
		"no id":             {func(x *Table) { x.ID = "" }, "id: "},
		"zone":              {func(x *Table) { x.Zone = "Asia/Nowhere" }, "zone: "},
		"counting":          {func(x *Table) { x.Days = "noon" }, "days: "},
		"weekday":           {func(x *Table) { x.Hours["monday"] = []string{"08:00-09:00"} }, "hours.monday: is none of"},
		"hours":             {func(x *Table) { x.Hours["mon"] = []string{"8-12"} }, "hours.mon: "},
		"backwards":         {func(x *Table) { x.Hours["mon"] = []string{"12:00-08:00"} }, "hours.mon: "},
		"hours overlap":     {func(x *Table) { x.Hours["mon"] = []string{"08:00-12:00", "11:00-13:00"} }, "overlaps"},
		"nobody works":      {func(x *Table) { x.Hours = nil }, "nobody ever works"},
		"no years":          {func(x *Table) { x.Years = nil }, "years: "},
		"a gap":             {func(x *Table) { x.Years[1].Year = 2027 }, "2027 does not follow 2025"},
		"a year twice":      {func(x *Table) { x.Years[1].Year = 2025 }, "years[1].year"},
		"no source":         {func(x *Table) { x.Years[0].Source = " " }, "2025 has no source"},
		"no date":           {func(x *Table) { x.Off[0].From = "1 May" }, "off[0].from"},
		"another year":      {func(x *Table) { x.Off[0].From = "2031-01-01" }, "not among the years"},
		"off backwards":     {func(x *Table) { x.Off[1].To = "2025-01-02" }, "off[1].to"},
		"off twice":         {func(x *Table) { x.Off = append(x.Off, Off{From: "2026-10-03"}) }, "2026-10-03 is off by off[12]"},
		"on a weekday":      {func(x *Table) { x.On = append(x.On, On{Date: "2026-03-04"}) }, "2026-03-04 is a Wednesday and worked anyhow"},
		"on twice":          {func(x *Table) { x.On = append(x.On, On{Date: "2026-10-10"}) }, "another row"},
		"on and off":        {func(x *Table) { x.On = append(x.On, On{Date: "2026-10-04"}) }, "is off by off[12]"},
		"make-up hours":     {func(x *Table) { x.On[0].Hours = []string{"x"} }, "on[0].hours"},
		"Monday is off":     {func(x *Table) { delete(x.Hours, "mon") }, "Monday has no hours"},
		"24:00 and further": {func(x *Table) { x.Hours["mon"] = []string{"20:00-24:30"} }, "hours.mon"},
	} {
		table := shipped(t).Table()
		tt.change(&table)
		_, err := New(table)
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for _, text := range []string{`{"id":"x","colour":1}`, `[]`, ``, `{"id":"x","id":"y"}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

func TestImportCSV(t *testing.T) {
	base := shipped(t).Table()
	text := "\ufeffdate,kind,name\n2027,year,a notice\n2027-01-01,off,元旦\n2027-01-02,on,元旦\n2026,year,corrected\n2026-10-01,off,国庆节\n"
	c, err := ImportCSV(base, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]bool{"2027-01-01 10:00": false, "2027-01-02 10:00": true, "2026-10-02 10:00": true, "2026-10-01 10:00": false, "2025-10-02 10:00": false} {
		if got, err := c.WorkingDay(at(t, date)); err != nil || got != want {
			t.Errorf("%s: %v, %v", date, got, err)
		}
	}
	if got := c.Table().Years; len(got) != 3 || got[1].Source != "corrected" {
		t.Errorf("years %+v", got)
	}
	for text, want := range map[string]string{
		"2028,year,x\n": "2028 does not follow 2026", "2027-01-01,off,x\n": "not among the years", "x,year,y\n": "row 1", "2026-01-01,maybe,y\n": "row 1", "a,b\n": "import calendar",
	} {
		if _, err := ImportCSV(base, strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if got := base.Years; len(got) != 2 || got[1].Source == "corrected" {
		t.Errorf("the base was changed: %+v", got)
	}
}
