package decode

import (
	"math/bits"
	"sync"
	"time"

	"gridgate/edge/source"
)

// maxCosts bounds the streams whose cost is remembered; the one asked for least recently goes first.
const maxCosts = 1024

// learnRate is the weight of the newest answer in the running means.
const learnRate = 0.1

// firstGuess is the processor time for each kB before anything was measured.
const firstGuess = 110 * time.Microsecond

// shotGuess is the processor time of a redacted picture before one was measured.
const shotGuess = 300 * time.Millisecond

// StreamCost is what one stream cost since the pool was made, or since it was last forgotten.
type StreamCost struct {
	CPU           time.Duration // of the workers
	Requests      uint64
	Bytes         uint64 // of coded pictures handed to workers
	Width, Height int    // of its coded pictures, 0 until known

	used time.Time
}

// costs learns what decoding costs: for each codec, kind of request and size of the coded pictures a running mean over the bytes,
// and for each stream the sum.
type costs struct {
	mu      sync.Mutex
	rates   map[rateKey]time.Duration // for each kB, or for each picture that is redacted
	streams map[string]*StreamCost
}

type rateKey struct {
	op    op
	codec source.Codec
	size  int // log2 of the mean kB of a unit
}

func newCosts() *costs {
	return &costs{rates: map[rateKey]time.Duration{}, streams: map[string]*StreamCost{}}
}

func (r request) rateKey() rateKey {
	key := rateKey{op: r.op, codec: r.codec}
	if !r.op.evidence() {
		key.size = min(bits.Len(uint(r.bytes()/len(r.units)/1024)), 12)
	}
	return key
}

// amount is what the cost of r is a multiple of.
func (r request) amount() float64 {
	if r.op.evidence() {
		return float64(max(1, len(r.at)))
	}
	return float64(r.bytes())/1024 + 1
}

// estimate is the processor time that r will take, as far as is known.
func (c *costs) estimate(r request) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	rate, known := c.rates[r.rateKey()]
	switch {
	case known:
	case r.op.evidence():
		rate = shotGuess
	default:
		rate = firstGuess
	}
	return time.Duration(r.amount() * float64(rate))
}

// learn takes what r cost in truth.
func (c *costs) learn(r request, answer response, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := r.rateKey()
	rate := time.Duration(float64(answer.cpu) / r.amount())
	if old, known := c.rates[key]; known {
		rate = old + time.Duration(learnRate*float64(rate-old))
	}
	c.rates[key] = rate
	s := c.streams[r.stream]
	if s == nil {
		c.makeRoom()
		s = &StreamCost{}
		c.streams[r.stream] = s
	}
	s.used = now
	s.CPU += answer.cpu
	s.Requests++
	s.Bytes += uint64(r.bytes())
	if answer.width > 0 {
		s.Width, s.Height = answer.width, answer.height
	}
}

func (c *costs) makeRoom() {
	if len(c.streams) < maxCosts {
		return
	}
	oldest := ""
	for name, s := range c.streams {
		if o := c.streams[oldest]; o == nil || s.used.Before(o.used) {
			oldest = name
		}
	}
	delete(c.streams, oldest)
}

func (c *costs) of(stream string) StreamCost {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams[stream]; s != nil {
		return *s
	}
	return StreamCost{}
}

// bucket meters processor time: it fills at rate, and is overdrawn by what the last job cost. A nil bucket lets all pass.
type bucket struct {
	rate float64 // processor time for each time that passes

	mu      sync.Mutex
	level   time.Duration
	updated time.Time
}

// burst is how much time a bucket saves up while nothing is asked for.
const burst = 500 * time.Millisecond

func newBucket(rate float64, now time.Time) *bucket {
	if rate <= 0 {
		return nil
	}
	return &bucket{rate: rate, level: burst, updated: now}
}

func (b *bucket) fill(now time.Time) {
	b.level = min(burst, b.level+time.Duration(b.rate*float64(now.Sub(b.updated))))
	b.updated = now
}

// wait is how long until the bucket is no longer overdrawn; 0 or less if it is not.
func (b *bucket) wait(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.level >= 0 {
		return 0
	}
	return time.Duration(float64(-b.level)/b.rate) + time.Millisecond
}

// spend takes what a job cost. Evidence is taken at the rate of the bucket, so that it holds back samples for no longer than it ran.
func (b *bucket) spend(cost time.Duration, evidence bool, now time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if evidence {
		cost = time.Duration(min(1, b.rate) * float64(cost))
	}
	b.level -= cost
}
