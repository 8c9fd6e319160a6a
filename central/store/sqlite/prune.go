package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/store"
)

// slice is one call of Prune inside its transaction.
type slice struct {
	w     *writer
	h     store.Horizon
	limit int64
	did   store.Pruned
}

// Prune implements [store.Store].
func (s *Store) Prune(ctx context.Context, h store.Horizon, limit int) (store.Pruned, error) {
	ends := make([]int64, 2) // the first positions that stay
	for i, log := range []struct {
		table  string
		before time.Time
	}{{"alerts", h.Cases}, {"evidence", h.Latest()}} {
		if log.before.IsZero() {
			continue
		}
		var err error
		if ends[i], err = firstAt(ctx, s.read, log.table, "position", "received_at", log.before); err != nil {
			return store.Pruned{}, fmt.Errorf("prune: %w", err)
		}
	}
	p := slice{w: s.writer, h: h, limit: int64(max(limit, 1))}
	err := s.writer.transact(func() error {
		for _, step := range []func() error{
			p.takeCases, p.drain, func() error { return p.strays(ends[0]) }, func() error { return p.evidence(ends[1]) },
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

// takeCases lets cases go that closed before the horizon, the oldest first, unless the time of their last event says otherwise. The
// newest case stays, so that its row number is not given out again, and so does the case of the newest event.
func (p *slice) takeCases() error {
	if p.h.Cases.IsZero() {
		return nil
	}
	var taken []caseRow
	err := p.w.c.query(func(v []driver.Value) error {
		r, err := scanCase(func(dest ...any) error { return assign(dest, v) })
		taken = append(taken, r)
		return err
	}, "SELECT "+caseColumns+" FROM case_states s INDEXED BY case_states_closed CROSS JOIN cases c ON c.ref = s.ref"+joinWork+`
		WHERE s.state = 2 AND s.hold IS NULL AND s.closed_at < ?1 AND s.position < ?2 AND s.ref < (SELECT max(ref) FROM cases)
		AND (SELECT at FROM case_events e WHERE e.position = s.position) < ?1 ORDER BY s.closed_at LIMIT ?3`,
		store.Nanos(p.h.Cases), p.w.last, p.limit)
	if err != nil {
		return fmt.Errorf("find cases: %w", err)
	}
	for _, r := range taken {
		if _, err := p.w.c.exec("INSERT INTO pruning (case_ref, next, alert) VALUES (?,?,?)", r.ref, r.Position, r.lastAlert); err != nil {
			return fmt.Errorf("delete case: %w", err)
		}
		for _, table := range []string{"cases", "case_states", "case_work"} {
			if _, err := p.w.c.exec("DELETE FROM "+table+" WHERE ref = ?", r.ref); err != nil {
				return fmt.Errorf("delete case: %w", err)
			}
		}
		if _, err := p.w.c.exec("DELETE FROM notices WHERE case_id = ?", r.ID); err != nil {
			return fmt.Errorf("delete the notices of a case: %w", err)
		}
		delete(p.w.newest, caseKey{key: r.Key, exercise: r.Exercise})
	}
	p.did.Cases = int64(len(taken))
	p.did.More = p.did.Cases == p.limit
	ids := make([]string, len(taken))
	for i := range taken {
		ids[i] = taken[i].ID
	}
	return p.evidenceOf(ids)
}

// evidenceOf deletes the evidence of alerts, or of cases themselves.
func (p *slice) evidenceOf(ids []string) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	digests, err := p.w.texts("DELETE FROM evidence WHERE alert_id IN (SELECT value FROM json_each(?)) RETURNING sha256", string(list))
	if err != nil {
		return fmt.Errorf("delete evidence: %w", err)
	}
	return p.orphans(digests)
}

// drain deletes what is left of cases that are going.
func (p *slice) drain() error {
	type going struct{ ref, next, alert int64 }
	var all []going
	err := p.w.c.query(func(v []driver.Value) error {
		all = append(all, going{ref: v[0].(int64), next: v[1].(int64), alert: v[2].(int64)})
		return nil
	}, "SELECT case_ref, next, alert FROM pruning ORDER BY case_ref LIMIT ?", p.limit+1)
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
			_, err = p.w.c.exec("DELETE FROM pruning WHERE case_ref = ?", g.ref)
		} else {
			p.did.More = true
			_, err = p.w.c.exec("UPDATE pruning SET next = ?, alert = ? WHERE case_ref = ?", next, alert, g.ref)
		}
		if err != nil {
			return fmt.Errorf("note what is left of a case: %w", err)
		}
	}
	return nil
}

// chain deletes at most limit alerts of a case from a position on and returns where it goes on, 0 at its end.
func (p *slice) chain(position, limit int64) (next int64, err error) {
	var gone []int64
	err = p.w.c.query(func(v []driver.Value) error {
		gone, next = append(gone, v[0].(int64)), v[1].(int64)
		return nil
	}, `WITH RECURSIVE chain (position, earlier) AS (
			SELECT position, earlier FROM alerts WHERE position = ?
			UNION ALL
			SELECT a.position, a.earlier FROM chain CROSS JOIN alerts a ON a.position = chain.earlier
		) SELECT position, earlier FROM chain LIMIT ?`, position, limit)
	if err != nil {
		return 0, fmt.Errorf("read the alerts of a case: %w", err)
	}
	return next, p.alerts(gone)
}

// alerts deletes alerts with their evidence.
func (p *slice) alerts(positions []int64) error {
	if len(positions) == 0 {
		return nil
	}
	list, err := json.Marshal(positions)
	if err != nil {
		return err
	}
	var ids []string
	err = p.w.c.query(func(v []driver.Value) error {
		ids = append(ids, idText(v[0].([]byte)))
		return nil
	}, "DELETE FROM alerts WHERE position IN (SELECT value FROM json_each(?)) RETURNING id", string(list))
	if err != nil {
		return fmt.Errorf("delete alerts: %w", err)
	}
	p.did.Alerts += int64(len(ids))
	return p.evidenceOf(ids)
}

// history deletes at most limit events of a chain from position on and returns where it goes on, 0 at its end.
func (p *slice) history(position, limit int64) (next int64, err error) {
	var gone []int64
	next = position
	err = p.w.c.query(func(v []driver.Value) error {
		gone, next = append(gone, v[0].(int64)), v[1].(int64)
		return nil
	}, `WITH RECURSIVE history (position, previous, n) AS (
			SELECT position, previous, 1 FROM case_events WHERE position = ?
			UNION ALL
			SELECT e.position, e.previous, n + 1 FROM history h JOIN case_events e ON e.position = h.previous WHERE n < ?
		) SELECT position, previous FROM history ORDER BY n`, position, limit)
	if err != nil {
		return 0, fmt.Errorf("read a history: %w", err)
	}
	list, err := json.Marshal(gone)
	if err != nil {
		return 0, err
	}
	if _, err := p.w.c.exec("DELETE FROM case_events WHERE position IN (SELECT value FROM json_each(?))", string(list)); err != nil {
		return 0, fmt.Errorf("delete a history: %w", err)
	}
	p.did.Events += int64(len(gone))
	if len(gone) == 0 {
		return 0, nil
	}
	return next, nil
}

// strayWindow is how many positions one slice looks through for each alert that it may delete.
const strayWindow = 50

// strays deletes alerts before a position of the alert log that joined no case. They have no index: the log is looked through once,
// from where the last slice ended. One that is young by its time, though old by its position, waits for the next start.
func (p *slice) strays(end int64) error {
	until := min(end, p.w.combed+p.limit*strayWindow)
	if until <= p.w.combed {
		return nil
	}
	var found []int64
	err := p.w.c.query(func(v []driver.Value) error {
		found = append(found, v[0].(int64))
		return nil
	}, "SELECT position FROM alerts WHERE position >= ? AND position < ? AND case_ref IS NULL AND received_at < ? ORDER BY position LIMIT ?",
		p.w.combed, until, store.Nanos(p.h.Cases), p.limit-p.did.Alerts+1)
	if err != nil {
		return fmt.Errorf("find alerts without a case: %w", err)
	}
	if full := p.limit - p.did.Alerts; int64(len(found)) > full {
		until, found = found[full], found[:full]
	}
	if err := p.alerts(found); err != nil {
		return err
	}
	p.w.combed = until
	p.did.More = p.did.More || until < end
	_, err = p.w.c.exec("DELETE FROM place_segments WHERE segment < (SELECT min(position) FROM alerts) >> ?", int64(segmentBits))
	return err
}

// evidence deletes evidence before a position of its log that belongs to no case, or an alert of none, that is open, acknowledged or held.
func (p *slice) evidence(end int64) error {
	sources, err := p.h.BySource()
	if err != nil {
		return err
	}
	digests, err := p.w.texts(`DELETE FROM evidence WHERE position IN (
		SELECT e.position FROM evidence e WHERE e.position < ?1
		AND e.received_at < coalesce((SELECT value FROM json_each(?5) WHERE key = e.source), CASE WHEN e.sealed THEN ?4 ELSE ?3 END) AND NOT EXISTS (
			SELECT 1 FROM alerts a JOIN case_states s ON s.ref = a.case_ref
			WHERE a.id = unhex(replace(e.alert_id, '-', '')) AND (s.state < 2 OR s.hold IS NOT NULL)
		) AND NOT EXISTS (
			SELECT 1 FROM cases c JOIN case_states s ON s.ref = c.ref WHERE c.id = e.alert_id AND (s.state < 2 OR s.hold IS NOT NULL)
		) ORDER BY e.position LIMIT ?2) RETURNING sha256`, end, p.limit, store.Nanos(p.h.Evidence), store.Nanos(p.h.ClipsOr()), sources)
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
	list, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	_, err = p.w.c.exec(`INSERT OR IGNORE INTO orphans SELECT value FROM json_each(?)
		WHERE NOT EXISTS (SELECT 1 FROM evidence WHERE sha256 = value)`, string(list))
	if err != nil {
		return fmt.Errorf("note objects without evidence: %w", err)
	}
	return nil
}

// texts returns the one column of a statement.
func (w *writer) texts(query string, args ...driver.Value) (out []string, err error) {
	err = w.c.query(func(v []driver.Value) error {
		out = append(out, v[0].(string))
		return nil
	}, query, args...)
	return out, err
}

// Orphans implements [store.Store].
func (s *Store) Orphans(ctx context.Context, limit int) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT sha256 FROM orphans o
		WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.sha256 = o.sha256) LIMIT ?`, limit)
	digests, err := collect(rows, err, func(scan func(...any) error) (digest string, err error) {
		err = scan(&digest)
		return digest, err
	})
	if err != nil {
		return nil, fmt.Errorf("list orphans: %w", err)
	}
	return digests, nil
}

// ForgetOrphans implements [store.Store]. Those that evidence names again are forgotten too.
func (s *Store) ForgetOrphans(ctx context.Context, digests []string) error {
	list, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	return s.put(ctx, "forget orphans", `DELETE FROM orphans WHERE sha256 IN (SELECT value FROM json_each(?))
		OR EXISTS (SELECT 1 FROM evidence e WHERE e.sha256 = orphans.sha256)`, string(list))
}

// NoteOrphan implements [store.Store].
func (s *Store) NoteOrphan(ctx context.Context, sha256 string) error {
	return s.put(ctx, "note an orphan", "INSERT OR IGNORE INTO orphans SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM evidence WHERE sha256 = ?1)", sha256)
}
