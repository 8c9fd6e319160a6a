package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
)

type mergeInput struct {
	StepInput
	Body struct {
		Into string `json:"into" format:"uuid" doc:"the case that it becomes part of"`
	}
}

// maxMergeTries is how often a merge looks again at a parent that goes on gathering alerts.
const maxMergeTries = 5

func (s *Server) mergeOperations() {
	steps := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/merge", "merge-case", "Make a case part of another", auth.Operate, steps...), s.mergeCase)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/unmerge", "unmerge-case", "Take a case out of the one that it is part of; no rule puts it back", auth.Operate, steps...), s.unmergeCase)
}

// mergeCase makes one case part of another. Both events expect the cases where they were read, so that two people who merge in opposite
// directions at one moment do not make a circle.
func (s *Server) mergeCase(ctx context.Context, in *mergeInput) (*caseOutput, error) {
	expect, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	for try := 1; ; try++ {
		child, parent, err := s.mergeable(ctx, in, expect)
		if err != nil {
			return nil, err
		}
		p, _ := auth.From(ctx)
		now := s.o.Now().UTC()
		after, err := s.o.Changes.AppendAll(ctx, []store.Change{
			{Event: cases.Event{CaseID: child.ID, Type: cases.EventMerged, At: now, Actor: p.Actor(), Into: parent.ID}, Expect: child.Position},
			{Event: cases.Event{CaseID: parent.ID, Type: cases.EventRelated, At: now, Actor: p.Actor(), Into: child.ID}, Expect: parent.Position},
		})
		if errors.Is(err, store.ErrConflict) && try < maxMergeTries {
			continue
		}
		return s.changed(ctx, after, err)
	}
}

// mergeable reads both cases and says why one cannot become part of the other.
func (s *Server) mergeable(ctx context.Context, in *mergeInput, expect int64) (child, parent cases.Case, err error) {
	if child, err = s.o.Store.Case(ctx, in.ID); err != nil {
		return child, parent, s.failure(ctx, "read the case", err)
	}
	if parent, err = s.o.Store.Case(ctx, in.Body.Into); err != nil {
		return child, parent, s.failure(ctx, "read the other case", err)
	}
	switch {
	case expect != 0 && child.Position != expect:
		err = huma.Error412PreconditionFailed("the case changed meanwhile, read it again")
	case child.ID == parent.ID:
		err = huma.Error409Conflict("a case cannot be part of itself")
	case child.Parent != "":
		err = huma.Error409Conflict("the case is part of another already, take it out first")
	case parent.Parent != "":
		err = huma.Error409Conflict("the other case is part of a third one: name that one")
	case parent.State == cases.Closed:
		err = huma.Error409Conflict("the other case is closed")
	case child.Exercise != parent.Exercise:
		err = huma.Error409Conflict("a drill and the real thing are kept apart")
	case rules.Hides(rules.Group, child, parent, false):
		err = huma.Error409Conflict("a life-safety case does not go under one that is not: merge them the other way round")
	}
	return child, parent, err
}

func (s *Server) unmergeCase(ctx context.Context, in *StepInput) (*caseOutput, error) {
	expect, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	c, err := s.o.Store.Case(ctx, in.ID)
	switch {
	case err != nil:
		return nil, s.failure(ctx, "read the case", err)
	case expect != 0 && c.Position != expect:
		return nil, huma.Error412PreconditionFailed("the case changed meanwhile, read it again")
	case c.Parent == "":
		return nil, huma.Error409Conflict("the case is part of no other")
	}
	p, _ := auth.From(ctx)
	after, err := s.o.Changes.AppendAll(ctx, []store.Change{{
		Event: cases.Event{CaseID: c.ID, Type: cases.EventUnmerged, At: s.o.Now().UTC(), Actor: p.Actor(), Into: c.Parent}, Expect: expect,
	}})
	return s.changed(ctx, after, err)
}

// changed answers with the first case of a change, and wakes the feed.
func (s *Server) changed(ctx context.Context, after []cases.Case, err error) (*caseOutput, error) {
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, huma.Error409Conflict("the cases changed at the same moment, try again")
	case err != nil:
		return nil, s.failure(ctx, "change the case", err)
	}
	s.o.Wake(after[len(after)-1].Position)
	return &caseOutput{ETag: etag(after[0].Position), Body: after[0]}, nil
}
