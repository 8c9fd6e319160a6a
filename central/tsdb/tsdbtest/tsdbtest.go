// Package tsdbtest is the contract of [tsdb.DB] as a test suite, run on every implementation and on real servers.
//
// In: a way to open a database. Out: test results. It shares the database with others: every test writes a metric of its own.
package tsdbtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/tsdb"
)

// Options are what a test demands of the database that it opens. Zero values: the implementation's defaults.
type Options struct {
	MaxSeries int
}

// Harness opens databases for the suite.
type Harness struct {
	// Open returns a database; the harness closes it at the end of the test if the test did not. It takes samples that are up to
	// 7 days old, and refuses those older than 60 days or more than two hours ahead.
	Open func(t *testing.T, o Options) tsdb.DB
	// Settle makes what was written visible; nil if it is at once.
	Settle func(t *testing.T)
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if h.Settle == nil {
		h.Settle = func(*testing.T) {}
	}
	for name, test := range map[string]func(*testing.T, *bench){
		"reads back what was written":     testReadBack,
		"same sample twice":               testTwice,
		"second value for a time":         testSecondValue,
		"back-fill out of order":          testBackFill,
		"refuses by index":                testRefusals,
		"bounded series":                  testMaxSeries,
		"range is half open":              testRange,
		"mean per step":                   testStep,
		"other values per step":           testAggregates,
		"steps of hours and days":         testLongSteps,
		"selects by labels":               testLabels,
		"limits series":                   testLimit,
		"label values in any script":      testValues,
		"refuses a selector":              testSelector,
		"many writers":                    testConcurrent,
		"an ended context is an error":    testContext,
		"a closed database is an error":   testClosed,
		"an unknown metric has no series": testUnknown,
		"a long series":                   testLong,
	} {
		t.Run(name, func(t *testing.T) { test(t, newBench(t, h, Options{})) })
	}
}

// bench is one test's database, metric and clock.
type bench struct {
	Harness
	db     tsdb.DB
	metric string
	base   time.Time // a whole hour, three hours ago
}

var metrics atomic.Int64

func newBench(t *testing.T, h Harness, o Options) *bench {
	return &bench{
		Harness: h,
		db:      h.Open(t, o),
		metric:  fmt.Sprintf("suite_x%x_n%d", time.Now().UnixNano(), metrics.Add(1)),
		base:    time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour),
	}
}

func (b *bench) sample(after time.Duration, value float64, labels ...string) tsdb.Sample {
	s := tsdb.Sample{Metric: b.metric, Labels: map[string]string{}, Value: value, At: b.base.Add(after)}
	for i := 0; i < len(labels); i += 2 {
		s.Labels[labels[i]] = labels[i+1]
	}
	return s
}

func (b *bench) write(t *testing.T, samples ...tsdb.Sample) {
	t.Helper()
	if err := b.db.Write(t.Context(), samples); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// all selects everything that the test can have written.
func (b *bench) all() tsdb.Selector {
	return tsdb.Selector{Metric: b.metric, From: b.base.Add(-8 * 24 * time.Hour), To: b.base.Add(5 * time.Hour)}
}

func (b *bench) query(t *testing.T, s tsdb.Selector) []tsdb.Series {
	t.Helper()
	b.Settle(t)
	got, err := b.db.Query(t.Context(), s)
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	return got
}

// expect compares an answer with the points of each series, in order.
func (b *bench) expect(t *testing.T, got []tsdb.Series, want ...tsdb.Series) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d series, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].Metric != b.metric || !maps.Equal(got[i].Labels, want[i].Labels) {
			t.Errorf("series %d is %s%v, want %s%v", i, got[i].Metric, got[i].Labels, b.metric, want[i].Labels)
		}
		if !samePoints(got[i].Points, want[i].Points) {
			t.Errorf("series %d holds %v, want %v", i, got[i].Points, want[i].Points)
		}
	}
}

func samePoints(got, want []tsdb.Point) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !got[i].At.Equal(want[i].At) || got[i].Value != want[i].Value {
			return false
		}
	}
	return true
}

// series is what a query should answer for samples of one label set.
func series(samples ...tsdb.Sample) tsdb.Series {
	out := tsdb.Series{Metric: samples[0].Metric, Labels: samples[0].Labels}
	for _, s := range samples {
		out.Points = append(out.Points, tsdb.Point{At: s.At.Truncate(time.Millisecond), Value: s.Value})
	}
	return out
}

func testReadBack(t *testing.T, b *bench) {
	var cold, warm []tsdb.Sample
	for i, v := range []float64{0, -40, 21.5, 0.1, 3.14159265358, -0.000125} {
		after := time.Duration(i)*time.Minute + 1234567*time.Nanosecond
		cold = append(cold, b.sample(after, v, "edge", "e1", "device", "t-1", "unit", "Cel"))
		warm = append(warm, b.sample(after, v+1, "edge", "e1", "device", "t-2", "unit", "Cel"))
	}
	bare := b.sample(0, 1e9)
	b.write(t, append(append(append([]tsdb.Sample{}, warm...), cold...), bare)...)
	b.expect(t, b.query(t, b.all()), series(bare), series(cold...), series(warm...))
}

