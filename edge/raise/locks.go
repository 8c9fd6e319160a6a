package raise

import (
	"context"
	"sync"
)

// keyLocks is a mutex per key that exists only while somebody holds or awaits it. The zero value is ready.
type keyLocks struct {
	mu    sync.Mutex
	held  map[string]*keyLock
	spare []*keyLock // that nobody uses, maxSpare at most
}

type keyLock struct {
	token chan struct{} // full while held
	users int           // holders and waiters, guarded by keyLocks.mu
}

// maxSpare is how many locks are kept to be used again.
const maxSpare = 1024

// lock takes the locks of keys, which are sorted and distinct, or none if ctx ends first. Whoever has them calls unlock.
func (l *keyLocks) lock(ctx context.Context, keys []string) error {
	for i, k := range keys {
		if err := l.lockOne(ctx, k); err != nil {
			l.unlock(keys[:i])
			return err
		}
	}
	return nil
}

func (l *keyLocks) lockOne(ctx context.Context, key string) error {
	k, mine := l.enter(key)
	if mine {
		return nil
	}
	select {
	case k.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.leave(key, k)
		return context.Cause(ctx)
	}
}

// enter becomes a user of the lock of a key, and its holder if there is no other user.
func (l *keyLocks) enter(key string) (k *keyLock, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k = l.held[key]; k != nil {
		k.users++
		return k, false
	}
	if n := len(l.spare); n > 0 {
		k, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		k = &keyLock{token: make(chan struct{}, 1)}
	}
	if l.held == nil {
		l.held = map[string]*keyLock{}
	}
	l.held[key] = k
	k.users = 1
	k.token <- struct{}{} // nobody else has it
	return k, true
}

func (l *keyLocks) unlock(keys []string) {
	if len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		k := l.held[key]
		<-k.token
		l.leave(key, k)
	}
}

// leave forgets a lock that nobody uses any more. The caller has l.mu.
func (l *keyLocks) leave(key string, k *keyLock) {
	if k.users--; k.users > 0 {
		return
	}
	delete(l.held, key)
	if len(l.spare) < maxSpare {
		l.spare = append(l.spare, k)
	}
}
