package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/classes"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// ClassList holds all event classes, by code.
type ClassList struct {
	Items []EventClass `json:"items" nullable:"false"`
}

// EventClass is an event class.
type EventClass struct {
	Code     string       `json:"code" pattern:"^([0-9]{2}|[0-9]{4})$"`
	Title    classes.Text `json:"title"`
	Opening  classes.Text `json:"opening,omitzero" doc:"what is a case (立案条件)"`
	Closing  classes.Text `json:"closing,omitzero" doc:"when it is over (结案条件)"`
	Kinds    []string     `json:"kinds,omitempty" doc:"alerts of these kinds open cases of it"`
	Level    string       `json:"level,omitempty" enum:"grid,community,township,district"`
	Workflow string       `json:"workflow,omitempty" maxLength:"64" doc:"the definition that its cases follow; left out: base"`
	UnitKind string       `json:"unitKind,omitempty" pattern:"^[a-z0-9][a-z0-9-]{0,31}$" doc:"the kind of unit that is responsible"`
	Limits   []ClassLimit `json:"limits,omitempty"`
}

// ClassLimit is a milestone of an event class.
type ClassLimit struct {
	Name   string  `json:"name" pattern:"^[a-z0-9][a-z0-9-]{0,31}$"`
	Span   string  `json:"span" maxLength:"32" doc:"w4h (working hours), w2d (working days), 30m (by the clock)"`
	From   string  `json:"from" enum:"opened,taken,dispatched,accepted,handled,closed,rated"`
	To     string  `json:"to" enum:"opened,taken,dispatched,accepted,handled,closed,rated"`
	Yellow float64 `json:"yellow,omitempty" minimum:"0" maximum:"1" doc:"share of the time after which little is left; left out: 0.75"`
}

type (
	classListOutput struct{ Body ClassList }
	// ClassInput names an event class.
	ClassInput struct {
		Code string `path:"code" pattern:"^([0-9]{2}|[0-9]{4})$"`
	}
	classOutput struct {
		ETag string `header:"ETag"`
		Body EventClass
	}
	putClassInput struct {
		ClassInput
		VersionInput
		Body EventClass
	}
	removeClassInput struct {
		ClassInput
		VersionInput
	}
)

func (s *Server) classOperations() {
	if s.o.Setup.Classes == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/classes", "list-classes", "All event classes, by code", auth.Read), s.listClasses)
	huma.Register(s.huma, exporting("/v1/classes/export", "export-classes", "All event classes as CSV", "text/csv"), s.exportClasses)
	huma.Register(s.huma, importing("/v1/classes/import", "import-classes", "Import event classes from CSV, all or none", "text/csv"), s.importOf(s.o.Setup.Classes.Import))
	huma.Register(s.huma, operation(http.MethodGet, "/v1/classes/{code}", "get-class", "One event class", auth.Read, http.StatusNotFound), s.oneClass)
	huma.Register(s.huma, changing(http.MethodPut, "/v1/classes/{code}", "put-class", "Set up or change one event class", maxDocument), s.putClass)
	huma.Register(s.huma, changing(http.MethodDelete, "/v1/classes/{code}", "remove-class", "Remove an event class; cases that have it keep it", maxBody, http.StatusNotFound), s.removeClass)
}

func (s *Server) listClasses(ctx context.Context, _ *struct{}) (*classListOutput, error) {
	out := ClassList{Items: []EventClass{}}
	if err := convert(s.o.Setup.Classes.Get().Classes(), &out.Items); err != nil {
		return nil, s.failure(ctx, "write the classes", err)
	}
	return &classListOutput{Body: out}, nil
}

func (s *Server) exportClasses(ctx context.Context, _ *struct{}) (*fileOutput, error) {
	data, err := classes.CSV(s.o.Setup.Classes.Get().Classes())
	if err != nil {
		return nil, s.failure(ctx, "write the classes", err)
	}
	return &fileOutput{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="classes.csv"`, Body: data}, nil
}

func (s *Server) oneClass(ctx context.Context, in *ClassInput) (*classOutput, error) {
	c, ok := s.o.Setup.Classes.Get().Class(in.Code)
	if !ok {
		return nil, s.failure(ctx, "read the class", store.ErrNotFound)
	}
	tag, err := s.etagOf(ctx, parts.Class, in.Code)
	if err != nil {
		return nil, err
	}
	out := &classOutput{ETag: tag}
	if err := convert(c, &out.Body); err != nil {
		return nil, s.failure(ctx, "write the class", err)
	}
	return out, nil
}

func (s *Server) putClass(ctx context.Context, in *putClassInput) (*classOutput, error) {
	if in.Body.Code != in.Code {
		return nil, huma.Error422UnprocessableEntity("the code is not the one of the path")
	}
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	var c classes.Class
	if err := convert(in.Body, &c); err != nil {
		return nil, huma.Error422UnprocessableEntity("nothing was changed: the class", &huma.ErrorDetail{Message: err.Error(), Location: "body"})
	}
	if err := s.o.Setup.Classes.Put(ctx, c, how); err != nil {
		return nil, s.unchanged(ctx, "change the class", how, err)
	}
	return s.oneClass(ctx, &in.ClassInput)
}

func (s *Server) removeClass(ctx context.Context, in *removeClassInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return &goneOutput{}, s.unchanged(ctx, "remove the class", how, s.o.Setup.Classes.Remove(ctx, in.Code, how))
}
