package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/tsdb"
)

// maxBody is how large the body of an operation may be, in bytes.
const maxBody = 4 << 10

// humaConfig is huma's default without what is served from other hosts or adds members to our bodies, and with strict JSON.
func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Gridgate central", version)
	c.Info.Description = "Alerts, grid cases and readings of a township centre. Gridgate says that something happens at a place, never who."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	strict := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": strict, "json": strict}
	c.Transformers = []huma.Transformer{withoutValues}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: auth.CookieName, Description: "From POST /v1/session."},
		"token":   {Type: "http", Scheme: "bearer", Description: "From gridgate-central token add."},
	}
	return c
}

// unmarshal takes no unknown, doubled or wrongly cased member; huma's own check takes any letter case.
func unmarshal(data []byte, v any) error {
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// withoutValues keeps what a client sent (a password, say) out of the problem that answers it.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		for _, detail := range p.Errors {
			detail.Value = nil
		}
	}
	return v, nil
}

// either is the security of an operation: a session or a token.
var either = []map[string][]string{{"session": {}}, {"token": {}}}

const needs = "needs" // metadata: the scope that an operation needs

// operation is the common part of all operations that need a scope ("" for any principal).
func operation(method, path, id, summary string, scope auth.Scope, errors ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, MaxBodyBytes: maxBody, Security: either,
		Errors:   append(errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity),
		Metadata: map[string]any{needs: scope},
	}
}

// authorize refuses principals without the operation's scope and bounds the time of the others' requests. Who it is was settled before, by [auth.Service.Require].
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	scope, _ := ctx.Operation().Metadata[needs].(auth.Scope)
	if p, _ := auth.From(ctx.Context()); scope != "" && !p.May(scope) {
		_ = huma.WriteErr(s.huma, ctx, http.StatusForbidden, "this needs a scope that you do not have")
		return
	}
	if about, _ := ctx.Operation().Metadata[wholeKey].(bool); about && len(gridsOf(ctx.Context())) > 0 {
		_ = huma.WriteErr(s.huma, ctx, http.StatusForbidden, "this is about the whole centre, and you may see some of its grids")
		return
	}
	bounded, cancel := context.WithTimeout(ctx.Context(), workWithin)
	defer cancel()
	next(huma.WithContext(ctx, bounded))
}

// failure turns an error into a problem. What is not the client's doing is logged and told without detail.
func (s *Server) failure(ctx context.Context, doing string, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return huma.Error404NotFound("there is no such record, or it lies in a grid that you may not see")
	case errors.Is(err, store.ErrBadCursor):
		return huma.Error400BadRequest("the cursor is not one that this list gave out")
	case errors.Is(err, tsdb.ErrTooManyPoints), errors.Is(err, tsdb.ErrSelector):
		return huma.Error400BadRequest(err.Error())
	case ctx.Err() != nil:
		return huma.NewError(http.StatusServiceUnavailable, "this took too long or was given up; ask for less")
	}
	s.o.Logger.Error("request failed", "doing", doing, "error", err)
	return huma.Error500InternalServerError("central could not " + doing)
}
