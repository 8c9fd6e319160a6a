package rule

import (
	"slices"
	"time"
)

// Bounds of a trail.
const (
	trailSlots   = 16 // of the window; of several numbers within one, the last is kept
	trailEnough  = 5  // of them must be filled: with fewer, one wrong number is a large part
	trailSamples = trailSlots + 2
)

// trail is the last numbers of one quantity, for its rate of change: a bounded ring of the last of each slot of time.
//
// The rate is the median of the slopes between all pairs (Theil and Sen), so that up to a quarter of the numbers may be wrong. What is
// late or told twice is not taken, and what came in a heap after an outage without times of its own falls into one slot.
type trail struct {
	over time.Duration
	n    int
	at   [trailSamples]time.Time
	v    [trailSamples]float64
}

// add takes a number that is newer than all before it.
func (t *trail) add(at time.Time, v float64) {
	if t.n > 0 && t.slot(at) == t.slot(t.at[t.n-1]) {
		t.at[t.n-1], t.v[t.n-1] = at, v
		return
	}
	if t.n == trailSamples {
		copy(t.at[:], t.at[1:])
		copy(t.v[:], t.v[1:])
		t.n--
	}
	t.at[t.n], t.v[t.n] = at, v
	t.n++
}

func (t *trail) slot(at time.Time) int64 { return at.UnixNano() / int64(t.over/trailSlots) }

// rate is the change in a second over the window that ends with the last number. sure: there were enough numbers. Without
// them it is the slope since the last number before the window, which can show that nothing goes on any more, and no more.
// Where no two numbers make a slope as steep as calm, it is that from the first to the last, which is none either.
func (t *trail) rate(calm float64) (perSecond float64, sure, known bool) {
	if t.n < 2 {
		return 0, false, false
	}
	last := t.at[t.n-1]
	from := 0
	for last.Sub(t.at[from]) > t.over {
		from++
	}
	if t.n-from >= trailEnough && last.Sub(t.at[from]) >= t.over/2 {
		if t.flat(from, calm) {
			return t.slope(from, t.n-1), true, true
		}
		return t.median(from), true, true
	}
	if from == 0 {
		return 0, false, false
	}
	return t.slope(from-1, t.n-1), false, true
}

// flat says whether all slopes are less steep than calm: the numbers lie closer together than the shortest pause makes of it.
func (t *trail) flat(from int, calm float64) bool {
	low, high, gap := t.v[from], t.v[from], t.over
	for i := from + 1; i < t.n; i++ {
		low, high, gap = min(low, t.v[i]), max(high, t.v[i]), min(gap, t.at[i].Sub(t.at[i-1]))
	}
	return high-low < calm*gap.Seconds()
}

func (t *trail) slope(i, k int) float64 { return (t.v[k] - t.v[i]) / t.at[k].Sub(t.at[i]).Seconds() }

func (t *trail) median(from int) float64 {
	var all [trailSamples * (trailSamples - 1) / 2]float64
	slopes := all[:0]
	for i := from; i < t.n; i++ {
		for k := i + 1; k < t.n; k++ {
			slopes = append(slopes, t.slope(i, k))
		}
	}
	slices.Sort(slopes)
	middle := len(slopes) / 2
	if len(slopes)%2 == 1 {
		return slopes[middle]
	}
	return (slopes[middle-1] + slopes[middle]) / 2
}
