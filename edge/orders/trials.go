package orders

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// TrialOptions are what [Trials] needs. Try and Answer are demanded.
type TrialOptions struct {
	// Try works a trial out. It may take as long as a processor needs for some hundred small pictures.
	Try    func(ingest.Trial) ingest.TrialResult
	Answer func(ctx context.Context, id string, r ingest.TrialResult) error // [ErrOver] if nobody waits for it
	Log    *slog.Logger
}

// Trials answers trials, one after the other and each once.
type Trials struct {
	o    TrialOptions
	wake chan struct{} // there are others; capacity 1

	mu     sync.Mutex
	wanted []ingest.Trial
	spoilt map[string]string
	done   map[string]bool // of those wanted
}

// tries is how often an answer is sent before it is given up.
const tries = 5

// NewTrials returns Trials without one.
func NewTrials(o TrialOptions) (*Trials, error) {
	if o.Try == nil || o.Answer == nil {
		return nil, errors.New("trials: Try and Answer are demanded")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Trials{o: o, wake: make(chan struct{}, 1), done: map[string]bool{}}, nil
}

// Set says which trials are wanted instead of those before, and which of them cannot be made, and why.
func (t *Trials) Set(trials []ingest.Trial, spoilt map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := map[string]bool{}
	for _, trial := range trials {
		done[trial.ID] = t.done[trial.ID]
	}
	for id := range spoilt {
		done[id] = t.done[id]
	}
	t.wanted, t.spoilt, t.done = trials, spoilt, done
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run answers until ctx ends; it returns nil.
func (t *Trials) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		for id, result := t.next(); id != ""; id, result = t.next() {
			if err := t.answer(ctx, id, result); err != nil && ctx.Err() == nil {
				t.o.Log.Warn("a trial stays without an answer", "error", err)
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

// next takes a trial that was not answered and works it out; "" if there is none.
func (t *Trials) next() (id string, r ingest.TrialResult) {
	trial, why := t.take()
	switch {
	case trial.ID == "":
		return "", r
	case why != "":
		return trial.ID, ingest.TrialResult{Why: why}
	}
	r = t.o.Try(trial)
	r.Would, r.Did = r.Would[:min(len(r.Would), ingest.MaxTrialEvents)], r.Did[:min(len(r.Did), ingest.MaxTrialEvents)]
	return trial.ID, r
}

func (t *Trials) take() (trial ingest.Trial, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, trial := range t.wanted {
		if !t.done[trial.ID] {
			t.done[trial.ID] = true
			return trial, ""
		}
	}
	for id, why := range t.spoilt {
		if !t.done[id] {
			t.done[id] = true
			return ingest.Trial{ID: id}, why
		}
	}
	return ingest.Trial{}, ""
}

// answer sends a result. One that nobody waits for any more is dealt with.
func (t *Trials) answer(ctx context.Context, id string, r ingest.TrialResult) (err error) {
	retry := backoff.New(time.Second, 10*time.Second)
	for range tries {
		if err = t.o.Answer(ctx, id, r); err == nil || errors.Is(err, ErrOver) {
			return nil
		}
		if !backoff.Wait(ctx, retry.Next()) {
			return ctx.Err()
		}
	}
	return err
}
