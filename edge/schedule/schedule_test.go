package schedule

import (
	"testing"
	"time"
)

func TestAwake(t *testing.T) {
	china := time.FixedZone("UTC+8", 8*3600)
	national, _ := ParseDate("2026-10-01") // a Thursday
	moved, _ := ParseDate("2026-10-10")    // a Saturday on which work is done
	calendar := Calendar{Holidays: []Date{national}, Workdays: []Date{moved}}
	night := Window{From: 22 * time.Hour, To: 6 * time.Hour}
	workNight := Window{Days: []Day{Workday}, From: 22 * time.Hour, To: 6 * time.Hour}
	rest := Window{Days: []Day{Restday}, From: 0, To: 24 * time.Hour}
	friday := Window{Days: []Day{Friday}, From: 9 * time.Hour, To: 9 * time.Hour}
	for _, c := range []struct {
		name    string
		windows []Window
		at      string
		want    bool
	}{
		{"no window", nil, "2026-11-23 03:00", true},
		{"evening before", []Window{night}, "2026-11-23 21:59", false},
		{"begins", []Window{night}, "2026-11-23 22:00", true},
		{"past midnight", []Window{night}, "2026-11-24 05:59", true},
		{"ends", []Window{night}, "2026-11-24 06:00", false},
		{"night after a workday", []Window{workNight}, "2026-09-30 23:00", true},
		{"it goes on into the holiday", []Window{workNight}, "2026-10-01 05:00", true},
		{"holiday", []Window{workNight}, "2026-10-01 23:00", false},
		{"morning after the holiday", []Window{workNight}, "2026-10-02 05:00", false},
		{"moved workday", []Window{workNight}, "2026-10-10 23:00", true},
		{"plain Saturday", []Window{workNight}, "2026-10-17 23:00", false},
		{"holiday is a restday", []Window{rest}, "2026-10-01 12:00", true},
		{"moved workday is none", []Window{rest}, "2026-10-10 12:00", false},
		{"Sunday night", []Window{rest}, "2026-10-18 23:59", true},
		{"a day from nine to nine", []Window{friday}, "2026-11-28 08:59", true},
		{"and no longer", []Window{friday}, "2026-11-28 09:00", false},
		{"and not before", []Window{friday}, "2026-11-27 08:59", false},
		{"one of two", []Window{friday, night}, "2026-11-24 23:00", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := New(c.windows, calendar, china)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04", c.at, china)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Awake(at.UTC()); got != c.want || s.Asleep(at) == c.want {
				t.Errorf("awake at %s: %v", c.at, got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, w := range map[string]Window{
		"unknown day":  {Days: []Day{"someday"}},
		"past 24 h":    {From: 25 * time.Hour},
		"negative":     {From: -time.Hour},
		"begins at 24": {From: 24 * time.Hour},
	} {
		if _, err := New([]Window{w}, Calendar{}, time.UTC); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New(nil, Calendar{}, nil); err == nil {
		t.Error("no time zone: taken")
	}
	for _, s := range []string{"", "7:30", "24:01", "12:60", "noon"} {
		if _, err := ParseClock(s); err == nil {
			t.Errorf("clock %q: taken", s)
		}
	}
	for _, s := range []string{"", "2026-13-01", "01.10.2026", "2026-2-3"} {
		if _, err := ParseDate(s); err == nil {
			t.Errorf("date %q: taken", s)
		}
	}
}
