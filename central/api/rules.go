package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/protocols/kit/conf"
)

// RuleBook holds the rules and silences of a centre. Put refuses with [conf.Problems] what does not build, and with [store.ErrConflict] a
// version that is not the next one; nothing is stored then.
type RuleBook interface {
	Rules() *rules.Setup
	Put(ctx context.Context, changes []store.Document) error
}

// CaseChanges is what joins and parts cases, and the alert that asks why.
type CaseChanges interface {
	AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error)
	Alert(ctx context.Context, id string) (store.StoredAlert, error)
}

// RuleFile is the rule file in force.
type RuleFile struct {
	Text    string     `json:"text" doc:"the file as it was written, YAML"`
	Default bool       `json:"default" doc:"nobody wrote one: it is the one that central comes with"`
	Author  string     `json:"author,omitempty"`
	At      time.Time  `json:"at,omitzero"`
	Rules   []RuleView `json:"rules" nullable:"false"`
}

// RuleView is a rule of the file.
type RuleView struct {
	ID         string     `json:"id"`
	Sort       rules.Sort `json:"sort" enum:"group,confirm,inhibit,flapping,storm,water"`
	Name       rules.Name `json:"name"`
	LifeSafety bool       `json:"lifeSafety" doc:"it asks to put life-safety cases under others"`
	Digest     string     `json:"digest" doc:"tells versions of the rule apart; an approval names it"`
	ApprovedBy string     `json:"approvedBy,omitempty" doc:"the second person; without one it leaves life-safety alone"`
}

type (
	ruleFileOutput struct {
		ETag string `header:"ETag"`
		Body RuleFile
	}
	ruleFileInput struct {
		IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the rules as they were seen"`
		Body    struct {
			Text string `json:"text" maxLength:"131072" doc:"YAML"`
		}
	}
	approveRuleInput struct {
		Rule string `path:"rule" maxLength:"48"`
		Body struct {
			Digest string `json:"digest" maxLength:"64" doc:"of the rule as it was read"`
		}
	}
	alertInput struct {
		ID string `path:"id" format:"uuid"`
	}
	alertFileOutput struct{ Body AlertFile }
)

// AlertFile is an alert with the reasons why it is where it is.
type AlertFile struct {
	Alert
	Why []cases.Words `json:"why" nullable:"false" doc:"which rule put it where, in order"`
}

// maxRuleBody is how large the body of a rule file may be, in bytes: its text may double as JSON.
const maxRuleBody = 2*rules.MaxFile + 4<<10

func (s *Server) ruleOperations() {
	if s.o.Rules == nil || s.o.Changes == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/alerts/{id}", "get-alert", "One alert, and which rule put it where", auth.Read, http.StatusNotFound), s.oneAlert)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/rules", "get-rules", "The rules that join cases", auth.Read), s.readRules)
	put := operation(http.MethodPut, "/v1/rules", "put-rules", "Replace the rules that join cases", auth.Configure, http.StatusBadRequest, http.StatusPreconditionFailed)
	put.MaxBodyBytes = maxRuleBody
	huma.Register(s.huma, put, s.writeRules)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/rules/{rule}/approve", "approve-rule", "Let a rule that somebody else wrote put life-safety under other cases", auth.Configure,
		http.StatusNotFound, http.StatusConflict), s.approveRule)
	s.silenceOperations()
	s.mergeOperations()
}

func (s *Server) oneAlert(ctx context.Context, in *alertInput) (*alertFileOutput, error) {
	a, err := s.o.Changes.Alert(ctx, in.ID)
	if p, _ := auth.From(ctx); err == nil && !p.Sees(a.Grid) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, s.failure(ctx, "read the alert", err)
	}
	out := AlertFile{Alert: AlertOf(a)}
	if a.CaseID == "" {
		out.Why = rules.Explain(a, cases.Case{}, nil)
		return &alertFileOutput{Body: out}, nil
	}
	c, history, err := s.o.Store.CaseFile(ctx, a.CaseID, 0, maxHistory)
	if err != nil {
		return nil, s.failure(ctx, "read the case of the alert", err)
	}
	out.Why = rules.Explain(a, c, history)
	return &alertFileOutput{Body: out}, nil
}

