package calendar

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Unit says what a [Span] counts.
type Unit int

// The units.
const (
	Clock   Unit = iota // any time, day and night: emergencies
	Working             // 工作时: only time within working hours
	Days                // 工作日: whole working days
)

// Span is a length of time as limits are given. The zero Span is no time.
type Span struct {
	Unit Unit
	Time time.Duration // of Clock and Working
	Days int           // of Days
}

// MaxDays and MaxTime bound a span: longer limits are mistakes.
const (
	MaxDays = 3660
	MaxTime = MaxDays * 24 * time.Hour
)

// Hours is a span of working time.
func Hours(d time.Duration) Span { return Span{Unit: Working, Time: d} }

// WorkingDays is a span of n working days.
func WorkingDays(n int) Span { return Span{Unit: Days, Days: n} }

// ByClock is a span of time by the clock.
func ByClock(d time.Duration) Span { return Span{Unit: Clock, Time: d} }

// String writes s as [ParseSpan] reads it: "w4h" working hours, "w2d" working days, "30m0s" by the clock.
func (s Span) String() string {
	switch s.Unit {
	case Days:
		return "w" + strconv.Itoa(s.Days) + "d"
	case Working:
		return "w" + s.Time.String()
	}
	return s.Time.String()
}

// MarshalText implements encoding.TextMarshaler.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, see [ParseSpan].
func (s *Span) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpan(string(text))
	return err
}

var chinese = regexp.MustCompile(`^([0-9]{1,6})\s*个?\s*(工作小时|工作时|工作日|小时|分钟)$`)

// ParseSpan reads a span: "w4h" and "w90m" (working time), "w2d" (working days), "30m" and "2h" (by the clock), and as published
// tables write it: 4工作时, 7个工作日, 2小时, 30分钟. Spans that are not positive, or longer than [MaxDays] or [MaxTime], are errors.
func ParseSpan(text string) (Span, error) {
	s, err := parse(strings.TrimSpace(text))
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return Span{}, fmt.Errorf("span %q: %w", text, err)
	}
	return s, nil
}

var errSpan = errors.New("write w4h (working hours), w2d (working days) or 30m (by the clock)")

func parse(text string) (Span, error) {
	if m := chinese.FindStringSubmatch(text); m != nil {
		return published(m[1], m[2])
	}
	rest, working := strings.CutPrefix(text, "w")
	if days, ok := strings.CutSuffix(rest, "d"); ok && working {
		n, err := strconv.Atoi(days)
		if err != nil {
			return Span{}, errSpan
		}
		return WorkingDays(n), nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return Span{}, errSpan
	}
	if working {
		return Hours(d), nil
	}
	return ByClock(d), nil
}

func published(number, unit string) (Span, error) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return Span{}, errSpan
	}
	switch unit {
	case "工作日":
		return WorkingDays(n), nil
	case "小时":
		return ByClock(time.Duration(n) * time.Hour), nil
	case "分钟":
		return ByClock(time.Duration(n) * time.Minute), nil
	}
	return Hours(time.Duration(n) * time.Hour), nil
}

func (s Span) check() error {
	switch {
	case s.Unit == Days && (s.Days <= 0 || s.Time != 0), s.Unit != Days && (s.Time <= 0 || s.Days != 0):
		return errors.New("it must be longer than nothing")
	case s.Unit < Clock || s.Unit > Days || s.Days > MaxDays || s.Time > MaxTime:
		return fmt.Errorf("it must be at most %d days", MaxDays)
	}
	return nil
}
