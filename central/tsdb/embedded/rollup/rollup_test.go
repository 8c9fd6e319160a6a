package rollup

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"gridgate/central/tsdb"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// row is a day of a device with one hour of n points.
func row(device string, day, hour int64, n uint32) Row {
	r := Row{Metric: "a_b", Day: Day{Series: tsdb.SeriesID("a_b", map[string]string{"device": device, "unit": "Cel"}), Ms: day * DayMs}}
	r.Hours[hour] = tsdb.Bucket{Sum: 3 * float64(n), Min: 1, Max: 5, Last: 2, Count: n}
	return r
}

func put(t *testing.T, s *Store, sealed int64, rows ...Row) {
	t.Helper()
	if err := s.Put(t.Context(), rows, nil, sealed); err != nil {
		t.Fatal(err)
	}
}

// counts reads "device@hour:count" of everything.
func counts(t *testing.T, s *Store, labels map[string]string) string {
	t.Helper()
	sel := tsdb.Selector{Metric: "a_b", Labels: labels, Step: time.Hour, Aggregate: tsdb.Count}
	c := tsdb.NewCollector(sel)
	if err := s.Collect(t.Context(), sel, 0, 100*DayMs, c); err != nil {
		t.Fatal(err)
	}
	all, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, one := range all {
		for _, p := range one.Points {
			out = append(out, fmt.Sprintf("%s@%d:%v", one.Labels["device"], p.At.UnixMilli()/HourMs, p.Value))
		}
	}
	return fmt.Sprint(out)
}

func TestHoursAreReplacedAndKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, 0, row("x", 1, 0, 7), row("y", 1, 23, 1))
	put(t, s, 5*HourMs, row("x", 1, 1, 2), row("x", 2, 0, 4))
	put(t, s, 0, row("x", 1, 0, 8))
	const want = "[x@24:8 x@25:2 x@48:4 y@47:1]"
	if got := counts(t, s, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := counts(t, s, map[string]string{"device": "y", "unit": "Cel"}); got != "[y@47:1]" {
		t.Errorf("selected by labels: %s", got)
	}
	for _, none := range []map[string]string{{"device": "el"}, {"unit": "Ce"}, {"x": "y"}} {
		if got := counts(t, s, none); got != "[]" {
			t.Errorf("%v: %s", none, got)
		}
	}
	again := open(t, dir)
	if sealed, ok, err := again.Sealed(t.Context()); sealed != 5*HourMs || !ok || err != nil {
		t.Errorf("sealed %d, %v, %v", sealed, ok, err)
	}
	if got := counts(t, again, nil); got != want {
		t.Errorf("opened again: %s", got)
	}
}

// A day that is marked once more while it is made keeps the newer mark.
func TestAMarkThatCameMeanwhileStays(t *testing.T) {
	s := open(t, t.TempDir())
	days := []Day{{"b", 0}, {"a", DayMs}, {"a", 0}}
	if err := s.Keep(t.Context(), nil, 0, days); err != nil {
		t.Fatal(err)
	}
	marks, err := s.Marks(t.Context(), 10)
	if err != nil || len(marks) != 3 || marks[0].Day != days[2] || marks[2].Day != days[0] {
		t.Fatalf("marks %v, %v", marks, err)
	}
	if err := s.Keep(t.Context(), nil, 0, days[:1]); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), nil, marks, 0); err != nil {
		t.Fatal(err)
	}
	left, err := s.Marks(t.Context(), 10)
	if err != nil || len(left) != 1 || left[0].Day != days[0] {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestPruneForgetsDaysAndSeries(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, 0, row("x", 1, 0, 1), row("x", 2, 0, 2), row("x", 3, 0, 3), row("y", 1, 0, 1))
	rounds := 0
	for more := true; more; rounds++ {
		var err error
		if more, err = s.Prune(t.Context(), 3*DayMs, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := counts(t, s, nil); got != "[x@72:3]" || rounds != 4 {
		t.Errorf("after %d rounds: %s", rounds, got)
	}
	found, err := s.selected(t.Context(), tsdb.Selector{Metric: "a_b"})
	if err != nil || len(found) != 1 {
		t.Errorf("series left: %v, %v", found, err)
	}
}

func TestDayAndHourOfATime(t *testing.T) {
	for ms, want := range map[int64][2]int64{0: {0, 0}, DayMs + HourMs + 1: {DayMs, DayMs + HourMs}, -1: {-DayMs, -HourMs}} {
		if got := [2]int64{DayOf(ms), HourOf(ms)}; got != want {
			t.Errorf("%d: %v, want %v", ms, got, want)
		}
	}
}

func TestTheJournalKeepsUntilABlockHasThem(t *testing.T) {
	s := open(t, t.TempDir())
	late := func(device string, ms int64) tsdb.Admitted {
		in := tsdb.Sample{Metric: "a_b", Labels: map[string]string{"device": device}, Value: float64(ms), At: time.UnixMilli(ms).UTC()}
		return tsdb.Admitted{Sample: in, Series: tsdb.SeriesID(in.Metric, in.Labels), Ms: ms}
	}
	writes := [][]tsdb.Admitted{{late("x", 1), late("x", 2), late("y", 1), late("x", 3)}, {late("z", -5)}}
	for i, w := range writes {
		if err := s.Keep(t.Context(), w, i, nil); err != nil {
			t.Fatal(err)
		}
	}
	for first, want := range []string{"x1 x2 y1 x3 z-5 ", "z-5 ", ""} {
		if err := s.Forget(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		got := ""
		err := s.Kept(t.Context(), func(samples []tsdb.Sample) error {
			for _, in := range samples {
				got += fmt.Sprintf("%s%v ", in.Labels["device"], in.Value)
			}
			return nil
		})
		if err != nil || got != want {
			t.Errorf("from segment %d on: %q, %v, want %q", first, got, err, want)
		}
	}
}

func FuzzDecodeSamples(f *testing.F) {
	f.Add(encodeSamples([]tsdb.Admitted{{Series: "a_b", Ms: 5}, {Series: "a_b", Ms: 6}}))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := decodeSamples(in)
		if err == nil && len(out) > len(in)/sampleBytes {
			t.Errorf("%d samples of %d bytes", len(out), len(in))
		}
	})
}

func FuzzDecode(f *testing.F) {
	r := row("x", 0, 3, 9)
	f.Add(r.Hours.encode())
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := decode(in)
		if err != nil {
			return
		}
		again, err := decode(h.encode())
		if err != nil || len(in) > maxBlob {
			t.Fatalf("%v: %d bytes", err, len(in))
		}
		for i := range h {
			if h[i].Count != 0 && again[i].Count != h[i].Count {
				t.Errorf("hour %d differs", i)
			}
		}
	})
}

func TestEncodeKeepsEveryHour(t *testing.T) {
	var h Hours
	for i := range h {
		h[i] = tsdb.Bucket{Sum: float64(i), Min: -1, Max: 1e9, Last: 0.1, Count: uint32(i + 1)}
	}
	blob := h.encode()
	got, err := decode(blob)
	if err != nil || !reflect.DeepEqual(got, h) || len(blob) != maxBlob {
		t.Errorf("%d bytes, %v: %v", len(blob), err, got)
	}
	for _, cut := range []int{0, 2, 5, len(blob) - 1} {
		if _, err := decode(slices.Clone(blob[:cut])); err == nil {
			t.Errorf("%d bytes are taken for a row", cut)
		}
	}
}
