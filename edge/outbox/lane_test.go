package outbox

import (
	"strings"
	"testing"
	"time"

	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestPeekWants(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	now := start
	b := open(t, Options{Dir: t.TempDir(), Now: func() time.Time { return now }, Needs: func(a alert.Alert) int {
		if a.Kind == alert.Flood {
			return 2
		}
		return 1
	}})
	var all []alert.Alert
	for n, kind := range []alert.Kind{alert.Gas, alert.Flood, alert.Gas, alert.Gas, alert.Flood, alert.Gas, alert.Gas} {
		now = start.Add(time.Duration(n) * time.Minute)
		if n == 5 {
			now = start // a clock that was set back
		}
		all = append(all, raisetest.Alert(kind, n))
		put(t, b, all[n])
	}
	settle(t, b, ingest.Receipt{ID: all[2].ID, Outcome: ingest.Accepted})
	for _, c := range []struct {
		name string
		w    Want
		want []int
	}{
		{"nothing", Want{}, nil},
		{"all", Want{Limit: 10}, []int{0, 1, 3, 4, 5, 6}},
		{"the oldest", Want{Limit: 2}, []int{0, 1}},
		{"after", Want{Limit: 10, After: 4}, []int{4, 5, 6}},
		{"since", Want{Limit: 10, Since: start.Add(2 * time.Minute)}, []int{3, 4, 5, 6}},
		{"since a moment after", Want{Limit: 10, Since: start.Add(3*time.Minute + 1)}, []int{4, 5, 6}},
		{"since a time to come", Want{Limit: 10, Since: start.Add(time.Hour)}, nil},
		{"since long ago", Want{Limit: 1, Since: start.Add(-time.Hour)}, []int{0}},
		{"an older schema", Want{Limit: 3, Schema: 1}, []int{0, 3, 5}},
		{"all of it", Want{Limit: 10, Schema: 2, After: 2, Since: start.Add(4 * time.Minute)}, []int{4, 5, 6}},
	} {
		entries, err := b.Peek(t.Context(), alert.LifeSafety, c.w)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for i, e := range entries {
			got = append(got, e.ID)
			if i > 0 && e.At.Before(entries[i-1].At) {
				t.Errorf("%s: %v after %v", c.name, e.At, entries[i-1].At)
			}
			if (e.Schema == 2) != strings.Contains(string(e.Event), `"flood"`) {
				t.Errorf("%s: schema %d of %s", c.name, e.Schema, e.Event)
			}
		}
		for _, n := range c.want {
			want = append(want, all[n].ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
	for schema, want := range map[int]int64{1: 2, 2: 0} {
		if held, err := b.Held(t.Context(), alert.LifeSafety, schema); err != nil || held != want {
			t.Errorf("schema %d: %d held, want %d, %v", schema, held, want, err)
		}
	}
}

// TestLaneTellsWhatWasGivenUp: each sequence below the lowest was answered for or is in the ranges, after a crash, too.
func TestLaneTellsWhatWasGivenUp(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Covered, 1)))) + overhead
	dir := t.TempDir()
	b := open(t, Options{Dir: dir, MaxBytes: 4*one + 200, Reserve: 1})
	for n := range 4 {
		put(t, b, raisetest.Alert(alert.Covered, n))
	}
	view := func(b *Outbox) LaneView {
		t.Helper()
		v, err := b.Lane(t.Context(), alert.Bulk)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := view(b); v.Lowest != 1 || v.Next != 5 || v.Shed != nil {
		t.Errorf("nothing was shed: %+v", v)
	}
	for n := range 3 {
		put(t, b, raisetest.Alert(alert.Door, n))
	}
	for _, b := range []*Outbox{b, open(t, Options{Dir: copyOf(t, dir)})} {
		if v := view(b); v.Lowest != 4 || v.Next != 5 || v.Shed.String() != "1-3" {
			t.Errorf("%+v", v)
		}
		if s := stats(t, b).Lanes[2]; s.Shed != 3 || s.ShedRanges.String() != "1-3" {
			t.Errorf("%+v", s)
		}
	}
}

func TestRangesAreBounded(t *testing.T) {
	runs, err := ingest.ParseRanges("1-2,5,9-12,14,20-30,40")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{9: "1-2,5,9-12,14,20-30,40", 5: "1-2,5,9-14,20-30,40", 4: "1-5,9-14,20-30,40", 1: "1-40"} {
		if got := atMost(n, runs); got.String() != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if runs.String() != "1-2,5,9-12,14,20-30,40" {
		t.Errorf("the ranges given were changed: %s", runs)
	}
}
