package tsdb

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of one sample.
const (
	MaxNameLength  = 128 // bytes of a metric or label name
	MaxValueLength = 256 // bytes of a label value
	MaxLabels      = 16  // labels of one sample
)

// The names are those that mean the same thing to Prometheus, to InfluxDB's line protocol and to Flux. A metric needs an inner
// underscore: InfluxDB keeps what is before the last one as the measurement and what is behind it as the field.
var (
	metricName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)+$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)
)

// reservedLabels mean something else to one of the servers: the database of a line, the columns of a Flux answer.
var reservedLabels = []string{"db", "result", "table", "time", "error", "reference"}

// Validate reports the first rule that s breaks, or nil. The text names the field and the rule, never a label's value.
func (s Sample) Validate() error {
	if err := validateMetric(s.Metric); err != nil {
		return err
	}
	if err := validateLabels(s.Labels); err != nil {
		return err
	}
	if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return fmt.Errorf("value is not a finite number")
	}
	if s.At.IsZero() {
		return fmt.Errorf("time is missing")
	}
	return nil
}

func validateMetric(name string) error {
	if len(name) > MaxNameLength || !metricName.MatchString(name) {
		return fmt.Errorf("metric name is not at least two words of letters and digits joined by underscores")
	}
	return nil
}

func validateLabels(labels map[string]string) error {
	if len(labels) > MaxLabels {
		return fmt.Errorf("more than %d labels", MaxLabels)
	}
	for name, value := range labels {
		if len(name) > MaxNameLength || !labelName.MatchString(name) || slices.Contains(reservedLabels, name) {
			return fmt.Errorf("label name is reserved, too long or not letters, digits and underscores")
		}
		if err := validateValue(value); err != nil {
			return fmt.Errorf("label %s %w", name, err)
		}
	}
	return nil
}

// validateValue refuses what line protocol cannot carry: nothing, control characters, a backslash.
func validateValue(v string) error {
	switch {
	case v == "":
		return fmt.Errorf("is empty")
	case len(v) > MaxValueLength:
		return fmt.Errorf("is longer than %d bytes", MaxValueLength)
	case !utf8.ValidString(v):
		return fmt.Errorf("is not valid UTF-8")
	case strings.ContainsFunc(v, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }):
		return fmt.Errorf("holds a backslash or a control character")
	}
	return nil
}

// Validate reports the first rule that s breaks, wrapping [ErrSelector], or nil.
func (s Selector) Validate() error {
	if err := validateMetric(s.Metric); err != nil {
		return fmt.Errorf("%w: %w", ErrSelector, err)
	}
	if err := validateLabels(s.Labels); err != nil {
		return fmt.Errorf("%w: %w", ErrSelector, err)
	}
	if !s.From.Before(s.To) {
		return fmt.Errorf("%w: from is not before to", ErrSelector)
	}
	if s.Step < 0 || s.Step%time.Millisecond != 0 {
		return fmt.Errorf("%w: step is negative or finer than a millisecond", ErrSelector)
	}
	if !s.Aggregate.known() || (s.Aggregate != "" && s.Step == 0) {
		return fmt.Errorf("%w: aggregate is not one of %v, or there is no step", ErrSelector, Aggregates())
	}
	return nil
}

// Range is the asked range in milliseconds since the Unix epoch, from inclusive, to exclusive, widened to whole steps.
func (s Selector) Range() (from, to int64) {
	from, to = s.From.UnixMilli(), s.To.Add(time.Millisecond-1).UnixMilli()
	if step := s.Step.Milliseconds(); step > 0 {
		from, to = floor(from, step), floor(to+step-1, step)
	}
	return from, to
}

// floor is the largest multiple of step that is not greater than ms.
func floor(ms, step int64) int64 {
	if r := ms % step; r < 0 {
		return ms - r - step
	} else {
		return ms - r
	}
}

// EffectiveLimit is the number of series that an answer may hold.
func (s Selector) EffectiveLimit() int {
	if s.Limit <= 0 || s.Limit > MaxSeries {
		return MaxSeries
	}
	return s.Limit
}
