// Package tsdb keeps readings and edge metrics beside the pipeline, behind one small interface with two implementations:
// embedded (the Prometheus TSDB, for one process) and influx (any server that speaks InfluxDB's v2 API).
//
// In: samples. Out: series over a range. Writing the same sample twice changes nothing. It holds no alert and no person.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sample is one point. (Metric, Labels, At) identifies it.
type Sample struct {
	Metric string            // at least two words joined by underscores, for example "gridgate_reading"; see [Sample.Validate]
	Labels map[string]string // few and bounded: edge, device, grid, quantity, unit
	Value  float64           // finite
	At     time.Time         // millisecond resolution; what is finer is cut off
	Spare  bool              // a new series of it must leave room for the others, see [Admission]
}

// Point is one value of a series.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// Series is the points of one label set, oldest first. It has at least one point.
type Series struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
	Points []Point           `json:"points"`
}

// Selector picks series: exact metric and exact values of the labels that are given; other labels may have any value.
//
// The range holds From and not To. With a Step it is widened to whole steps (counted from the Unix epoch), so that every
// value covers its whole step whatever was asked for; it carries the beginning of its step, and a step without points has none.
// Where an implementation keeps a roll-up, it answers steps of whole hours from that, and so for longer than it keeps the raw points.
type Selector struct {
	Metric string
	Labels map[string]string
	From   time.Time
	To     time.Time
	Step   time.Duration // one value per step, whole milliseconds; 0: the raw points
	Limit  int           // at most so many series, the first ones by their labels; 0 or more than [MaxSeries]: MaxSeries

	Aggregate Aggregate // of a step; "": the mean
}

// Bounds of one query.
const (
	MaxSeries = 1000      // series of one answer
	MaxPoints = 1_000_000 // points of one answer, all series together
)

// Errors that callers tell apart.
var (
	ErrTooManyPoints = fmt.Errorf("the range holds more than %d points: ask for a shorter range or a longer step", MaxPoints)
	ErrSelector      = errors.New("selector") // what was asked for makes no sense; wrapped with the field and the rule
	ErrClosed        = errors.New("the time-series database is closed")
)

// DB is a time-series database. Implementations are safe for concurrent use.
//
// Write returns nil only once the server (or the embedded log) has taken every sample. A sample that is malformed, too old,
// too far ahead or of one series too many is reported by index in a [Rejection]; the rest is written, and a retry of a
// refused one is pointless. Any other error means that nothing is known: retry all. Writing a sample again is no error and changes
// nothing. A second value for a sample that exists is a fault of the sender: one of the two stays, never both. The embedded
// database refuses the second by index; InfluxDB replaces the first.
//
// Query returns series in the order of their labels; an answer that would be larger than [MaxPoints] is [ErrTooManyPoints]. A sample that
// was just written may take a server about a second to show, and a server may keep no more than 12 decimal digits of it.
type DB interface {
	Write(ctx context.Context, samples []Sample) error
	Query(ctx context.Context, s Selector) ([]Series, error)
	Close() error
}

// Rejection tells which samples of a write were refused, by index, and why. The others were written.
type Rejection map[int]string

// Error names the first refused sample and how many there are.
func (r Rejection) Error() string {
	if len(r) == 0 {
		return "no sample refused"
	}
	first := -1
	for i := range r {
		if first < 0 || i < first {
			first = i
		}
	}
	return fmt.Sprintf("%d samples refused, the first at index %d: %s", len(r), first, r[first])
}

// OrNil returns r as an error, or nil if nothing was refused.
func (r Rejection) OrNil() error {
	if len(r) == 0 {
		return nil
	}
	return r
}
