package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/freetext"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// Filters keeps the saved filters of each account as one document, see [store.Documents].
type Filters interface {
	Document(ctx context.Context, kind, id string) (store.Document, error)
	PutDocuments(ctx context.Context, d []store.Document) error
}

// Bounds of saved filters; how many an account has stands in [FilterList].
const (
	maxFilterName = 40 // characters
	filtersKind   = "filters"
	maxFiltersPut = 64 << 10 // bytes of a body
)

// SavedFilter is a view of the live feed under a name: what GET /v1/alerts takes, and two members that the console sifts by itself.
type SavedFilter struct {
	Name     string         `json:"name" minLength:"1" maxLength:"160" doc:"at most 40 characters, without naming anyone"`
	Kind     Kind           `json:"kind,omitempty"`
	Severity alert.Severity `json:"severity,omitempty" enum:"info,minor,major,critical" doc:"at least"`
	Grid     string         `json:"grid,omitempty" pattern:"^[0-9]{1,20}$" doc:"prefix of a grid code"`
	State    alert.State    `json:"state,omitempty" enum:"raised,cleared,momentary"`
	Edge     string         `json:"edge,omitempty" maxLength:"64"`
	Device   string         `json:"device,omitempty" maxLength:"64"`
	Family   string         `json:"family,omitempty" enum:"cameras,sensors"`
	Exercise store.Answer   `json:"exercise,omitempty" enum:"yes,no"`
}

// FilterList is what an account saved, in its own order.
type FilterList struct {
	Items []SavedFilter `json:"items" nullable:"false" maxItems:"40"`
}

type (
	filtersOutput struct {
		ETag string `header:"ETag" doc:"left out while nothing was saved"`
		Body FilterList
	}
	filtersInput struct {
		VersionInput
		Body FilterList
	}
)

func (s *Server) filterOperations() {
	if s.o.Filters == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/filters", "list-filters", "The filters of the live feed that whoever asks has saved", auth.Read), s.listFilters)
	put := operation(http.MethodPut, "/v1/filters", "put-filters", "Save all filters of whoever asks anew", auth.Read, http.StatusBadRequest, http.StatusPreconditionFailed)
	put.MaxBodyBytes = maxFiltersPut
	huma.Register(s.huma, put, s.putFilters)
}

// owner is the account that filters are kept for.
func owner(ctx context.Context) (string, error) {
	p, _ := auth.From(ctx)
	if !p.Staff() {
		return "", huma.Error403Forbidden("a staff account saves filters, not a program")
	}
	return p.Name, nil
}

// filters reads what an account saved; version 0 is nothing yet.
func (s *Server) filters(ctx context.Context, account string) (list FilterList, version int64, err error) {
	list.Items = []SavedFilter{}
	doc, err := s.o.Filters.Document(ctx, filtersKind, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return list, 0, nil
	case err != nil:
		return list, 0, s.failure(ctx, "read the saved filters", err)
	}
	if err := json.Unmarshal(doc.Body, &list); err != nil {
		return list, 0, s.failure(ctx, "decode the saved filters", err)
	}
	return list, doc.Version, nil
}

func (s *Server) listFilters(ctx context.Context, _ *struct{}) (*filtersOutput, error) {
	account, err := owner(ctx)
	if err != nil {
		return nil, err
	}
	list, version, err := s.filters(ctx, account)
	if err != nil {
		return nil, err
	}
	out := &filtersOutput{Body: list}
	if version > 0 {
		out.ETag = etag(version)
	}
	return out, nil
}

func (s *Server) putFilters(ctx context.Context, in *filtersInput) (*filtersOutput, error) {
	account, err := owner(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, huma.Error400BadRequest("If-Match is not an ETag of ours")
	}
	if err := checkFilters(in.Body.Items); err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	_, version, err := s.filters(ctx, account)
	if err != nil {
		return nil, err
	}
	if seen != 0 && seen != version {
		return nil, huma.Error412PreconditionFailed("the filters were saved anew meanwhile")
	}
	return s.saveFilters(ctx, account, version+1, in.Body)
}

func (s *Server) saveFilters(ctx context.Context, account string, version int64, list FilterList) (*filtersOutput, error) {
	body, err := json.Marshal(list)
	if err != nil {
		return nil, s.failure(ctx, "encode the filters", err)
	}
	doc := store.Document{Kind: filtersKind, ID: account, Version: version, Body: body, At: s.o.Now().UTC(), Actor: account}
	switch err := s.o.Filters.PutDocuments(ctx, []store.Document{doc}); {
	case errors.Is(err, store.ErrConflict):
		return nil, huma.Error412PreconditionFailed("the filters were saved anew meanwhile")
	case err != nil:
		return nil, s.failure(ctx, "store the filters", err)
	}
	return &filtersOutput{ETag: etag(version), Body: list}, nil
}

// checkFilters refuses what the schema lets through: a name without letters, of somebody, too long, or twice.
func checkFilters(items []SavedFilter) error {
	names := make(map[string]bool, len(items))
	for _, f := range items {
		found := freetext.Check(f.Name)
		switch {
		case strings.TrimSpace(f.Name) != f.Name || f.Name == "" || utf8.RuneCountInString(f.Name) > maxFilterName:
			return errors.New("name: 1 to 40 characters, without spaces around them")
		case names[f.Name]:
			return errors.New("name: two filters have the same")
		case len(found) > 0:
			return errors.New("name: " + found[0].Error())
		}
		names[f.Name] = true
	}
	return nil
}
