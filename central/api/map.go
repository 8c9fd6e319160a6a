package api

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/singleflight"

	"gridgate/central/auth"
	"gridgate/central/grid"
	"gridgate/central/overview"
	"gridgate/central/tiles"
)

// Overview is how things stand, see [overview.Board].
type Overview interface {
	Fresh(ctx context.Context) (mark string, err error)
	Standing(ctx context.Context, q overview.Query) (overview.Standing, error)
}

// TileInfo says what tiles there are below the polygons.
type TileInfo struct {
	Datum       string `json:"datum" enum:"wgs84,gcj02" doc:"what the tiles are drawn in; gcj02: what is drawn over them is shifted, for display only"`
	Attribution string `json:"attribution"`
	MinZoom     int    `json:"minZoom"`
	MaxZoom     int    `json:"maxZoom"`
}

// Tiles gives the pictures below the polygons, by the Web Mercator scheme (XYZ: y grows southwards).
type Tiles interface {
	// Tile returns one, without data where nothing is drawn; an error if it cannot be had for now.
	Tile(ctx context.Context, z, x, y int) (tiles.Tile, error)
}

// MapOutlines are the areas to draw, a GeoJSON feature collection.
type MapOutlines struct {
	Type     string             `json:"type" enum:"FeatureCollection"`
	Levels   []grid.Level       `json:"levels" nullable:"false" doc:"those that have shapes, the largest first"`
	Level    grid.Level         `json:"level,omitempty" enum:"city,district,township,community,grid,micro-grid" doc:"of the features; absent where no grid has a shape"`
	Features []overview.Outline `json:"features" nullable:"false"`
	Tiles    *TileInfo          `json:"tiles,omitempty" doc:"absent: polygons alone"`
}

type (
	// MapInput names a part of the map.
	MapInput struct {
		Level       grid.Level `query:"level" enum:"city,district,township,community,grid,micro-grid" doc:"left out: the finest with at most 3,000 shapes"`
		Prefix      string     `query:"prefix" pattern:"^[0-9]{1,20}$" doc:"of the codes"`
		IfNoneMatch string     `header:"If-None-Match" maxLength:"128"`
	}
	standingOutput struct {
		Status       int
		ETag         string `header:"ETag"`
		CacheControl string `header:"Cache-Control"`
		ContentType  string `header:"Content-Type"`
		Body         []byte
	}
	outlinesOutput struct {
		Status       int
		ETag         string `header:"ETag"`
		CacheControl string `header:"Cache-Control"`
		Body         MapOutlines
	}
	tileInput struct {
		Z int `path:"z" minimum:"0" maximum:"24"`
		X int `path:"x" minimum:"0" maximum:"16777215"`
		Y int `path:"y" minimum:"0" maximum:"16777215"`
	}
	tileOutput struct {
		Status       int
		ContentType  string `header:"Content-Type"`
		CacheControl string `header:"Cache-Control"`
		Body         []byte
	}
)

// again lets a browser keep an answer and ask each time whether it still holds; a proxy keeps nothing.
const again = "private, no-cache"

func (s *Server) mapOperations() {
	if s.o.Setup.Places == nil || s.o.Overview == nil {
		return
	}
	s.outlines = overview.NewOutlines(s.o.Setup.Places.Get, s.o.Now)
	now := unchangedToo(operation(http.MethodGet, "/v1/map", "get-map", "Cases that are not closed and devices, counted by area", auth.Read))
	now.Responses["200"] = &huma.Response{Description: "How things stand.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[overview.Standing](), true, "")},
	}}
	huma.Register(s.huma, now, s.standing)
	huma.Register(s.huma, unchangedToo(operation(http.MethodGet, "/v1/map/grids", "get-map-grids", "The outlines of the areas as GeoJSON, to be drawn", auth.Read)), s.mapOutlines)
	tile := operation(http.MethodGet, "/v1/map/tiles/{z}/{x}/{y}", "get-map-tile", "A picture of the land below the outlines; 204: nothing is drawn there", auth.Read, http.StatusNotFound, http.StatusBadGateway)
	picture := &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	tile.Responses = map[string]*huma.Response{
		"200": {Description: "The picture.", Content: map[string]*huma.MediaType{"image/png": picture, "image/jpeg": picture, "image/webp": picture}},
		"204": {Description: "Nothing is drawn there."},
	}
	huma.Register(s.huma, tile, s.tile)
}

// unchangedToo is an operation that may answer 304.
func unchangedToo(o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{"304": {Description: "What was read with this ETag still holds."}}
	return o
}

// part is what in asks for, and its tag: mark is of the whole.
func (s *Server) part(ctx context.Context, in *MapInput) overview.Query {
	p, _ := auth.From(ctx)
	q := overview.Query{Level: in.Level, Prefix: in.Prefix, Sees: p.Sees}
	if q.Level == "" {
		q.Level = s.outlines.Level(q)
	}
	return q
}

