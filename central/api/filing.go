package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/register"
	"gridgate/central/store"
)

// Filing is what is filed of the register with the police, see [register.Register].
type Filing interface {
	Filing(ctx context.Context, limit int) (register.Filing, error)
	WriteCSV(ctx context.Context, w io.Writer, limit int) error
}

// maxFiling is how many cameras one answer holds; the command writes any number.
const maxFiling = 20_000

type (
	filingOutput struct{ Body register.Filing }
	markInput    struct {
		Body struct {
			Note string `json:"note,omitempty" maxLength:"64" pattern:"^[\\p{L}\\p{N}._:/-]*$" doc:"the file number, say"`
		}
	}
	markOutput struct {
		Body struct {
			Edges   int `json:"edges"`
			Cameras int `json:"cameras"`
		}
	}
)

func (s *Server) filingOperations() {
	if s.o.Cameras == nil {
		return
	}
	huma.Register(s.huma, watched(whole(operation(http.MethodGet, "/v1/filing", "get-filing", "What is filed of the cameras, and what changed since it was filed last", auth.Read, http.StatusConflict))), s.filing)
	list := exporting("/v1/filing.csv", "export-filing", "The register of cameras as CSV (RFC 4180, UTF-8 with a byte order mark), to be filed", "text/csv")
	huma.Register(s.huma, whole(list), s.exportFiling)
	mark := whole(operation(http.MethodPost, "/v1/filing/marks", "mark-filing", "Note that the register as it stands was filed", auth.Administer, http.StatusConflict))
	huma.Register(s.huma, mark, s.markFiling)
}

func (s *Server) filing(ctx context.Context, _ *struct{}) (*filingOutput, error) {
	f, err := s.o.Cameras.Filing(ctx, maxFiling)
	if err != nil {
		return nil, s.filed(ctx, "read the register", err)
	}
	return &filingOutput{Body: f}, nil
}

func (s *Server) exportFiling(ctx context.Context, _ *struct{}) (*fileOutput, error) {
	var out bytes.Buffer
	if err := s.o.Cameras.WriteCSV(ctx, &out, maxFiling); err != nil {
		return nil, s.filed(ctx, "write the register", err)
	}
	return &fileOutput{ContentType: "text/csv; charset=utf-8", Disposition: `attachment; filename="cameras.csv"`, Body: out.Bytes()}, nil
}

func (s *Server) markFiling(ctx context.Context, in *markInput) (*markOutput, error) {
	p, _ := auth.From(ctx)
	out := &markOutput{}
	var err error
	out.Body.Edges, out.Body.Cameras, err = s.o.Cameras.Mark(ctx, p.Actor(), in.Body.Note)
	if err != nil {
		return nil, s.filed(ctx, "mark what was filed", err)
	}
	noteOf(ctx).target = in.Body.Note
	return out, nil
}

func (s *Server) filed(ctx context.Context, doing string, err error) error {
	switch {
	case errors.Is(err, register.ErrTooMany):
		return huma.Error409Conflict(register.ErrTooMany.Error())
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("others changed it at the same time, try again")
	}
	return s.failure(ctx, doing, err)
}
