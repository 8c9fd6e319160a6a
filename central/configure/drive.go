package configure

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"gridgate/central/orders"
	"gridgate/central/rollout"
	"gridgate/central/store"
)

// driver is what the central that drives remembers between two looks.
type driver struct {
	plan    plan
	planOf  string
	until   time.Time // no look before: the last one took long
	stopped atomic.Bool
}

func (d *driver) stoppedGauge() float64 {
	if d.stopped.Load() {
		return 1
	}
	return 0
}

// tell says whether a rollout has stopped; nothing has once ctx ended, by which this central leads.
func (d *driver) tell(ctx context.Context, stopped bool) {
	d.stopped.Store(stopped)
	if ctx.Err() != nil { // it may have ended before
		d.stopped.Store(false)
	}
}

// lead sees to it that who leads no more says of nothing that it has stopped.
func (s *Service) lead(ctx context.Context) error {
	context.AfterFunc(ctx, func() { s.driver.stopped.Store(false) })
	return nil
}

// drive takes the open rollout as far as it can go now. What another central changed meanwhile is found at the next look.
func (s *Service) drive(ctx context.Context) error {
	if time.Now().Before(s.driver.until) {
		return nil
	}
	began := time.Now()
	more, err := true, error(nil)
	for more && err == nil {
		more, err = s.step(ctx)
	}
	if took := time.Since(began); took >= keepFrom {
		s.driver.until = time.Now().Add(keepTimes * took)
	}
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// step does one thing and says whether there may be another.
func (s *Service) step(ctx context.Context) (more bool, err error) {
	id, version, err := s.opened(ctx)
	if err != nil || id == "" {
		s.driver.stopped.Store(false)
		return false, err
	}
	r, err := s.rollout(ctx, id)
	if err != nil {
		return false, err
	}
	s.driver.tell(ctx, r.State == rollout.Stopped)
	if r.State == rollout.Paused {
		return false, nil
	}
	if s.driver.planOf != r.ID {
		if s.driver.plan, err = s.planned(ctx, r.ID); err != nil {
			return false, err
		}
		s.driver.planOf = r.ID
	}
	members, err := s.members(ctx, r, s.driver.plan.Edges)
	if err != nil {
		return false, err
	}
	return s.advance(ctx, r, version, members)
}

// rollout reads one.
func (s *Service) rollout(ctx context.Context, id string) (r Rollout, err error) {
	d, err := s.o.Store.Document(ctx, KindRollout, id)
	if err == nil {
		err = decode(d, &r)
	}
	r.version = d.Version
	return r, err
}

// planned is the plan of a rollout, which never changes.
func (s *Service) planned(ctx context.Context, id string) (p plan, err error) {
	d, err := s.o.Store.Document(ctx, KindPlan, id)
	if err == nil {
		err = decode(d, &p)
	}
	return p, err
}

// members are the edges of a rollout, in its order.
func (s *Service) members(ctx context.Context, r Rollout, names []string) ([]member, error) {
	find := s.one
	if len(names) > readOneByOne {
		f, err := s.fleet(ctx)
		if err != nil {
			return nil, err
		}
		find = func(_ context.Context, name string) (assigned, store.Edge, error) {
			return f.has[name], f.reports[name], nil
		}
	}
	now := s.o.Now()
	out := make([]member, len(names))
	for i, name := range names {
		has, e, err := find(ctx, name)
		if err != nil {
			return nil, err
		}
		out[i] = memberOf(name, r, has, e, now)
	}
	return out, nil
}

// one reads what one edge has and reported; one that was never heard is no error.
func (s *Service) one(ctx context.Context, name string) (a assigned, e store.Edge, err error) {
	d, err := s.o.Store.Document(ctx, KindAssigned, name)
	if err == nil {
		a, err = assignedOf(d)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return a, e, err
	}
	e, err = s.o.Store.Edge(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return a, e, err
}

// advance does what [rollout.Rollout.Step] decides, at most [sendAtOnce] edges of it, and says whether there may be more.
func (s *Service) advance(ctx context.Context, r Rollout, door int64, members []member) (more bool, err error) {
	targets, at := make([]rollout.Target, len(members)), make(map[string]member, len(members))
	for i, m := range members {
		targets[i], at[m.Edge] = m.Target, m
	}
	d := r.Step(targets)
	batch := func(edges []string) (out []member) {
		for _, e := range edges[:min(len(edges), sendAtOnce)] {
			out = append(out, at[e])
		}
		return out
	}
	changes, err := s.given(ctx, r, batch(d.Give))
	if err != nil {
		return false, err
	}
	back, err := s.back(ctx, r, batch(d.Withdraw))
	if err != nil {
		return false, err
	}
	changes = append(changes, back...)
	over := d.Next.Over() && len(d.Withdraw) == 0
	if d.Changed || over {
		was := r
		r.Rollout, r.Changed = d.Next, s.o.Now().UTC()
		if err := s.stopping(ctx, was, &r, members); err != nil {
			return false, err
		}
		changes = append(changes, next{KindRollout, r.ID, r.version, r})
	}
	if over {
		changes = append(changes, next{KindOpen, openID, door, ""})
	}
	if len(changes) == 0 {
		return false, nil
	}
	return !over, s.put(ctx, r.By, changes...)
}

// stopping writes down and tells why a rollout stops by itself.
func (s *Service) stopping(ctx context.Context, was Rollout, r *Rollout, members []member) (err error) {
	i := slices.IndexFunc(members, func(m member) bool { return m.Given && Progress(m.State).failed() })
	if r.State != rollout.Stopped || was.State == rollout.Stopped || i < 0 {
		return nil
	}
	first := members[i]
	failed := r.failures(members)
	r.Stop = &Stop{At: r.Changed, Failed: failed, Edge: first.Edge, State: first.State, Why: first.Why}
	if r.Stop.Problems, err = s.located(ctx, first.has.Layers, first.e.Report.Configuration.Problems); err != nil {
		return err
	}
	s.driver.tell(ctx, true)
	s.o.Logger.Error("a rollout of a configuration stopped by itself; look at it, then resume or abort it", "rollout", r.ID, "layer", r.Layer,
		"version", r.Version, "failed", failed, "edge", first.Edge, "state", first.State, "why", first.Why)
	return nil
}

// failures counts edges that will not have it.
func (r Rollout) failures(members []member) (n int) {
	for _, m := range members {
		if m.Given && Progress(m.State).failed() {
			n++
		}
	}
	return n
}

// given are the documents that give edges the version of the rollout.
func (s *Service) given(ctx context.Context, r Rollout, batch []member) (changes []next, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	wanted, err := s.o.Store.DocumentVersions(ctx, orders.KindConfiguration)
	if err != nil {
		return nil, err
	}
	f, err := s.fleet(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range batch {
		f.has[m.Edge] = m.has
		layers, _ := f.with(m.Edge, Used{r.Layer, r.Version, r.Digest})
		a := assigned{Layers: layers, Rollout: r.ID, Before: m.has.Layers, version: m.has.version}
		docs, err := s.assign(ctx, m.Edge, a, wanted[m.Edge], r.TrialSec)
		if err != nil {
			return nil, err
		}
		changes = append(changes, docs...)
	}
	return changes, nil
}

// back gives edges what they had before the rollout.
func (s *Service) back(ctx context.Context, r Rollout, batch []member) (changes []next, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	wanted, err := s.o.Store.DocumentVersions(ctx, orders.KindConfiguration)
	if err != nil {
		return nil, err
	}
	for _, m := range batch {
		docs, err := s.assign(ctx, m.Edge, assigned{Layers: m.has.Before, version: m.has.version}, wanted[m.Edge], r.TrialSec)
		if err != nil {
			return nil, err
		}
		changes = append(changes, docs...)
	}
	return changes, nil
}

// Act pauses, resumes or aborts a rollout. To resume one that stopped by itself is to go on in spite of the edges that failed; to abort one,
// be it done, gives its edges back what they had before.
func (s *Service) Act(ctx context.Context, actor, id, action string) (r Rollout, err error) {
	err = s.retry(func() error {
		if r, err = s.rollout(ctx, id); err != nil {
			return err
		}
		open, door, err := s.opened(ctx)
		if err != nil {
			return err
		}
		if open != id && open != "" {
			return refuse(Conflict, "another rollout is open: wait for it, or abort it first")
		}
		was := r.State
		if r.Rollout, err = s.act(ctx, r, action); err != nil {
			return refuse(Conflict, "a rollout that is %s cannot be told to %s", was, action)
		}
		r.Changed, r.Stop = s.o.Now().UTC(), nil
		changes := []next{{KindRollout, id, r.version, r}}
		if open == "" {
			changes = append(changes, next{KindOpen, openID, door, id})
		}
		return s.put(ctx, actor, changes...)
	})
	return r, err
}

func (s *Service) act(ctx context.Context, r Rollout, action string) (rollout.Rollout, error) {
	switch action {
	case "pause":
		return r.Pause()
	case "abort":
		return r.Abort()
	case "resume":
		p, err := s.planned(ctx, r.ID)
		if err != nil {
			return r.Rollout, err
		}
		members, err := s.members(ctx, r, p.Edges)
		if err != nil {
			return r.Rollout, err
		}
		return r.Resume(r.failures(members))
	}
	return r.Rollout, rollout.ErrState
}
