package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/kit/lockout"
)

// Bounds of sessions.
const (
	SessionLife   = 12 * time.Hour
	maxPerAccount = 32 // the one that ends first gives way
)

// stampOf changes with what ends the sessions of an account: another password or another role. Other grids hold at once, and end none.
func stampOf(u store.User) string { return HashToken(u.Hash + "\x00" + u.Role) }

// Enter begins a session of an account that proved who it is, and returns its cookie, random and of 256 bit. [ErrDenied] for one that may not sign in.
func (s *Service) Enter(ctx context.Context, u store.User) (*http.Cookie, Principal, error) {
	p, active := principalOf(u)
	if !active {
		return nil, Principal{}, ErrDenied
	}
	value, now := randomText(), s.now()
	n := store.Session{SHA256: HashToken(value), User: u.Name, Stamp: stampOf(u), Expires: now.Add(SessionLife).UTC()}
	if err := s.records.PutSession(ctx, n, now, maxPerAccount); err != nil {
		return nil, Principal{}, fmt.Errorf("keep the session: %w", err)
	}
	return s.cookie(ctx, value, int(SessionLife.Seconds())), p, nil
}

// bySession also ends a session whose account was given a new password or role since.
func (s *Service) bySession(ctx context.Context, id string) (Principal, time.Time, error) {
	n, u, err := s.records.Session(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Principal{}, time.Time{}, ErrDenied
	case err != nil:
		return Principal{}, time.Time{}, fmt.Errorf("read the session: %w", err)
	}
	p, active := principalOf(u)
	if !active || n.Stamp != stampOf(u) || !s.now().Before(n.Expires) {
		return Principal{}, time.Time{}, ErrDenied
	}
	return p, n.Expires, nil
}

// SignOut ends the session of a request, if it has one, and returns a cookie that removes the browser's.
func (s *Service) SignOut(ctx context.Context, cookie string) (*http.Cookie, error) {
	if cookie != "" && len(cookie) <= maxToken {
		if err := s.records.RemoveSession(ctx, HashToken(cookie)); err != nil {
			return nil, fmt.Errorf("end the session: %w", err)
		}
	}
	return s.cookie(ctx, "", -1), nil
}

// Sessions is how many sessions there are, of all replicas.
func (s *Service) Sessions(ctx context.Context) (int, error) { return s.records.Sessions(ctx, s.now()) }

// Known says whether there is an account of this name: only then may the log say which one somebody tried.
func (s *Service) Known(ctx context.Context, name string) bool {
	if !ValidName(name) {
		return false
	}
	_, err := s.records.User(ctx, name)
	return err == nil
}

// ChangePassword gives the account of p another password, once it proved that it knows the present one. All its sessions end. The errors are
// [ErrDenied], a [LockedError], a [BadError], [store.ErrConflict], or that of the store.
func (s *Service) ChangePassword(ctx context.Context, p Principal, present, next, remote string) error {
	key, now := lockout.Key(p.Name, remote), s.now()
	if wait := s.lockout.Try(key, now); wait > 0 {
		return LockedError{Wait: wait}
	}
	u, err := s.account(ctx, p.Name)
	if err != nil {
		return err
	}
	ok, err := s.verifier.Verify(ctx, u.Hash, present)
	switch {
	case err != nil:
		return fmt.Errorf("check password: %w", err)
	case !ok || !p.Staff():
		return ErrDenied
	}
	s.lockout.Succeed(key)
	hash, err := HashPassword(next)
	if err != nil {
		return BadError{err.Error()}
	}
	seen := u.At
	u.Hash, u.At = hash, now.UTC()
	if err := s.records.ReplaceUser(ctx, u, seen, string(Administrator)); err != nil {
		return fmt.Errorf("keep the password: %w", err)
	}
	return nil
}
