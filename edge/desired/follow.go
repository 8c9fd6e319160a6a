package desired

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/trial"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/durable"
)

// retryLast is the longest wait before something is fetched again.
const retryLast = 5 * time.Minute

// follow takes each wish, and tries again what could not be fetched or kept.
func (k *Keeper) follow(ctx context.Context) error {
	retry := backoff.New(time.Second, retryLast)
	for {
		again, err := k.take(ctx)
		k.await(errors.Is(err, trial.ErrTurn))
		switch {
		case ctx.Err() != nil:
			return nil
		case again:
			return ErrAgain
		case errors.Is(err, trial.ErrTurn):
			if _, stop := k.pause(ctx, trial.TurnPause); stop {
				return nil
			}
			continue
		case err != nil:
			k.o.Log.Warn("what central wants is not here yet; trying again", "error", err)
			again, stop := k.pause(ctx, retry.Next())
			if stop {
				return nil
			} else if again {
				retry.Reset()
			}
			continue
		}
		retry.Reset()
		if err := k.tidy(); err != nil {
			k.o.Log.Warn("old configurations stay", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-k.wake:
		}
	}
}

// await notes whether what is wanted waits for the trial of a build, and tells a change.
func (k *Keeper) await(waits bool) {
	k.mu.Lock()
	changed := k.waits != waits
	k.waits = waits
	k.mu.Unlock()
	if changed {
		k.b.Told()
	}
}

// pause waits for a time or another wish.
func (k *Keeper) pause(ctx context.Context, d time.Duration) (woken, stop bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false, true
	case <-k.wake:
		return true, false
	case <-t.C:
		return false, false
	}
}

// take brings the edge nearer to what central wants; again says that something else is to be run now.
func (k *Keeper) take(ctx context.Context) (again bool, err error) {
	k.mu.Lock()
	w := k.wish
	k.mu.Unlock()
	if !w.Heard {
		return false, nil
	}
	target, long := "", DefaultTime
	if w.Wanted != nil {
		target = w.Wanted.Revision
		if w.Wanted.TrialSec > 0 {
			long = time.Duration(min(w.Wanted.TrialSec, int64(ingest.MaxTrialTime/time.Second))) * time.Second
		}
	}
	s := k.trials.State()
	switch {
	case k.trials.Ended(target) != nil, s.Trial != nil && s.Trial.Wanted == target, s.Trial == nil && s.Running == target:
		return false, nil
	}
	if !k.o.Turns.Free(k.trials) {
		return false, trial.ErrTurn
	}
	if target != "" {
		if fit, err := k.get(ctx, w.Wanted); err != nil || !fit {
			return false, err
		}
	}
	return k.begin(ctx, s, target, long)
}

// get has the text of a wish here and judged; false means that it is refused.
func (k *Keeper) get(ctx context.Context, w *ingest.WantedConfiguration) (fit bool, err error) {
	text, err := k.text(w.Revision)
	if err != nil {
		if text, err = k.fetch(ctx, w); err != nil {
			return false, err
		}
	}
	problems := k.o.Judge(text)
	if len(problems) == 0 {
		return true, nil
	}
	k.o.Log.Warn("the configuration that central wants is refused", "revision", w.Revision, "problems", len(problems), "line", problems[0].Line, "field", problems[0].Field, "what", problems[0].What)
	if err := k.keep(func(s *wish) { s.Refused, s.Problems = k.o.File, few(problems) }); err != nil {
		return false, err
	}
	if err := k.trials.Refuse(w.Revision, refusedWhy); err != nil {
		return false, err
	}
	k.b.Told()
	return false, nil
}

// fetch reads the text of a wish from central and keeps it if it is what was wanted.
func (k *Keeper) fetch(ctx context.Context, w *ingest.WantedConfiguration) ([]byte, error) {
	if !revision.MatchString(w.Revision) || w.Bytes < 0 || w.Bytes > ingest.MaxConfiguration {
		return nil, errors.New("central names no revision, or one that is too large")
	}
	text, err := k.b.Fetch(ctx, w.Revision, w.Bytes)
	if err != nil {
		return nil, err
	}
	k.reached = true
	if int64(len(text)) != w.Bytes || Revision(text) != w.Revision {
		return nil, errors.New("central sent another text than the one that it wants")
	}
	return text, durable.Write(k.path(w.Revision+textSuffix), text, 0o600)
}

// begin puts what is wanted on trial. How the edge was before is that of what stays: a trial that another takes over from says nothing.
func (k *Keeper) begin(ctx context.Context, s trial.State, target string, long time.Duration) (again bool, err error) {
	if s.Trial == nil {
		before := k.b.Health(ctx)
		before.Central = before.Central || k.reached // at the start of an edge a text may be here before the first sync is answered
		if err := k.keep(func(w *wish) { w.Before = &before }); err != nil {
			return false, err
		}
	}
	if err := k.o.Turns.Begin(k.trials, target, long); err != nil {
		return false, err
	}
	k.o.Log.Info("a configuration that central wants is tried", "revision", target, "running", s.Running, "for", long)
	return true, nil
}

// beat is how often health is looked at.
const beat = time.Second

// watch judges what is on trial, and sees what a person asks for, until ctx ends.
func (k *Keeper) watch(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var w *trial.Watch
	if t := k.trials.State().Trial; t != nil && t.Wanted == k.running {
		w = trial.NewWatch(k.o.Scale(t.For()), time.Now())
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if there(k.path(resetFile)) {
			return ErrAgain
		}
		if w == nil {
			continue
		}
		switch over, err := k.judged(ctx, w); {
		case errors.Is(err, ErrAgain):
			return err
		case err != nil:
			k.o.Log.Error("what is on trial goes on being watched", "error", err)
			w = trial.NewWatch(trial.MinTime, time.Now())
		case over:
			w = nil
		}
	}
}

// judged looks once at what is on trial; over says that its trial is.
func (k *Keeper) judged(ctx context.Context, w *trial.Watch) (over bool, err error) {
	k.mu.Lock()
	before := k.wish.Before
	k.mu.Unlock()
	if before == nil {
		before = &Health{}
	}
	now := k.b.Health(ctx)
	if ctx.Err() != nil {
		return false, nil
	}
	if now.Outbox && !k.up {
		k.Up()
		k.up = true
	}
	verdict, why := Compare(*before, now)
	switch w.At(time.Now(), verdict) {
	case trial.Stay:
		if err := k.trials.Confirm(); err != nil && !errors.Is(err, trial.ErrNone) {
			return true, fmt.Errorf("note that a configuration stays: %w", err)
		}
		k.o.Log.Info("the configuration that central wants stays", "revision", k.running)
		k.b.Told()
		return true, nil
	case trial.Back:
		k.o.Log.Error("the edge is less well with what central wants, and goes back", "revision", k.running, "why", why)
		if err := k.trials.Back(why); err != nil {
			k.o.Log.Error("the edge could not note that it goes back", "error", err)
		}
		return true, ErrAgain
	}
	return false, nil
}