func (s *Server) readRules(context.Context, *struct{}) (*ruleFileOutput, error) {
	return s.ruleFile(), nil
}

// ruleFile is the answer to who reads or wrote the rules. The defaults have a tag, too, so that the first file can be written on condition.
func (s *Server) ruleFile() *ruleFileOutput {
	now := s.o.Rules.Rules()
	body := RuleFile{Text: now.Text, Default: now.Version == 0, Author: now.Author, At: now.At, Rules: []RuleView{}}
	for _, r := range now.File.Rules {
		body.Rules = append(body.Rules, RuleView{
			ID: r.ID, Sort: r.Sort, Name: r.Name, LifeSafety: r.LifeSafety, Digest: r.Digest(), ApprovedBy: now.Approved[r.ID].By,
		})
	}
	return &ruleFileOutput{ETag: etag(now.Version + 1), Body: body}
}

func (s *Server) writeRules(ctx context.Context, in *ruleFileInput) (*ruleFileOutput, error) {
	next, err := parseIfMatch(in.IfMatch) // the tag is the version that comes next
	if err != nil {
		return nil, huma.Error400BadRequest("If-Match is not the ETag of the rules")
	}
	p, _ := auth.From(ctx)
	body, err := json.Marshal(rules.Text{Text: in.Body.Text})
	if err != nil {
		return nil, s.failure(ctx, "encode the rules", err)
	}
	err = s.o.Rules.Put(ctx, []store.Document{{Kind: rules.Kind, ID: rules.ID, Version: next, Body: body, At: s.o.Now().UTC(), Actor: p.Actor()}})
	if err != nil {
		return nil, s.refusedRules(ctx, err)
	}
	return s.ruleFile(), nil
}

// refusedRules says what is wrong with a rule file, line by line. It repeats nothing of the file beyond the names of its fields.
func (s *Server) refusedRules(ctx context.Context, err error) error {
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		details := make([]error, len(problems))
		for i, p := range problems {
			details[i] = &huma.ErrorDetail{Location: fmt.Sprintf("body.text:%d:%d", p.Line, p.Column), Message: fmt.Sprintf("%s: %s (%s)", p.Field, p.Message, p.Remedy)}
		}
		return huma.Error422UnprocessableEntity("the rules have mistakes; nothing was changed", details...)
	case errors.Is(err, store.ErrConflict):
		return huma.Error412PreconditionFailed("the rules changed meanwhile, read them again")
	}
	return s.failure(ctx, "store the rules", err)
}

func (s *Server) approveRule(ctx context.Context, in *approveRuleInput) (*ruleFileOutput, error) {
	p, _ := auth.From(ctx)
	now := s.o.Rules.Rules()
	for _, r := range now.File.Rules {
		switch {
		case r.ID != in.Rule:
			continue
		case !p.Staff():
			return nil, huma.Error403Forbidden("a person approves, not a program")
		case !r.LifeSafety:
			return nil, huma.Error409Conflict("the rule does not ask for it")
		case r.Digest() != in.Body.Digest:
			return nil, huma.Error409Conflict("the rule is not the one that was read, read it again")
		case now.Author == p.Actor() || now.Version == 0:
			return nil, huma.Error409Conflict("whoever wrote a rule cannot approve it")
		}
		body, err := json.Marshal(rules.Approval{Digest: in.Body.Digest, By: p.Actor(), At: s.o.Now().UTC()})
		if err != nil {
			return nil, s.failure(ctx, "encode the approval", err)
		}
		err = s.o.Rules.Put(ctx, []store.Document{{Kind: rules.KindApproval, ID: r.ID, Body: body, At: s.o.Now().UTC(), Actor: p.Actor()}})
		if err != nil {
			return nil, s.refusedRules(ctx, err)
		}
		return s.ruleFile(), nil
	}
	return nil, huma.Error404NotFound("there is no such rule")
}
