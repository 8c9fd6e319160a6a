package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// CaseFilter is the query of a list of cases.
type CaseFilter struct {
	Filter
	State    string       `query:"state" enum:"open,acknowledged,closed"`
	Step     string       `query:"step" maxLength:"40" doc:"of its workflow"`
	Unit     string       `query:"unit" maxLength:"64" doc:"the responsible one"`
	Assignee string       `query:"assignee" maxLength:"64"`
	Level    cases.Level  `query:"level" enum:"grid,community,township,district"`
	Class    string       `query:"class" pattern:"^[0-9]{1,4}$" doc:"prefix of an event class"`
	Parent   string       `query:"parent" pattern:"^(none|[0-9a-fA-F-]{36})$" doc:"cases that were merged into this one; none: into no other"`
	Due      time.Time    `query:"dueBefore" doc:"cases that wait, with a deadline before"`
	Exercise store.Answer `query:"exercise" enum:"yes,no" doc:"drills only, or none; left out: both"`
	Origin   cases.Origin `query:"origin" enum:"staff,worker,resident,warning" doc:"who opened it; cases of alerts have none"`
}

// query is what a store is asked.
func (f CaseFilter) query() store.Query {
	q := f.Filter.query()
	q.State, q.Step, q.Unit, q.Assignee, q.Level, q.Class = f.State, f.Step, f.Unit, f.Assignee, f.Level, f.Class
	q.Parent, q.DueBefore, q.Exercise, q.Origin = f.Parent, f.Due, f.Exercise, f.Origin
	return q
}

// CasePage is one page of cases, those that were opened last first.
type CasePage struct {
	Items []cases.Case `json:"items" nullable:"false"`
	Next  string       `json:"next" doc:"cursor of the next page, empty on the last"`
}

// maxHistory is how many events of a history one answer holds.
const maxHistory = 500

// CaseFile is a case with the newest part of its history.
type CaseFile struct {
	cases.Case
	History []cases.Event `json:"history" nullable:"false" doc:"at most 500 events, oldest first, the newest ones before the position that was asked for"`
	Why     []cases.Words `json:"why" nullable:"false" doc:"what put it where it stands, by the events of this answer"`
	Earlier bool          `json:"earlier" doc:"the history began before these events: ask again before the first of them"`
	Left    []TimeLeft    `json:"left" nullable:"false" doc:"how much time the deadlines that run have left, counted as they count"`
	Undo    *UndoOffer    `json:"undo,omitempty" doc:"the last step, if you may take it back"`
	// Actions are what whoever asks may do with the case next.
	Actions []workflow.Offer `json:"actions" nullable:"false" doc:"what you may do with it next, by its workflow"`
}

type (
	casePageOutput struct{ Body CasePage }
	caseFileOutput struct {
		ETag string `header:"ETag"`
		Body CaseFile
	}
	caseFileInput struct {
		CaseInput
		Before int64 `query:"before" minimum:"1" doc:"position of an event of this case: lists what happened before it; left out: up to now"`
	}
	caseOutput struct {
		ETag string `header:"ETag"`
		Body cases.Case
	}
	closeInput struct {
		StepInput
		Body struct {
			Reason cases.Reason `json:"reason" enum:"handled,false-alarm,duplicate"`
		}
	}
	holdInput struct {
		StepInput
		Body struct {
			Reason cases.Reason `json:"reason" enum:"investigation,complaint,insurance,review"`
		}
	}
	releaseInput struct {
		StepInput
		Body struct {
			Reason cases.Reason `json:"reason" enum:"settled,mistake"`
		}
	}
)

// CaseInput names a case. It and [StepInput] are exported because huma reads no members of others when they are embedded.
type CaseInput struct {
	ID string `path:"id" format:"uuid"`
}

// StepInput is an operator's step on a case.
type StepInput struct {
	CaseInput
	IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the case as it was seen"`
}

func etag(position int64) string { return `"` + strconv.FormatInt(position, 10) + `"` }

