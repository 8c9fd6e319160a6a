// Package tsdb keeps readings and edge metrics beside the pipeline, behind one small interface with two implementations:
// embedded (the Prometheus TSDB, for one process) and influx (any server that speaks InfluxDB's v2 API).
//
// In: samples. Out: series over a range. Writing the same sample twice changes nothing. It holds no alert and no person.
package tsdb

import (
	"context"
	"time"
)

// Sample is one point. (Metric, Labels, At) identifies it.
type Sample struct {
	Metric string            // Prometheus name, for example "gridgate_reading"
	Labels map[string]string // few and bounded: edge, device, grid, quantity, unit
	Value  float64
	At     time.Time // millisecond resolution
}

// Point is one value of a series.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// Series is the points of one label set, oldest first.
type Series struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
	Points []Point           `json:"points"`
}

// Selector picks series: exact metric and exact values of the labels that are given.
type Selector struct {
	Metric string
	Labels map[string]string
	From   time.Time
	To     time.Time
	Step   time.Duration // mean per step; 0: the raw points
	Limit  int           // at most so many series
}

// DB is a time-series database. Write returns nil only once the server (or the embedded log) has taken every sample; a
// sample that is too old or malformed is reported by index in a [Rejection], the rest is written.
type DB interface {
	Write(ctx context.Context, samples []Sample) error
	Query(ctx context.Context, s Selector) ([]Series, error)
	Close() error
}

// Rejection tells which samples of a write were refused, by index, and why. The others were written.
type Rejection map[int]string

func (r Rejection) Error() string {
	for _, why := range r {
		return "samples refused: " + why
	}
	return "no sample refused"
}
