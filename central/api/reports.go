package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
)

// Reports opens cases that no alert opened, and keeps pictures that staff took, see [intake.Desk].
type Reports interface {
	Open(ctx context.Context, r intake.Report) (cases.Case, error)
	Photo(ctx context.Context, c cases.Case, jpeg []byte) (alert.Evidence, error)
	Pictures(ctx context.Context, c cases.Case) ([]alert.Evidence, error)
	// Warn opens cases for a public warning and notes on those of warnings that it replaces or ends that it did.
	Warn(ctx context.Context, m cap.Message) (intake.Warnings, error)
	// Publish says a case as a CAP message, see [intake.Publish].
	Publish(ctx context.Context, c cases.Case) ([]byte, error)
}

// maxPhoto is how large a picture may be that staff sends, in bytes.
const maxPhoto = 8 << 20

type (
	reportInput struct {
		Body struct {
			ID       string         `json:"id,omitempty" format:"uuid" doc:"of the case, a UUIDv7 that the sender minted: sent again, the report opens no second case"`
			Class    string         `json:"class" pattern:"^[0-9]{4}$" doc:"event class"`
			Grid     string         `json:"grid,omitempty" maxLength:"20" doc:"grid code; left out: found by the place"`
			Place    *cases.LonLat  `json:"place,omitempty"`
			Severity alert.Severity `json:"severity,omitempty" enum:"info,minor,major,critical" doc:"left out: that of the class"`
			Note     string         `json:"note,omitempty" maxLength:"500" doc:"words about the place or the thing, never about a person"`
			Exercise bool           `json:"exercise,omitempty"`
		}
	}
	photoInput struct {
		CaseInput
		RawBody []byte `contentType:"image/jpeg"`
	}
	photoOutput struct {
		Status int
		Body   Evidence
	}
	picturesOutput struct {
		Body struct {
			Items []Evidence `json:"items" nullable:"false"`
		}
	}
	warningInput struct {
		RawBody []byte `contentType:"application/cap+xml"`
	}
	warningOutput struct{ Body intake.Warnings }
	capOutput     struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}
)

func (s *Server) reportOperations() {
	if s.o.Reports == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodPost, "/v1/cases", "open-case", "Open a case by hand", auth.Operate, http.StatusBadRequest, http.StatusConflict), s.openByHand)
	photo := operation(http.MethodPost, "/v1/cases/{id}/pictures", "add-picture", "Add a photo to a case; it is redacted on arrival, and not kept if that fails", auth.Operate,
		http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge)
	photo.MaxBodyBytes, photo.DefaultStatus = maxPhoto, http.StatusCreated
	huma.Register(s.huma, photo, s.addPicture)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}/pictures", "list-pictures", "Photos of a case itself; those of its alerts are with them", auth.Read, http.StatusNotFound), s.pictures)
	warning := whole(operation(http.MethodPost, "/v1/warnings", "post-warning", "Take a public warning (CAP 1.2): a case for each grid that it touches", auth.Events,
		http.StatusBadRequest, http.StatusRequestEntityTooLarge))
	warning.MaxBodyBytes = cap.MaxBytes
	huma.Register(s.huma, warning, s.warn)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/cases/{id}/cap", "publish-case", "A case as a public warning (CAP 1.2)", auth.Read, http.StatusNotFound, http.StatusConflict), s.publish)
}

// openByHand opens a case for what staff reports. Who may see some grids only reports there.
func (s *Server) openByHand(ctx context.Context, in *reportInput) (*caseOutput, error) {
	p, _ := auth.From(ctx)
	r := intake.Report{
		ID: in.Body.ID, Origin: cases.ByStaff, Actor: p.Actor(), Class: in.Body.Class, Grid: in.Body.Grid, Place: in.Body.Place,
		Severity: in.Body.Severity, Note: in.Body.Note, Exercise: in.Body.Exercise, At: s.o.Now().UTC(), Sees: p.Sees,
	}
	if p.Role == auth.Worker {
		r.Origin = cases.ByWorker
	}
	if r.ID == "" {
		r.ID = alert.NewID()
	}
	c, err := s.o.Reports.Open(ctx, r)
	if err != nil {
		return nil, s.reportProblem(ctx, err)
	}
	noteOf(ctx).target = c.ID
	return &caseOutput{ETag: etag(c.Position), Body: c}, nil
}

func (s *Server) reportProblem(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, intake.ErrReport):
		return huma.Error422UnprocessableEntity(strings.ReplaceAll(err.Error(), "\n", "; "))
	case errors.Is(err, intake.ErrPicture):
		return huma.Error422UnprocessableEntity(intake.ErrPicture.Error() + ": send a JPEG")
	case errors.Is(err, intake.ErrNotPublic):
		return huma.Error409Conflict(intake.ErrNotPublic.Error())
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("the id belongs to another case")
	case errors.Is(err, cap.ErrMessage):
		return huma.Error400BadRequest(err.Error())
	}
	return s.failure(ctx, "take the report", err)
}

func (s *Server) addPicture(ctx context.Context, in *photoInput) (*photoOutput, error) {
	c, err := s.o.Store.Case(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	e, err := s.o.Reports.Photo(ctx, c, in.RawBody)
	if err != nil {
		return nil, s.reportProblem(ctx, err)
	}
	return &photoOutput{Status: http.StatusCreated, Body: evidenceOf(e)}, nil
}

func (s *Server) pictures(ctx context.Context, in *CaseInput) (*picturesOutput, error) {
	c, err := s.o.Store.Case(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	list, err := s.o.Reports.Pictures(ctx, c)
	if err != nil {
		return nil, s.failure(ctx, "list the pictures", err)
	}
	out := &picturesOutput{}
	out.Body.Items = []Evidence{}
	for _, e := range list {
		out.Body.Items = append(out.Body.Items, evidenceOf(e))
	}
	return out, nil
}

func (s *Server) warn(ctx context.Context, in *warningInput) (*warningOutput, error) {
	m, err := cap.Parse(bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, s.reportProblem(ctx, err)
	}
	done, err := s.o.Reports.Warn(ctx, m)
	if err != nil {
		return nil, s.reportProblem(ctx, err)
	}
	return &warningOutput{Body: done}, nil
}

func (s *Server) publish(ctx context.Context, in *CaseInput) (*capOutput, error) {
	c, err := s.o.Store.Case(ctx, in.ID)
	if err != nil {
		return nil, s.failure(ctx, "read the case", err)
	}
	body, err := s.o.Reports.Publish(ctx, c)
	if err != nil {
		return nil, s.reportProblem(ctx, err)
	}
	return &capOutput{ContentType: "application/cap+xml", Body: body}, nil
}
