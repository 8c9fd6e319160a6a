package forward

import (
	"time"

	"gridgate/protocols/ingest"
)

// pace chooses how much a request carries, by how long the ones before took: a thin link gets small batches, a fast one large ones.
// The first ones are small, so that they tell what an answer takes whatever it carries. It is for one goroutine.
type pace struct {
	size, most int
	aim        time.Duration // what the load of a request may add to its answer
	base       time.Duration // what an answer takes at least, as far as is known; 0: unknown
}

const (
	firstBatch = 4                      // the size of the first request
	smallBatch = 4                      // an answer to no more than this took what any answer takes
	answerAim  = 150 * time.Millisecond // see pace.aim: a live alert waits for up to four such
	maxBase    = 5 * time.Second        // see pace.base
)

func newPace(most int) *pace {
	most = min(most, ingest.MaxBatch)
	return &pace{size: min(firstBatch, most), most: most, aim: answerAim}
}

// answered notes that n things were answered for in took. A batch that was not full says nothing for more; one that took too long
// says that less should be sent, at least half.
func (p *pace) answered(n int, took time.Duration) {
	if p.base == 0 || took < p.base || n <= smallBatch {
		p.base = min(took, maxBase)
	}
	load := max(took-p.base, time.Millisecond)
	fits := int(float64(n) * float64(p.aim) / float64(load))
	switch {
	case load > p.aim:
		p.size = max(min(p.size, fits), p.size/2, 1)
	case n >= p.size:
		p.size = min(max(fits, p.size), 2*p.size, p.most)
	}
}

// halve answers a request that took too long to be answered at all, or was too large.
func (p *pace) halve() { p.size = max(p.size/2, 1) }
