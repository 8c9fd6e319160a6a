package raise

import (
	"context"
	"sync"
)

// keyLocks is a mutex per key that exists only while somebody holds or awaits it. The zero value is ready.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	token chan struct{} // full while held
	users int           // holders and waiters, guarded by keyLocks.mu
}

// lock takes the locks of keys, which are sorted and distinct, or none if ctx ends first.
func (l *keyLocks) lock(ctx context.Context, keys []string) (unlock func(), err error) {
	for i, k := range keys {
		if err := l.lockOne(ctx, k); err != nil {
			l.unlock(keys[:i])
			return nil, err
		}
	}
	return func() { l.unlock(keys) }, nil
}

func (l *keyLocks) lockOne(ctx context.Context, key string) error {
	l.mu.Lock()
	k := l.held[key]
	if k == nil {
		if l.held == nil {
			l.held = map[string]*keyLock{}
		}
		k = &keyLock{token: make(chan struct{}, 1)}
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()

	select {
	case k.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.leave(key)
		return context.Cause(ctx)
	}
}

func (l *keyLocks) unlock(keys []string) {
	for _, key := range keys {
		l.mu.Lock()
		<-l.held[key].token
		l.mu.Unlock()
		l.leave(key)
	}
}

// leave forgets a lock that nobody uses any more.
func (l *keyLocks) leave(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.held[key]
	if k.users--; k.users == 0 {
		delete(l.held, key)
	}
}
