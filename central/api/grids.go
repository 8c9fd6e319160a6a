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
	"gridgate/central/grid"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// GridEntry is a grid in a list, as it stands at the time that was asked for.
type GridEntry struct {
	Code   string     `json:"code"`
	Title  grid.Title `json:"title"`
	Level  grid.Level `json:"level" enum:"city,district,township,community,grid,micro-grid"`
	Parent string     `json:"parent,omitempty" doc:"code of what it belongs to, where that is set up"`
	Unit   string     `json:"unit,omitempty" doc:"the unit that is responsible for what nothing else says"`
	From   time.Time  `json:"from"`
	To     time.Time  `json:"to,omitzero"`
}

// GridPage is one page of grids, by code.
type GridPage struct {
	Items []GridEntry `json:"items" nullable:"false"`
	Next  string      `json:"next" doc:"cursor of the next page, empty on the last"`
}

// GridDocument is a grid with all its periods; a shape is a GeoJSON geometry.
type GridDocument struct {
	Code         string       `json:"code" pattern:"^([0-9]{12}|[0-9]{15}|[0-9]{20})$"`
	Title        grid.Title   `json:"title"`
	Periods      []GridPeriod `json:"periods" nullable:"false"`
	Neighbours   []string     `json:"neighbours,omitempty" doc:"grids that count as next to it beside those with which it shares a border"`
	Downstream   []string     `json:"downstream,omitempty" doc:"grids into which its water runs"`
	Predecessors []string     `json:"predecessors,omitempty"`
	Successors   []string     `json:"successors,omitempty"`
}

// GridPeriod is a time in which a grid stays as it is.
type GridPeriod struct {
	From  time.Time         `json:"from"`
	To    time.Time         `json:"to,omitzero" doc:"exclusive; left out: until further notice"`
	Unit  string            `json:"unit,omitempty"`
	Units map[string]string `json:"units,omitempty" doc:"event class (four digits) or main class (two) to unit"`
	Shape json.RawMessage   `json:"shape,omitempty" doc:"GeoJSON Polygon or MultiPolygon (RFC 7946), CGCS2000 or WGS 84"`
}

// GridHistory is what became of a grid.
type GridHistory struct {
	Versions []Version `json:"versions" nullable:"false" doc:"who changed it, newest first, at most 100"`
	Ancestry []string  `json:"ancestry" nullable:"false" doc:"all grids whose land it took over, theirs included"`
	Lineage  []string  `json:"lineage" nullable:"false" doc:"all grids that took over its land, theirs included"`
}

// Place is what is known of a point.
type Place struct {
	Grid        string   `json:"grid" doc:"code of the smallest grid in which it is"`
	Chain       []string `json:"chain" nullable:"false" doc:"what that belongs to, nearest first"`
	Responsible string   `json:"responsible,omitempty" doc:"the unit that is responsible for the class that was asked for"`
	Neighbours  []string `json:"neighbours" nullable:"false"`
	Downstream  []string `json:"downstream" nullable:"false"`
}

type (
	gridListInput struct {
		Prefix string     `query:"prefix" pattern:"^[0-9]{1,20}$" doc:"of the code"`
		Level  grid.Level `query:"level" enum:"city,district,township,community,grid,micro-grid"`
		At     time.Time  `query:"at" doc:"left out: now"`
		Cursor string     `query:"cursor" pattern:"^[0-9]{12,20}$" doc:"next of the page before"`
		Limit  int        `query:"limit" minimum:"1" maximum:"500" default:"100"`
	}
	gridPageOutput struct{ Body GridPage }
	// GridInput names a grid.
	GridInput struct {
		Code string `path:"code" pattern:"^([0-9]{12}|[0-9]{15}|[0-9]{20})$"`
	}
	gridOutput struct {
		ETag string `header:"ETag"`
		Body GridDocument
	}
	putGridInput struct {
		GridInput
		VersionInput
		Body GridDocument
	}
	removeGridInput struct {
		GridInput
		VersionInput
	}
	historyOutput struct{ Body GridHistory }
	placeInput    struct {
		Lon   float64   `query:"lon" required:"true" minimum:"-180" maximum:"180" doc:"degrees, CGCS2000 or WGS 84"`
		Lat   float64   `query:"lat" required:"true" minimum:"-90" maximum:"90"`
		At    time.Time `query:"at" doc:"left out: now"`
		Class string    `query:"class" pattern:"^[0-9]{4}$" doc:"event class"`
	}
	placeOutput struct{ Body Place }
)

// GridPart is a grid that comes of a split or a merger. Its shape is demanded for a split and comes by itself for a merger.
type GridPart struct {
	Code  string            `json:"code" pattern:"^([0-9]{15}|[0-9]{20}|[0-9]{12})$"`
	Title grid.Title        `json:"title"`
	Unit  string            `json:"unit,omitempty"`
	Units map[string]string `json:"units,omitempty"`
	Shape json.RawMessage   `json:"shape,omitempty" doc:"GeoJSON Polygon or MultiPolygon (RFC 7946)"`
}

