package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/tsdb"
)

// Bounds of what is near a case.
const (
	nearWithin     = 12 * time.Hour // between two openings
	maxNeighbours  = 30
	nearLooked     = 4  // pages of each state
	nearSeries     = 24 // series of readings
	nearSteps      = 120
	readingsBefore = 30 * time.Minute
	readingsAfter  = 30 * time.Minute
	readingsMost   = 12 * time.Hour
	community      = 12 // digits of a grid code that name its community (GB/T 2260 with township and community)
)

type (
	neighboursOutput struct {
		Body struct {
			Items []cases.Case `json:"items" nullable:"false" doc:"at most 30: those of the same grid first, then those opened nearest in time"`
		}
	}
	nearReadingsOutput struct {
		Body NearReadings
	}
)

// NearReadings are the readings of the sensors in the grid of a case around it.
type NearReadings struct {
	From  time.Time     `json:"from"`
	To    time.Time     `json:"to"`
	Items []tsdb.Series `json:"items" nullable:"false" doc:"means of steps, at most 24 series, by their labels"`
}

func (s *Server) neighbourOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}/neighbours", "list-neighbours",
		"Cases near one in place and time that it could become part of", auth.Read, http.StatusNotFound), s.neighbours)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}/readings", "list-near-readings",
		"What the sensors of a case's grid read around it: from 30 minutes before its opening, at most 12 hours", auth.Read, http.StatusNotFound), s.nearReadings)
}

// neighbours lists the cases that one could be merged into, of the same community.
func (s *Server) neighbours(ctx context.Context, in *CaseInput) (*neighboursOutput, error) {
	c, err := s.o.Store.Case(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	var found []cases.Case
	for _, state := range []cases.State{cases.Open, cases.Acknowledged} {
		near, err := s.near(ctx, c, state)
		if err != nil {
			return nil, s.failure(ctx, "list the cases near it", err)
		}
		found = append(found, near...)
	}
	slices.SortFunc(found, func(a, b cases.Case) int {
		return cmp.Or(cmp.Compare(away(c, a), away(c, b)), cmp.Compare(a.OpenedAt.Sub(c.OpenedAt).Abs(), b.OpenedAt.Sub(c.OpenedAt).Abs()), cmp.Compare(a.ID, b.ID))
	})
	out := &neighboursOutput{}
	out.Body.Items = append([]cases.Case{}, found[:min(len(found), maxNeighbours)]...)
	return out, nil
}

// away is 0 for the same grid, 1 for another one.
func away(a, b cases.Case) int {
	if a.Grid == b.Grid {
		return 0
	}
	return 1
}

// near are the cases of a state that c could be merged into.
func (s *Server) near(ctx context.Context, c cases.Case, state cases.State) (out []cases.Case, err error) {
	q := store.Query{
		Grid: c.Grid[:min(len(c.Grid), community)], State: string(state), Parent: store.Alone, Since: c.OpenedAt.Add(-nearWithin),
		Until: c.OpenedAt.Add(nearWithin), Exercise: store.No, Limit: store.MaxPage,
	}
	if c.Exercise {
		q.Exercise = store.Yes
	}
	for range nearLooked {
		page, next, err := s.o.Store.Cases(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, other := range page {
			if unmergeable(c, other) == nil {
				out = append(out, other)
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	return out, nil
}

func (s *Server) nearReadings(ctx context.Context, in *CaseInput) (*nearReadingsOutput, error) {
	c, err := s.o.Store.Case(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	from, to := readingSpan(c, s.o.Now().UTC())
	step := max(10*time.Second, (to.Sub(from) / nearSteps).Truncate(time.Second))
	items, err := s.o.Series.Query(ctx, tsdb.Selector{Metric: readingMetric, Labels: map[string]string{"grid": c.Grid}, From: from, To: to, Step: step, Limit: nearSeries})
	if err != nil {
		return nil, s.failure(ctx, "query the time-series database", err)
	}
	return &nearReadingsOutput{Body: NearReadings{From: from, To: to, Items: append([]tsdb.Series{}, items...)}}, nil
}

// readingSpan is the time of which readings are shown: around what was going on, the beginning of it if that is too long.
func readingSpan(c cases.Case, now time.Time) (from, to time.Time) {
	from, to = c.OpenedAt.Add(-readingsBefore), now
	if end := c.LastAt.Add(readingsAfter); end.Before(to) {
		to = end
	}
	if most := from.Add(readingsMost); most.Before(to) {
		to = most
	}
	return from.UTC(), to.UTC()
}