func testTwice(t *testing.T, b *bench) {
	first, second, third := b.sample(0, 1, "a", "x"), b.sample(time.Minute, 2, "a", "x"), b.sample(2*time.Minute, 3, "a", "x")
	b.write(t, first, second, third)
	b.write(t, first, second, third, third)
	b.write(t, second)
	b.expect(t, b.query(t, b.all()), series(first, second, third))
}

// testSecondValue holds what all implementations share: one value is left, and it is one of the two.
func testSecondValue(t *testing.T, b *bench) {
	for _, after := range []time.Duration{0, time.Minute} {
		b.write(t, b.sample(after, 1))
	}
	for _, after := range []time.Duration{0, time.Minute} {
		var refused tsdb.Rejection
		if err := b.db.Write(t.Context(), []tsdb.Sample{b.sample(after, 2)}); err != nil && !errors.As(err, &refused) {
			t.Fatalf("write a second value: %v", err)
		}
	}
	got := b.query(t, b.all())
	if len(got) != 1 || len(got[0].Points) != 2 {
		t.Fatalf("got %v, want one series of two points", got)
	}
	for _, p := range got[0].Points {
		if p.Value != 1 && p.Value != 2 {
			t.Errorf("value is %v, want 1 or 2", p.Value)
		}
	}
}

func testBackFill(t *testing.T, b *bench) {
	var want []tsdb.Sample
	for i := range 12 {
		want = append(want, b.sample(time.Duration(i-11)*12*time.Hour, float64(i), "edge", "was-offline"))
	}
	for i := range want {
		b.write(t, want[len(want)-1-i])
	}
	b.expect(t, b.query(t, b.all()), series(want...))
}

func testRefusals(t *testing.T, b *bench) {
	named := func(s tsdb.Sample, metric string) tsdb.Sample { s.Metric = metric; return s }
	timeless := b.sample(0, 1)
	timeless.At = time.Time{}
	bad := []tsdb.Sample{
		b.sample(0, math.NaN()),
		b.sample(0, math.Inf(1)),
		b.sample(0, math.Inf(-1)),
		named(b.sample(0, 1), ""),
		named(b.sample(0, 1), "oneword"),
		named(b.sample(0, 1), "has space_x"),
		b.sample(0, 1, "bad-name", "x"),
		b.sample(0, 1, "__name__", "x"),
		b.sample(0, 1, "db", "x"),
		b.sample(0, 1, "empty", ""),
		b.sample(0, 1, "line", "a\nb"),
		b.sample(0, 1, "latin", "\xff"),
		timeless,
		b.sample(-61*24*time.Hour, 1),
		b.sample(7*time.Hour, 1), // base is up to four hours ago
	}
	var mixed, good []tsdb.Sample
	for i, s := range bad {
		good = append(good, b.sample(time.Duration(i)*time.Second, float64(i), "fine", "yes"))
		mixed = append(mixed, s, good[i])
	}
	err := b.db.Write(t.Context(), mixed)
	var refused tsdb.Rejection
	if !errors.As(err, &refused) {
		t.Fatalf("write: %v, want a rejection", err)
	}
	for i := range mixed {
		if why, was := refused[i]; was != (i%2 == 0) {
			t.Errorf("sample %d: refused %v (%s)", i, was, why)
		}
	}
	b.expect(t, b.query(t, b.all()), series(good...))
}

func testMaxSeries(t *testing.T, b *bench) {
	small := newBench(t, b.Harness, Options{MaxSeries: 3})
	var all []tsdb.Sample
	for i := range 5 {
		all = append(all, small.sample(0, float64(i), "n", fmt.Sprint(i)))
	}
	var refused tsdb.Rejection
	if err := small.db.Write(t.Context(), all); !errors.As(err, &refused) {
		t.Fatalf("write of five series: %v, want a rejection", err)
	}
	if len(refused) != 2 || refused[3] == "" || refused[4] == "" {
		t.Errorf("refused %v, want the samples 3 and 4", refused)
	}
	small.write(t, small.sample(time.Minute, 9, "n", "1"))
	if got := small.query(t, small.all()); len(got) != 3 || len(got[1].Points) != 2 {
		t.Errorf("got %v, want three series, the second with two points", got)
	}
}

func testRange(t *testing.T, b *bench) {
	in := []tsdb.Sample{b.sample(0, 1), b.sample(999*time.Millisecond, 2)}
	b.write(t, b.sample(-time.Millisecond, 0), in[0], in[1], b.sample(time.Second, 3))
	got := b.query(t, tsdb.Selector{Metric: b.metric, From: b.base, To: b.base.Add(time.Second)})
	b.expect(t, got, series(in...))
}