type (
	splitInput struct {
		GridInput
		Body struct {
			At   time.Time  `json:"at" doc:"when the parts take over"`
			Into []GridPart `json:"into" nullable:"false" minItems:"2" maxItems:"100"`
		}
	}
	mergeGridsInput struct {
		Body struct {
			Codes []string  `json:"codes" nullable:"false" minItems:"2" maxItems:"100"`
			At    time.Time `json:"at" doc:"when the new one takes over"`
			Into  GridPart  `json:"into"`
		}
	}
)

const geoJSON = "application/geo+json"

func (s *Server) gridOperations() {
	if s.o.Setup.Places == nil {
		return
	}
	huma.Register(s.huma, operation(http.MethodGet, "/v1/grids", "list-grids", "List grids by code", auth.Read), s.listGrids)
	huma.Register(s.huma, exporting("/v1/grids/export", "export-grids", "All grids with their past as GeoJSON", geoJSON), s.exportGrids)
	huma.Register(s.huma, importing("/v1/grids/import", "import-grids", "Import grids from GeoJSON, all or none", geoJSON), s.importOf(s.o.Setup.Places.Import))
	huma.Register(s.huma, changing(http.MethodPost, "/v1/grids/merge", "merge-grids", "Let one grid go on with the land of several", maxDocument), s.mergeGrids)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/grids/{code}", "get-grid", "One grid with all its periods", auth.Read, http.StatusNotFound), s.oneGrid)
	huma.Register(s.huma, changing(http.MethodPut, "/v1/grids/{code}", "put-grid", "Set up or change one grid", maxDocument), s.putGrid)
	huma.Register(s.huma, changing(http.MethodDelete, "/v1/grids/{code}", "remove-grid", "Remove a grid that was set up by mistake", maxBody, http.StatusNotFound), s.removeGrid)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/grids/{code}/history", "get-grid-history", "Who changed a grid, and what it came from and became", auth.Read, http.StatusNotFound), s.gridHistory)
	huma.Register(s.huma, changing(http.MethodPost, "/v1/grids/{code}/split", "split-grid", "Let parts go on with the land of a grid", maxDocument, http.StatusNotFound), s.splitGrid)
	huma.Register(s.huma, operation(http.MethodGet, "/v1/place", "get-place", "The grid of a point, and who is responsible there", auth.Read, http.StatusNotFound), s.place)
}

// at is a time that was asked for, or now.
func (s *Server) at(asked time.Time) time.Time {
	if asked.IsZero() {
		return s.o.Now()
	}
	return asked
}

func (s *Server) listGrids(ctx context.Context, in *gridListInput) (*gridPageOutput, error) {
	m, t := s.o.Setup.Places.Get(), s.at(in.At)
	page := GridPage{Items: []GridEntry{}}
	p, _ := auth.From(ctx)
	for _, g := range m.Grids() {
		period, there := g.At(t)
		if !there || g.Code <= in.Cursor || !strings.HasPrefix(g.Code, in.Prefix) || in.Level != "" && g.Level() != in.Level || !p.Sees(g.Code) {
			continue
		}
		if len(page.Items) == in.Limit {
			page.Next = page.Items[len(page.Items)-1].Code
			break
		}
		entry := GridEntry{Code: g.Code, Title: g.Title, Level: g.Level(), Unit: period.Unit, From: period.From, To: period.To}
		if _, known := m.Grid(grid.ParentOf(g.Code)); known {
			entry.Parent = grid.ParentOf(g.Code)
		}
		page.Items = append(page.Items, entry)
	}
	return &gridPageOutput{Body: page}, nil
}

// lookGrid returns a grid that whoever asks may see.
func (s *Server) lookGrid(ctx context.Context, code string) (grid.Grid, error) {
	g, ok := s.o.Setup.Places.Get().Grid(code)
	if p, _ := auth.From(ctx); !ok || !p.Sees(code) {
		return grid.Grid{}, s.failure(ctx, "read the grid", store.ErrNotFound)
	}
	return g, nil
}

func (s *Server) oneGrid(ctx context.Context, in *GridInput) (*gridOutput, error) {
	g, err := s.lookGrid(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	return s.gridAnswer(ctx, g)
}

// gridAnswer gives a grid the shape of the document.
func (s *Server) gridAnswer(ctx context.Context, g grid.Grid) (*gridOutput, error) {
	tag, err := s.etagOf(ctx, parts.Grid, g.Code)
	if err != nil {
		return nil, err
	}
	out := &gridOutput{ETag: tag}
	if err := convert(g, &out.Body); err != nil {
		return nil, s.failure(ctx, "write the grid", err)
	}
	return out, nil
}

// convert copies a value into one with the same members.
func convert(from, to any) error {
	body, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, to)
}

