package sqlite

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"database/sql"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// maxLimit bounds a page.
const maxLimit = 500

// slack is how far central's clock may have been set back and a list by time still misses nothing.
const slack = time.Minute

// cursorOf names a position of a list; list is one letter.
func cursorOf(list string, position int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + strconv.FormatInt(position, 36)))
}

// positionOf is the inverse of cursorOf; an empty cursor is before the newest.
func positionOf(list, cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	digits, ok := strings.CutPrefix(string(raw), list)
	if err != nil || !ok {
		return 0, store.ErrBadCursor
	}
	n, err := strconv.ParseInt(digits, 36, 64)
	if err != nil || n <= 0 {
		return 0, store.ErrBadCursor
	}
	return n, nil
}

// conditions is a WHERE clause in the making.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

func (c *conditions) where() string { return " WHERE " + strings.Join(c.terms, " AND ") }

func pageSize(limit int) int { return min(max(limit, 1), maxLimit) }

// Cases implements [store.Store].
func (s *Store) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	before, err := positionOf("c", q.Cursor)
	if err != nil {
		return nil, "", err
	}
	c := conditions{}
	c.add("position < ?", before)
	if !q.Since.IsZero() {
		first, err := s.firstAt(ctx, "case_events", "at", q.Since)
		if err != nil {
			return nil, "", fmt.Errorf("list cases: %w", err)
		}
		c.add("position >= ? AND opened_at >= ?", first, nanos(q.Since))
	}
	if !q.Until.IsZero() {
		c.add("opened_at < ?", nanos(q.Until))
	}
	if q.Grid != "" {
		c.add("grid >= ? AND grid < ?", q.Grid, q.Grid+"~")
	}
	if q.Kind != "" {
		c.add("kind = ?", string(q.Kind))
	}
	if q.Severity != "" {
		c.add("severity >= ?", q.Severity.Rank())
	}
	items, err := s.listCases(ctx, q.State, c, pageSize(q.Limit))
	if err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	next := ""
	if len(items) == pageSize(q.Limit) {
		next = cursorOf("c", items[len(items)-1].Position)
	}
	return items, next, nil
}

// listCases reads a page state by state, each in the order of its index, and merges: no other index has to follow the
// position of each case.
func (s *Store) listCases(ctx context.Context, state string, c conditions, limit int) ([]cases.Case, error) {
	states := []string{state}
	if state == "" {
		states = []string{string(cases.Open), string(cases.Acknowledged), string(cases.Closed)}
	}
	var parts []string
	var args []any
	for _, st := range states {
		parts = append(parts, "SELECT * FROM (SELECT * FROM cases INDEXED BY cases_state"+c.where()+" AND state = ? ORDER BY position DESC LIMIT ?)")
		args = append(append(args, c.args...), st, limit)
	}
	query := "SELECT " + caseColumns + " FROM (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY position DESC LIMIT ?"
	rows, err := s.read.QueryContext(ctx, query, append(args, limit)...)
	return collect(rows, err, func(scan func(...any) error) (cases.Case, error) {
		r, err := scanCase(scan)
		return r.Case, err
	})
}

// firstAt returns the first position of a log whose time is at or after t, give or take what the clock was set back: the times
// of a log grow with its positions.
func (s *Store) firstAt(ctx context.Context, table, column string, t time.Time) (int64, error) {
	from := nanos(t.Add(-slack))
	var low, high int64
	if err := s.read.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) FROM "+table).Scan(&high); err != nil {
		return 0, err
	}
	probe := "SELECT " + column + " FROM " + table + " WHERE position >= ? ORDER BY position LIMIT 1"
	for high++; low < high; {
		middle := low + (high-low)/2
		var at int64
		err := s.read.QueryRowContext(ctx, probe, middle).Scan(&at)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && at >= from:
			high = middle
		case err != nil:
			return 0, err
		default:
			low = middle + 1
		}
	}
	return low, nil
}

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
	c, err := s.alertConditions(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	limit := pageSize(q.Limit)
	rows, err := s.read.QueryContext(ctx, "SELECT "+alertColumns+c.where()+" ORDER BY a.position DESC LIMIT ?", append(c.args, limit)...)
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
	return c, s.addPlaces(ctx, &c, q)
}

// fewPlaces is up to how many devices the index on places is used: the alerts of more of them are dense in the log, so that
// reading it backwards finds a page sooner than sorting all of theirs.
const fewPlaces = 64

// addPlaces turns edge, device and grid into rows of places.
func (s *Store) addPlaces(ctx context.Context, c *conditions, q store.Query) error {
	if q.Edge == "" && q.Device == "" && q.Grid == "" {
		return nil
	}
	var p conditions
	p.add("ref > 0")
	if q.Edge != "" {
		p.add("edge = ?", q.Edge)
	}
	if q.Device != "" {
		p.add("device = ?", q.Device)
	}
	if q.Grid != "" {
		p.add("grid >= ? AND grid < ?", q.Grid, q.Grid+"~")
	}
	rows, err := s.read.QueryContext(ctx, "SELECT ref FROM places"+p.where()+" LIMIT ?", append(p.args, fewPlaces+1)...)
	refs, err := collect(rows, err, func(scan func(...any) error) (ref string, err error) {
		err = scan(&ref)
		return ref, err
	})
	if err != nil {
		return err
	}
	if len(refs) <= fewPlaces && q.CaseID == "" {
		c.add("a.place IN (" + strings.Join(refs, ",") + ")")
	} else {
		c.add("+a.place IN (SELECT ref FROM places"+p.where()+")", p.args...)
	}
	return nil
}
