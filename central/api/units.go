package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/grid"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// UnitList holds all units, by id.
type UnitList struct {
	Items []grid.Unit `json:"items" nullable:"false"`
}

type (
	unitListOutput struct{ Body UnitList }
	// UnitInput names a unit.
	UnitInput struct {
		ID string `path:"id" pattern:"^[a-z0-9][a-z0-9-]{0,63}$"`
	}
	unitOutput struct {
		ETag string `header:"ETag"`
		Body grid.Unit
	}
	putUnitInput struct {
		UnitInput
		VersionInput
		Body grid.Unit
	}
	removeUnitInput struct {
		UnitInput
		VersionInput
	}
)

func (s *Server) unitOperations() {
	if s.o.Setup.Places == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/units", "list-units", "All units, by id", auth.Read), s.listUnits)
	huma.Register(s.huma, importing("/v1/units/import", "import-units", "Import units from a JSON array, all or none", "application/json"), s.importOf(s.o.Setup.Units.ImportUnits))
	huma.Register(s.huma, operation(http.MethodGet, "/v1/units/{id}", "get-unit", "One unit", auth.Read, http.StatusNotFound), s.oneUnit)
	huma.Register(s.huma, changing(http.MethodPut, "/v1/units/{id}", "put-unit", "Set up or change one unit", maxDocument), s.putUnit)
	huma.Register(s.huma, changing(http.MethodDelete, "/v1/units/{id}", "remove-unit", "Remove a unit that nothing names", maxBody, http.StatusNotFound), s.removeUnit)
}

func (s *Server) listUnits(context.Context, *struct{}) (*unitListOutput, error) {
	return &unitListOutput{Body: UnitList{Items: s.o.Setup.Places.Get().Units()}}, nil
}

func (s *Server) oneUnit(ctx context.Context, in *UnitInput) (*unitOutput, error) {
	u, ok := s.o.Setup.Places.Get().Unit(in.ID)
	if !ok {
		return nil, s.failure(ctx, "read the unit", store.ErrNotFound)
	}
	tag, err := s.etagOf(ctx, parts.Unit, in.ID)
	return &unitOutput{ETag: tag, Body: u}, err
}

func (s *Server) putUnit(ctx context.Context, in *putUnitInput) (*unitOutput, error) {
	if in.Body.ID != in.ID {
		return nil, huma.Error422UnprocessableEntity("the id is not the one of the path")
	}
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	if _, err := s.o.Setup.Units.PutUnits(ctx, []grid.Unit{in.Body}, how); err != nil {
		return nil, s.unchanged(ctx, "change the unit", how, err)
	}
	return s.oneUnit(ctx, &in.UnitInput)
}

func (s *Server) removeUnit(ctx context.Context, in *removeUnitInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return &goneOutput{}, s.unchanged(ctx, "remove the unit", how, s.o.Setup.Units.RemoveUnit(ctx, in.ID, how))
}