func (s *Server) putGrid(ctx context.Context, in *putGridInput) (*gridOutput, error) {
	if in.Body.Code != in.Code {
		return nil, huma.Error422UnprocessableEntity("the code is not the one of the path")
	}
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	var g grid.Grid
	if err := convert(in.Body, &g); err != nil {
		return nil, huma.Error422UnprocessableEntity("nothing was changed: the grid", &huma.ErrorDetail{Message: err.Error(), Location: "body"})
	}
	if err := s.o.Setup.Places.Put(ctx, g, how); err != nil {
		return nil, s.unchanged(ctx, "change the grid", how, err)
	}
	return s.gridAnswer(ctx, g)
}

func (s *Server) removeGrid(ctx context.Context, in *removeGridInput) (*goneOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return &goneOutput{}, s.unchanged(ctx, "remove the grid", how, s.o.Setup.Places.Remove(ctx, in.Code, how))
}

func (s *Server) gridHistory(ctx context.Context, in *GridInput) (*historyOutput, error) {
	if p, _ := auth.From(ctx); !p.Sees(in.Code) {
		return nil, s.failure(ctx, "read the grid", store.ErrNotFound)
	}
	versions, err := s.versions(ctx, parts.Grid, in.Code)
	if err != nil {
		return nil, err
	}
	m := s.o.Setup.Places.Get()
	return &historyOutput{Body: GridHistory{Versions: versions, Ancestry: orNone(m.Ancestry(in.Code)), Lineage: orNone(m.Lineage(in.Code))}}, nil
}

// orNone is an empty list for none.
func orNone(codes []string) []string { return append([]string{}, codes...) }

func (s *Server) splitGrid(ctx context.Context, in *splitInput) (*importOutput, error) {
	if _, err := s.lookGrid(ctx, in.Code); err != nil {
		return nil, err
	}
	how, into, err := s.partsOf(ctx, in.Body.Into)
	if err != nil {
		return nil, err
	}
	r, err := s.o.Setup.Places.Split(ctx, in.Code, in.Body.At, into, how)
	return &importOutput{Body: r}, s.unchanged(ctx, "split the grid", how, err)
}

func (s *Server) mergeGrids(ctx context.Context, in *mergeGridsInput) (*importOutput, error) {
	how, into, err := s.partsOf(ctx, []GridPart{in.Body.Into})
	if err != nil {
		return nil, err
	}
	r, err := s.o.Setup.Places.Merge(ctx, in.Body.Codes, in.Body.At, into[0], how)
	return &importOutput{Body: r}, s.unchanged(ctx, "merge the grids", how, err)
}

// partsOf reads parts.
func (s *Server) partsOf(ctx context.Context, from []GridPart) (how parts.Change, into []grid.Part, err error) {
	if err := convert(from, &into); err != nil {
		return how, nil, huma.Error422UnprocessableEntity("nothing was changed: a part", &huma.ErrorDetail{Message: err.Error(), Location: "body"})
	}
	how, err = s.change(ctx, "")
	return how, into, err
}

func (s *Server) exportGrids(ctx context.Context, _ *struct{}) (*fileOutput, error) {
	p, _ := auth.From(ctx)
	data, err := grid.GeoJSON(slices.DeleteFunc(s.o.Setup.Places.Get().Grids(), func(g grid.Grid) bool { return !p.Sees(g.Code) }))
	if err != nil {
		return nil, s.failure(ctx, "write the grids", err)
	}
	return &fileOutput{ContentType: geoJSON, Disposition: `attachment; filename="grids.geojson"`, Body: data}, nil
}

func (s *Server) place(ctx context.Context, in *placeInput) (*placeOutput, error) {
	m, t := s.o.Setup.Places.Get(), s.at(in.At)
	g, ok := m.At(in.Lon, in.Lat, t)
	if p, _ := auth.From(ctx); !ok || !p.Sees(g.Code) {
		return nil, huma.Error404NotFound("no grid is there at that time")
	}
	out := Place{Grid: g.Code, Chain: []string{}, Neighbours: orNone(m.Neighbours(g.Code, t)), Downstream: orNone(m.Downstream(g.Code, t))}
	for up := grid.ParentOf(g.Code); up != ""; up = grid.ParentOf(up) {
		if _, known := m.Grid(up); known {
			out.Chain = append(out.Chain, up)
		}
	}
	class, _ := s.o.Setup.Classes.Get().Class(in.Class)
	out.Responsible = m.ResponsibleOf(g.Code, in.Class, class.UnitKind, t)
	return &placeOutput{Body: out}, nil
}
