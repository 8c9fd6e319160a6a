package tsdb

import "slices"

// Aggregate is what a step tells of its points.
type Aggregate string

// The aggregates.
const (
	Mean  Aggregate = "mean"
	Min   Aggregate = "min"
	Max   Aggregate = "max"
	Count Aggregate = "count"
	Last  Aggregate = "last"
)

// Aggregates lists them.
func Aggregates() []Aggregate { return []Aggregate{Mean, Min, Max, Count, Last} }

func (a Aggregate) known() bool { return a == "" || slices.Contains(Aggregates(), a) }

// Bucket is what is kept of the points of a time. Two of them make one without loss: a mean is weighed by the points behind it.
type Bucket struct {
	Sum   float64
	Min   float64
	Max   float64
	Last  float64
	Count uint32 // 0: there is none
}

// BucketOf is the bucket of one point.
func BucketOf(v float64) Bucket { return Bucket{Sum: v, Min: v, Max: v, Last: v, Count: 1} }

// Merge adds what came later.
func (b *Bucket) Merge(later Bucket) {
	switch {
	case later.Count == 0:
	case b.Count == 0:
		*b = later
	default:
		b.Sum += later.Sum
		b.Min, b.Max = min(b.Min, later.Min), max(b.Max, later.Max)
		b.Last = later.Last
		b.Count += later.Count
	}
}

// Value is one of the aggregates of a bucket that has points; the mean for "".
func (b Bucket) Value(a Aggregate) float64 {
	switch a {
	case Min:
		return b.Min
	case Max:
		return b.Max
	case Count:
		return float64(b.Count)
	case Last:
		return b.Last
	}
	return b.Sum / float64(b.Count)
}