func testLabels(t *testing.T, b *bench) {
	one := b.sample(0, 1, "edge", "a", "device", "d1")
	two := b.sample(0, 2, "edge", "a", "device", "d2")
	three := b.sample(0, 3, "edge", "b", "device", "d1")
	bare := b.sample(0, 4, "edge", "a")
	b.write(t, one, two, three, bare)
	pick := func(labels map[string]string) []tsdb.Series {
		s := b.all()
		s.Labels = labels
		return b.query(t, s)
	}
	b.expect(t, pick(map[string]string{"edge": "b"}), series(three))
	b.expect(t, pick(map[string]string{"device": "d1"}), series(one), series(three))
	b.expect(t, pick(map[string]string{"edge": "a", "device": "d2"}), series(two))
	b.expect(t, pick(map[string]string{"edge": "a"}), series(one), series(two), series(bare))
	b.expect(t, pick(map[string]string{"edge": "c"}))
}

func testLimit(t *testing.T, b *bench) {
	var all []tsdb.Sample
	for i := range 5 {
		all = append(all, b.sample(0, float64(i), "n", fmt.Sprint(i)))
	}
	b.write(t, all...)
	s := b.all()
	s.Limit = 2
	b.expect(t, b.query(t, s), series(all[0]), series(all[1]))
}

func testValues(t *testing.T, b *bench) {
	var want []tsdb.Series
	for _, v := range []string{
		`"quoted" 'and' not`, "${1+1}", "/edges/e1/cameras/c1", "a,b=c d", "一号楼 3 层", "温度传感器", "🚒", " padded ", "#no comment", "%41", "{}[]~=|",
	} {
		s := b.sample(0, float64(len(v)), "place", v)
		b.write(t, s)
		want = append(want, series(s))
	}
	b.Settle(t)
	for _, w := range want {
		s := b.all()
		s.Labels = w.Labels
		got, err := b.db.Query(t.Context(), s)
		if err != nil {
			t.Fatalf("query %v: %v", w.Labels, err)
		}
		b.expect(t, got, w)
	}
}

func testSelector(t *testing.T, b *bench) {
	for name, change := range map[string]func(*tsdb.Selector){
		"no metric":      func(s *tsdb.Selector) { s.Metric = "" },
		"injection":      func(s *tsdb.Selector) { s.Metric = `x_y"} or {a="` },
		"bad label":      func(s *tsdb.Selector) { s.Labels = map[string]string{`a"`: "x"} },
		"empty range":    func(s *tsdb.Selector) { s.To = s.From },
		"backward range": func(s *tsdb.Selector) { s.To = s.From.Add(-1) },
		"negative step":  func(s *tsdb.Selector) { s.Step = -time.Second },
		"fine step":      func(s *tsdb.Selector) { s.Step = time.Microsecond },
		"odd aggregate":  func(s *tsdb.Selector) { s.Step, s.Aggregate = time.Second, "sum" },
		"no step":        func(s *tsdb.Selector) { s.Aggregate = tsdb.Max },
	} {
		s := b.all()
		change(&s)
		if _, err := b.db.Query(t.Context(), s); !errors.Is(err, tsdb.ErrSelector) {
			t.Errorf("%s: %v, want ErrSelector", name, err)
		}
	}
}

func testConcurrent(t *testing.T, b *bench) {
	const writers, batches = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range batches {
				s := b.sample(time.Duration(i)*time.Second, float64(i), "writer", fmt.Sprint(w))
				if err := b.db.Write(t.Context(), []tsdb.Sample{s}); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
	got := b.query(t, b.all())
	if len(got) != writers {
		t.Fatalf("got %d series, want %d", len(got), writers)
	}
	for _, s := range got {
		if len(s.Points) != batches {
			t.Errorf("%v has %d points, want %d", s.Labels, len(s.Points), batches)
		}
	}
}

func testContext(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var refused tsdb.Rejection
	if err := b.db.Write(ctx, []tsdb.Sample{b.sample(0, 1)}); err == nil || errors.As(err, &refused) {
		t.Errorf("write: %v, want an error that is not a rejection", err)
	}
	if _, err := b.db.Query(ctx, b.all()); err == nil {
		t.Error("query: no error")
	}
}

func testClosed(t *testing.T, b *bench) {
	if err := b.db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := b.db.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := b.db.Write(t.Context(), []tsdb.Sample{b.sample(0, 1)}); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("write: %v, want ErrClosed", err)
	}
	if _, err := b.db.Query(t.Context(), b.all()); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("query: %v, want ErrClosed", err)
	}
}

func testUnknown(t *testing.T, b *bench) {
	b.expect(t, b.query(t, b.all()))
	b.write(t) // an empty write is no error
}

// testLong is longer than the pieces in which servers take and give a series.
func testLong(t *testing.T, b *bench) {
	const points = 12_000
	b.base = b.base.Add(-6 * time.Hour)
	all := make([]tsdb.Sample, points)
	for i := range all {
		all[i] = b.sample(time.Duration(i)*time.Second, float64(i%100), "edge", "long")
	}
	b.write(t, all...)
	b.expect(t, b.query(t, b.all()), series(all...))
	s := b.all()
	s.Step = 100 * time.Second
	got := b.query(t, s)
	if len(got) != 1 || len(got[0].Points) != points/100 || got[0].Points[7].Value != 49.5 {
		t.Errorf("means of a long series: %d series", len(got))
	}
}
