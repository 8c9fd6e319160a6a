package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// keepEnded is how long an ended situation is remembered for a raise that does not come: longer than an edge's outbox lasts.
const keepEnded = 90 * 24 * time.Hour

// Ingest implements [store.Store].
func (s *Store) Ingest(ctx context.Context, in store.Group, decide store.Decider, now time.Time) ([]ingest.Outcome, error) {
	if len(in.Alerts)+len(in.Deliveries) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	g := group{w: s.writer, alerts: in.Alerts, decide: decide, now: now}
	var last int64
	err := s.writer.transact(func() error {
		if err := s.writer.book(in.Deliveries, now); err != nil {
			return err
		}
		err := g.store()
		last = s.writer.last
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ingest %d alerts: %w", len(in.Alerts), err)
	}
	s.advance(last)
	return g.outcomes(), nil
}

// advance publishes the position of the newest committed event.
func (s *Store) advance(last int64) {
	for {
		old := s.last.Load()
		if old >= last || s.last.CompareAndSwap(old, last) {
			return
		}
	}
}

// group is one call of Ingest inside its transaction.
type group struct {
	w      *writer
	alerts []store.Received
	decide store.Decider
	now    time.Time

	fresh []int           // indices of alerts that are new, in order of arrival
	cases []driver.Value  // by index: the row of the alert's case, nil for none
	over  map[string]bool // situations that ended before their raise came
}

func (g *group) store() error {
	if len(g.alerts) == 0 {
		return nil
	}
	for _, step := range []func() error{g.sift, g.recallEnded, g.correlate, g.insert, g.rememberEnded} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// outcomes tells what became of each alert: of an id that is repeated in the group, the first counts.
func (g *group) outcomes() []ingest.Outcome {
	out := make([]ingest.Outcome, len(g.alerts))
	for i := range out {
		out[i] = ingest.Duplicate
	}
	for _, i := range g.fresh {
		out[i] = ingest.Accepted
	}
	return out
}

// sift finds the alerts that are new.
func (g *group) sift() error {
	seen := make(map[string]bool, len(g.alerts))
	ids := make([]string, len(g.alerts))
	for i, a := range g.alerts {
		ids[i] = a.ID
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	err = g.w.c.query(func(v []driver.Value) error {
		seen[v[0].(string)] = true
		return nil
	}, "SELECT id FROM alerts WHERE id IN (SELECT value FROM json_each(?))", string(list))
	if err != nil {
		return fmt.Errorf("look up ids: %w", err)
	}
	for i, id := range ids {
		if !seen[id] {
			seen[id] = true
			g.fresh = append(g.fresh, i)
		}
	}
	return nil
}

// recallEnded finds the raises whose situation is over already; they are remembered no longer.
func (g *group) recallEnded() error {
	if !g.w.ended {
		return nil
	}
	raised := g.situations(alert.Raised)
	if len(raised) == 0 {
		return nil
	}
	list, err := json.Marshal(raised)
	if err != nil {
		return err
	}
	g.over = make(map[string]bool)
	err = g.w.c.query(func(v []driver.Value) error {
		g.over[v[0].(string)] = true
		return nil
	}, "DELETE FROM ended WHERE situation IN (SELECT value FROM json_each(?)) RETURNING situation", string(list))
	if err != nil {
		return fmt.Errorf("recall ended situations: %w", err)
	}
	return nil
}

// rememberEnded notes the situations that were cleared and whose raise is not stored.
func (g *group) rememberEnded() error {
	cleared := g.situations(alert.Cleared)
	if len(cleared) == 0 {
		return nil
	}
	list, err := json.Marshal(cleared)
	if err != nil {
		return err
	}
	r, err := g.w.c.exec(`INSERT OR IGNORE INTO ended (situation, at) SELECT j.value, ? FROM json_each(?) j
		WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.id = j.value)`, nanos(g.now), string(list))
	if err != nil {
		return fmt.Errorf("remember ended situations: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	g.w.ended = true
	_, err = g.w.c.exec("DELETE FROM ended WHERE at < ?", nanos(g.now.Add(-keepEnded)))
	return err
}

func (g *group) situations(s alert.State) []string {
	var out []string
	for _, i := range g.fresh {
		if a := &g.alerts[i]; a.State == s {
			out = append(out, a.Situation)
		}
	}
	return out
}

// correlate asks, key by key, what the new alerts do to their case.
func (g *group) correlate() error {
	g.cases = make([]driver.Value, len(g.alerts))
	byKey := make(map[caseKey][]int, len(g.fresh))
	order := make([]caseKey, 0, len(g.fresh))
	for _, i := range g.fresh {
		k := caseKey{key: g.alerts[i].Key, exercise: g.alerts[i].Exercise}
		if len(byKey[k]) == 0 {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], i)
	}
	for _, k := range order {
		if err := g.settle(k, byKey[k]); err != nil {
			return err
		}
	}
	return nil
}

// settle lets the new alerts of one key change their case.
func (g *group) settle(k caseKey, which []int) error {
	newest, err := g.w.newestCase(k)
	if err != nil {
		return err
	}
	alerts := make([]store.Received, len(which))
	for n, i := range which {
		alerts[n] = g.alerts[i]
	}
	var before *cases.Case
	if newest.ref != 0 {
		before = &newest.Case
	}
	events := g.decide(before, alerts, func(situation string) bool { return g.over[situation] }, g.now)
	opener := ""
	after := newest
	for _, e := range events {
		if e.Type == cases.EventOpened {
			if err := g.w.saveCase(after); err != nil {
				return err
			}
			opener, after = e.AlertID, caseRow{}
		}
		if after, err = g.w.append(after, e); err != nil {
			return err
		}
	}
	if err := g.w.saveCase(after); err != nil {
		return err
	}
	g.assign(which, newest.ref, opener, after.ref)
	return nil
}

// assign notes the case of each alert: from the one that opened a case on, that is the new case.
func (g *group) assign(which []int, before int64, opener string, after int64) {
	ref := before
	for _, i := range which {
		if g.alerts[i].ID == opener {
			ref = after
		}
		if ref != 0 {
			g.cases[i] = ref
		}
	}
}

const insertAlert = `INSERT INTO alerts (id, case_ref, place, received_at, kind, object, state, situation, key, severity, zone,
	occurred_at, clock, uncertainty_ms, raised_at, score, count_bucket, quantity, value, unit, origin, exercise)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

// insert writes the new alerts in order of arrival.
func (g *group) insert() error {
	for _, i := range g.fresh {
		a := &g.alerts[i]
		place, err := g.w.place(a.Source, a.Grid)
		if err != nil {
			return err
		}
		var situation, score, quantity, value, unit driver.Value
		if a.State == alert.Cleared {
			situation = a.Situation
		}
		if a.Score != nil {
			score = *a.Score
		}
		if r := a.Reading; r != nil {
			quantity, value, unit = r.Quantity, r.Value, r.Unit
		}
		_, err = g.w.c.exec(insertAlert, a.ID, g.cases[i], place, nanos(a.ReceivedAt), string(a.Kind), text(a.Object),
			string(a.State), situation, a.Key, int64(a.Severity.Rank()), text(a.Zone), nanos(a.OccurredAt), string(a.Clock),
			a.Uncertainty.Milliseconds(), nanos(a.RaisedAt), score, text(a.CountBucket), quantity, value, unit, a.Origin, a.Exercise)
		if err != nil {
			return fmt.Errorf("insert alert %s: %w", a.ID, err)
		}
	}
	return nil
}

// place returns the row of a device at a grid, made if it is new.
func (w *writer) place(source, grid string) (int64, error) {
	k := placeKey{source: source, grid: grid}
	if ref, ok := w.places[k]; ok {
		return ref, nil
	}
	edge, _, device, err := alert.ParseSource(source)
	if err != nil {
		return 0, err
	}
	// The update changes nothing; it makes RETURNING answer for a row that exists.
	var ref int64
	err = w.c.query(func(v []driver.Value) error {
		ref = v[0].(int64)
		return nil
	}, `INSERT INTO places (source, edge, device, grid) VALUES (?,?,?,?)
		ON CONFLICT (source, grid) DO UPDATE SET edge = edge RETURNING ref`, source, edge, device, grid)
	if err != nil {
		return 0, fmt.Errorf("place of an alert: %w", err)
	}
	if len(w.places) >= maxPlaces {
		clear(w.places)
	}
	w.places[k] = ref
	return ref, nil
}
