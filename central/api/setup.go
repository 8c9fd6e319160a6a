package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/classes"
	"gridgate/central/grid"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// Places is the map of the grids, see [parts.Places].
type Places interface {
	Get() *grid.Map
	Import(ctx context.Context, data []byte, how parts.Change) (parts.Result, error)
	Put(ctx context.Context, g grid.Grid, how parts.Change) error
	Remove(ctx context.Context, code string, how parts.Change) error
	Split(ctx context.Context, code string, at time.Time, into []grid.Part, how parts.Change) (parts.Result, error)
	Merge(ctx context.Context, codes []string, at time.Time, into grid.Part, how parts.Change) (parts.Result, error)
}

// Units is the other half of [parts.Places].
type Units interface {
	ImportUnits(ctx context.Context, data []byte, how parts.Change) (parts.Result, error)
	PutUnits(ctx context.Context, units []grid.Unit, how parts.Change) (parts.Result, error)
	RemoveUnit(ctx context.Context, id string, how parts.Change) error
}

// Classes is the catalogue of event classes, see [parts.Catalogue].
type Classes interface {
	Get() *classes.Catalogue
	Import(ctx context.Context, data []byte, how parts.Change) (parts.Result, error)
	Put(ctx context.Context, c classes.Class, how parts.Change) error
	Remove(ctx context.Context, code string, how parts.Change) error
}

// Versions is the past of what is set up, see [store.Documents].
type Versions interface {
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentHistory(ctx context.Context, kind, id string, limit int) ([]store.Document, error)
}

// Setup is what a centre sets up. All of it is demanded, or none: there are no such endpoints then.
type Setup struct {
	Places   Places
	Units    Units
	Classes  Classes
	Versions Versions
}

// Bounds of bodies, in bytes.
const (
	maxDocument = store.MaxDocument
	maxImport   = 32 << 20
)

// changing is an operation that changes what is set up, for which nobody has the scope who is bound to some grids; its body may have so many bytes.
func changing(method, path, id, summary string, body int64, errors ...int) huma.Operation {
	o := operation(method, path, id, summary, auth.Configure, append(errors, http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed)...)
	o.MaxBodyBytes, o.BodyReadTimeout = body, bodyWithin
	return o
}

// importing is a [changing] operation that takes a file of a media type.
func importing(path, id, summary, mediaType string) huma.Operation {
	o := changing(http.MethodPost, path, id, summary, maxImport)
	o.SkipValidateBody = true // whoever reads the file says what is wrong with it, and where
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	return o
}

// exporting is an operation that answers with a file of a media type, of which a trace is left.
func exporting(path, id, summary, mediaType string) huma.Operation {
	o := operation(http.MethodGet, path, id, summary, auth.Read)
	o.Responses = map[string]*huma.Response{"200": {Description: "The file.", Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	return watched(o)
}

type (
	importInput struct {
		Mode    string `query:"mode" enum:"merge,replace" default:"merge" doc:"merge: what is not in the file stays; replace: it is gone afterwards"`
		DryRun  bool   `query:"dryRun" doc:"check only, and say what would change"`
		RawBody []byte
	}
	importOutput struct{ Body parts.Result }
	fileOutput   struct {
		ContentType string `header:"Content-Type"`
		Disposition string `header:"Content-Disposition"`
		Body        []byte
	}
	goneOutput struct{}
	// VersionInput names the version that whoever changes something saw.
	VersionInput struct {
		IfMatch string `header:"If-Match" maxLength:"64" doc:"ETag of the version that was seen; left out: whatever there is"`
	}
)

// Version is one version of something that is set up.
type Version struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Gone    bool      `json:"gone,omitempty" doc:"with this version it was removed"`
}

// maxVersions is how many versions of one thing are listed.
const maxVersions = 100

func (s *Server) versions(ctx context.Context, kind, id string) ([]Version, error) {
	docs, err := s.o.Setup.Versions.DocumentHistory(ctx, kind, id, maxVersions)
	if err != nil {
		return nil, s.failure(ctx, "read the versions", err)
	}
	if len(docs) == 0 {
		return nil, s.failure(ctx, "read the versions", store.ErrNotFound)
	}
	out := make([]Version, len(docs))
	for i, d := range docs {
		out[i] = Version{Version: d.Version, At: d.At, Actor: d.Actor, Gone: d.Gone}
	}
	return out, nil
}

// etagOf is the entity tag of a document; that of one which is not stored (a class that is built in) is empty.
func (s *Server) etagOf(ctx context.Context, kind, id string) (string, error) {
	d, err := s.o.Setup.Versions.Document(ctx, kind, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", s.failure(ctx, "read the version", err)
	}
	return etag(d.Version), nil
}

// change says who changes what they saw.
func (s *Server) change(ctx context.Context, ifMatch string) (parts.Change, error) {
	version, err := parseIfMatch(ifMatch)
	if err != nil {
		return parts.Change{}, huma.Error400BadRequest("If-Match is not an ETag of ours")
	}
	p, _ := auth.From(ctx)
	return parts.Change{Actor: p.Actor(), At: s.o.Now(), Version: version}, nil
}

// unchanged turns the error of a change into a problem: what was wrong with it, piece by piece, or that somebody else was faster.
func (s *Server) unchanged(ctx context.Context, doing string, how parts.Change, err error) error {
	var refused *setup.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return huma.Error422UnprocessableEntity("nothing was changed: "+refused.Part, details(refused.Err)...)
	case errors.Is(err, store.ErrConflict) && how.Version > 0:
		return huma.Error412PreconditionFailed("it changed meanwhile, read it again")
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("others changed it at the same time, try again")
	}
	return s.failure(ctx, doing, err)
}

// details takes joined errors apart.
func details(err error) (out []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{&huma.ErrorDetail{Message: err.Error(), Location: "body"}}
	}
	for _, one := range joined.Unwrap() {
		out = append(out, details(one)...)
	}
	return out
}

// importOf runs an import.
func (s *Server) importOf(run func(context.Context, []byte, parts.Change) (parts.Result, error)) func(context.Context, *importInput) (*importOutput, error) {
	return func(ctx context.Context, in *importInput) (*importOutput, error) {
		how, err := s.change(ctx, "")
		if err != nil {
			return nil, err
		}
		how.Replace, how.Dry = in.Mode == "replace", in.DryRun
		r, err := run(ctx, in.RawBody, how)
		if err != nil {
			return nil, s.unchanged(ctx, "import", how, err)
		}
		return &importOutput{Body: r}, nil
	}
}
