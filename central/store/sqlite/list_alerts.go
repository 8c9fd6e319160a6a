package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

const alertColumns = `a.position, a.id, coalesce((SELECT id FROM cases WHERE ref = a.case_ref), ''), p.source, p.grid, a.received_at, a.kind,
	coalesce(a.object, ''), a.state, coalesce(a.situation, ''), a.key, a.severity, coalesce(a.zone, ''), a.occurred_at, a.clock, a.uncertainty_ms,
	a.raised_at, a.score, coalesce(a.count_bucket, ''), coalesce(a.quantity, ''), coalesce(a.value, 0), coalesce(a.unit, ''), a.origin, a.exercise
	FROM alerts a CROSS JOIN places p ON p.ref = a.place`

func scanAlert(scan func(dest ...any) error) (store.StoredAlert, error) {
	var a store.StoredAlert
	var received, severity, occurred, uncertainty, raised int64
	var m alert.Measure
	err := scan(&a.Position, &a.ID, &a.CaseID, &a.Source, &a.Grid, &received, &a.Kind, &a.Object, &a.State, &a.Situation, &a.Key, &severity, &a.Zone,
		&occurred, &a.Clock, &uncertainty, &raised, &a.Score, &a.CountBucket, &m.Quantity, &m.Value, &m.Unit, &a.Origin, &a.Exercise)
	a.Severity = severityOf(severity)
	a.ReceivedAt, a.OccurredAt, a.RaisedAt = instant(received), instant(occurred), instant(raised)
	a.Uncertainty = time.Duration(uncertainty) * time.Millisecond
	if a.State == alert.Raised {
		a.Situation = a.ID
	}
	if m.Quantity != "" {
		a.Reading = &m
	}
	return a, err
}

// Alert implements [store.Store].
func (s *Store) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	a, err := scanAlert(s.read.QueryRowContext(ctx, "SELECT "+alertColumns+" WHERE a.id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return store.StoredAlert{}, store.ErrNotFound
	}
	if err != nil {
		return store.StoredAlert{}, fmt.Errorf("alert: %w", err)
	}
	items := []store.StoredAlert{a}
	if err := s.attachEvidence(ctx, items); err != nil {
		return store.StoredAlert{}, fmt.Errorf("alert: %w", err)
	}
	return items[0], nil
}

// Alerts implements [store.Store].
func (s *Store) Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error) {
	limit := pageSize(q.Limit)
	query, args, err := s.alertPage(ctx, q, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	items, err := collect(rows, err, scanAlert)
	if err == nil {
		err = s.attachEvidence(ctx, items)
	}
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	next := ""
	if len(items) == limit {
		next = cursorOf("a", items[len(items)-1].Position)
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
	if q.Edge == "" && q.Device == "" && q.Grid == "" {
		return "SELECT " + alertColumns + c.where() + " ORDER BY a.position DESC LIMIT ?", append(c.args, limit), nil
	}
	p := placeConditions(q)
	refs, err := s.places(ctx, p)
	if err != nil {
		return "", nil, err
	}
	if len(refs) > fewPlaces || q.CaseID != "" {
		c.add("+a.place IN (SELECT ref FROM places"+p.where()+")", p.args...)
		return "SELECT " + alertColumns + c.where() + " ORDER BY a.position DESC LIMIT ?", append(c.args, limit), nil
	}
	parts := []string{"SELECT 0"}
	for _, ref := range refs {
		parts = append(parts, "SELECT * FROM (SELECT a.position FROM alerts a"+c.where()+" AND a.place = ? ORDER BY a.position DESC LIMIT ?)")
		args = append(append(args, c.args...), ref, limit)
	}
	return "SELECT " + alertColumns + " WHERE a.position IN (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY a.position DESC LIMIT ?", append(args, limit), nil
}

// alertConditions are those of all filters but the places.
func (s *Store) alertConditions(ctx context.Context, q store.Query) (c conditions, err error) {
	before, err := positionOf("a", q.Cursor)
	if err != nil {
		return c, err
	}
	c.add("a.position < ?", before)
	if !q.Since.IsZero() {
		first, err := s.firstAt(ctx, "alerts", "received_at", q.Since)
		if err != nil {
			return c, err
		}
		c.add("a.position >= ? AND a.received_at >= ?", first, nanos(q.Since))
	}
	if !q.Until.IsZero() {
		end, err := s.firstAt(ctx, "alerts", "received_at", q.Until.Add(2*slack))
		if err != nil {
			return c, err
		}
		c.add("a.position < ? AND a.received_at < ?", end, nanos(q.Until))
	}
	if q.CaseID != "" {
		c.add("a.case_ref = (SELECT ref FROM cases WHERE id = ?)", q.CaseID)
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

// placeConditions are the filters by edge, device and grid.
func placeConditions(q store.Query) (c conditions) {
	c.add("ref > 0")
	if q.Edge != "" {
		c.add("edge = ?", q.Edge)
	}
	if q.Device != "" {
		c.add("device = ?", q.Device)
	}
	if q.Grid != "" {
		c.add("grid >= ? AND grid < ?", q.Grid, q.Grid+"~")
	}
	return c
}

// places returns the rows of places that fit, at most one more than fewPlaces.
func (s *Store) places(ctx context.Context, c conditions) ([]int64, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT ref FROM places"+c.where()+" LIMIT ?", append(c.args, fewPlaces+1)...)
	return collect(rows, err, func(scan func(...any) error) (ref int64, err error) {
		err = scan(&ref)
		return ref, err
	})
}
