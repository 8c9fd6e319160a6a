package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/freetext"
	"gridgate/central/loops"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// Loops says which loop a case follows, and which units there are. All are pure lookups.
type Loops interface {
	Of(c cases.Case) workflow.Loop
	// KnowsUnit says whether a unit may be made responsible; any may where none is set up.
	KnowsUnit(unit string) bool
	Book() *loops.Book
}

// maxStepTries is how often a step is tried on a case that goes on changing while nobody said which version they saw.
const maxStepTries = 8

// CaseStep is what somebody does with a case. Which members are demanded and which are taken is said by the case's workflow: see
// "actions" of the case.
type CaseStep struct {
	Action   string       `json:"action" maxLength:"40" doc:"one of the case's actions"`
	Unit     string       `json:"unit,omitempty" maxLength:"64" doc:"the unit responsible from now on"`
	Next     string       `json:"next,omitempty" maxLength:"64" doc:"who else has it from now on: a unit outside the centre"`
	Helpers  *[]string    `json:"helpers,omitempty" maxItems:"8" doc:"all units that help from now on; an empty list: none"`
	Assignee string       `json:"assignee,omitempty" maxLength:"64" doc:"the staff account that has it in hand from now on"`
	Note     string       `json:"note,omitempty" maxLength:"500" doc:"words about the place or the thing, never about a person"`
	Reason   cases.Reason `json:"reason,omitempty" enum:"handled,verified,false-alarm,duplicate,not-ours"`
	Until    *time.Time   `json:"until,omitempty" doc:"when it comes back; at most 31 days ahead"`
	Rating   int          `json:"rating,omitempty" minimum:"1" maximum:"5"`
	By       string       `json:"by,omitempty" maxLength:"32" doc:"how much longer: w4h (working hours), w2d (working days), 30m (by the clock)"`
}

type stepCaseInput struct {
	StepInput
	Body CaseStep
}

func (s *Server) stepOperations() {
	if s.o.Loops == nil {
		return
	}
	errors := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/steps", "step-case", "Take a step of a case's workflow", auth.Operate, errors...),
		func(ctx context.Context, in *stepCaseInput) (*caseOutput, error) {
			r, err := in.Body.request()
			if err != nil {
				return nil, err
			}
			return s.act(ctx, &in.StepInput, r)
		})
}

// offers is what whoever asks may do with c next; nothing for who may not operate.
func (s *Server) offers(ctx context.Context, c cases.Case) []workflow.Offer {
	p, _ := auth.From(ctx)
	if s.o.Loops == nil || !p.May(auth.Operate) {
		return []workflow.Offer{}
	}
	return s.o.Loops.Of(c).Possible(c, actorOf(p), s.o.Now())
}

// desk takes a step that the desk may take without a loop as well: as an action of the loop where there is one, as an event where there is none.
func (s *Server) desk(ctx context.Context, in *StepInput, r workflow.Request, e cases.Event) (*caseOutput, error) {
	if s.o.Loops == nil {
		return s.step(ctx, in, e)
	}
	return s.act(ctx, in, r)
}

// request is a step without who asks and when.
func (b CaseStep) request() (workflow.Request, error) {
	r := workflow.Request{
		Action: b.Action, Unit: b.Unit, Next: b.Next, Assignee: b.Assignee, Note: b.Note, Reason: b.Reason, Rating: b.Rating,
	}
	if b.Helpers != nil {
		r.Helpers = append([]string{}, *b.Helpers...)
	}
	if b.Until != nil {
		r.Until = b.Until.UTC()
	}
	if b.By != "" {
		span, err := calendar.ParseSpan(b.By)
		if err != nil {
			return r, badField("by", err.Error())
		}
		r.By = span
	}
	for field, text := range map[string]string{"note": b.Note, "next": b.Next} {
		for _, found := range freetext.Check(text) {
			return r, badField(field, found.Error())
		}
	}
	return r, nil
}

