package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/store"
	"gridgate/protocols/alert"
)

const alertColumns = `a.position, a.id, coalesce((SELECT id FROM cases WHERE ref = a.case_ref), ''), p.source, p.grid, a.received_at, a.kind,
	a.state, a.severity, a.rest FROM alerts a CROSS JOIN places p ON p.ref = a.place`

const selectAlert = "SELECT " + alertColumns + " WHERE a.id = ?"

func scanAlert(scan func(dest ...any) error) (store.StoredAlert, error) {
	var a store.StoredAlert
	var id, packed []byte
	var received, severity int64
	if err := scan(&a.Position, &id, &a.CaseID, &a.Source, &a.Grid, &received, &a.Kind, &a.State, &severity, &packed); err != nil {
		return a, err
	}
	a.ID, a.ReceivedAt, a.Severity = idText(id), store.Instant(received), store.SeverityOf(int(severity))
	return a, unpack(packed, &a.Alert)
}

// unpack is the inverse of [pack]. The id and the state of a are known.
func unpack(packed []byte, a *alert.Alert) error {
	var r rest
	if err := json.Unmarshal(packed, &r); err != nil {
		return fmt.Errorf("alert %s: %w", a.ID, err)
	}
	a.Key, a.Object, a.Zone, a.Origin = r.Key, alert.Object(r.Object), r.Zone, r.Origin
	a.OccurredAt, a.RaisedAt, a.Clock = store.Instant(r.Occurred), store.Instant(r.Raised), alert.Clock(r.Clock)
	a.Uncertainty, a.Score, a.CountBucket = time.Duration(r.UncertaintyMs)*time.Millisecond, r.Score, r.CountBucket
	if a.Situation = r.Situation; a.State == alert.Raised {
		a.Situation = a.ID
	}
	if r.Quantity != "" {
		a.Reading = &alert.Measure{Quantity: r.Quantity, Value: r.Value, Unit: r.Unit}
	}
	a.Exercise = r.Exercise != 0
	return nil
}

// Alert implements [store.Store].
func (s *Store) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	key, err := idBytes(id)
	if err != nil {
		return store.StoredAlert{}, store.ErrNotFound
	}
	a, err := scanAlert(s.oneAlert.QueryRowContext(ctx, key).Scan)
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
	limit := store.PageSize(q.Limit)
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // the log and its indexes as of one moment
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	items, err := alertPage(ctx, tx, q, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	_ = tx.Rollback() // what follows takes a connection of its own
	if err := s.attachEvidence(ctx, items); err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	next := ""
	if len(items) == limit {
		next = store.CursorOf("a", items[len(items)-1].Position)
	}
	return items, next, nil
}

// fewPlaces is up to how many devices each is read along its segments. The alerts of more devices than that are so dense in the
// log that reading it backwards finds a page as soon.
const fewPlaces = 64

// alertPage reads a page.
func alertPage(ctx context.Context, tx *sql.Tx, q store.Query, limit int) ([]store.StoredAlert, error) {
	before, err := store.PositionOf("a", q.Cursor)
	if err != nil {
		return nil, err
	}
	c, err := alertConditions(ctx, tx, q, before)
	if err != nil {
		return nil, err
	}
	if q.CaseID != "" {
		return casePage(ctx, tx, q, c, before, limit)
	}
	if !byPlace(q) {
		return readAlerts(ctx, tx, c, limit)
	}
	p := placeConditions(q)
	refs, err := places(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if len(refs) > fewPlaces {
		return readAlerts(ctx, tx, c.with("+a.place IN (SELECT ref FROM places"+p.where()+")", p.args...), limit)
	}
	return placePage(ctx, tx, c, refs, before, limit)
}

// byPlace says whether q filters by what a place says.
func byPlace(q store.Query) bool {
	return q.Edge != "" || q.Device != "" || q.Grid != "" || len(q.Within) > 0
}

// casePage reads one page of the alerts of a case.
func casePage(ctx context.Context, tx *sql.Tx, q store.Query, c conditions, before int64, limit int) ([]store.StoredAlert, error) {
	start, err := chainStart(ctx, tx, q.CaseID, before)
	if err != nil || start == 0 {
		return nil, err
	}
	if byPlace(q) {
		p := placeConditions(q)
		c = c.with("+a.place IN (SELECT ref FROM places"+p.where()+")", p.args...)
	}
	query, args := chainQuery(c, start, limit)
	rows, err := tx.QueryContext(ctx, query, args...)
	return collect(rows, err, scanAlert)
}

func chainQuery(c conditions, start int64, limit int) (query string, args []any) {
	query = `WITH RECURSIVE chain (at) AS (SELECT ? UNION ALL SELECT e.earlier FROM chain CROSS JOIN alerts e ON e.position = chain.at)
		SELECT ` + strings.Replace(alertColumns, "FROM alerts a", "FROM chain CROSS JOIN alerts a ON a.position = chain.at", 1) + c.where() + " LIMIT ?"
	return query, append(append([]any{start}, c.args...), limit)
}

// chainStart is where to begin: after the alert at before if that is one of the case, else at the newest.
func chainStart(ctx context.Context, tx *sql.Tx, caseID string, before int64) (start int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT coalesce((SELECT a.earlier FROM alerts a WHERE a.position = ? AND a.case_ref = c.ref), s.last_alert)
		FROM cases c JOIN case_states s ON s.ref = c.ref WHERE c.id = ?`, before, caseID).Scan(&start)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return start, err
}

// alertConditions are those of all filters but the case and the places.
func alertConditions(ctx context.Context, tx *sql.Tx, q store.Query, before int64) (c conditions, err error) {
	c.add("a.position < ?", before)
	if !q.Since.IsZero() {
		first, err := firstAt(ctx, tx, "alerts", "position", "received_at", q.Since)
		if err != nil {
			return c, err
		}
		c.add("a.position >= ? AND a.received_at >= ?", first, store.Nanos(q.Since))
	}
	if !q.Until.IsZero() {
		end, err := firstAt(ctx, tx, "alerts", "position", "received_at", q.Until.Add(2*store.Slack))
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
	if len(q.Within) > 0 {
		c.within("grid", q.Within)
	}
	return c
}

// places returns the rows of places that fit, at most one more than fewPlaces.
func places(ctx context.Context, tx *sql.Tx, c conditions) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, "SELECT ref FROM places"+c.where()+" LIMIT ?", append(c.args, fewPlaces+1)...)
	return collect(rows, err, func(scan func(...any) error) (ref int64, err error) {
		err = scan(&ref)
		return ref, err
	})
}