// tagOf is the entity tag of a part of the map for whoever asks.
func tagOf(ctx context.Context, q overview.Query, marks ...string) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %s %q %q", q.Level, q.Prefix, gridsOf(ctx), marks) // a hash takes all
	return fmt.Sprintf(`"%x"`, h.Sum64())
}

func (s *Server) standing(ctx context.Context, in *MapInput) (*standingOutput, error) {
	mark, err := s.o.Overview.Fresh(ctx)
	if err != nil {
		return nil, s.failure(ctx, "read the overview", err)
	}
	q := s.part(ctx, in)
	out := &standingOutput{Status: http.StatusOK, ETag: tagOf(ctx, q, mark), CacheControl: again}
	if in.IfNoneMatch == out.ETag {
		out.Status = http.StatusNotModified
		return out, nil
	}
	out.ContentType = "application/json"
	whose := fmt.Sprintf("%s %s %q", q.Level, q.Prefix, gridsOf(ctx)) // never the answer of who may see other grids
	if out.Body, err = s.drawings.of(ctx, mark, whose, func(ctx context.Context) ([]byte, error) {
		standing, err := s.o.Overview.Standing(ctx, q)
		if err != nil {
			return nil, err
		}
		return json.Marshal(standing)
	}); err != nil {
		return nil, s.failure(ctx, "read the overview", err)
	}
	return out, nil
}

// maxDrawings is how many answers of one moment are kept: one for each set of grids that accounts may see, and level.
const maxDrawings = 16

// drawings are the answers of one moment, so that a hundred screens cost as much as one.
type drawings struct {
	mu     sync.Mutex
	mark   string
	kept   map[string][]byte
	flight singleflight.Group
}

// of returns an answer, which is made once for all who ask for the same of the same moment: one that was begun earlier may be without what
// mark stands for, and a screen that has it by that mark would not ask again.
func (d *drawings) of(ctx context.Context, mark, whose string, make func(context.Context) ([]byte, error)) ([]byte, error) {
	made := d.flight.DoChan(mark+" "+whose, func() (any, error) {
		if body := d.get(mark, whose); body != nil {
			return body, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workWithin)
		defer cancel()
		body, err := make(ctx)
		if err == nil {
			d.put(mark, whose, body)
		}
		return body, err
	})
	select {
	case r := <-made:
		body, _ := r.Val.([]byte)
		return body, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *drawings) get(mark, whose string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mark != mark {
		return nil
	}
	return d.kept[whose]
}

func (d *drawings) put(mark, whose string, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mark != mark || len(d.kept) >= maxDrawings {
		d.mark, d.kept = mark, map[string][]byte{}
	}
	d.kept[whose] = body
}

func (s *Server) mapOutlines(ctx context.Context, in *MapInput) (*outlinesOutput, error) {
	q := s.part(ctx, in)
	levels := s.outlines.Levels(q)
	out := &outlinesOutput{Status: http.StatusOK, CacheControl: again, ETag: tagOf(ctx, q, s.outlines.Mark(q.Level), fmt.Sprint(levels), fmt.Sprint(s.o.Tiles != nil, s.o.TileInfo))}
	if in.IfNoneMatch == out.ETag {
		out.Status = http.StatusNotModified
		return out, nil
	}
	list, more := s.outlines.List(q)
	if more > 0 {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("there are %d shapes, more than %d: ask for a larger level, or for a prefix", len(list)+more, overview.MaxShapes))
	}
	out.Body = MapOutlines{Type: "FeatureCollection", Levels: append([]grid.Level{}, levels...), Level: q.Level, Features: list}
	if s.o.Tiles != nil {
		out.Body.Tiles = &s.o.TileInfo
	}
	return out, nil
}

// tile answers with a picture that a browser may keep for a day.
func (s *Server) tile(ctx context.Context, in *tileInput) (*tileOutput, error) {
	if s.o.Tiles == nil || in.X>>in.Z != 0 || in.Y>>in.Z != 0 {
		return nil, huma.Error404NotFound("there is no such tile")
	}
	t, err := s.o.Tiles.Tile(ctx, in.Z, in.X, in.Y)
	if err != nil {
		s.o.Logger.Warn("a tile cannot be had", "error", err)
		return nil, huma.NewError(http.StatusBadGateway, "the tile cannot be had for now")
	}
	out := &tileOutput{Status: http.StatusOK, ContentType: t.Type, CacheControl: "private, max-age=86400", Body: t.Data}
	if len(t.Data) == 0 {
		out.Status, out.ContentType = http.StatusNoContent, ""
	}
	return out, nil
}
