package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
)

// BulkStep is one thing that is done with several cases: a step, the undo of the last one, or making them part of another case.
type BulkStep struct {
	Step  *CaseStep  `json:"step,omitempty" doc:"a step of the workflow of each"`
	Undo  bool       `json:"undo,omitempty" doc:"or: take the last step of each back"`
	Into  string     `json:"into,omitempty" format:"uuid" doc:"or: make each part of this case"`
	Cases []BulkCase `json:"cases" minItems:"1" maxItems:"200"`
}

// BulkCase names a case as it was seen.
type BulkCase struct {
	ID       string `json:"id" format:"uuid"`
	Position int64  `json:"position" minimum:"0" doc:"of the case as it was seen; 0: as it is now"`
}

// BulkOutcome is what became of one case.
type BulkOutcome struct {
	ID       string           `json:"id"`
	Status   int              `json:"status" doc:"200, or what the same request for this case alone would be refused with"`
	Position int64            `json:"position,omitempty" doc:"of the case now"`
	Problem  *huma.ErrorModel `json:"problem,omitempty"`
	State    cases.State      `json:"state,omitempty" enum:"open,acknowledged,closed"`
	Step     string           `json:"step,omitempty" doc:"where it stands now"`
}

type (
	bulkInput  struct{ Body BulkStep }
	bulkOutput struct {
		Body struct {
			Items []BulkOutcome `json:"items" nullable:"false" doc:"in the order of the request"`
		}
	}
)

func (s *Server) bulkOperations() {
	if s.o.Loops == nil {
		return
	}
	op := operation(http.MethodPost, "/v1/cases/bulk", "step-cases", "Do one thing with several cases; each is judged and changed by itself", auth.Operate)
	op.MaxBodyBytes = 32 << 10
	huma.Register(s.huma, op, s.bulk)
}

// bulk does the same with each case, one after the other, each in a transaction of its own.
func (s *Server) bulk(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
	do, err := s.bulkStep(in.Body)
	if err != nil {
		return nil, err
	}
	out := &bulkOutput{}
	seen := map[string]bool{}
	for _, c := range in.Body.Cases {
		if seen[c.ID] {
			return nil, badField("cases", "a case stands twice in the list")
		}
		seen[c.ID] = true
	}
	for _, c := range in.Body.Cases {
		step := &StepInput{CaseInput: CaseInput{ID: c.ID}}
		if c.Position > 0 {
			step.IfMatch = etag(c.Position)
		}
		after, err := do(ctx, step)
		out.Body.Items = append(out.Body.Items, outcomeOf(c.ID, after, err))
	}
	return out, nil
}

// bulkStep is what is done with each case.
func (s *Server) bulkStep(b BulkStep) (func(context.Context, *StepInput) (*caseOutput, error), error) {
	given := 0
	for _, there := range []bool{b.Step != nil, b.Undo, b.Into != ""} {
		if there {
			given++
		}
	}
	if given != 1 {
		return nil, badField("step", "give one of step, undo and into")
	}
	switch {
	case b.Undo:
		return s.undoStep, nil
	case b.Into != "" && s.o.Rules == nil:
		return nil, badField("into", "cases are not merged here")
	case b.Into != "":
		return func(ctx context.Context, in *StepInput) (*caseOutput, error) {
			merge := &mergeInput{StepInput: *in}
			merge.Body.Into = b.Into
			return s.mergeCase(ctx, merge)
		}, nil
	}
	r, err := b.Step.request()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, in *StepInput) (*caseOutput, error) { return s.act(ctx, in, r) }, nil
}

func outcomeOf(id string, after *caseOutput, err error) BulkOutcome {
	var p *huma.ErrorModel
	switch {
	case err == nil:
		return BulkOutcome{ID: id, Status: http.StatusOK, Position: after.Body.Position, State: after.Body.State, Step: after.Body.Step}
	case errors.As(err, &p):
		for _, detail := range p.Errors {
			detail.Value = nil
		}
		return BulkOutcome{ID: id, Status: p.Status, Problem: p}
	}
	return BulkOutcome{ID: id, Status: http.StatusInternalServerError}
}
