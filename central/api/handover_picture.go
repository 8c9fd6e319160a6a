package api

import (
	"context"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/shift"
	"gridgate/central/store"
)

// Bounds of what is looked at for the picture of a handover.
const (
	pictureCases = 20_000             // of each of the three lists: open, acknowledged, closed
	pictureBack  = 7 * 24 * time.Hour // closed cases are looked at that were opened so long before the shift
)

// pictureOf gathers what stands open now in the grids of who asks.
func (s *Server) pictureOf(ctx context.Context, h shift.Handover, now time.Time) (shift.Picture, error) {
	p, _ := auth.From(ctx)
	g := &shift.Gatherer{From: h.From, At: now, Until: h.Until}
	for _, q := range []store.Query{
		{State: string(cases.Open)}, {State: string(cases.Acknowledged)}, {State: string(cases.Closed), Since: h.From.Add(-pictureBack)},
	} {
		if err := s.gatherCases(ctx, g, q); err != nil {
			return shift.Picture{}, err
		}
	}
	edges, err := s.o.Store.Edges(ctx)
	if err != nil {
		return shift.Picture{}, err
	}
	for _, e := range edges {
		g.Edge(e, len(p.Grids) == 0, p.Sees)
	}
	if s.o.Rules != nil {
		for _, one := range s.o.Rules.Rules().All {
			if seesSilence(p, one) {
				g.Silence(one)
			}
		}
	}
	return g.Picture(), nil
}

// gatherCases feeds a list, as far as is looked.
func (s *Server) gatherCases(ctx context.Context, g *shift.Gatherer, q store.Query) error {
	q.Limit = 500
	for seen := 0; ; {
		page, next, err := s.o.Store.Cases(ctx, q)
		if err != nil {
			return err
		}
		for _, c := range page {
			g.Case(c)
		}
		seen += len(page)
		if next == "" {
			return nil
		}
		if seen >= pictureCases {
			g.Cut = true
			return nil
		}
		q.Cursor = next
	}
}
