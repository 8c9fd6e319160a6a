// Package lockout makes whoever guesses passwords wait.
//
// In: a key (an account at an address) and the time. Out: how long it must wait. It knows no password and no account, and its table
// is bounded.
package lockout

import (
	"net/netip"
	"sync"
	"time"
)

// The first Free failures of a key cost nothing; each further one doubles the wait, from FirstWait to MaxWait. A success or
// ForgetAfter without a failure forgets them.
const (
	Free        = 4
	FirstWait   = 2 * time.Second
	MaxWait     = 15 * time.Minute
	ForgetAfter = time.Hour

	maxKeys = 10_000
)

type failures struct {
	count int
	last  time.Time
	until time.Time
}

// Table counts failures by key; the zero value is ready. When it is full the entry that failed longest ago gives way. It is safe
// for concurrent use.
type Table struct {
	mu      sync.Mutex
	entries map[string]*failures
}

// Try counts a try as a failure until [Table.Succeed] forgets it, so that guesses sent at once count, too. If the key must wait,
// nothing is counted and the wait is returned.
func (l *Table) Try(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.entries[key]
	if f != nil && now.Before(f.until) {
		return f.until.Sub(now)
	}
	if f == nil || now.Sub(f.last) > ForgetAfter {
		l.makeRoom(now)
		f = &failures{}
		l.entries[key] = f
	}
	f.count++
	f.last = now
	if over := f.count - Free; over > 0 {
		f.until = now.Add(min(MaxWait, FirstWait<<min(over-1, 16)))
	}
	return 0
}

// Succeed forgets the failures of a key.
func (l *Table) Succeed(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, key)
}

func (l *Table) makeRoom(now time.Time) {
	if l.entries == nil {
		l.entries = map[string]*failures{}
	}
	if len(l.entries) < maxKeys {
		return
	}
	var oldest string
	for key, f := range l.entries {
		if now.Sub(f.last) > ForgetAfter {
			delete(l.entries, key)
		} else if oldest == "" || f.last.Before(l.entries[oldest].last) {
			oldest = key
		}
	}
	if len(l.entries) >= maxKeys {
		delete(l.entries, oldest)
	}
}

// Key joins account and address (host:port, as in http.Request.RemoteAddr). An IPv6 address counts by its /64, since one host owns all of it.
func Key(account, remote string) string {
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
