package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
)

func TestRatioSaysHowManyTimesBetter(t *testing.T) {
	for _, c := range []struct {
		got   Result
		ratio float64
		holds bool
	}{
		{Rate("r", 200, "x/s", "p", 100, 2), 2, true},
		{Rate("r", 199, "x/s", "p", 100, 2), 1.99, false},
		{Cost("c", 10, "ms", "p", 40, 4), 4, true},
		{Cost("c", 10, "ms", "p", 39, 4), 3.9, false},
		{Rate("r", 1, "x/s", "p", 0, 1), 0, false},
		{Cost("c", 0, "ms", "p", 0, 1), 0, false},
		{Note("n", 5, "ms"), 0, true},
		{AtMost("m", 2, "MB", 3), 1.5, true},
		{AtMost("m", 4, "MB", 3), 0.75, false},
		{AtMost("m", 0, "frames", 0), 1, true},
		{AtMost("m", 1, "frames", 0), 0, false},
	} {
		if c.got.Ratio != c.ratio || c.got.Holds != c.holds {
			t.Errorf("%+v, want ratio %v, holds %v", c.got, c.ratio, c.holds)
		}
	}
}

func TestTable(t *testing.T) {
	got := Table([]Result{Note("a: probe", 0.125, "ms"), Rate("a: rate", 12345.6, "x/s", "peer", 100, 200)})
	for _, want := range []string{"a: probe  0.12", "12346", "123.46", "MISSED"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	for range 2 { // the second replaces the first
		if err := WriteJSON(path, []Result{Rate("a", 2, "x/s", "p", 1, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back []map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"name", "value", "unit", "peer", "peerValue", "ratio", "bar", "holds"} {
		if _, ok := back[0][field]; !ok {
			t.Errorf("no field %s in %s", field, text)
		}
	}
	if err := WriteJSON(path, []Result{{Name: "nan", Value: math.NaN()}}); err == nil {
		t.Error("a figure that is not a number was written")
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose(nil); err != nil || len(all) != len(groups) {
		t.Errorf("no argument: %v, %v", all, err)
	}
	if all, err := choose([]string{"NAME="}); err != nil || len(all) != len(groups) {
		t.Errorf("empty name: %v, %v", all, err)
	}
	if one, err := choose([]string{"NAME=tsdb"}); err != nil || len(one) != 1 || one[0].Name != "tsdb" {
		t.Errorf("one group: %v, %v", one, err)
	}
	if part, err := choose([]string{"NAME=video.quiet_sub"}); err != nil || len(part) != 1 || len(part[0].Parts) != 1 || part[0].Parts[0].Name != "quiet_sub" {
		t.Errorf("one part: %v, %v", part, err)
	}
	if _, err := choose([]string{"NAME=nothing"}); err == nil || !strings.Contains(err.Error(), "tsdb") {
		t.Errorf("an unknown group: %v", err)
	}
}

func TestPercentile(t *testing.T) {
	took := []time.Duration{3, 1, 2, 4}
	for p, want := range map[int]time.Duration{0: 1, 50: 3, 99: 4, 100: 4} {
		if got := percentile(took, p); got != want {
			t.Errorf("p%d: %v, want %v", p, got, want)
		}
	}
	if percentile(nil, 50) != 0 {
		t.Error("nothing has a percentile")
	}
}

// The workload is the issue's: one alert of a hundred was sent before, one of ten clears what its key raised last.
func TestTheWorkloadIsValid(t *testing.T) {
	w := newWorkload(1)
	var sent, cleared int
	open := map[string]bool{}
	ids := map[string]bool{}
	batches, err := w.batches(300, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, events := range batches {
		for _, e := range events {
			sent++
			if ids[e.id] {
				continue
			}
			ids[e.id] = true
			decoded, err := alert.DecodeEvent(e.body)
			if err != nil || decoded.Alert.ID != e.id {
				t.Fatal(decoded, err)
			}
			if a := decoded.Alert; a.State != alert.Cleared {
				open[a.ID] = true
			} else if cleared++; !open[a.Situation] {
				t.Fatalf("a clear of %s, which was not raised", a.Situation)
			}
		}
	}
	if share := 100 * float64(sent-len(ids)) / float64(sent); share < 0.8 || share > 1.2 {
		t.Errorf("%.2f %% of the alerts are repeated", share)
	}
	if share := 100 * float64(cleared) / float64(sent); share < 4 || share > 11 {
		t.Errorf("%.2f %% of the alerts are clears", share)
	}
}
