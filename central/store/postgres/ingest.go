package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// alertRow is an alert of a group: its index in the group and its row.
type alertRow struct {
	*store.Received
	id       uuid.UUID
	index    int
	position int64
	ref      int64 // of its case, 0 for none
	earlier  int64 // position of the alert before it of the same case, 0 for none
}

// group is one call of Ingest.
type group struct {
	in     store.Group
	decide store.Decider
	now    time.Time
	places map[placeKey]int64

	alerts  []alertRow         // each id once, the first counts
	stored  map[uuid.UUID]bool // ids that are there already
	over    map[string]bool    // situations that ended before their raise came
	tallies []store.Tally      // of the deliveries, as they are stored
	fresh   []alertRow         // alerts that are new, in order of arrival
}

// Ingest implements [store.Store].
func (s *Store) Ingest(ctx context.Context, in store.Group, decide store.Decider, now time.Time) ([]ingest.Outcome, error) {
	if len(in.Alerts)+len(in.Deliveries) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	g := &group{in: in, decide: decide, now: now, stored: make(map[uuid.UUID]bool), over: make(map[string]bool)}
	err := g.prepare(ctx, s)
	if err == nil {
		err = s.transact(ctx, g.ask, func(c *section) error { return g.settleAll(ctx, c) })
	}
	if err != nil {
		return nil, fmt.Errorf("ingest %d alerts: %w", len(in.Alerts), err)
	}
	return g.outcomes(), nil
}

// prepare does what needs no section: it finds places, and sifts ids that are repeated within the group.
func (g *group) prepare(ctx context.Context, s *Store) (err error) {
	if g.places, err = s.spots.refsOf(ctx, s, g.in.Alerts); err != nil {
		return fmt.Errorf("places of alerts: %w", err)
	}
	g.alerts = make([]alertRow, 0, len(g.in.Alerts))
	seen := make(map[uuid.UUID]bool, len(g.in.Alerts))
	for i := range g.in.Alerts {
		id, err := uuid.Parse(g.in.Alerts[i].ID)
		if err != nil {
			return fmt.Errorf("alert %d: its id is no UUID", i)
		}
		if !seen[id] {
			seen[id] = true
			g.alerts = append(g.alerts, alertRow{Received: &g.in.Alerts[i], id: id, index: i})
		}
	}
	return nil
}

// outcomes tells what became of each alert: of an id that is repeated in the group, the first counts.
func (g *group) outcomes() []ingest.Outcome {
	out := make([]ingest.Outcome, len(g.in.Alerts))
	for i := range out {
		out[i] = ingest.Duplicate
	}
	for _, a := range g.fresh {
		out[a.index] = ingest.Accepted
	}
	return out
}

// ask finds what the database knows of the group: ids that are stored, raises whose situation is over already (they are remembered no
// longer), and the tallies.
func (g *group) ask(b *pgx.Batch) {
	if len(g.alerts) > 0 {
		b.Queue("SELECT id FROM alerts WHERE id = ANY ($1)", uuids(g.alerts)).Query(func(rows pgx.Rows) error {
			var id pgtype.UUID
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				g.stored[id.Bytes] = true
				return nil
			})
			return err
		})
	}
	if raised := situations(g.alerts, alert.Raised); len(raised) > 0 {
		b.Queue("DELETE FROM ended WHERE situation = ANY ($1) RETURNING situation", raised).Query(func(rows pgx.Rows) error {
			over, err := texts(rows, nil)
			for _, situation := range over {
				g.over[situation] = true
			}
			return err
		})
	}
	askTallies(b, g.in.Deliveries, &g.tallies)
}

// uuids are the ids of alerts as a parameter.
func uuids(alerts []alertRow) pgtype.FlatArray[pgtype.UUID] {
	out := make(pgtype.FlatArray[pgtype.UUID], len(alerts))
	for i := range alerts {
		out[i] = pgtype.UUID{Bytes: alerts[i].id, Valid: true}
	}
	return out
}

// settleAll asks, key by key, what the new alerts do to their case, writes them, and books the deliveries.
func (g *group) settleAll(ctx context.Context, c *section) error {
	byKey := make(map[caseKey][]*alertRow, len(g.alerts))
	keys := make([]caseKey, 0, len(g.alerts))
	g.fresh = make([]alertRow, 0, len(g.alerts))
	for _, a := range g.alerts {
		if g.stored[a.id] {
			continue
		}
		c.alert++
		a.position = c.alert
		g.fresh = append(g.fresh, a)
		k := caseKey{key: a.Key, exercise: a.Exercise}
		if len(byKey[k]) == 0 {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], &g.fresh[len(g.fresh)-1])
	}
	if err := c.recall(ctx, keys); err != nil {
		return err
	}
	for _, k := range keys {
		if err := g.settle(c, k, byKey[k]); err != nil {
			return err
		}
	}
	book(&c.writes, g.tallies, g.in.Deliveries, g.now)
	return g.write(ctx, c)
}

// settle lets the new alerts of one key change their case.
func (g *group) settle(c *section, k caseKey, which []*alertRow) (err error) {
	newest := c.newestOf(k)
	alerts := make([]store.Received, len(which))
	for n, a := range which {
		alerts[n] = *a.Received
	}
	var before *cases.Case
	if newest.ref != 0 {
		before = &newest.Case
	}
	after := newest
	for _, e := range g.decide(before, alerts, func(situation string) bool { return g.over[situation] }, g.now) {
		if e.Type == cases.EventOpened {
			which = after.gather(which, e.AlertID)
			c.save(after)
			after = caseRow{}
		}
		if after, err = c.append(after, e); err != nil {
			return err
		}
	}
	after.gather(which, "")
	c.save(after)
	if after.ref != 0 {
		after.written = after.asWritten()
		c.m.remember(after)
	}
	if newest.State != cases.Closed && after.State == cases.Closed {
		c.closed = append(c.closed, k) // a newer case may be the one that is reopened
	}
	return nil
}

// gather makes the alerts before the one named until those of a case and returns the rest: from the one that opened a case on, they are
// the new case's.
func (r *caseRow) gather(alerts []*alertRow, until string) (rest []*alertRow) {
	for i, a := range alerts {
		if a.ID == until {
			return alerts[i:]
		}
		if r.ref != 0 {
			a.ref, a.earlier, r.tail = r.ref, r.tail, a.position
		}
	}
	return nil
}

// write writes the new alerts, and the situations that were cleared and whose raise is not stored.
func (g *group) write(ctx context.Context, c *section) error {
	if len(g.fresh) == 0 {
		return nil
	}
	rows, err := copyAlerts(g.fresh, g.places)
	if err == nil {
		err = rows.send(ctx, c.tx, columnsOfAlerts)
	}
	if err != nil {
		return fmt.Errorf("insert alerts: %w", err)
	}
	c.writes.Queue("SELECT setval('alert_positions', $1)", c.alert)
	if cleared := situations(g.fresh, alert.Cleared); len(cleared) > 0 {
		c.writes.Queue(`INSERT INTO ended (situation, at) SELECT u.situation, $2 FROM unnest($1::text[]) AS u (situation)
			WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.id = u.situation::uuid) ON CONFLICT DO NOTHING`, cleared, store.Nanos(g.now))
		c.writes.Queue("DELETE FROM ended WHERE at < $1", store.Nanos(g.now.Add(-store.KeepEnded)))
	}
	return nil
}
