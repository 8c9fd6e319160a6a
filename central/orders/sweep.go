package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/store"
)

// sweep notices what other centrals changed and ends what is over. Several centrals do it beside each other: of an end that two see, one
// is written.
func (s *Service) sweep(ctx context.Context) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	looks, trials := s.underWay()
	now := s.o.Now()
	ask := now.Sub(s.accounts) >= accountsAt
	if ask {
		s.accounts = now
	}
	var errs []error
	for _, l := range looks {
		errs = append(errs, s.judge(ctx, l, ask))
	}
	for _, t := range trials {
		if !now.Before(t.Until) {
			errs = append(errs, s.untried(ctx, t))
		}
	}
	errs = append(errs, s.sweepDiscoveries(ctx))
	if now.Sub(s.litter) >= litterAt {
		s.litter = now
		errs = append(errs, s.shelf.litter(now, func(id string) bool { l, ok := s.found(id); return ok && l.live() }))
	}
	return errors.Join(errs...)
}

// underWay lists the looks and trials that are under way.
func (s *Service) underWay() (looks []Look, trials []Trial) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	for _, w := range s.book.edges {
		looks, trials = append(looks, w.looks.Live...), append(trials, w.trials...)
	}
	return looks, trials
}

// judge ends a look that is over.
func (s *Service) judge(ctx context.Context, l Look, ask bool) error {
	cause, err := s.causeOf(l)
	if err == nil && cause == "" && ask {
		var allowed bool
		if allowed, err = s.allowed(ctx, l); err == nil && !allowed {
			cause = Forbade
		}
	}
	if err != nil || cause == "" {
		return err
	}
	return s.finish(ctx, l, cause)
}

// allowed says whether the account of a look may still look, and see the grid.
func (s *Service) allowed(ctx context.Context, l Look) (bool, error) {
	u, err := s.o.Store.User(ctx, l.By)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the account of a look: %w", err)
	}
	p := auth.Principal{Name: u.Name, Role: auth.Role(u.Role), Grids: u.Grids, Scopes: auth.ScopesOf(auth.Role(u.Role))}
	whole := len(u.Grids) == 0 || p.Role != auth.Administrator // who is bound to some grids does not set the centre up
	return !u.Disabled && whole && mayLook(p, l.Count) && p.Sees(l.Grid), nil
}

// finish ends a look: it leaves the edge's orders, its cost is written down, its pictures go.
func (s *Service) finish(ctx context.Context, l Look, cause Cause) error {
	ended := s.counted(l)
	ended.EndedAt, ended.Cause = s.o.Now().UTC(), cause
	first := false
	err := s.change(ctx, l.By, func(b *book, d *draft) error {
		first = false
		w := b.edges[l.Edge]
		if w == nil || !slices.ContainsFunc(w.looks.Live, func(o Look) bool { return o.ID == l.ID }) {
			return nil // another request, or another central, was faster
		}
		first = true
		next := w.looks
		next.Live = slices.DeleteFunc(slices.Clone(next.Live), func(o Look) bool { return o.ID == l.ID })
		next.Ended = lately(next.Ended, ended.EndedAt)
		next.Ended = append([]Look{ended}, next.Ended[:min(len(next.Ended), keptEnded-1)]...)
		return d.put(KindLooks, l.Edge, next)
	})
	if err != nil || !first {
		return err
	}
	return errors.Join(s.record(ctx, ended), s.shelf.remove(l.ID))
}

// record writes into the audit log what a look came to. Its reason, which is free words, stands in the look's document alone.
func (s *Service) record(ctx context.Context, l Look) error {
	target := strings.Join([]string{
		l.Edge, l.Camera, l.ID, fmt.Sprintf("pictures=%d", l.Pictures), fmt.Sprintf("bytes=%d", l.Bytes),
	}, ",")
	err := s.o.Audit.Record(context.WithoutCancel(ctx), audit.Entry{
		Actor: l.By, Role: l.Role, Action: "look-ended", Target: target, Reason: string(l.Cause), Outcome: audit.Done,
	})
	if err != nil {
		return fmt.Errorf("write down what a look came to: %w", err)
	}
	return nil
}
