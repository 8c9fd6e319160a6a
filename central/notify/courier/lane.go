package courier

import (
	"errors"
	"time"

	"golang.org/x/time/rate"

	"gridgate/central/notify"
	"gridgate/protocols/kit/backoff"
)

// A channel that failed so often in a row rests, then one message tries it.
const (
	failuresToRest = 5
	firstRest      = 30 * time.Second
	lastRest       = 5 * time.Minute
	slowRest       = time.Minute // a channel that is told to be slow, and not for how long
)

// lane is a channel with what is known of how it does. It belongs to the sender's loop alone.
type lane struct {
	way      Way
	limit    *rate.Limiter
	interval time.Duration // between two messages at the rate
	under    int           // messages under way
	failures int           // in a row
	rest     time.Time     // until then nothing is sent
	urgent   time.Time     // until then only what is urgent is sent: some of it waits
	pause    *backoff.Backoff
}

// newLane splits what a minute allows into what may come at once and what comes evenly, so that no minute has more.
func newLane(w Way) *lane {
	burst := max(1, w.PerMinute/4)
	interval := time.Minute / time.Duration(max(1, w.PerMinute-burst))
	return &lane{way: w, limit: rate.NewLimiter(rate.Every(interval), burst), interval: interval, pause: backoff.New(firstRest, lastRest)}
}

// take says whether a message may go now, and if not, when to come again.
func (l *lane) take(now time.Time, urgent bool) (ok bool, wait time.Duration) {
	switch {
	case now.Before(l.rest):
		return false, l.rest.Sub(now)
	case l.under >= l.way.AtOnce, l.failures >= failuresToRest && l.under > 0:
		return false, poll
	case !urgent && now.Before(l.urgent):
		return false, l.urgent.Sub(now)
	case !l.limit.AllowN(now, 1):
		return false, l.interval
	}
	l.under++
	return true, 0
}

// resting says whether the channel is left alone now.
func (l *lane) resting(now time.Time) bool { return now.Before(l.rest) }

// done notes how a message ended.
func (l *lane) done(now time.Time, err error) {
	l.under--
	var t *notify.Trouble
	if err == nil || errors.As(err, &t) && t.Permanent {
		l.failures = 0
		l.pause.Reset()
		return
	}
	if t != nil && t.Slow {
		l.rest = later(l.rest, now.Add(max(t.After, slowRest/2)))
		if t.After == 0 {
			l.rest = later(l.rest, now.Add(slowRest))
		}
		return
	}
	if l.failures++; l.failures >= failuresToRest {
		l.rest = later(l.rest, now.Add(l.pause.Next()))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
