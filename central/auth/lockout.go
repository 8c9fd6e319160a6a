package auth

import (
	"net/netip"
	"sync"
	"time"
)

// Lockout: the first freeFailures failures of an account from an address cost nothing; each further one doubles the wait, from
// firstWait to maxWait. A success or forgetAfter without a failure forgets them.
const (
	freeFailures = 4
	firstWait    = 2 * time.Second
	maxWait      = 15 * time.Minute
	forgetAfter  = time.Hour
	maxLockouts  = 10_000
)

type failures struct {
	count int
	last  time.Time
	until time.Time
}

// lockout counts failed sign-ins per account and address. Its table is bounded: the entry that failed longest ago gives way.
type lockout struct {
	mu      sync.Mutex
	entries map[string]*failures
}

// try counts a try as a failure until [lockout.succeed] forgets it, so that guesses sent at once count, too. If the account and
// address must wait, nothing is counted and the wait is returned.
func (l *lockout) try(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.entries[key]
	if f != nil && now.Before(f.until) {
		return f.until.Sub(now)
	}
	if f == nil || now.Sub(f.last) > forgetAfter {
		l.makeRoom(now)
		f = &failures{}
		l.entries[key] = f
	}
	f.count++
	f.last = now
	if over := f.count - freeFailures; over > 0 {
		f.until = now.Add(min(maxWait, firstWait<<min(over-1, 16)))
	}
	return 0
}

func (l *lockout) succeed(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, key)
}

func (l *lockout) makeRoom(now time.Time) {
	if l.entries == nil {
		l.entries = map[string]*failures{}
	}
	if len(l.entries) < maxLockouts {
		return
	}
	var oldest string
	for key, f := range l.entries {
		if now.Sub(f.last) > forgetAfter {
			delete(l.entries, key)
		} else if oldest == "" || f.last.Before(l.entries[oldest].last) {
			oldest = key
		}
	}
	if len(l.entries) >= maxLockouts {
		delete(l.entries, oldest)
	}
}

// lockoutKey joins account and address. An IPv6 address counts by its /64, since one host owns all of it.
func lockoutKey(account, remote string) string {
	host := remote
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		addr := ap.Addr().Unmap()
		bits := addr.BitLen()
		if addr.Is6() {
			bits = 64
		}
		if p, err := addr.WithZone("").Prefix(bits); err == nil {
			host = p.String()
		}
	}
	if len(account) > 64 {
		account = account[:64]
	}
	return account + "\x00" + host
}
