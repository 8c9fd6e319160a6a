package postgres

import (
	"fmt"
	"reflect"

	strict "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// written is what the rows of a case hold, as far as it says whether there is something to write.
type written struct {
	position int64
	state    cases.State
	slow     slow
}

// slow is what a join does not change.
type slow struct {
	state    cases.State
	level    cases.Level
	severity alert.Severity
	hold     cases.Reason
	worked   int
}

func (r *caseRow) slow() slow {
	return slow{state: r.State, level: r.Level, severity: r.Severity, hold: r.Hold, worked: r.worked}
}

func (r *caseRow) asWritten() written {
	return written{position: r.Position, state: r.State, slow: r.slow()}
}

// due and next are 0 for none; a closed case has none.
func (r *caseRow) due() int64 {
	if r.State == cases.Closed {
		return 0
	}
	return store.Nanos(r.DueAt())
}

func (r *caseRow) next() int64 { return store.Nanos(r.NextAt()) }

// packedWork and packedPlace are JSON, empty for nothing. These types always encode.
func (r *caseRow) packedWork() string {
	if reflect.ValueOf(r.Work).IsZero() {
		return ""
	}
	raw, _ := strict.Marshal(r.Work)
	return string(raw)
}

func (r *caseRow) packedPlace() string {
	if r.Place == nil {
		return ""
	}
	raw, _ := strict.Marshal(r.Place)
	return string(raw)
}

func unpackCase(c *cases.Case, place, work string) error {
	if place != "" {
		if err := strict.Unmarshal([]byte(place), &c.Place); err != nil {
			return fmt.Errorf("place of case %s: %w", c.ID, err)
		}
	}
	if work != "" {
		if err := strict.Unmarshal([]byte(work), &c.Work); err != nil {
			return fmt.Errorf("work on case %s: %w", c.ID, err)
		}
	}
	return nil
}

// queueCases sorts the changed cases into new ones, such that only gathered alerts, and the rest.
func (c *section) queueCases(b *pgx.Batch) {
	var made, joined, turned, begun []*caseRow
	var shut []int64
	for _, ref := range c.order {
		r := c.changed[ref]
		w := &r.written
		wasOpen, isOpen := w.position != 0 && w.state != cases.Closed, r.State != cases.Closed
		switch {
		case wasOpen && !isOpen:
			shut = append(shut, ref)
		case isOpen && !wasOpen:
			begun = append(begun, r)
		}
		switch {
		case w.position == 0:
			made = append(made, r)
		case w.slow == r.slow():
			joined = append(joined, r)
		default:
			turned = append(turned, r)
		}
	}
	queueJoined(b, joined)
	queueTurned(b, turned)
	queueMade(b, made)
	queueOpen(b, shut, begun)
}

// column takes one value of each row.
func column[T any](rows []*caseRow, of func(r *caseRow) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = of(r)
	}
	return out
}

func refs(rows []*caseRow) []int64 { return column(rows, func(r *caseRow) int64 { return r.ref }) }

// queueJoined writes what a mere join changes.
func queueJoined(b *pgx.Batch, rows []*caseRow) {
	if len(rows) == 0 {
		return
	}
	b.Queue(`UPDATE heads h SET active = u.active, situation = u.situation, alerts = u.alerts, last_at = u.last_at, position = u.position, tail = u.tail
		FROM unnest($1::bigint[], $2::boolean[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
		AS u (ref, active, situation, alerts, last_at, position, tail) WHERE h.ref = u.ref`,
		refs(rows), column(rows, func(r *caseRow) bool { return r.Active }), column(rows, func(r *caseRow) string { return r.Situation }),
		column(rows, func(r *caseRow) int64 { return r.Alerts }), column(rows, func(r *caseRow) int64 { return store.Nanos(r.LastAt) }),
		column(rows, func(r *caseRow) int64 { return r.Position }), column(rows, func(r *caseRow) int64 { return r.tail }))
}

// headColumns are the values of "heads" of rows, in the order of its columns.
func headColumns(rows []*caseRow) []any {
	return []any{
		refs(rows), column(rows, func(r *caseRow) string { return string(r.State) }), column(rows, func(r *caseRow) string { return string(r.Level) }),
		column(rows, func(r *caseRow) int16 { return int16(r.Severity.Rank()) }), column(rows, func(r *caseRow) bool { return r.Active }),
		column(rows, func(r *caseRow) string { return r.Situation }), column(rows, func(r *caseRow) int64 { return r.Alerts }),
		column(rows, func(r *caseRow) int64 { return store.Nanos(r.LastAt) }), column(rows, func(r *caseRow) int64 { return store.Nanos(r.ClosedAt) }),
		column(rows, func(r *caseRow) string { return r.ClosedBy }), column(rows, func(r *caseRow) string { return string(r.Reason) }),
		column(rows, func(r *caseRow) string { return string(r.Hold) }), column(rows, func(r *caseRow) int64 { return r.Position }),
		column(rows, func(r *caseRow) int64 { return r.tail }),
		column(rows, func(r *caseRow) string { return r.Step }), column(rows, func(r *caseRow) string { return r.Unit }),
		column(rows, func(r *caseRow) string { return r.Assignee }), column(rows, func(r *caseRow) string { return r.Parent }),
		column(rows, func(r *caseRow) int64 { return r.due() }), column(rows, func(r *caseRow) int64 { return r.next() }),
		column(rows, (*caseRow).packedWork),
	}
}

