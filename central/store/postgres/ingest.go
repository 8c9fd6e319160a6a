package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// alertRow is an alert of a group that was new: its index in the group and its row.
type alertRow struct {
	*store.Received
	index    int
	position int64
	ref      int64 // of its case, 0 for none
}

// group is one call of Ingest inside its transaction.
type group struct {
	in     store.Group
	decide store.Decider
	now    time.Time

	fresh []alertRow      // alerts that are new, in order of arrival
	over  map[string]bool // situations that ended before their raise came
}

// Ingest implements [store.Store].
func (s *Store) Ingest(ctx context.Context, in store.Group, decide store.Decider, now time.Time) ([]ingest.Outcome, error) {
	if len(in.Alerts)+len(in.Deliveries) == 0 || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	g := &group{in: in, decide: decide, now: now, over: make(map[string]bool)}
	rows, err := s.encode(ctx, in.Alerts)
	if err == nil {
		before := func(tx pgx.Tx) error { return g.insert(ctx, tx, rows) }
		err = s.transact(ctx, before, g.ask, func(c *section) error { return g.settleAll(ctx, c) })
	}
	if err != nil {
		return nil, fmt.Errorf("ingest %d alerts: %w", len(in.Alerts), err)
	}
	return g.outcomes(), nil
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

// insert writes the rows of new alerts. It comes before the section: groups of several processes are written side by side, and
// of two that bring the same id the later one waits until the first is committed or not. Each group writes its ids in the same
// order, so that two never wait for each other; positions follow the order of arrival.
func (g *group) insert(ctx context.Context, tx pgx.Tx, r *alertRows) error {
	if len(r.id) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `INSERT INTO alerts (position, id, place, received_at, kind, state, severity, body)
		SELECT * FROM (SELECT nextval('alert_positions') AS position, u.* FROM
			unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::text[])
			AS u (id, place, received_at, kind, state, severity, body) OFFSET 0) n
		ORDER BY n.id ON CONFLICT (id) DO NOTHING RETURNING id, position`, r.id, r.place, r.received, r.kind, r.state, r.severity, r.body)
	if err != nil {
		return fmt.Errorf("insert alerts: %w", err)
	}
	inserted := make(map[uuid.UUID]int64, len(r.id))
	var id uuid.UUID
	var position int64
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&id), &position}, func() error {
		inserted[id] = position
		return nil
	})
	if err != nil {
		return fmt.Errorf("insert alerts: %w", err)
	}
	g.fresh = make([]alertRow, 0, len(inserted))
	for n, i := range r.index {
		if position, ok := inserted[r.id[n]]; ok {
			g.fresh = append(g.fresh, alertRow{Received: &g.in.Alerts[i], index: i, position: position})
		}
	}
	return nil
}

// ask finds the raises whose situation is over already; they are remembered no longer.
func (g *group) ask(b *pgx.Batch) {
	raised := situations(g.fresh, alert.Raised)
	if len(raised) == 0 {
		return
	}
	b.Queue("DELETE FROM ended WHERE situation = ANY ($1) RETURNING situation", raised).Query(func(rows pgx.Rows) error {
		over, err := texts(rows, nil)
		for _, situation := range over {
			g.over[situation] = true
		}
		return err
	})
}

// settleAll asks, key by key, what the new alerts do to their case, and books the deliveries.
func (g *group) settleAll(ctx context.Context, c *section) error {
	byKey := make(map[caseKey][]*alertRow, len(g.fresh))
	keys := make([]caseKey, 0, len(g.fresh))
	for i := range g.fresh {
		a := &g.fresh[i]
		k := caseKey{key: a.Key, exercise: a.Exercise}
		if len(byKey[k]) == 0 {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], a)
	}
	if err := c.recall(ctx, keys); err != nil {
		return err
	}
	for _, k := range keys {
		if err := g.settle(c, k, byKey[k]); err != nil {
			return err
		}
	}
	if err := g.write(ctx, c); err != nil {
		return err
	}
	return book(ctx, c.tx, g.in.Deliveries, g.now)
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
	opener := ""
	after := newest
	for _, e := range g.decide(before, alerts, func(situation string) bool { return g.over[situation] }, g.now) {
		if e.Type == cases.EventOpened {
			c.save(after)
			opener, after = e.AlertID, caseRow{}
		}
		if after, err = c.append(after, e); err != nil {
			return err
		}
	}
	c.save(after)
	if after.ref != 0 {
		after.written = after.Case
		c.m.remember(after)
	}
	assign(which, newest.ref, opener, after.ref)
	return nil
}

// assign notes the case of each alert: from the one that opened a case on, that is the new case.
func assign(which []*alertRow, before int64, opener string, after int64) {
	ref := before
	for _, a := range which {
		if a.ID == opener {
			ref = after
		}
		a.ref = ref
	}
}

// write notes which case each alert joined, and the situations that were cleared and whose raise is not stored.
func (g *group) write(ctx context.Context, c *section) error {
	if len(g.fresh) == 0 {
		return nil
	}
	position, ref := make([]int64, len(g.fresh)), make([]int64, len(g.fresh))
	for i, a := range g.fresh {
		position[i], ref[i] = a.position, a.ref
	}
	b := &pgx.Batch{}
	b.Queue("INSERT INTO members (position, case_ref) SELECT * FROM unnest($1::bigint[], $2::bigint[])", position, ref)
	if cleared := situations(g.fresh, alert.Cleared); len(cleared) > 0 {
		b.Queue(`INSERT INTO ended (situation, at) SELECT u.situation, $2 FROM unnest($1::text[]) AS u (situation)
			WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.id = u.situation::uuid) ON CONFLICT DO NOTHING`, cleared, store.Nanos(g.now))
		b.Queue("DELETE FROM ended WHERE at < $1", store.Nanos(g.now.Add(-store.KeepEnded)))
	}
	if err := c.tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("note cases and ended situations: %w", err)
	}
	return nil
}
