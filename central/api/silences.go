package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/correlate/rules"
	"gridgate/central/freetext"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// SilenceView is a silence and whether it has effect now.
type SilenceView struct {
	rules.Silence
	Active bool `json:"active"`
}

// SilenceList lists silences, the one that ends last first.
type SilenceList struct {
	Items []SilenceView `json:"items" nullable:"false"`
}

type (
	silencesInput struct {
		Over bool `query:"over" doc:"those that are over, too"`
	}
	silencesOutput struct{ Body SilenceList }
	silenceOutput  struct{ Body SilenceView }
	silenceInput   struct {
		ID string `path:"id" format:"uuid"`
	}
	newSilenceInput struct {
		Body struct {
			Sort       rules.SilenceSort `json:"sort" enum:"silence,maintenance"`
			Grid       string            `json:"grid,omitempty" pattern:"^[0-9]{2,20}$" doc:"prefix of a grid's code"`
			Kinds      []Kind            `json:"kinds,omitempty" maxItems:"50"`
			Match      string            `json:"match,omitempty" maxLength:"1000" doc:"condition, as in a rule"`
			Reason     string            `json:"reason" minLength:"1" maxLength:"200" doc:"why, without naming anyone"`
			From       time.Time         `json:"from,omitempty" doc:"left out: now"`
			Until      time.Time         `json:"until"`
			LifeSafety bool              `json:"lifeSafety,omitempty" doc:"it is meant for life-safety cases, too: without effect until somebody else approved"`
		}
	}
)

func (s *Server) silenceOperations() {
	steps := []int{http.StatusNotFound, http.StatusConflict}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/silences", "list-silences", "Of which cases nobody is told for a time", auth.Read), s.listSilences)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/silences", "make-silence", "Tell nobody of some cases for a time", auth.Operate, steps...), s.makeSilence)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/silences/{id}/approve", "approve-silence", "Let a silence of somebody else be for life-safety, too", auth.Operate, steps...), s.approveSilence)
	huma.Register(s.huma, operation(http.MethodPost, "/v1/silences/{id}/end", "end-silence", "End a silence", auth.Operate, steps...), s.endSilence)
}

func (s *Server) view(one rules.Silence) SilenceView {
	return SilenceView{Silence: one, Active: one.At(s.o.Now())}
}

// seesSilence says whether whoever asks may see what a silence is about: all grids, or those of a prefix that lies in theirs.
func seesSilence(p auth.Principal, one rules.Silence) bool {
	return len(p.Grids) == 0 || slices.ContainsFunc(p.Grids, func(prefix string) bool { return strings.HasPrefix(one.Grid, prefix) })
}

func (s *Server) listSilences(ctx context.Context, in *silencesInput) (*silencesOutput, error) {
	p, _ := auth.From(ctx)
	list := SilenceList{Items: []SilenceView{}}
	for _, one := range s.o.Rules.Rules().All {
		over := !one.EndedAt.IsZero() || !s.o.Now().Before(one.Until)
		if seesSilence(p, one) && (in.Over || !over) {
			list.Items = append(list.Items, s.view(one))
		}
	}
	return &silencesOutput{Body: list}, nil
}

func (s *Server) makeSilence(ctx context.Context, in *newSilenceInput) (*silenceOutput, error) {
	p, _ := auth.From(ctx)
	b := in.Body
	one := rules.Silence{
		ID: alert.NewID(), Sort: b.Sort, Grid: b.Grid, Match: b.Match, Reason: b.Reason, Owner: p.Actor(),
		From: b.From.UTC(), Until: b.Until.UTC(), LifeSafety: b.LifeSafety,
	}
	for _, k := range b.Kinds {
		one.Kinds = append(one.Kinds, alert.Kind(k))
	}
	if b.From.IsZero() {
		one.From = s.o.Now().UTC()
	}
	open := 0
	for _, other := range s.o.Rules.Rules().All {
		if s.o.Now().Before(other.Until) && other.EndedAt.IsZero() {
			open++
		}
	}
	switch found := freetext.Check(b.Reason); {
	case !p.Staff():
		return nil, huma.Error403Forbidden("a person makes a silence, not a program")
	case !seesSilence(p, one):
		return nil, huma.Error403Forbidden("the silence reaches beyond the grids that you may see")
	case len(found) > 0:
		return nil, huma.Error422UnprocessableEntity("reason: " + found[0].Error())
	case open >= rules.MaxSilences:
		return nil, huma.Error409Conflict("there are too many silences, end some")
	case !one.Until.After(s.o.Now()):
		return nil, huma.Error422UnprocessableEntity("until is over already")
	}
	if err := one.Check(); err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	return s.putSilence(ctx, one, 1)
}

// putSilence stores a silence. Version 0 is the next one.
func (s *Server) putSilence(ctx context.Context, one rules.Silence, version int64) (*silenceOutput, error) {
	p, _ := auth.From(ctx)
	body, err := json.Marshal(one)
	if err != nil {
		return nil, s.failure(ctx, "encode the silence", err)
	}
	err = s.o.Rules.Put(ctx, []store.Document{{Kind: rules.KindSilence, ID: one.ID, Version: version, Body: body, At: s.o.Now().UTC(), Actor: p.Actor()}})
	if err != nil {
		return nil, s.failure(ctx, "store the silence", err)
	}
	return &silenceOutput{Body: s.view(one)}, nil
}

// silence finds one that whoever asks may see.
func (s *Server) silence(ctx context.Context, id string) (rules.Silence, auth.Principal, error) {
	p, _ := auth.From(ctx)
	for _, one := range s.o.Rules.Rules().All {
		if one.ID == id && seesSilence(p, one) {
			return one, p, nil
		}
	}
	return rules.Silence{}, p, huma.Error404NotFound("there is no such silence")
}

func (s *Server) approveSilence(ctx context.Context, in *silenceInput) (*silenceOutput, error) {
	one, p, err := s.silence(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !p.Staff():
		return nil, huma.Error403Forbidden("a person approves, not a program")
	case !one.LifeSafety || one.ApprovedBy != "" || !one.EndedAt.IsZero() || !s.o.Now().Before(one.Until):
		return nil, huma.Error409Conflict("the silence needs no approval, has it, or is over")
	case one.Owner == p.Actor():
		return nil, huma.Error409Conflict("whoever made a silence cannot approve it")
	}
	one.ApprovedBy, one.ApprovedAt = p.Actor(), s.o.Now().UTC()
	return s.putSilence(ctx, one, 0)
}

func (s *Server) endSilence(ctx context.Context, in *silenceInput) (*silenceOutput, error) {
	one, p, err := s.silence(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !one.EndedAt.IsZero() || !s.o.Now().Before(one.Until):
		return nil, huma.Error409Conflict("the silence is over already")
	}
	one.EndedBy, one.EndedAt = p.Actor(), s.o.Now().UTC()
	return s.putSilence(ctx, one, 0)
}
