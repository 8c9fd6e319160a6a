package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/calendar"
	"gridgate/central/loops"
	"gridgate/central/setup/parts"
	"gridgate/central/workflow"
	"gridgate/protocols/kit/conf"
)

// LoopSetup changes what loops are made of, see [parts.Loops].
type LoopSetup interface {
	Put(ctx context.Context, kind, id string, body json.RawMessage, how parts.Change) error
	Remove(ctx context.Context, kind, id string, how parts.Change) error
}

// maxDefinition is how large a workflow or a calendar may be, in bytes.
const maxDefinition = 256 << 10

type (
	workflowListOutput struct {
		Body struct {
			Items []*workflow.Definition `json:"items" nullable:"false"`
		}
	}
	calendarOutput  struct{ Body calendar.Table }
	choiceOutput    struct{ Body loops.Choice }
	definitionInput struct {
		VersionInput
		ID      string `path:"id" maxLength:"40" pattern:"^[a-z][a-z0-9-]*$"`
		RawBody []byte
	}
	removalInput struct {
		VersionInput
		ID string `path:"id" maxLength:"40" pattern:"^[a-z][a-z0-9-]*$"`
	}
	choiceInput struct {
		VersionInput
		Body loops.Choice
	}
)

func (s *Server) workflowOperations() {
	if s.o.Loops == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/workflows", "list-workflows", "Workflows: steps, actions, who may, which fields and clocks", auth.Read),
		func(context.Context, *struct{}) (*workflowListOutput, error) {
			out := &workflowListOutput{}
			out.Body.Items = s.o.Loops.Book().Workflows()
			return out, nil
		})
	huma.Register(s.huma, operation(http.MethodGet, "/v1/calendar", "get-calendar", "The calendar by which limits are counted", auth.Read),
		func(context.Context, *struct{}) (*calendarOutput, error) {
			return &calendarOutput{Body: s.o.Loops.Book().Calendar().Table()}, nil
		})
	huma.Register(s.huma, operation(http.MethodGet, "/v1/loop", "get-loop", "Which workflow and which calendar hold where nothing else is said", auth.Read),
		func(context.Context, *struct{}) (*choiceOutput, error) {
			return &choiceOutput{Body: s.o.Loops.Book().Choice()}, nil
		})
	if s.o.LoopSetup != nil {
		s.loopSetupOperations()
	}
}

func (s *Server) loopSetupOperations() {
	change := func(method, path, id, summary string) huma.Operation {
		return changing(method, path, id, summary, maxDefinition, http.StatusNotFound)
	}
	put := func(path, id, summary string) huma.Operation {
		op := change(http.MethodPut, path, id, summary)
		op.SkipValidateBody = true // it is read with the places of its mistakes
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}}
		return op
	}
	huma.Register(s.huma, put("/v1/workflows/{id}", "put-workflow", "Set up a workflow"), s.putDefinition(loops.WorkflowKind))
	huma.Register(s.huma, change(http.MethodDelete, "/v1/workflows/{id}", "remove-workflow", "Remove a workflow; the shipped one of the same id holds again"), s.removeDefinition(loops.WorkflowKind))
	huma.Register(s.huma, put("/v1/calendars/{id}", "put-calendar", "Set up a calendar"), s.putDefinition(loops.CalendarKind))
	huma.Register(s.huma, change(http.MethodDelete, "/v1/calendars/{id}", "remove-calendar", "Remove a calendar; the shipped one of the same id holds again"), s.removeDefinition(loops.CalendarKind))
	huma.Register(s.huma, change(http.MethodPut, "/v1/loop", "put-loop", "Choose the workflow and the calendar that hold where nothing else is said"),
		func(ctx context.Context, in *choiceInput) (*goneOutput, error) {
			body, err := json.Marshal(in.Body)
			if err != nil {
				return nil, s.failure(ctx, "encode the choice", err)
			}
			return s.putLoop(ctx, loops.ChoiceKind, loops.ChoiceID, body, in.IfMatch)
		})
}

// putDefinition takes a definition that is right by itself; [LoopSetup] looks whether it goes with the others.
func (s *Server) putDefinition(kind string) func(context.Context, *definitionInput) (*goneOutput, error) {
	return func(ctx context.Context, in *definitionInput) (*goneOutput, error) {
		if !json.Valid(in.RawBody) {
			return nil, huma.Error400BadRequest("the body is not JSON")
		}
		if details := mistakes(kind, in.ID, in.RawBody); len(details) > 0 {
			return nil, huma.Error422UnprocessableEntity("nothing was changed: the definition has mistakes", details...)
		}
		return s.putLoop(ctx, kind, in.ID, in.RawBody, in.IfMatch)
	}
}

func (s *Server) putLoop(ctx context.Context, kind, id string, body []byte, ifMatch string) (*goneOutput, error) {
	how, err := s.change(ctx, ifMatch)
	if err != nil {
		return nil, err
	}
	if err := s.o.LoopSetup.Put(ctx, kind, id, body, how); err != nil {
		return nil, s.unchanged(ctx, "set this up", how, err)
	}
	return &goneOutput{}, nil
}

func (s *Server) removeDefinition(kind string) func(context.Context, *removalInput) (*goneOutput, error) {
	return func(ctx context.Context, in *removalInput) (*goneOutput, error) {
		how, err := s.change(ctx, in.IfMatch)
		if err != nil {
			return nil, err
		}
		if err := s.o.LoopSetup.Remove(ctx, kind, in.ID, how); err != nil {
			return nil, s.unchanged(ctx, "remove this", how, err)
		}
		return &goneOutput{}, nil
	}
}

// mistakes lists what is wrong with a definition by itself, each with its place and its remedy.
func mistakes(kind, id string, body []byte) (details []error) {
	var err error
	if kind == loops.WorkflowKind {
		_, err = workflow.Parse(id, body)
	} else {
		_, err = calendar.Parse(body)
	}
	var definition conf.Problems
	var table calendar.Problems
	switch {
	case err == nil:
	case errors.As(err, &definition):
		for _, p := range definition {
			details = append(details, &huma.ErrorDetail{Location: p.Field, Message: p.Error()})
		}
	case errors.As(err, &table):
		for _, p := range table {
			details = append(details, &huma.ErrorDetail{Location: p.Field, Message: p.Message})
		}
	default:
		details = append(details, &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	return details
}
