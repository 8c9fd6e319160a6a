package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

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
	if s.writer.tell != nil {
		s.writer.tell(g.events)
	}
	return g.outcomes(), nil
}

// Tell sets who is told the case events of each group of alerts once they are committed, as they were made: whoever follows the log then
// need not read and decode them. It is called after each [Store.Ingest], in no order between two that run at once; the events must not be
// changed. Set it before the first one.
func (s *Store) Tell(f func([]cases.Event)) { s.writer.tell = f }

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

	ids   [][]byte        // by index
	fresh []int           // indices of alerts that are new, in order of arrival
	rows  []alertRow      // by index; of new ones only
	over  map[string]bool // situations that ended before their raise came

	events []cases.Event // that came of it, for [Store.Tell]
}

// alertRow is where an alert stands: in the log, and in the chain of its case.
type alertRow struct {
	position int64
	ref      int64 // of the case, 0 for none
	earlier  int64
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

// sift finds the alerts that are new and gives them positions, in order of arrival.
func (g *group) sift() error {
	g.ids, g.rows = make([][]byte, len(g.alerts)), make([]alertRow, len(g.alerts))
	for i := range g.alerts {
		var err error
		if g.ids[i], err = idBytes(g.alerts[i].ID); err != nil {
			return err
		}
	}
	seen, err := g.w.stored(g.ids)
	if err != nil {
		return fmt.Errorf("look up ids: %w", err)
	}
	for i := range g.alerts {
		if id := [16]byte(g.ids[i]); !seen[id] {
			seen[id] = true
			g.w.lastAlert++
			g.rows[i].position = g.w.lastAlert
			g.fresh = append(g.fresh, i)
		}
	}
	return nil
}

// lookUp asks for many ids with one statement.
var lookUp = "SELECT id FROM alerts WHERE id IN (" + strings.Repeat("?,", manyIDs-1) + "?)"

const manyIDs = 100

// stored tells which of ids, 16 bytes each, are in the alert log.
func (w *writer) stored(ids [][]byte) (map[[16]byte]bool, error) {
	out := make(map[[16]byte]bool, len(ids))
	args := make([]driver.Value, manyIDs)
	for len(ids) > 0 {
		n := min(len(ids), manyIDs)
		for i := range args {
			args[i] = ids[min(i, n-1)]
		}
		err := w.c.query(func(v []driver.Value) error {
			out[[16]byte(v[0].([]byte))] = true
			return nil
		}, lookUp, args...)
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
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
	missing, err := g.withoutRaise(g.situations(alert.Cleared))
	if err != nil || len(missing) == 0 {
		return err
	}
	list, err := json.Marshal(missing)
	if err != nil {
		return err
	}
	if _, err := g.w.c.exec("INSERT OR IGNORE INTO ended (situation, at) SELECT value, ? FROM json_each(?)", store.Nanos(g.now), string(list)); err != nil {
		return fmt.Errorf("remember ended situations: %w", err)
	}
	g.w.ended = true
	_, err = g.w.c.exec("DELETE FROM ended WHERE at < ?", store.Nanos(g.now.Add(-store.KeepEnded)))
	return err
}

// withoutRaise returns the situations whose raise is not stored.
func (g *group) withoutRaise(situations []string) (out []string, err error) {
	ids := make([][]byte, len(situations))
	for i, s := range situations {
		if ids[i], err = idBytes(s); err != nil {
			return nil, err
		}
	}
	stored, err := g.w.stored(ids)
	if err != nil {
		return nil, fmt.Errorf("look up situations: %w", err)
	}
	for i, s := range situations {
		if !stored[[16]byte(ids[i])] {
			out = append(out, s)
		}
	}
	return out, nil
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
	after := newest
	for _, e := range events {
		if e.Type == cases.EventOpened {
			n := 0
			for g.alerts[which[n]].ID != e.AlertID {
				n++
			}
			g.link(&after, which[:n])
			if err := g.w.saveCase(after); err != nil {
				return err
			}
			which, after = which[n:], caseRow{line: after.line}
		}
		if after, err = g.w.append(after, e); err != nil {
			return err
		}
		if e.Position = g.w.last; g.w.tell != nil {
			g.events = append(g.events, e)
		}
	}
	g.link(&after, which)
	return g.w.saveCase(after)
}

// link puts alerts at the end of the chain of their case.
func (g *group) link(r *caseRow, which []int) {
	if r.ref == 0 {
		return
	}
	for _, i := range which {
		g.rows[i].ref, g.rows[i].earlier = r.ref, r.lastAlert
		r.lastAlert = g.rows[i].position
	}
}

var alertRows = newInserter("INSERT INTO alerts (position, id, case_ref, earlier, place, received_at, kind, state, severity, rest)", 10)

// insert writes the new alerts in order of arrival.
func (g *group) insert() error {
	values := make([]driver.Value, 0, len(g.fresh)*alertRows.columns)
	for _, i := range g.fresh {
		a, row := &g.alerts[i], g.rows[i]
		place, err := g.w.place(a.Source, a.Grid)
		if err != nil {
			return err
		}
		if err := g.w.tail.add(g.w.c, row.position, place); err != nil {
			return err
		}
		var packed string
		packed, g.w.buf = pack(g.w.buf, &a.Alert)
		var ref driver.Value
		if row.ref != 0 {
			ref = row.ref
		}
		values = append(values, row.position, g.ids[i], ref, row.earlier, place, store.Nanos(a.ReceivedAt), string(a.Kind), string(a.State),
			int64(a.Severity.Rank()), packed)
	}
	if err := alertRows.run(g.w.c, values); err != nil {
		return fmt.Errorf("insert alerts: %w", err)
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
