package calendar

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Table is a calendar as it is imported and exported. Dates are 2006-01-02 in its zone, hours "08:30-12:00"; "24:00" ends a day.
type Table struct {
	ID   string `json:"id"`
	Zone string `json:"zone,omitempty"` // IANA name; empty: Asia/Shanghai
	// Days says when a limit of working days ends: "end" (of work) or "same" (time of day). Empty: "end".
	Days  Counting            `json:"days,omitempty"`
	Hours map[string][]string `json:"hours"` // by weekday: mon, tue, wed, thu, fri, sat, sun; a day that is left out is off
	Years []Year              `json:"years"` // without a gap between them
	Off   []Off               `json:"off"`   // holidays
	On    []On                `json:"on"`    // make-up days (调休)
}

// Counting says how working days count.
type Counting string

// The ways to count.
const (
	EndOfWork Counting = "end"
	SameTime  Counting = "same"
)

// Year is one that the table covers.
type Year struct {
	Year   int    `json:"year"`
	Source string `json:"source"` // the notice that says which days are off
}

// Off are days on which nobody works.
type Off struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"` // inclusive; empty: From
	Name string `json:"name,omitempty"`
}

// On is a day of a weekend that is worked.
type On struct {
	Date  string   `json:"date"`
	Name  string   `json:"name,omitempty"`
	Hours []string `json:"hours,omitempty"` // empty: those of a Monday
}

// Bounds of a table.
const (
	MaxYears = 40
	maxStays = 6 // stretches of work in a day
)

// DefaultZone is that of mainland China.
const DefaultZone = "Asia/Shanghai"

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as [time.Weekday] counts

//go:embed data/cn.json
var shipped embed.FS

// Default is the shipped calendar: mainland China 2025 and 2026 by the notices that it names, half past eight to twelve and two to half
// past five from Monday to Friday.
func Default() (*Calendar, error) {
	data, err := shipped.ReadFile("data/cn.json")
	if err != nil {
		return nil, fmt.Errorf("read the shipped calendar: %w", err)
	}
	return Parse(data)
}

// Parse reads a table from JSON, strictly, and builds it. The error is an error of JSON or [Problems].
func Parse(data []byte) (*Calendar, error) {
	var t Table
	if err := json.Unmarshal(data, &t, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read calendar: %w", err)
	}
	return New(t)
}

// ImportCSV adds years to a table. Columns are date, kind and name: a row of kind "year" has a year for a date and its source for a
// name, "off" a holiday, "on" a make-up day. What base says of an imported year gives way. The first row may be a heading.
func ImportCSV(base Table, r io.Reader) (*Calendar, error) {
	rows, err := readRows(r)
	if err != nil {
		return nil, fmt.Errorf("import calendar: %w", err)
	}
	t := base.clone()
	for _, row := range rows {
		if row[1] == "year" {
			t.forget(row[0])
		}
	}
	for i, row := range rows {
		if err := t.take(row); err != nil {
			return nil, fmt.Errorf("import calendar: row %d: %w", i+1, err)
		}
	}
	slices.SortFunc(t.Years, func(a, b Year) int { return a.Year - b.Year })
	return New(t)
}

func readRows(r io.Reader) ([][]string, error) {
	reader := csv.NewReader(io.LimitReader(r, 1<<20))
	reader.FieldsPerRecord, reader.TrimLeadingSpace = 3, true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		rows[0][0] = strings.TrimPrefix(rows[0][0], "\ufeff")
		if rows[0][0] == "date" {
			rows = rows[1:]
		}
	}
	return rows, nil
}

func (t *Table) take(row []string) error {
	date, kind, name := row[0], row[1], row[2]
	switch kind {
	case "year":
		year, err := strconv.Atoi(date)
		if err != nil {
			return fmt.Errorf("%q is not a year", date)
		}
		t.Years = append(t.Years, Year{Year: year, Source: name})
	case "off":
		t.Off = append(t.Off, Off{From: date, Name: name})
	case "on":
		t.On = append(t.On, On{Date: date, Name: name})
	default:
		return fmt.Errorf("kind %q is neither year nor off nor on", kind)
	}
	return nil
}

// forget removes what the table says of a year.
func (t *Table) forget(year string) {
	t.Years = slices.DeleteFunc(t.Years, func(y Year) bool { return strconv.Itoa(y.Year) == year })
	t.Off = slices.DeleteFunc(t.Off, func(o Off) bool { return strings.HasPrefix(o.From, year+"-") })
	t.On = slices.DeleteFunc(t.On, func(o On) bool { return strings.HasPrefix(o.Date, year+"-") })
}

func (t Table) clone() Table {
	t.Hours = maps.Clone(t.Hours)
	t.Years, t.Off, t.On = slices.Clone(t.Years), slices.Clone(t.Off), slices.Clone(t.On)
	return t
}

// Problem is one mistake in a table.
type Problem struct {
	Field   string `json:"field"` // as in off[2].from
	Message string `json:"message"`
}

// Problems are all mistakes of a table.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Field + ": " + p.Message
	}
	return "calendar: " + strings.Join(lines, "; ")
}

// stay is a stretch of work within a day, in minutes since midnight.
type stay struct{ from, to int }

func parseStays(texts []string) ([]stay, error) {
	if len(texts) > maxStays {
		return nil, fmt.Errorf("more than %d stretches of work", maxStays)
	}
	var out []stay
	for _, text := range texts {
		a, b, ok := strings.Cut(text, "-")
		from, err1 := minutes(a)
		to, err2 := minutes(b)
		if !ok || err1 != nil || err2 != nil || to <= from {
			return nil, fmt.Errorf("%q is not like 08:30-12:00", text)
		}
		if n := len(out); n > 0 && from <= out[n-1].to {
			return nil, fmt.Errorf("%q overlaps or adjoins what is before it", text)
		}
		out = append(out, stay{from, to})
	}
	return out, nil
}

func minutes(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, errors.New("not a time of day")
	}
	return t.Hour()*60 + t.Minute(), nil
}
