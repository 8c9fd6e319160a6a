package api

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
)

const wholeKey = "whole" // metadata: not for somebody who may see some grids only

// whole marks an operation about the whole centre: who may see a part of it is refused.
func whole(op huma.Operation) huma.Operation {
	op.Metadata[wholeKey] = true
	return op
}

// errOutside is what somebody is told of what lies in grids that they may not see: the same as of what does not exist.
var errOutside = fmt.Errorf("outside the grids of who asks: %w", store.ErrNotFound)

// sees is [errOutside] unless whoever asks may see a grid.
func sees(ctx context.Context, grid string) error {
	if p, ok := auth.From(ctx); ok && !p.Sees(grid) {
		return errOutside
	}
	return nil
}

// gridsOf are the prefixes that whoever asks may see; nil for all.
func gridsOf(ctx context.Context) []string {
	p, _ := auth.From(ctx)
	return p.Grids
}

// scoped is a Store that shows whoever asks their own grids, whatever a handler forgets.
type scoped struct{ Store }

// Alerts implements [Store].
func (s scoped) Alerts(ctx context.Context, q store.Query) ([]store.StoredAlert, string, error) {
	q.Within = gridsOf(ctx)
	return s.Store.Alerts(ctx, q)
}

// Cases implements [Store].
func (s scoped) Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error) {
	q.Within = gridsOf(ctx)
	return s.Store.Cases(ctx, q)
}

// Case implements [Store].
func (s scoped) Case(ctx context.Context, id string) (cases.Case, error) {
	c, err := s.Store.Case(ctx, id)
	if err == nil {
		err = sees(ctx, c.Grid)
	}
	if err != nil {
		return cases.Case{}, err
	}
	return c, nil
}

// CaseFile implements [Store].
func (s scoped) CaseFile(ctx context.Context, id string, before int64, limit int) (cases.Case, []cases.Event, error) {
	c, history, err := s.Store.CaseFile(ctx, id, before, limit)
	if err == nil {
		err = sees(ctx, c.Grid)
	}
	if err != nil {
		return cases.Case{}, nil, err
	}
	return c, history, nil
}

// Append implements [Store].
func (s scoped) Append(ctx context.Context, e cases.Event, expect int64) (cases.Case, error) {
	if len(gridsOf(ctx)) > 0 {
		if _, err := s.Case(ctx, e.CaseID); err != nil {
			return cases.Case{}, err
		}
	}
	return s.Store.Append(ctx, e, expect)
}

// scopedChanges is a CaseChanges that changes and shows whoever asks what lies in their own grids.
type scopedChanges struct {
	CaseChanges
	store Store // scoped
}

// AppendAll implements [CaseChanges].
func (s scopedChanges) AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error) {
	for _, c := range changes {
		if len(gridsOf(ctx)) == 0 {
			break
		}
		if c.Event.Opening != nil {
			if err := sees(ctx, c.Event.Opening.Grid); err != nil {
				return nil, err
			}
		} else if _, err := s.store.Case(ctx, c.Event.CaseID); err != nil {
			return nil, err
		}
	}
	return s.CaseChanges.AppendAll(ctx, changes)
}

// Alert implements [CaseChanges].
func (s scopedChanges) Alert(ctx context.Context, id string) (store.StoredAlert, error) {
	a, err := s.CaseChanges.Alert(ctx, id)
	if err == nil {
		err = sees(ctx, a.Grid)
	}
	if err != nil {
		return store.StoredAlert{}, err
	}
	return a, nil
}

// seesEvidence is [errOutside] unless one of the alerts of an object lies in a grid that whoever asks may see.
func (s *Server) seesEvidence(ctx context.Context, sha256 string) error {
	p, _ := auth.From(ctx)
	if len(p.Grids) == 0 {
		return nil
	}
	grids, err := s.o.Store.EvidenceGrids(ctx, sha256)
	if err != nil {
		return fmt.Errorf("read the grids of an object: %w", err)
	}
	for _, g := range grids {
		if p.Sees(g) {
			return nil
		}
	}
	return errOutside
}
