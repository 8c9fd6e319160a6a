package tsdbtest

import (
	"testing"
	"time"

	"gridgate/central/tsdb"
)

func testStep(t *testing.T, b *bench) {
	b.write(t,
		b.sample(-time.Second, 100), // a step before the first
		b.sample(0, 1), b.sample(20*time.Second, 2), b.sample(59999*time.Millisecond, 6),
		b.sample(time.Minute, 8),
		b.sample(3*time.Minute, -1), b.sample(3*time.Minute+30*time.Second, -2), // the minute 2 is empty
		b.sample(4*time.Minute, 100), // a step behind the last
	)
	b.write(t, b.sample(20*time.Second, 2)) // sent again: it must not weigh twice
	s := tsdb.Selector{Metric: b.metric, From: b.base.Add(10 * time.Second), To: b.base.Add(3*time.Minute + time.Second), Step: time.Minute}
	b.expect(t, b.query(t, s), series(b.sample(0, 3), b.sample(time.Minute, 8), b.sample(3*time.Minute, -1.5)))
}

func testAggregates(t *testing.T, b *bench) {
	b.write(t,
		b.sample(0, 4), b.sample(20*time.Second, -2), b.sample(59999*time.Millisecond, 1),
		b.sample(2*time.Minute, 8.5), // the minute 1 is empty
	)
	for aggregate, want := range map[tsdb.Aggregate][2]float64{
		"": {1, 8.5}, tsdb.Mean: {1, 8.5}, tsdb.Min: {-2, 8.5}, tsdb.Max: {4, 8.5}, tsdb.Count: {3, 1}, tsdb.Last: {1, 8.5},
	} {
		s := b.all()
		s.From, s.Step, s.Aggregate = b.base, time.Minute, aggregate
		b.expect(t, b.query(t, s), series(b.sample(0, want[0]), b.sample(2*time.Minute, want[1])))
	}
}

// testLongSteps holds for implementations with a roll-up and without: a mean is that of the points, whatever hour they fell in.
func testLongSteps(t *testing.T, b *bench) {
	day := b.base.Truncate(24 * time.Hour).Add(-72 * time.Hour)
	at := func(after time.Duration, v float64) tsdb.Sample {
		return tsdb.Sample{Metric: b.metric, Labels: map[string]string{"edge": "e"}, Value: v, At: day.Add(after)}
	}
	b.write(t, at(0, 1), at(time.Minute, 2), at(2*time.Minute, 3), at(5*time.Hour, 10), at(25*time.Hour, 7))
	b.write(t, at(30*time.Minute, 4)) // late
	s := tsdb.Selector{Metric: b.metric, From: day, To: day.Add(48 * time.Hour), Step: 24 * time.Hour}
	b.expect(t, b.query(t, s), series(at(0, 4), at(24*time.Hour, 7)))
	s.Aggregate = tsdb.Max
	b.expect(t, b.query(t, s), series(at(0, 10), at(24*time.Hour, 7)))
	s.Step, s.Aggregate = time.Hour, tsdb.Count
	b.expect(t, b.query(t, s), series(at(0, 4), at(5*time.Hour, 1), at(25*time.Hour, 1)))
}
