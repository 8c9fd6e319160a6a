package ingest

import (
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Quota is what one sender may use. Life-safety has a bucket and places of its own, so that whatever else a sender did, its SOS
// is taken.
type Quota struct {
	Events  int // a second, over two seconds; life-safety twice that, over four. Below 0: unbounded. 0: 30,000
	Batches int // at a time; life-safety as many again. Below 0: unbounded. 0: 16
}

// Bounds of what is remembered of senders.
const (
	maxSenders = 20_000
	idleSender = 10 * time.Minute
)

// quotas hold each sender to its [Quota].
type quotas struct {
	quota Quota

	mu      sync.Mutex
	senders map[string]*sender
}

// sender is what one sender used, in life-safety and in the rest.
type sender struct {
	urgent, normal account
	seen           time.Time
}

// account is a token bucket and places.
type account struct {
	bucket *rate.Limiter
	places int // taken
}

func newQuotas(q Quota) *quotas {
	if q.Events == 0 {
		q.Events = 30_000
	}
	if q.Batches == 0 {
		q.Batches = 16
	}
	return &quotas{quota: q, senders: make(map[string]*sender)}
}

// bucket returns a full one that gives events a second. It is never smaller than a whole batch.
func (q *quotas) bucket(times int) *rate.Limiter {
	if q.quota.Events < 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	perSecond := times * q.quota.Events
	return rate.NewLimiter(rate.Limit(perSecond), max(2*times*q.quota.Events, ingest.MaxBatch))
}

// of returns what the sender named name used in lane.
func (q *quotas) of(name string, lane alert.Lane, now time.Time) *account {
	s := q.senders[name]
	if s == nil {
		if len(q.senders) >= maxSenders {
			q.forget(now.Add(-idleSender))
		}
		if len(q.senders) >= maxSenders {
			q.forget(now)
		}
		s = &sender{urgent: account{bucket: q.bucket(2)}, normal: account{bucket: q.bucket(1)}}
		q.senders[name] = s
	}
	s.seen = now
	if lane == alert.LifeSafety {
		return &s.urgent
	}
	return &s.normal
}

// forget drops the senders without a batch that were last seen before a time; they begin with full buckets when they come again.
func (q *quotas) forget(before time.Time) {
	for name, s := range q.senders {
		if s.urgent.places+s.normal.places == 0 && s.seen.Before(before) {
			delete(q.senders, name)
		}
	}
}

// admit takes a place for a batch, before it is parsed, or says with 429 when to come again.
func (q *quotas) admit(name string, lane alert.Lane, now time.Time) (*admission, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(name, lane, now)
	if q.quota.Batches > 0 && a.places >= q.quota.Batches {
		return nil, tooMany(1, "%d batches of this sender are being stored", a.places)
	}
	if q.quota.Events > 0 {
		if tokens := a.bucket.TokensAt(now); tokens < 1 {
			return nil, tooMany(math.Ceil((1-tokens)/float64(a.bucket.Limit())), "more than %d events a second", int(a.bucket.Limit()))
		}
	}
	a.places++
	return &admission{q: q, a: a}, nil
}

// admission is a place for one batch.
type admission struct {
	q *quotas
	a *account
}

// charge takes n events from the bucket, which may go below zero: then the next batch waits.
func (m *admission) charge(n int, now time.Time) {
	if m.q.quota.Events > 0 {
		m.a.bucket.ReserveN(now, n)
	}
}

func (m *admission) release() {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	m.a.places--
}

// tooMany is a refusal that passes after some seconds, at most a minute.
func tooMany(after float64, format string, args ...any) error {
	p := refuse(http.StatusTooManyRequests, format, args...).(*problem)
	p.retryAfter = int(min(max(after, 1), 60))
	return p
}