func (s *Server) caseOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases", "list-cases", "List cases, newest first by their opening; a page may be short, the last one has no next", auth.Read, http.StatusBadRequest), s.listCases)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}", "get-case", "One case with its history", auth.Read, http.StatusNotFound), s.oneCase)
	steps := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/acknowledge", "acknowledge-case", "Take charge of an open case", auth.Operate, steps...),
		func(ctx context.Context, in *StepInput) (*caseOutput, error) {
			return s.desk(ctx, in, workflow.Request{Action: "acknowledge"}, cases.Event{Type: cases.EventAcknowledged})
		})
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/close", "close-case", "Close a case and say why", auth.Operate, steps...),
		func(ctx context.Context, in *closeInput) (*caseOutput, error) {
			return s.desk(ctx, &in.StepInput, closing(in.Body.Reason), cases.Event{Type: cases.EventClosed, Reason: in.Body.Reason})
		})
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/hold", "hold-case", "Keep a case, its alerts and its pictures from retention, and say why", auth.Operate, steps...),
		func(ctx context.Context, in *holdInput) (*caseOutput, error) {
			return s.step(ctx, &in.StepInput, cases.Event{Type: cases.EventHeld, Reason: in.Body.Reason})
		})
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases/{id}/release", "release-case", "End the hold of a case and say why", auth.Operate, steps...),
		func(ctx context.Context, in *releaseInput) (*caseOutput, error) {
			return s.step(ctx, &in.StepInput, cases.Event{Type: cases.EventReleased, Reason: in.Body.Reason})
		})
}

// closing is the action that closes a case at the desk for a reason.
func closing(reason cases.Reason) workflow.Request {
	if reason == cases.ReasonFalseAlarm {
		return workflow.Request{Action: "false-alarm"}
	}
	return workflow.Request{Action: "close", Reason: reason}
}

func (s *Server) listCases(ctx context.Context, in *CaseFilter) (*casePageOutput, error) {
	items, next, err := s.o.Store.Cases(ctx, in.query())
	if err != nil {
		return nil, s.failure(ctx, "list cases", err)
	}
	if items == nil {
		items = []cases.Case{}
	}
	return &casePageOutput{Body: CasePage{Items: items, Next: next}}, nil
}

func (s *Server) oneCase(ctx context.Context, in *caseFileInput) (*caseFileOutput, error) {
	c, history, err := s.o.Store.CaseFile(ctx, in.ID, in.Before, maxHistory)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	if history == nil {
		history = []cases.Event{}
	}
	earlier := len(history) > 0 && history[0].Type != cases.EventOpened
	file := CaseFile{Case: c, History: history, Earlier: earlier, Why: rules.ExplainCase(c, history), Actions: s.offers(ctx, c), Left: s.left(c)}
	if in.Before == 0 {
		file.Undo = s.undoOffer(ctx, c, history)
	}
	return &caseFileOutput{ETag: etag(c.Position), Body: file}, nil
}

// step appends an operator's event to a case, once the client's view of the case was checked.
func (s *Server) step(ctx context.Context, in *StepInput, e cases.Event) (*caseOutput, error) {
	expect, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest(err.Error())
	}
	p, _ := auth.From(ctx)
	e.CaseID, e.At, e.Actor = in.ID, s.o.Now().UTC(), p.Actor()
	c, err := s.o.Store.Append(ctx, e, expect)
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil, s.conflict(ctx, in.ID, expect, e.Type)
	case err != nil:
		return nil, s.failure(ctx, "change the case", err)
	}
	s.o.Wake(c.Position)
	return &caseOutput{ETag: etag(c.Position), Body: c}, nil
}

// conflict tells a case that moved on (412) from one that does not allow the step (409).
func (s *Server) conflict(ctx context.Context, id string, expect int64, typ cases.EventType) error {
	c, err := s.o.Store.Case(ctx, id)
	if err != nil {
		return s.failure(ctx, "read the case", err)
	}
	if expect != 0 && c.Position != expect {
		return errMovedOn()
	}
	switch {
	case typ == cases.EventHeld && c.Hold != "":
		return refusedAs(http.StatusConflict, "held-already", "案件已在保全中", "the case is held already")
	case typ == cases.EventReleased && c.Hold == "":
		return refusedAs(http.StatusConflict, "not-held", "案件没有保全", "the case is not held")
	}
	return huma.NewError(http.StatusConflict, "the case is "+string(c.State)+", which does not allow this", &huma.ErrorDetail{Location: "not-from-here", Message: "案件当前状态不允许此操作"})
}

// parseIfMatch reads one entity tag of ours (RFC 9110, section 13.1.1); 0 stands for none and for "*".
func parseIfMatch(header string) (int64, error) {
	text := strings.TrimSpace(header)
	if text == "" || text == "*" {
		return 0, nil
	}
	inner, ok := strings.CutPrefix(text, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	position, err := strconv.ParseInt(inner, 10, 64)
	if !ok || !closed || err != nil || position <= 0 {
		return 0, errors.New("If-Match is not the ETag of a case")
	}
	return position, nil
}
