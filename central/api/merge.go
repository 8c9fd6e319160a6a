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
	if expect != 0 && child.Position != expect {
		return child, parent, errMovedOn()
	}
	return child, parent, unmergeable(child, parent)
}

// unmergeable is the problem for which one case cannot become part of another; nil for none.
func unmergeable(child, parent cases.Case) error {
	no := func(code, zh, en string) error {
		return huma.NewError(http.StatusConflict, en, &huma.ErrorDetail{Location: code, Message: zh})
	}
	switch {
	case child.ID == parent.ID:
		return no("merge-itself", "案件不能并入自己", "a case cannot be part of itself")
	case child.Parent != "":
		return no("merged-already", "本案已并入其他案件，请先解除并案", "the case is part of another already, take it out first")
	case parent.Parent != "":
		return no("into-a-part", "对方已并入另一案件，请直接并入那个案件", "the other case is part of a third one: name that one")
	case parent.State == cases.Closed:
		return no("into-closed", "对方已结案，不能并入", "the other case is closed")
	case child.Exercise != parent.Exercise:
		return no("exercise-apart", "演练与真实案件不能合并", "a drill and the real thing are kept apart")
	case rules.Hides(rules.Group, child, parent, false):
		return no("hides-life-safety", "生命安全案件不能并入其他案件，请反向合并", "a life-safety case does not go under one that is not: merge them the other way round")
	}
	return nil
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
		return nil, errMovedOn()
	case c.Parent == "":
		return nil, refusedAs(http.StatusConflict, "not-merged", "本案没有并入其他案件", "the case is part of no other")
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
		return nil, refusedAs(http.StatusConflict, "changed", "案件刚有变化，请重试", "the cases changed at the same moment, try again")
	case err != nil:
		return nil, s.failure(ctx, "change the case", err)
	}
	s.o.Wake(after[len(after)-1].Position)
	return &caseOutput{ETag: etag(after[0].Position), Body: after[0]}, nil
}
