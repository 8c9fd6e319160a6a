package postgres

import (
	"context"

	"gridgate/central/cases"
)

// Bounds of what a process remembers; beyond them it forgets all and reads again.
const (
	maxNewest = 100_000
	maxBehind = 5_000 // events of other processes
)

// caseKey is what cases are told apart by: a drill never mixes with the real thing.
type caseKey struct {
	key      string
	exercise bool
}

// caseRow is a case and its row; ref is 0 for a case without a row.
type caseRow struct {
	ref     int64
	tail    int64 // position of its newest alert, 0 for none
	worked  int   // how often its Work changed since it was read
	written written
	cases.Case
}

func (r *caseRow) caseKey() caseKey { return caseKey{key: r.Key, exercise: r.Exercise} }

// memory is what a process remembers of cases from one section to the next. Whoever has the turn may use it. The case-event log
// tells what other processes changed since: each change of a case is an event.
type memory struct {
	turn     chan struct{}       // holds one token; who took it may enter the section
	newest   map[caseKey]caseRow // the case that alerts of a key join (the open one, else the newest), as of position seen
	seen     int64               // position of the newest event that newest knows of
	prunings int64               // that it knows of: cases that went are in no event
}

func newMemory() *memory {
	m := &memory{turn: make(chan struct{}, 1)}
	m.forget()
	m.turn <- struct{}{}
	return m
}

// take waits for the turn.
func (m *memory) take(ctx context.Context) error {
	select {
	case <-m.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *memory) pass() { m.turn <- struct{}{} }

func (m *memory) forget() { m.newest, m.seen, m.prunings = make(map[caseKey]caseRow), 0, 0 }

func (m *memory) remember(r caseRow) { m.newest[r.caseKey()] = r }
