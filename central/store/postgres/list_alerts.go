package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// alertColumns are those of "alerts a" and its place p. The place is looked up row by row: a filter by it never turns the order
// in which a list is read.
const (
	alertColumns = `a.position, a.id::text, coalesce((SELECT c.id::text FROM cases c WHERE c.ref = a.case_ref), ''),
		p.source, p.grid, a.received_at, a.kind, a.state, a.severity, a.body`
	alertPlace = " CROSS JOIN LATERAL (SELECT * FROM places WHERE ref = a.place OFFSET 0) p"
)

func scanAlert(scan scanner) (store.StoredAlert, error) {
	var a store.StoredAlert
	var received int64
	var severity int16
	var raw []byte
	if err := scan(&a.Position, &a.ID, &a.CaseID, &a.Source, &a.Grid, &received, &a.Kind, &a.State, &severity, &raw); err != nil {
		return a, err
	}
	a.ReceivedAt, a.Severity = store.Instant(received), store.SeverityOf(int(severity))
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		return a, fmt.Errorf("decode alert %s: %w", a.ID, err)
	}
	b.fill(&a)
	return a, nil
}

// Alert implements [store.Store].
func (s *Store) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	key, err := uuidOf(id)
	if err != nil {
		return store.StoredAlert{}, err
	}
	a, err := scanAlert(s.read.QueryRow(ctx, "SELECT "+alertColumns+" FROM alerts a"+alertPlace+" WHERE a.id = $1", key).Scan)
	if err != nil {
		return store.StoredAlert{}, found("alert", err)
	}
	items := []store.StoredAlert{a}
	if err := s.attachEvidence(ctx, items); err != nil {
		return store.StoredAlert{}, fmt.Errorf("alert: %w", err)
	}
	return items[0], nil
}

// Alerts implements [store.Store].
func (s *Store) Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error) {
	limit := store.PageSize(q.Limit)
	query, args, err := s.alertPage(ctx, q, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	rows, err := s.read.Query(ctx, query, args...)
	items, err := collect(rows, err, scanAlert)
	if err == nil {
		err = s.attachEvidence(ctx, items)
	}
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	next := ""
	if len(items) == limit {
		next = store.CursorOf("a", items[len(items)-1].Position)
	}
	return items, next, nil
}

// fewPlaces is up to how many devices each is read along its index, and merged. The alerts of more devices than that are so
// dense in the log that reading it backwards finds a page as soon.
const fewPlaces = 64

// alertPage builds the query of a page.
func (s *Store) alertPage(ctx context.Context, q store.Query, limit int) (query string, args []any, err error) {
	c, err := s.alertConditions(ctx, q)
	if err != nil {
		return "", nil, err
	}
	byPlace := q.Edge != "" || q.Device != "" || q.Grid != "" || len(q.Within) > 0
	if byPlace && q.CaseID == "" {
		refs, err := s.places(ctx, q)
		if err != nil {
			return "", nil, err
		}
		if len(refs) <= fewPlaces {
			return fewPlacesPage(c, refs, limit)
		}
	}
	if byPlace {
		addPlace(&c, q)
	}
	if q.CaseID != "" {
		return s.chainPage(ctx, c, q, limit)
	}
	return "SELECT " + alertColumns + " FROM alerts a" + alertPlace + c.where() + " ORDER BY a.position DESC LIMIT " + c.bind(limit), c.args, nil
}

// chainPage reads the alerts of a case along their chain, one by one and in its order.
func (s *Store) chainPage(ctx context.Context, c conditions, q store.Query, limit int) (string, []any, error) {
	before, _ := store.PositionOf("a", q.Cursor) // was read before
	start, err := s.chainStart(ctx, q.CaseID, before)
	if err != nil {
		return "", nil, err
	}
	return "WITH RECURSIVE chain (at) AS (SELECT " + c.bind(start) + "::bigint UNION ALL SELECT e.earlier FROM chain JOIN alerts e ON e.position = chain.at) SELECT " +
		alertColumns + " FROM chain CROSS JOIN LATERAL (SELECT * FROM alerts WHERE position = chain.at OFFSET 0) a" + alertPlace + c.where() + " LIMIT " + c.bind(limit), c.args, nil
}

// chainStart is where to begin: after the alert at before if that is one of the case, else at its newest; 0 for nowhere.
func (s *Store) chainStart(ctx context.Context, caseID string, before int64) (start int64, err error) {
	key, err := uuidOf(caseID)
	if err != nil {
		return 0, nil
	}
	err = s.read.QueryRow(ctx, `SELECT coalesce((SELECT a.earlier FROM alerts a WHERE a.position = $1 AND a.case_ref = c.ref), h.tail)
		FROM cases c JOIN heads h ON h.ref = c.ref WHERE c.id = $2`, before, key).Scan(&start)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return start, err
}

// fewPlacesPage reads each place along its index and merges.
func fewPlacesPage(c conditions, refs []int64, limit int) (string, []any, error) {
	places, size := c.bind(refs), c.bind(limit)
	return "SELECT " + alertColumns + " FROM (SELECT x.position FROM unnest(" + places + "::bigint[]) AS r (ref) CROSS JOIN LATERAL (SELECT a.position FROM alerts a" +
		c.where() + " AND a.place = r.ref ORDER BY a.position DESC LIMIT " + size + ") x ORDER BY x.position DESC LIMIT " + size +
		") page JOIN alerts a ON a.position = page.position" + alertPlace + " ORDER BY a.position DESC", c.args, nil
}

// alertConditions are those of all filters but the places and the case.
func (s *Store) alertConditions(ctx context.Context, q store.Query) (c conditions, err error) {
	before, err := store.PositionOf("a", q.Cursor)
	if err != nil {
		return c, err
	}
	c.add("a.position < ?", before)
	if !q.Since.IsZero() {
		first, err := firstAt(ctx, s.read, "alerts", "received_at", q.Since)
		if err != nil {
			return c, err
		}
		c.add("a.position >= ? AND a.received_at >= ?", first, store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		end, err := firstAt(ctx, s.read, "alerts", "received_at", q.Until.Add(2*store.Slack))
		if err != nil {
			return c, err
		}
		c.add("a.position < ? AND a.received_at < ?", end, store.Nanos(q.Until))
	}
	if q.Kind != "" {
		c.add("a.kind = ?", string(q.Kind))
	}
	if q.Severity != "" {
		c.add("a.severity >= ?", q.Severity.Rank())
	}
	if q.State != "" {
		c.add("a.state = ?", q.State)
	}
	return c, nil
}

// addPlace adds the filters by edge, device and grid; columns are those of places p.
func addPlace(c *conditions, q store.Query) {
	if q.Edge != "" {
		c.add("p.edge = ?", q.Edge)
	}
	if q.Device != "" {
		c.add("p.device = ?", q.Device)
	}
	if q.Grid != "" {
		c.prefix("p.grid", q.Grid)
	}
	if len(q.Within) > 0 {
		c.within("p.grid", q.Within)
	}
}

// places returns the rows of places that fit, at most one more than fewPlaces.
func (s *Store) places(ctx context.Context, q store.Query) ([]int64, error) {
	c := conditions{}
	addPlace(&c, q)
	rows, err := s.read.Query(ctx, "SELECT p.ref FROM places p"+c.where()+" LIMIT "+c.bind(fewPlaces+1), c.args...)
	return collect(rows, err, func(scan scanner) (ref int64, err error) {
		err = scan(&ref)
		return ref, err
	})
}