// badField is a problem of one member of a body. It never repeats what was sent.
func badField(field, why string) error {
	return huma.Error422UnprocessableEntity(why, &huma.ErrorDetail{Location: "body." + field, Message: why})
}

// actorOf is who asks, as workflows know them. A program with a token acts for the centre's post.
func actorOf(p auth.Principal) workflow.Actor {
	a := workflow.Actor{Name: p.Actor(), Role: string(p.Role), Unit: p.Unit}
	if !p.Staff() {
		a.Role = workflow.Operator
	}
	return a
}

// act takes a step. While the client did not say which version it saw, a case that moves on is read again.
func (s *Server) act(ctx context.Context, in *StepInput, r workflow.Request) (*caseOutput, error) {
	expect, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	for _, unit := range append([]string{r.Unit}, r.Helpers...) {
		if unit != "" && !s.o.Loops.KnowsUnit(unit) {
			return nil, badField("unit", "there is no such unit: see the units that are set up")
		}
	}
	p, _ := auth.From(ctx)
	r.Actor, r.At = actorOf(p), s.o.Now().UTC()
	for range maxStepTries {
		c, err := s.o.Store.Case(ctx, in.ID)
		if err != nil {
			return nil, s.failure(ctx, "read the case", err)
		}
		if expect != 0 && c.Position != expect {
			return nil, errMovedOn()
		}
		after, err := s.tryStep(ctx, c, r)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.o.Wake(after.Position)
		return &caseOutput{ETag: etag(after.Position), Body: after}, nil
	}
	return nil, errMovedOn()
}

func errMovedOn() error {
	return refusedAs(http.StatusPreconditionFailed, "moved-on", "案件刚被其他人更新，请查看最新状态", "the case changed meanwhile, read it again")
}

// tryStep takes a step on a case as it was read. [store.ErrConflict] if it moved on.
func (s *Server) tryStep(ctx context.Context, c cases.Case, r workflow.Request) (cases.Case, error) {
	if err := s.assignable(ctx, c, r.Assignee); err != nil {
		return cases.Case{}, err
	}
	e, err := s.o.Loops.Of(c).Do(c, r)
	if err != nil {
		return cases.Case{}, s.refusal(ctx, err)
	}
	after, err := s.o.Changes.AppendAll(ctx, []store.Change{{Event: e, Expect: c.Position}})
	switch {
	case errors.Is(err, store.ErrConflict):
		// The case did not move on: a newer one of its key is open, which a reopened one would be beside.
		if now, readErr := s.o.Store.Case(ctx, c.ID); readErr == nil && now.Position == c.Position {
			return cases.Case{}, errNewerOpen()
		}
		return cases.Case{}, err
	case err != nil:
		return cases.Case{}, s.failure(ctx, "change the case", err)
	}
	return after[0], nil
}

// statusOf is the status of a refusal.
var statusOf = map[workflow.Kind]int{
	workflow.NoSuchAction: http.StatusUnprocessableEntity, workflow.Missing: http.StatusUnprocessableEntity, workflow.BadField: http.StatusUnprocessableEntity,
	workflow.NotAllowed: http.StatusForbidden, workflow.SamePerson: http.StatusForbidden,
	workflow.NotFromHere: http.StatusConflict, workflow.Exhausted: http.StatusConflict, workflow.NotCovered: http.StatusConflict,
	workflow.NothingToUndo: http.StatusConflict, workflow.NotYourStep: http.StatusConflict, workflow.TooLate: http.StatusConflict, workflow.MovedOn: http.StatusConflict,
}

// refusal turns what a workflow said into a problem: what and why, in both languages.
func (s *Server) refusal(ctx context.Context, err error) error {
	var r *workflow.Refusal
	if !errors.As(err, &r) {
		return s.failure(ctx, "take the step", err)
	}
	detail := &huma.ErrorDetail{Location: string(r.Kind), Message: r.Words.ZH}
	if r.Field != "" {
		detail.Location = "body." + r.Field
	}
	return huma.NewError(statusOf[r.Kind], r.Words.EN, detail)
}
