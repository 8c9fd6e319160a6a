package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Headers of a batch by which central tells a gap from an overtaking. Sequence numbers grow in one lane of one outbox epoch, from 1.
// Every number below [LowestHeader] was answered for or is in [ShedHeader]; what is neither, and never came, is missing.
const (
	SequenceHeader = "Gridgate-Sequence" // numbers of the batch's alerts, as [Ranges]
	LowestHeader   = "Gridgate-Lowest"   // the lowest number that waits for a receipt, those of this batch among them
	ShedHeader     = "Gridgate-Shed"     // numbers that the edge gave up for want of room or coalesced with a later one, as [Ranges]
)

// MaxRanges bounds a [Ranges] on the wire.
const MaxRanges = 256

// Range is a run of sequence numbers, both ends included.
type Range struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// Ranges are disjoint runs in ascending order that do not touch each other. Their text is "1-5,7,9-12"; that of none is empty.
type Ranges []Range

var errRanges = errors.New(`not ascending ranges of positive numbers, like "1-5,7"`)

// ParseRanges reads the text form, strictly.
func ParseRanges(text string) (Ranges, error) {
	if text == "" {
		return nil, nil
	}
	var out Ranges
	for part := range strings.SplitSeq(text, ",") {
		r, err := parseRange(part)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && r.First-1 <= out[len(out)-1].Last {
			return nil, errRanges
		}
		if out = append(out, r); len(out) > MaxRanges {
			return nil, fmt.Errorf("more than %d ranges", MaxRanges)
		}
	}
	return out, nil
}

func parseRange(text string) (Range, error) {
	first, last, two := strings.Cut(text, "-")
	if !two {
		last = first
	}
	a, errFirst := strconv.ParseUint(first, 10, 63)
	b, errLast := strconv.ParseUint(last, 10, 63)
	if errFirst != nil || errLast != nil || a < 1 || b < a {
		return Range{}, errRanges
	}
	return Range{First: int64(a), Last: int64(b)}, nil
}

func (r Ranges) String() string {
	var b strings.Builder
	for i, one := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(one.First, 10))
		if one.Last > one.First {
			b.WriteByte('-')
			b.WriteString(strconv.FormatInt(one.Last, 10))
		}
	}
	return b.String()
}

// Add returns the union of r with n runs in any order. It does not change r.
func (r Ranges) Add(runs ...Range) Ranges {
	all := append(append(make([]Range, 0, len(r)+len(runs)), r...), runs...)
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	var out Ranges
	for _, one := range all {
		if n := len(out); n > 0 && one.First-1 <= out[n-1].Last {
			out[n-1].Last = max(out[n-1].Last, one.Last)
			continue
		}
		out = append(out, one)
	}
	return out
}

// Count is how many numbers r holds.
func (r Ranges) Count() int64 {
	var n int64
	for _, one := range r {
		n += one.Last - one.First + 1
	}
	return n
}
