package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Trial is a question to an edge: what would these zones and masks have raised?
type Trial struct {
	ID      string             `json:"id"`
	Edge    string             `json:"edge"`
	Camera  string             `json:"camera"`
	Grid    string             `json:"grid"`
	By      string             `json:"by"`
	At      time.Time          `json:"at"`
	Until   time.Time          `json:"until" doc:"nobody waits for a result then any more"`
	LastSec int64              `json:"lastSec"`
	Zones   []ingest.OrderZone `json:"zones" nullable:"false"`
	Masks   []ingest.Outline   `json:"masks" nullable:"false"`
}

// Tried is a trial and, once it is there, its result.
type Tried struct {
	Trial
	Result *ingest.TrialResult `json:"result,omitempty" doc:"absent while the edge has not answered"`
}

func (t Trial) order() ingest.Trial {
	return ingest.Trial{ID: t.ID, Camera: t.Camera, Zones: t.Zones, Masks: t.Masks, LastSec: t.LastSec}
}

// Try asks an edge what an arrangement would have raised over the last seconds of a camera.
func (s *Service) Try(ctx context.Context, who auth.Principal, edge, camera string, zones []ingest.OrderZone, masks []ingest.Outline, lastSec int64) (Trial, error) {
	zones, masks, err := checkArrangement(zones, masks)
	if err != nil {
		return Trial{}, err
	}
	if lastSec < 1 || lastSec > int64(MaxTrialSpan/time.Second) {
		return Trial{}, refuse(Invalid, "lastSec is 1 to %d", int64(MaxTrialSpan/time.Second))
	}
	e, device, err := s.camera(ctx, who, edge, camera)
	if err != nil {
		return Trial{}, err
	}
	now := s.o.Now().UTC()
	if now.Sub(e.LastSync) > inTouch {
		return Trial{}, refuse(Conflict, "the edge is not in touch: nobody could ask it")
	}
	t := Trial{
		ID: alert.NewID(), Edge: edge, Camera: camera, Grid: device.Grid, By: who.Actor(), At: now, Until: now.Add(TrialWithin),
		LastSec: lastSec, Zones: zones, Masks: masks,
	}
	return t, s.change(ctx, who.Actor(), func(b *book, d *draft) error { return b.try(d, t) })
}

// try puts a trial into the document of its edge, within the limits. b.mu is held.
func (b *book) try(d *draft, t Trial) error {
	var list []Trial
	if w := b.edges[t.Edge]; w != nil {
		list = w.trials
	}
	own := 0
	for _, w := range b.edges {
		for _, o := range w.trials {
			if o.By == t.By {
				own++
			}
		}
	}
	switch {
	case len(list) >= ingest.MaxTrials:
		return refuse(TooMany, "%d trials are under way at this edge, wait for one", ingest.MaxTrials)
	case own >= TrialsOfAccount:
		return refuse(TooMany, "you have %d trials under way, wait for one", TrialsOfAccount)
	}
	return d.put(KindTrials, t.Edge, append(slices.Clone(list), t))
}

// Tried returns a trial that who may see, and waits for its result. [store.ErrNotFound] if there is none, or it was kept long enough.
func (s *Service) Tried(ctx context.Context, who auth.Principal, id string, wait time.Duration) (out Tried, err error) {
	if err := s.refresh(ctx); err != nil {
		return out, err
	}
	err = s.poll(ctx, wait, func() (bool, error) {
		t, live := s.trial(id)
		if live && !who.Sees(t.Grid) {
			return false, store.ErrNotFound
		}
		out = Tried{Trial: t}
		err := s.shelf.answer(id, &out)
		if errors.Is(err, store.ErrNotFound) && live {
			return false, nil
		}
		return err == nil, err
	})
	if err == nil && !who.Sees(out.Grid) {
		return Tried{}, store.ErrNotFound
	}
	return out, err
}

func (s *Service) trial(id string) (Trial, bool) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if w := s.book.edges[s.book.tasks[id]]; w != nil {
		if i := slices.IndexFunc(w.trials, func(t Trial) bool { return t.ID == id }); i >= 0 {
			return w.trials[i], true
		}
	}
	return Trial{}, false
}

// Answer takes the result of a trial from the edge that was asked. [ErrOver] if nobody waits for it any more.
func (s *Service) Answer(ctx context.Context, edge, id string, r ingest.TrialResult) error {
	t, ok := s.trial(id)
	if !ok {
		if err := s.refresh(ctx); err != nil {
			return err
		}
		t, ok = s.trial(id)
	}
	if !ok || t.Edge != edge {
		return ErrOver
	}
	r = tidy(r)
	if err := checkResult(r); err != nil {
		return err
	}
	return s.answered(ctx, t, r, s.shelf.publish)
}

// noAnswer is why there is no result of an edge that was asked.
const noAnswer = "the edge did not answer in time"

// untried ends a trial whose edge did not answer. A result that came this very moment stays.
func (s *Service) untried(ctx context.Context, t Trial) error {
	return s.answered(ctx, t, ingest.TrialResult{Why: noAnswer}, s.shelf.publishFirst)
}

// answered keeps a result, then takes the trial out of the edge's orders.
func (s *Service) answered(ctx context.Context, t Trial, r ingest.TrialResult, keep func(id, sort string, data []byte) error) error {
	data, err := json.Marshal(Tried{Trial: t, Result: &r})
	if err == nil {
		err = keep(t.ID, "trial", data)
	}
	if err != nil {
		return fmt.Errorf("keep the result of a trial: %w", err)
	}
	return s.change(ctx, t.By, func(b *book, d *draft) error {
		w := b.edges[t.Edge]
		if w == nil || !slices.ContainsFunc(w.trials, func(o Trial) bool { return o.ID == t.ID }) {
			return nil // another central was faster
		}
		left := slices.DeleteFunc(slices.Clone(w.trials), func(o Trial) bool { return o.ID == t.ID })
		if len(left) == 0 {
			return d.put(KindTrials, t.Edge, nil)
		}
		return d.put(KindTrials, t.Edge, left)
	})
}

// tidy makes one short line of why, and lets no situation end before it began: an edge that rounds its times differently, or has much to
// say, must not cost the rest of the result.
func tidy(r ingest.TrialResult) ingest.TrialResult {
	r.Why = line(r.Why)
	r.Would, r.Did = slices.Clone(r.Would), slices.Clone(r.Did)
	for _, list := range [][]ingest.TrialEvent{r.Would, r.Did} {
		for i := range list {
			if list[i].To.Before(list[i].From) {
				list[i].To = list[i].From
			}
		}
	}
	return r
}

// checkResult bounds what an edge says.
func checkResult(r ingest.TrialResult) error {
	switch {
	case r.Samples < 0 || !writable(r.From) || !writable(r.To) || r.To.Before(r.From):
		return refuse(Invalid, "from, to or samples is absurd")
	case len(r.Would) > ingest.MaxTrialEvents || len(r.Did) > ingest.MaxTrialEvents:
		return refuse(Invalid, "would and did have at most %d situations each", ingest.MaxTrialEvents)
	}
	for i, e := range slices.Concat(r.Would, r.Did) {
		_, err := alert.ParseKind(e.Kind)
		switch {
		case err != nil:
			return refuse(Invalid, "situation %d has a kind that is not on the list", i)
		case e.Zone != "" && !alert.ValidZone(e.Zone):
			return refuse(Invalid, "situation %d has a zone of another form", i)
		case !writable(e.From) || !writable(e.To):
			return refuse(Invalid, "situation %d has an absurd time", i)
		}
	}
	return nil
}

func writable(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }
