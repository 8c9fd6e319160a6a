package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
)

// Colleague is a staff account that a case can be given to, by the name that stands in histories.
type Colleague struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty" doc:"empty: the centre itself"`
}

type (
	colleaguesInput struct {
		Grid string `query:"grid" required:"true" pattern:"^[0-9]{6,20}$" doc:"of a case: who may see it"`
	}
	colleaguesOutput struct {
		Body struct {
			Items []Colleague `json:"items" nullable:"false"`
		}
	}
)

func (s *Server) colleagueOperations() {
	huma.Register(s.huma, operation(http.MethodGet, "/v1/staff", "list-staff", "Accounts that a case of a grid can be given to, by name", auth.Operate, http.StatusNotFound), s.listColleagues)
}

func (s *Server) listColleagues(ctx context.Context, in *colleaguesInput) (*colleaguesOutput, error) {
	if err := sees(ctx, in.Grid); err != nil {
		return nil, s.failure(ctx, "list accounts", err)
	}
	users, err := s.o.Staff.Users(ctx)
	if err != nil {
		return nil, s.failure(ctx, "list accounts", err)
	}
	out := &colleaguesOutput{}
	out.Body.Items = []Colleague{}
	for _, u := range users {
		if takesCases(u, in.Grid) {
			out.Body.Items = append(out.Body.Items, Colleague{Name: u.Name, Unit: u.Unit})
		}
	}
	return out, nil
}

// takesCases says whether an account may be given a case of a grid: it may do something with it and may see it.
func takesCases(u store.User, grid string) bool {
	p := auth.Principal{Grids: u.Grids}
	return !u.Disabled && slices.Contains(auth.ScopesOf(auth.Role(u.Role)), auth.Operate) && p.Sees(grid)
}

// assignable is a problem unless c may be given to an account. None is nobody.
func (s *Server) assignable(ctx context.Context, c cases.Case, name string) error {
	if name == "" {
		return nil
	}
	u, err := s.o.Staff.User(ctx, name)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return s.failure(ctx, "read the account", err)
	case err != nil || !takesCases(u, c.Grid):
		return refusedAs(http.StatusUnprocessableEntity, "body.assignee", "没有这个账号，或该账号不能查看本案所在网格", "there is no such account, or it may not see the grid of the case")
	}
	return nil
}
