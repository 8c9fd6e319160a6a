package store

import (
	"slices"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Bounds of what is kept about the sequences of an edge.
const (
	MaxRuns   = 256  // runs of numbers in each list of a [Tally]
	MaxEpochs = 16   // epochs of one edge
	MaxGaps   = 1000 // tallies that [Store.Gaps] returns
)

// Delivery is what the headers of one batch said, see [ingest.SequenceHeader]. All its alerts count as come: they were answered,
// refused ones too.
type Delivery struct {
	Edge     string
	Lane     alert.Lane
	Epoch    string
	Sequence ingest.Ranges // of the batch
	Lowest   int64         // that waits for a receipt; 0: not told
	Shed     ingest.Ranges
}

// Tally is what central knows of the sequence numbers of one lane of one outbox epoch. Every number below Lowest has come, was
// shed or is missing.
type Tally struct {
	Edge  string
	Lane  alert.Lane
	Epoch string

	Lowest  int64         // at least 1
	Above   ingest.Ranges // numbers from Lowest on that came or were shed
	Missing ingest.Ranges // numbers below Lowest that did neither, at most [MaxRuns] runs: the newest
	Lost    int64         // missing ones that are older than those: they are counted, and can no longer be closed
	Came    int64         // different numbers that came
	Shed    int64         // different numbers that were shed and had not come
	At      time.Time     // of the last delivery, central's clock
}

// Same says whether d belongs to a.
func (a Tally) Same(d Delivery) bool {
	return a.Edge == d.Edge && a.Lane == d.Lane && a.Epoch == d.Epoch
}

// Gap is how many numbers are missing.
func (a Tally) Gap() int64 { return a.Missing.Count() + a.Lost }

// Take returns a with d booked; the same delivery again changes nothing but At. A number that comes late closes its gap. What it
// keeps is bounded by [MaxRuns]: if more runs than that stand above Lowest, Lowest moves up, and what has not come counts as
// missing until it does. It does not change what a refers to.
func (a Tally) Take(d Delivery, now time.Time) Tally {
	a.Lowest, a.At = max(a.Lowest, 1), now
	a.Came += a.add(d.Sequence)
	a.Shed += a.add(d.Shed)
	a.advance(d.Lowest)
	if n := len(a.Above) - MaxRuns; n > 0 {
		a.advance(a.Above[n].First)
	}
	if n := len(a.Missing) - MaxRuns; n > 0 {
		a.Lost += a.Missing[:n].Count()
		a.Missing = slices.Clone(a.Missing[n:])
	}
	return a
}

// add books numbers as accounted for and says how many of them were not.
func (a *Tally) add(numbers ingest.Ranges) (fresh int64) {
	below, above := split(numbers, a.Lowest)
	missing, had := a.Missing.Count(), a.Above.Count()
	if len(below) > 0 && len(a.Missing) > 0 {
		a.Missing = subtract(a.Missing, below)
	}
	if len(above) > 0 {
		a.Above = a.Above.Add(above...)
	}
	return missing - a.Missing.Count() + a.Above.Count() - had
}

// advance makes lowest the boundary: what has not come below it is missing.
func (a *Tally) advance(lowest int64) {
	if lowest <= a.Lowest {
		return
	}
	below, above := split(a.Above, lowest)
	gap := subtract(ingest.Ranges{{First: a.Lowest, Last: lowest - 1}}, below)
	if len(gap) > 0 {
		a.Missing = a.Missing.Add(gap...)
	}
	a.Lowest, a.Above = lowest, above
}

// split cuts r at a number: below has those before it, above it and those after.
func split(r ingest.Ranges, at int64) (below, above ingest.Ranges) {
	for _, one := range r {
		switch {
		case one.Last < at:
			below = append(below, one)
		case one.First >= at:
			above = append(above, one)
		default:
			below = append(below, ingest.Range{First: one.First, Last: at - 1})
			above = append(above, ingest.Range{First: at, Last: one.Last})
		}
	}
	return below, above
}

// subtract returns the numbers of a that are not in b.
func subtract(a, b ingest.Ranges) ingest.Ranges {
	var out ingest.Ranges
	for _, one := range a {
		for len(b) > 0 && b[0].Last < one.First {
			b = b[1:]
		}
		rest := one
		for _, cut := range b {
			if cut.First > rest.Last {
				break
			}
			if cut.First > rest.First {
				out = append(out, ingest.Range{First: rest.First, Last: cut.First - 1})
			}
			rest.First = cut.Last + 1
		}
		if rest.First <= rest.Last {
			out = append(out, rest)
		}
	}
	return out
}
