package rule

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCalmIsTheMedian: the short way out never says steep what is not, nor the other way round.
func TestCalmIsTheMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, at := trail{over: 2 * time.Minute}, time.Unix(1e9, 0)
		calm, spread := rapid.Float64Range(0, 1).Draw(t, "calm"), rapid.Float64Range(0, 10).Draw(t, "spread")
		for range rapid.IntRange(2, 40).Draw(t, "n") {
			at = at.Add(time.Duration(rapid.IntRange(1, 60_000).Draw(t, "ms")) * time.Millisecond)
			tr.add(at, rapid.Float64Range(-spread, spread).Draw(t, "v"))
		}
		fast, sure, known := tr.rate(calm)
		slow, sureToo, knownToo := tr.rate(0)
		if sure != sureToo || known != knownToo || fast != slow && (math.Abs(fast) >= calm || math.Abs(slow) >= calm) {
			t.Fatalf("%v %v %v, but %v %v %v", fast, sure, known, slow, sureToo, knownToo)
		}
		if tr.n > trailSamples {
			t.Fatalf("it holds %d numbers", tr.n)
		}
	})
}
