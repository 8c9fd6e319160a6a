package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/overview"
	"gridgate/central/store"
	"gridgate/central/tiles"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// oneTile is a map of the world in one picture.
type oneTile struct{ err error }

func (o oneTile) Tile(_ context.Context, z, _, _ int) (tiles.Tile, error) {
	if z > 0 {
		return tiles.Tile{}, o.err
	}
	return tiles.Tile{Type: "image/png", Data: []byte("\x89PNG")}, o.err
}

// withMap gives a desk the overview of its store, and a tile.
func withMap(o *Options) {
	o.Overview = overview.NewBoard(overview.Options{Log: o.Versions(), Now: o.Now})
	o.Tiles, o.TileInfo = oneTile{}, TileInfo{Datum: "gcj02", Attribution: "survey office", MaxZoom: 3}
}

// atlas is an office with a map, whose clock can be set.
func atlas(t *testing.T) (*desk, *time.Time) {
	t.Helper()
	now := noon
	d := newDesk(t, setUp(t), func(o *Options) { o.Now = func() time.Time { return now } }, withMap)
	d.change(200, "POST", "/v1/units/import", `[{"id":"centre","title":{"zh":"综治中心"}}]`)
	d.change(200, "POST", "/v1/grids/import", features(square("330106109001", "社区", 0, 3), square("330106109001001", "一", 0, 1), square("330106109001002", "二", 1, 1)),
		"Content-Type", "application/geo+json")
	return d, &now
}

func (d *desk) alertIn(grid string, kind alert.Kind, device string) {
	d.t.Helper()
	a := newAlert(kind, device, noon)
	a.Grid = grid
	if kind == alert.Smoke {
		a.Severity = alert.Critical
	}
	d.ingest(a)
}

func TestMap(t *testing.T) {
	d, now := atlas(t)
	d.alertIn("330106109001001", alert.Smoke, "one")
	d.alertIn("330106109001001", alert.Motion, "two")
	d.alertIn("330106109001002", alert.Motion, "three")
	d.alertIn("330106109001", alert.Flood, "four")
	e := store.Edge{ID: "town-1", LastSync: noon, ReportedAt: noon, Report: ingest.SyncRequest{
		Schema: 1, Software: "x", StartedAt: noon, Now: noon, Devices: []ingest.DeviceState{{ID: "gate", Family: "cameras", Grid: "330106109001002", State: "stalled", Since: noon}},
	}}
	if err := d.store.SaveSync(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w := d.as("read", "GET", "/v1/map", "")
	got := into[overview.Standing](t, w)
	if got.Level != "grid" || len(got.Grids) != 3 || len(got.Cases) != 4 || len(got.Devices) != 1 || got.Cases[0].Severity != alert.Critical || got.Cases[0].State != cases.Open {
		t.Fatalf("%+v", got)
	}
	whole, first, second := got.Grids[0], got.Grids[1], got.Grids[2]
	if whole.Code != "330106109001" || whole.Open != 1 || first.Open != 2 || first.Severity != alert.Critical || second.Open != 1 || second.Faults != 1 {
		t.Errorf("%+v", got.Grids)
	}
	for query, want := range map[string][2]int{"?level=community": {1, 4}, "?prefix=330106109001002": {1, 1}, "?prefix=99": {0, 0}} {
		if part := into[overview.Standing](t, d.as("read", "GET", "/v1/map"+query, "")); len(part.Grids) != want[0] || len(part.Cases) != want[1] {
			t.Errorf("%s: %+v", query, part)
		}
	}
	tag := w.Header().Get("ETag")
	if same := d.as("read", "GET", "/v1/map", "", "If-None-Match", tag); same.Code != http.StatusNotModified || same.Body.Len() > 0 {
		t.Errorf("%d %s", same.Code, same.Body)
	}
	*now = noon.Add(2 * time.Second)
	d.alertIn("330106109001002", alert.Smoke, "five")
	if fresh := into[overview.Standing](t, d.as("read", "GET", "/v1/map", "", "If-None-Match", tag)); len(fresh.Cases) != 5 {
		t.Errorf("%+v", fresh)
	}
	wantProblem(t, d.as("read", "GET", "/v1/map?level=street", ""), http.StatusUnprocessableEntity)
}

func TestMapOutlines(t *testing.T) {
	d, _ := atlas(t)
	w := d.as("read", "GET", "/v1/map/grids", "")
	got := into[MapOutlines](t, w)
	if len(got.Levels) != 2 || got.Level != "grid" || len(got.Features) != 2 || got.Tiles == nil || got.Tiles.Datum != "gcj02" {
		t.Fatalf("%+v", got)
	}
	one := got.Features[0]
	if one.Properties.Code != "330106109001001" || one.Properties.Title.Zh != "一" || !strings.Contains(string(one.Geometry), `"Polygon"`) ||
		one.Properties.Inner[0] < 120 || one.Properties.Inner[0] > 120.001 {
		t.Errorf("%+v", one)
	}
	tag := w.Header().Get("ETag")
	if same := d.as("read", "GET", "/v1/map/grids", "", "If-None-Match", tag); same.Code != http.StatusNotModified {
		t.Errorf("%d", same.Code)
	}
	d.change(200, "POST", "/v1/grids/import", features(square("330106109001003", "三", 2, 1)), "Content-Type", "application/geo+json")
	if more := into[MapOutlines](t, d.as("read", "GET", "/v1/map/grids?level=grid", "", "If-None-Match", tag)); len(more.Features) != 3 {
		t.Errorf("%+v", more)
	}
	if none := into[MapOutlines](t, d.as("read", "GET", "/v1/map/grids?prefix=99", "")); none.Level != "" || len(none.Features) != 0 || none.Levels == nil {
		t.Errorf("%+v", none)
	}
}

func TestMapTiles(t *testing.T) {
	d, _ := atlas(t)
	w := d.as("read", "GET", "/v1/map/tiles/0/0/0", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Body.String() != "\x89PNG" || w.Header().Get("Cache-Control") != "private, max-age=86400" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	if w := d.as("read", "GET", "/v1/map/tiles/1/0/1", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, d.as("read", "GET", "/v1/map/tiles/1/2/0", ""), http.StatusNotFound)
	wantProblem(t, d.as("read", "GET", "/v1/map/tiles/25/0/0", ""), http.StatusUnprocessableEntity)
	d.server.o.Tiles = oneTile{err: errors.New("tiles.example:443 does not answer")}
	down := d.as("read", "GET", "/v1/map/tiles/0/0/0", "")
	wantProblem(t, down, http.StatusBadGateway)
	if strings.Contains(down.Body.String(), "tiles.example") {
		t.Errorf("the answer names the tile server: %s", down.Body)
	}
	d.server.o.Tiles = nil
	wantProblem(t, d.as("read", "GET", "/v1/map/tiles/0/0/0", ""), http.StatusNotFound)
	if polygons := into[MapOutlines](t, d.as("read", "GET", "/v1/map/grids", "")); polygons.Tiles != nil {
		t.Errorf("%+v", polygons.Tiles)
	}
}
