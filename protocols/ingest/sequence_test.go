package ingest

import (
	"reflect"
	"strings"
	"testing"
)

func TestRanges(t *testing.T) {
	for text, want := range map[string]Ranges{"": nil, "3": {{3, 3}}, "1-5,7,9-12": {{1, 5}, {7, 7}, {9, 12}}} {
		got, err := ParseRanges(text)
		if err != nil || !reflect.DeepEqual(got, want) || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "2-1", "1,2", "3,1", "1-", "a", "1,,3", "1-5,4-9", "9223372036854775808", "9223372036854775807,1", " 1"} {
		if got, err := ParseRanges(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
	if _, err := ParseRanges(strings.TrimSuffix(strings.Repeat("1,", MaxRanges+1), ",")); err == nil {
		t.Error("too many ranges were read")
	}
}

func TestRangesAdd(t *testing.T) {
	r := Ranges{{1, 3}, {7, 9}}
	got := r.Add(Range{20, 30}, Range{4, 4}, Range{8, 12})
	if want := (Ranges{{1, 4}, {7, 12}, {20, 30}}); !reflect.DeepEqual(got, want) || got.Count() != 21 {
		t.Errorf("%v holds %d", got, got.Count())
	}
	if !reflect.DeepEqual(r, Ranges{{1, 3}, {7, 9}}) {
		t.Errorf("Add changed its receiver: %v", r)
	}
}

func FuzzParseRanges(f *testing.F) {
	for _, s := range []string{"", "1", "1-5,7", "5-1", "1,1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRanges(text)
		if err != nil {
			return
		}
		again, err := ParseRanges(r.String())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q came back as %v, %v", text, again, err)
		}
	})
}
