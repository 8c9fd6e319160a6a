package watch

import (
	"slices"
	"strings"
	"time"
)

// silence is an edge that is not heard of.
type silence struct {
	edge  string
	since time.Time // its last sync
	over  time.Duration
}

// view is what one look saw.
type view struct {
	expected map[string]bool
	last     map[string]time.Time
	heard    int       // awaited edges that synced at least once
	never    int       // awaited edges that never did
	unheard  int       // of those, for longer than they may be, whoever watched
	silent   []silence // by name: of those, in the time in which somebody watched
}

// judge says which awaited edges are silent: those of whom nothing was heard for longer than `after`, in the time in which somebody watched.
func judge(expected map[string]bool, last map[string]time.Time, after func(string) time.Duration, from, now time.Time) view {
	v := view{expected: expected, last: last}
	for edge := range expected {
		if edge == Everybody {
			continue
		}
		at, ever := last[edge]
		if !ever {
			v.never++
			continue
		}
		v.heard++
		if now.Sub(at) >= after(edge) {
			v.unheard++
		}
		counted := at
		if from.After(counted) {
			counted = from
		}
		if over := now.Sub(counted) - after(edge); over >= 0 {
			v.silent = append(v.silent, silence{edge: edge, since: at, over: over})
		}
	}
	slices.SortFunc(v.silent, func(a, b silence) int { return strings.Compare(a.edge, b.edge) })
	return v
}

// widespread says whether so many edges are silent that it is the network.
func (v view) widespread() bool { return float64(len(v.silent)) >= v.bar() }

// stillWidespread says whether what was widespread goes on: only edges that are heard of end it, not that nobody watched for a while.
func (v view) stillWidespread() bool { return float64(v.unheard) >= v.bar()/2 }

func (v view) bar() float64 { return max(float64(least), share*float64(v.heard)) }

// ripe are those that are silent long enough for a situation of their own.
func (v view) ripe() []silence {
	return slices.DeleteFunc(slices.Clone(v.silent), func(s silence) bool { return s.over < Settle })
}

// place is the code of the smallest area that holds all of some grids: 20, 15 or 12 digits; where no such area does, the community that
// holds most of them. Empty for no grids.
func place(grids []string) string {
	best, most := "", 0
	for _, digits := range []int{20, 15, 12} {
		count := map[string]int{}
		for _, g := range grids {
			if len(g) >= digits {
				count[g[:digits]]++
			}
		}
		best, most = "", 0
		for code, n := range count {
			if n > most || n == most && code < best {
				best, most = code, n
			}
		}
		if most > 0 && most == len(grids) {
			return best
		}
	}
	return best
}