const (
	namesOfHeads = "ref, state, level, severity, active, situation, alerts, last_at, closed_at, closed_by, reason, hold, position, tail, " +
		"step, unit, assignee, parent, due_at, next_at, work"
	unnestHeads = `unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::boolean[], $6::text[], $7::bigint[], $8::bigint[],
		$9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[],
		$19::bigint[], $20::bigint[], $21::text[])`
)

// queueTurned writes cases of which more changed than a join does.
func queueTurned(b *pgx.Batch, rows []*caseRow) {
	if len(rows) == 0 {
		return
	}
	b.Queue(`UPDATE heads h SET state = u.state, level = u.level, severity = u.severity, active = u.active, situation = u.situation,
		alerts = u.alerts, last_at = u.last_at, closed_at = u.closed_at, closed_by = u.closed_by, reason = u.reason, hold = u.hold,
		position = u.position, tail = u.tail, step = u.step, unit = u.unit, assignee = u.assignee, parent = u.parent, due_at = u.due_at,
		next_at = u.next_at, work = u.work FROM `+unnestHeads+" AS u ("+namesOfHeads+") WHERE h.ref = u.ref", headColumns(rows)...)
}

// queueOpen keeps the list of open cases. That a key has one at most is decided in the section; the list's key makes it a fact.
func queueOpen(b *pgx.Batch, shut []int64, begun []*caseRow) {
	if len(shut) > 0 {
		b.Queue("DELETE FROM open_cases WHERE ref = ANY ($1)", shut)
	}
	if len(begun) > 0 {
		b.Queue("INSERT INTO open_cases (ref, key, exercise) SELECT * FROM unnest($1::bigint[], $2::text[], $3::boolean[])", refs(begun),
			column(begun, func(r *caseRow) string { return r.Key }), column(begun, func(r *caseRow) bool { return r.Exercise }))
	}
}

func queueMade(b *pgx.Batch, rows []*caseRow) {
	if len(rows) == 0 {
		return
	}
	text := func(of func(r *caseRow) string) []string { return column(rows, of) }
	b.Queue(`INSERT INTO cases (ref, id, key, exercise, kind, class, grid, source, zone, previous, opened_at, origin, place)
		SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
		$10::text[], $11::bigint[], $12::text[], $13::text[])`,
		refs(rows), text(func(r *caseRow) string { return r.ID }), text(func(r *caseRow) string { return r.Key }),
		column(rows, func(r *caseRow) bool { return r.Exercise }), text(func(r *caseRow) string { return string(r.Kind) }),
		text(func(r *caseRow) string { return r.Class }), text(func(r *caseRow) string { return r.Grid }),
		text(func(r *caseRow) string { return r.Source }), text(func(r *caseRow) string { return r.Zone }),
		text(func(r *caseRow) string { return r.Previous }), column(rows, func(r *caseRow) int64 { return store.Nanos(r.OpenedAt) }),
		text(func(r *caseRow) string { return string(r.Origin) }), text((*caseRow).packedPlace))
	b.Queue("INSERT INTO heads ("+namesOfHeads+") SELECT * FROM "+unnestHeads, headColumns(rows)...)
}

// caseColumns are those of "cases c" and "heads h".
const caseColumns = `c.ref, c.id::text, c.key, c.exercise, c.kind, c.class, c.grid, c.source, c.zone, c.previous, c.origin, c.place, c.opened_at, h.state, h.level,
	h.severity, h.active, h.situation, h.alerts, h.last_at, h.closed_at, h.closed_by, h.reason, h.hold, h.position, h.tail, h.work`

func scanCase(scan scanner) (caseRow, error) {
	var r caseRow
	var severity int16
	var opened, last, closed int64
	var place, work string
	c := &r.Case
	err := scan(&r.ref, &c.ID, &c.Key, &c.Exercise, &c.Kind, &c.Class, &c.Grid, &c.Source, &c.Zone, &c.Previous, &c.Origin, &place, &opened, &c.State, &c.Level,
		&severity, &c.Active, &c.Situation, &c.Alerts, &last, &closed, &c.ClosedBy, &c.Reason, &c.Hold, &c.Position, &r.tail, &work)
	if err != nil {
		return r, err
	}
	c.Severity = store.SeverityOf(int(severity))
	c.OpenedAt, c.LastAt, c.ClosedAt = store.Instant(opened), store.Instant(last), store.Instant(closed)
	if err := unpackCase(c, place, work); err != nil {
		return r, err
	}
	r.written = r.asWritten()
	return r, nil
}
