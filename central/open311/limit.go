package open311

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"gridgate/protocols/kit/lockout"
)

const (
	maxAddresses = 10_000
	window       = 10 * time.Minute
)

// limiter bounds what comes without an account, by address and in all.
type limiter struct {
	per int
	all *rate.Limiter

	mu   sync.Mutex
	from map[string]*visitor
}

type visitor struct {
	limit *rate.Limiter
	last  time.Time
}

func newLimiter(l Limits) *limiter {
	if l.PerAddress <= 0 {
		l.PerAddress = 6
	}
	if l.InAll <= 0 {
		l.InAll = 60
	}
	return &limiter{per: l.PerAddress, all: rate.NewLimiter(rate.Limit(float64(l.InAll)/60), l.InAll), from: map[string]*visitor{}}
}

// take counts one attempt. It returns how long to wait, or 0.
func (l *limiter) take(r *http.Request, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.visitor(lockout.Key("", r.RemoteAddr), now)
	for _, limit := range []*rate.Limiter{v.limit, l.all} {
		reserved := limit.ReserveN(now, 1)
		if wait := reserved.DelayFrom(now); !reserved.OK() || wait > 0 {
			reserved.CancelAt(now)
			return max(wait, time.Second)
		}
	}
	return 0
}

// visitor finds or makes the entry of an address. When the table is full, those that could send everything again are forgotten, and
// if there are none, the one that was seen longest ago.
func (l *limiter) visitor(from string, now time.Time) *visitor {
	v := l.from[from]
	if v == nil {
		if len(l.from) >= maxAddresses {
			l.makeRoom(now)
		}
		v = &visitor{limit: rate.NewLimiter(rate.Every(window/time.Duration(l.per)), l.per)}
		l.from[from] = v
	}
	v.last = now
	return v
}

func (l *limiter) makeRoom(now time.Time) {
	var oldest string
	for p, v := range l.from {
		if now.Sub(v.last) >= window {
			delete(l.from, p)
		} else if oldest == "" || v.last.Before(l.from[oldest].last) {
			oldest = p
		}
	}
	if len(l.from) >= maxAddresses {
		delete(l.from, oldest)
	}
}
