package sensors

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestByFilterIsMatchFilter compares the tree with trying each filter, while filters come and go.
func TestByFilterIsMatchFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	path := func(names ...string) string {
		levels := make([]string, 1+r.IntN(4))
		for i := range levels {
			levels[i] = names[r.IntN(len(names))]
		}
		return strings.Join(levels, "/")
	}
	var tree ByFilter[[]string]
	kept := map[string]bool{}
	for range 4000 {
		filter := path("a", "b", "", "$s", "+")
		if r.IntN(4) == 0 {
			filter = strings.TrimPrefix(filter+"/#", "/")
		}
		if err := CheckFilter(filter); filter != "" && err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		if r.IntN(2) == 0 {
			tree.Remove(filter)
			delete(kept, filter)
		} else {
			at := tree.At(filter)
			*at = []string{filter}
			kept[filter] = true
		}
		topic := path("a", "b", "", "$s")
		var got, want []string
		for found := range tree.Match(topic) {
			got = append(got, found...)
		}
		for f := range kept {
			if MatchFilter(f, topic) {
				want = append(want, f)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q of %q: %q, want %q", topic, slices.Sorted(maps.Keys(kept)), got, want)
		}
		if tree.Empty() != (len(kept) == 0) {
			t.Fatalf("empty: %v with %d filters", tree.Empty(), len(kept))
		}
	}
	for f := range kept {
		tree.Remove(f)
	}
	if !tree.Empty() {
		t.Errorf("something is left: %+v", tree)
	}
}

func TestByFilterStopsWhenToldTo(t *testing.T) {
	var tree ByFilter[int]
	for i, f := range []string{"#", "a/#", "a/b", "a/+", "+/b", "+/+"} {
		*tree.At(f) = i + 1
	}
	for most := 1; most <= 6; most++ {
		seen := 0
		for range tree.Match("a/b") {
			if seen++; seen == most {
				break
			}
		}
		if seen != most {
			t.Errorf("%d of %d", seen, most)
		}
	}
}
