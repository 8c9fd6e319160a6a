package store

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"gridgate/protocols/ingest"
)

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

func ranges(t *testing.T, text string) ingest.Ranges {
	t.Helper()
	r, err := ingest.ParseRanges(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTally(t *testing.T) {
	type step struct {
		sequence string
		lowest   int64
		shed     string

		missing string
		above   string
		came    int64
		gone    int64 // shed
	}
	for name, steps := range map[string][]step{
		"in order":                {{sequence: "1-100", lowest: 1, above: "1-100", came: 100}, {sequence: "101-200", lowest: 101, above: "101-200", came: 200}},
		"an overtaking is no gap": {{sequence: "5", lowest: 1, above: "5", came: 1}, {sequence: "1-4", lowest: 1, above: "1-5", came: 5}, {sequence: "6", lowest: 6, above: "6", came: 6}},
		"shed is no gap":          {{sequence: "9", lowest: 9, shed: "1-8", above: "9", came: 1, gone: 8}, {sequence: "10", lowest: 10, shed: "1-8", above: "10", came: 2, gone: 8}},
		"a gap, closed late": {
			{sequence: "1-2", lowest: 1, above: "1-2", came: 2},
			{sequence: "6", lowest: 6, above: "6", missing: "3-5", came: 3},
			{sequence: "4", above: "6", missing: "3,5", came: 4},
			{shed: "3", sequence: "5", above: "6", came: 5, gone: 1},
		},
		"the first batch begins late":  {{sequence: "50-60", lowest: 50, above: "50-60", missing: "1-49", came: 11}},
		"the same batch twice":         {{sequence: "1-3", lowest: 1, above: "1-3", came: 3}, {sequence: "1-3", lowest: 1, above: "1-3", came: 3}},
		"lowest goes back":             {{sequence: "7", lowest: 7, shed: "1-6", above: "7", came: 1, gone: 6}, {sequence: "7", lowest: 3, above: "7", came: 1, gone: 6}},
		"shed, and came all the same":  {{sequence: "1", shed: "2", lowest: 1, above: "1-2", came: 1, gone: 1}, {sequence: "2-3", lowest: 2, above: "2-3", came: 2, gone: 1}},
		"without a lowest all is open": {{sequence: "4", above: "4", came: 1}},
	} {
		var a Tally
		for i, s := range steps {
			d := Delivery{Sequence: ranges(t, s.sequence), Lowest: s.lowest, Shed: ranges(t, s.shed)}
			a = a.Take(d, t0)
			if a.Missing.String() != s.missing || a.Above.String() != s.above || a.Came != s.came || a.Shed != s.gone || a.Gap() != a.Missing.Count() {
				t.Errorf("%s, step %d: missing %q, above %q, came %d, shed %d", name, i, a.Missing, a.Above, a.Came, a.Shed)
			}
		}
	}
}

// TestTallyAgreesWithASet compares with a plain set of numbers, over random deliveries in any order.
func TestTallyAgreesWithASet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a Tally
		known, lowest := map[int64]bool{}, int64(1)
		for range 30 {
			d := Delivery{Sequence: someRanges(random), Shed: someRanges(random), Lowest: int64(random.IntN(60))}
			before := reflect.DeepEqual(a, Tally{})
			a = a.Take(d, t0)
			for _, r := range append(append(ingest.Ranges{}, d.Sequence...), d.Shed...) {
				for n := r.First; n <= r.Last; n++ {
					known[n] = true
				}
			}
			if lowest = max(lowest, d.Lowest); a.Lowest != lowest || before && a.At.IsZero() {
				t.Fatalf("lowest %d, want %d", a.Lowest, lowest)
			}
			var gap int64
			for n := int64(1); n < lowest; n++ {
				if !known[n] {
					gap++
				}
			}
			if a.Gap() != gap || a.Came+a.Shed != int64(len(known)) {
				t.Fatalf("%d missing, want %d; came %d and shed %d of %d", a.Gap(), gap, a.Came, a.Shed, len(known))
			}
		}
	}
}

func someRanges(random *rand.Rand) ingest.Ranges {
	var runs []ingest.Range
	for range random.IntN(4) {
		first := 1 + int64(random.IntN(60))
		runs = append(runs, ingest.Range{First: first, Last: first + int64(random.IntN(5))})
	}
	return ingest.Ranges(nil).Add(runs...)
}

func TestTallyIsBounded(t *testing.T) {
	var a Tally
	for n := int64(2); n <= 6*MaxRuns; n += 2 { // every second number comes, and Lowest is never told
		a = a.Take(Delivery{Sequence: ingest.Ranges{{First: n, Last: n}}}, t0)
		if len(a.Above) > MaxRuns || len(a.Missing) > MaxRuns {
			t.Fatalf("%d runs above and %d missing", len(a.Above), len(a.Missing))
		}
	}
	if a.Lost == 0 || a.Gap() != a.Lowest/2 {
		t.Fatalf("%d missing below %d, %d of them lost", a.Gap(), a.Lowest, a.Lost)
	}
	before := a.Gap()
	a = a.Take(Delivery{Sequence: ingest.Ranges{a.Missing[0]}}, t0)
	if a.Gap() != before-1 {
		t.Fatalf("a late arrival closed nothing: %d missing, were %d", a.Gap(), before)
	}
}
