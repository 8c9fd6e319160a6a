package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// slice is one call of Prune inside its transaction.
type slice struct {
	ctx   context.Context
	c     *section
	h     store.Horizon
	limit int64
	did   store.Pruned
}

// Prune implements [store.Store]. It works inside the section: a slice is small, and nobody decides about a case that is going.
func (s *Store) Prune(ctx context.Context, h store.Horizon, limit int) (store.Pruned, error) {
	ends := make([]int64, 3) // the first positions that stay
	for i, log := range []struct {
		table, column string
		before        time.Time
	}{{"case_events", "at", h.Cases}, {"alerts", "received_at", h.Cases}, {"evidence", "received_at", h.Latest()}} {
		if log.before.IsZero() {
			continue
		}
		var err error
		if ends[i], err = firstAt(ctx, s.read, log.table, log.column, log.before); err != nil {
			return store.Pruned{}, fmt.Errorf("prune: %w", err)
		}
	}
	p := slice{ctx: ctx, h: h, limit: int64(max(limit, 1))}
	err := s.transact(ctx, nil, func(c *section) error {
		p.c = c
		for _, step := range []func() error{
			func() error { return p.takeCases(ends[0]) }, p.drain, func() error { return p.strays(ends[1]) },
			func() error { return p.evidence(ends[2]) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return store.Pruned{}, fmt.Errorf("prune: %w", err)
	}
	return p.did, nil
}

// takeCases lets the oldest closed cases go that end before a position of the case-event log, unless the time of their last event says
// otherwise: a clock that was set back leaves old times behind young ones. The newest case stays, so that its row number is not given
// out again, and so does the case of the newest event. Every process forgets its cases then.
func (p *slice) takeCases(end int64) error {
	rows, err := p.c.tx.Query(p.ctx, `WITH taken AS (
			SELECT ref, position, tail FROM heads h WHERE state = 'closed' AND hold = '' AND closed_at < $4 AND position < $1 AND ref < $2
			AND (SELECT e.at FROM case_events e WHERE e.position = h.position) < $4 ORDER BY closed_at LIMIT $3
		), gone AS (DELETE FROM cases c USING taken t WHERE c.ref = t.ref RETURNING c.id),
		untold AS (DELETE FROM notices n USING gone g WHERE n.case_id = g.id::text), headless AS (DELETE FROM heads h USING taken t WHERE h.ref = t.ref),
		noted AS (INSERT INTO pruning (case_ref, next, alert) SELECT ref, position, tail FROM taken)
		SELECT id::text FROM gone`,
		min(end, p.c.last), p.c.ref, p.limit, store.Nanos(p.h.Cases))
	if err != nil {
		return fmt.Errorf("delete cases: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("delete cases: %w", err)
	}
	p.did.Cases = int64(len(ids))
	p.did.More = p.did.Cases == p.limit
	if len(ids) == 0 {
		return nil
	}
	p.c.m.forget()
	if _, err := p.c.tx.Exec(p.ctx, "SELECT nextval('prunings')"); err != nil {
		return fmt.Errorf("delete cases: %w", err)
	}
	return p.evidenceOf(ids)
}

// evidenceOf deletes the evidence of alerts, or of cases themselves.
func (p *slice) evidenceOf(ids []string) error {
	digests, err := texts(p.c.tx.Query(p.ctx, "DELETE FROM evidence WHERE alert_id = ANY ($1) RETURNING sha256", ids))
	if err != nil {
		return fmt.Errorf("delete evidence: %w", err)
	}
	return p.orphans(digests)
}

// drain deletes what is left of cases that are going.
func (p *slice) drain() error {
	type going struct{ ref, next, alert int64 }
	rows, err := p.c.tx.Query(p.ctx, "SELECT case_ref, next, alert FROM pruning ORDER BY case_ref LIMIT $1", p.limit+1)
	all, err := collect(rows, err, func(scan scanner) (g going, err error) {
		err = scan(&g.ref, &g.next, &g.alert)
		return g, err
	})
	if err != nil {
		return fmt.Errorf("find what is left of cases: %w", err)
	}
	for _, g := range all {
		if p.did.Alerts >= p.limit || p.did.Events >= p.limit {
			p.did.More = true
			return nil
		}
		alert, err := p.chain(g.alert, p.limit-p.did.Alerts)
		if err != nil {
			return err
		}
		next, err := p.history(g.next, p.limit-p.did.Events)
		if err != nil {
			return err
		}
		if alert == 0 && next == 0 {
			_, err = p.c.tx.Exec(p.ctx, "DELETE FROM pruning WHERE case_ref = $1", g.ref)
		} else {
			p.did.More = true
			_, err = p.c.tx.Exec(p.ctx, "UPDATE pruning SET next = $2, alert = $3 WHERE case_ref = $1", g.ref, next, alert)
		}
		if err != nil {
			return fmt.Errorf("note what is left of a case: %w", err)
		}
	}
	return nil
}

// chain deletes at most limit alerts of a case from a position on and returns where it goes on, 0 at its end.
func (p *slice) chain(position, limit int64) (next int64, err error) {
	gone, next, err := p.follow(`WITH RECURSIVE chain (position, previous, n) AS (
			SELECT position, earlier, 1 FROM alerts WHERE position = $1
			UNION ALL
			SELECT a.position, a.earlier, n + 1 FROM chain c JOIN alerts a ON a.position = c.previous WHERE n < $2
		) SELECT position, previous FROM chain ORDER BY n`, position, limit)
	if err != nil {
		return 0, fmt.Errorf("read the alerts of a case: %w", err)
	}
	return next, p.alerts(gone)
}

// follow reads a chain: the positions in it, and where it goes on.
func (p *slice) follow(query string, position, limit int64) (found []int64, next int64, err error) {
	rows, err := p.c.tx.Query(p.ctx, query, position, limit)
	if err != nil {
		return nil, 0, err
	}
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&at, &next}, func() error {
		found = append(found, at)
		return nil
	})
	return found, next, err
}

// alerts deletes alerts with their evidence.
func (p *slice) alerts(positions []int64) error {
	if len(positions) == 0 {
		return nil
	}
	ids, err := texts(p.c.tx.Query(p.ctx, "DELETE FROM alerts WHERE position = ANY ($1) RETURNING id::text", positions))
	if err != nil {
		return fmt.Errorf("delete alerts: %w", err)
	}
	p.did.Alerts += int64(len(ids))
	return p.evidenceOf(ids)
}

// history deletes at most limit events of a chain from position on and returns where it goes on, 0 at its end.
func (p *slice) history(position, limit int64) (next int64, err error) {
	gone, next, err := p.follow(`WITH RECURSIVE history (position, previous, n) AS (
			SELECT position, previous, 1 FROM case_events WHERE position = $1
			UNION ALL
			SELECT e.position, e.previous, n + 1 FROM history h JOIN case_events e ON e.position = h.previous WHERE n < $2
		) SELECT position, previous FROM history ORDER BY n`, position, limit)
	if err != nil {
		return 0, fmt.Errorf("read a history: %w", err)
	}
	if _, err := p.c.tx.Exec(p.ctx, "DELETE FROM case_events WHERE position = ANY ($1)", gone); err != nil {
		return 0, fmt.Errorf("delete a history: %w", err)
	}
	p.did.Events += int64(len(gone))
	return next, nil
}

// strays deletes alerts before a position of the alert log that joined no case.
func (p *slice) strays(end int64) error {
	if p.did.Alerts >= p.limit {
		p.did.More = true
		return nil
	}
	full := p.limit - p.did.Alerts
	rows, err := p.c.tx.Query(p.ctx, `SELECT position FROM alerts WHERE case_ref = 0 AND position < $1 AND received_at < $2
		ORDER BY position LIMIT $3`, end, store.Nanos(p.h.Cases), full)
	if err != nil {
		return fmt.Errorf("find alerts without a case: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("find alerts without a case: %w", err)
	}
	p.did.More = p.did.More || int64(len(found)) == full
	return p.alerts(found)
}

// evidence deletes evidence before a position of its log that belongs to no case, or an alert of none, that is open, acknowledged or held.
func (p *slice) evidence(end int64) error {
	sources, err := p.h.BySource()
	if err != nil {
		return err
	}
	digests, err := texts(p.c.tx.Query(p.ctx, `DELETE FROM evidence WHERE position IN (
		SELECT e.position FROM evidence e WHERE e.position < $1
		AND e.received_at < coalesce(($6::jsonb ->> e.source)::bigint, CASE WHEN e.sealed THEN $5::bigint ELSE $4::bigint END) AND NOT EXISTS (
			SELECT 1 FROM alerts a JOIN heads h ON h.ref = a.case_ref
			WHERE a.id = e.alert_id::uuid AND (h.state <> $2 OR h.hold <> '')
		) AND NOT EXISTS (
			SELECT 1 FROM cases c JOIN heads h ON h.ref = c.ref
			WHERE c.id = e.alert_id::uuid AND (h.state <> $2 OR h.hold <> '')
		) ORDER BY e.position LIMIT $3) RETURNING sha256`, end, string(cases.Closed), p.limit, store.Nanos(p.h.Evidence), store.Nanos(p.h.ClipsOr()), sources))
	if err != nil {
		return fmt.Errorf("delete evidence: %w", err)
	}
	p.did.More = p.did.More || int64(len(digests)) == p.limit
	return p.orphans(digests)
}

// orphans counts deleted evidence and notes the objects that no row names any more.
func (p *slice) orphans(digests []string) error {
	p.did.Evidence += int64(len(digests))
	if len(digests) == 0 {
		return nil
	}
	_, err := p.c.tx.Exec(p.ctx, `INSERT INTO orphans (sha256) SELECT DISTINCT u.sha256 FROM unnest($1::text[]) AS u (sha256)
		WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.sha256 = u.sha256) ON CONFLICT DO NOTHING`, digests)
	if err != nil {
		return fmt.Errorf("note objects without evidence: %w", err)
	}
	return nil
}

// Orphans implements [store.Store].
func (s *Store) Orphans(ctx context.Context, limit int) ([]string, error) {
	digests, err := texts(s.read.Query(ctx, `SELECT sha256 FROM orphans o
		WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.sha256 = o.sha256) LIMIT $1`, limit))
	if err != nil {
		return nil, fmt.Errorf("list orphans: %w", err)
	}
	return digests, nil
}

// ForgetOrphans implements [store.Store]. Those that evidence names again are forgotten too.
func (s *Store) ForgetOrphans(ctx context.Context, digests []string) error {
	return s.put(ctx, "forget orphans", `DELETE FROM orphans o WHERE o.sha256 = ANY ($1)
		OR EXISTS (SELECT 1 FROM evidence e WHERE e.sha256 = o.sha256)`, digests)
}

// NoteOrphan implements [store.Store].
func (s *Store) NoteOrphan(ctx context.Context, sha256 string) error {
	return s.put(ctx, "note an orphan", `INSERT INTO orphans SELECT $1::text WHERE NOT EXISTS (SELECT 1 FROM evidence WHERE sha256 = $1)
		ON CONFLICT DO NOTHING`, sha256)
}
