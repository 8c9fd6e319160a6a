package forward

import (
	"time"

	"gridgate/protocols/kit/backoff"
)

// aside holds the numbers of alerts about which central answered nothing, or something that this release does not know. They stay
// pending and are tried again together, ever more rarely, while the others go on.
type aside struct {
	numbers map[int64]bool
	until   time.Time // when they are tried again; zero: there are none
	last    time.Time // when the last one came
	backoff *backoff.Backoff
	longest time.Duration
}

// maxAside bounds how many alerts of a lane are set aside.
const maxAside = 10_000

func newAside(least, longest time.Duration) aside {
	return aside{numbers: map[int64]bool{}, backoff: backoff.New(least, longest), longest: longest}
}

// note sets numbers aside. It returns true if they are too many: then they all are let go of, and the lane should wait.
func (a *aside) note(numbers []int64, now time.Time) (tooMany bool) {
	if len(numbers) == 0 {
		return false
	}
	if now.Sub(a.last) > 2*a.longest {
		a.backoff.Reset()
	}
	a.last = now
	if a.until.IsZero() {
		a.until = now.Add(a.backoff.Next())
	}
	for _, n := range numbers {
		a.numbers[n] = true
	}
	if len(a.numbers) <= maxAside {
		return false
	}
	a.release()
	return true
}

// due says whether those set aside are tried again now, and lets go of them then.
func (a *aside) due(now time.Time) bool {
	if a.until.IsZero() || now.Before(a.until) {
		return false
	}
	a.release()
	return true
}

func (a *aside) release() {
	clear(a.numbers)
	a.until = time.Time{}
}

// wait is how long it is until they are due, at most d.
func (a *aside) wait(d time.Duration) time.Duration {
	if a.until.IsZero() {
		return d
	}
	return max(0, min(d, time.Until(a.until)))
}
