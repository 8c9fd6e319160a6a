package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gridgate/central/grid"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store/sqlite"
)

// setUp gives a desk all that a centre sets up, over its store.
func setUp(t *testing.T) func(*Options) {
	t.Helper()
	return func(o *Options) {
		db := o.Versions()
		c := setup.New(setup.Options{Store: db})
		catalogue, err := parts.AddCatalogue(c)
		if err != nil {
			t.Fatal(err)
		}
		places := parts.AddMap(c)
		if err := c.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Setup = Setup{Places: places, Units: places, Classes: catalogue, Versions: db}
	}
}

// Versions is the store behind o.
func (o *Options) Versions() *sqlite.Store { return o.Store.(*sqlite.Store) }

func square(code, name string, x, w float64) string {
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q,"name":%q,"from":"2025-01-01","unit":"centre"},"geometry":{"type":"Polygon","coordinates":[[[%g,30],[%g,30],[%g,30.001],[%g,30.001],[%g,30]]]}}`,
		code, name, 120+x/1000, 120+(x+w)/1000, 120+(x+w)/1000, 120+x/1000, 120+x/1000)
}

func features(list ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(list, ",") + `]}`
}

// office is a desk with two grids of a community and a unit.
func office(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t, setUp(t))
	d.change(200, "POST", "/v1/units/import", `[{"id":"centre","title":{"zh":"综治中心"}},{"id":"fire-1","title":{"zh":"消防站"},"kind":"fire"}]`)
	d.change(200, "POST", "/v1/grids/import", features(square("330106109001", "社区", 0, 3), square("330106109001001", "一", 0, 1), square("330106109001002", "二", 1, 1)),
		"Content-Type", "application/geo+json")
	return d
}

// change asks with the scope to configure and fails unless the status is as wanted.
func (d *desk) change(status int, method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	w := d.ask(method, path, body, append([]string{"Authorization", "Bearer " + d.token("read configure")}, header...)...)
	if w.Code != status {
		d.t.Fatalf("%s %s: %d, want %d\n%s", method, path, w.Code, status, w.Body)
	}
	return w
}

func bodyOf[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v\n%s", err, w.Body)
	}
	return v
}

func TestPlaceAndGrids(t *testing.T) {
	d := office(t)
	p := bodyOf[Place](t, d.change(200, "GET", "/v1/place?lon=120.0005&lat=30.0005&class=0101", ""))
	if p.Grid != "330106109001001" || p.Responsible != "centre" || len(p.Neighbours) != 1 || len(p.Chain) != 1 {
		t.Errorf("%+v", p)
	}
	d.change(404, "GET", "/v1/place?lon=121&lat=30", "")
	d.change(404, "GET", "/v1/place?lon=120.0005&lat=30.0005&at=2020-01-01T00:00:00Z", "")
	d.change(422, "GET", "/v1/place?lon=181&lat=30", "")
	page := bodyOf[GridPage](t, d.change(200, "GET", "/v1/grids?prefix=330106109&limit=2", ""))
	rest := bodyOf[GridPage](t, d.change(200, "GET", "/v1/grids?prefix=330106109&limit=2&cursor="+page.Next, ""))
	if len(page.Items) != 2 || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].Parent != "330106109001" {
		t.Errorf("%+v, %+v", page, rest)
	}
	export := d.change(200, "GET", "/v1/grids/export", "")
	if list, err := grid.ParseGeoJSON(export.Body.Bytes()); err != nil || len(list) != 3 || export.Header().Get("Content-Type") != "application/geo+json" {
		t.Errorf("%d grids, %v, %s", len(list), err, export.Header().Get("Content-Type"))
	}
}

func TestOneGridByETag(t *testing.T) {
	d := office(t)
	const path = "/v1/grids/330106109001001"
	got := d.change(200, "GET", path, "")
	tag, text := got.Header().Get("ETag"), strings.Replace(got.Body.String(), `"一"`, `"壹"`, 1)
	if tag != `"1"` {
		t.Fatalf("ETag %s", tag)
	}
	put := d.change(200, "PUT", path, text, "If-Match", tag)
	if put.Header().Get("ETag") != `"2"` || !strings.Contains(put.Body.String(), "壹") {
		t.Errorf("ETag %s, %s", put.Header().Get("ETag"), put.Body)
	}
	d.change(412, "PUT", path, text, "If-Match", tag)
	d.change(400, "PUT", path, text, "If-Match", "two")
	d.change(422, "PUT", "/v1/grids/330106109001002", text)
	history := bodyOf[GridHistory](t, d.change(200, "GET", path+"/history", ""))
	if len(history.Versions) != 2 || history.Versions[0].Actor != "token:test" {
		t.Errorf("%+v", history)
	}
	d.change(404, "GET", "/v1/grids/330106109001009", "")
	d.change(404, "GET", "/v1/grids/330106109001009/history", "")
	d.change(204, "DELETE", "/v1/grids/330106109001002", "")
	d.change(404, "DELETE", "/v1/grids/330106109001002", "")
	if w := d.ask("PUT", path, text, "Authorization", "Bearer "+d.token("read operate")); w.Code != http.StatusForbidden {
		t.Errorf("without the scope: %d", w.Code)
	}
}

// TestRefusedSetup holds that each mistake is a problem that says what and why, and changes nothing.
func TestRefusedSetup(t *testing.T) {
	d := office(t)
	before := d.change(200, "GET", "/v1/grids/export", "").Body.String()
	third := square("330106109001003", "三", 2, 1)
	bowtie := `{"type":"Feature","properties":{"code":"330106109001004","name":"四","from":"2025-01-01"},"geometry":{"type":"Polygon","coordinates":[[[120,30],[120.001,30.001],[120.001,30],[120,30.001],[120,30]]]}}`
	for name, tt := range map[string]struct{ method, path, body, want string }{
		"crosses itself": {"POST", "/v1/grids/import", features(third, bowtie), "feature 1, 330106109001004, polygon: is no proper polygon"},
		"overlaps":       {"POST", "/v1/grids/import", features(third, square("330106109001004", "四", 2.5, 0.5)), "overlaps 330106109001003 (feature 0) by"},
		"no parent":      {"POST", "/v1/grids/import", features(square("330106109002001", "二", 5, 1)), "what it belongs to, 330106109002, is not there"},
		"no GeoJSON":     {"POST", "/v1/grids/import", "[", "no GeoJSON"},
		"unknown unit":   {"PUT", "/v1/grids/330106109001001", `{"code":"330106109001001","title":{"zh":"一"},"periods":[{"from":"2025-01-01T00:00:00Z","unit":"nobody"}]}`, "there is no unit nobody"},
		"unit in use":    {"DELETE", "/v1/units/centre", "", "there is no unit centre"},
		"unit circle":    {"PUT", "/v1/units/centre", `{"id":"centre","title":{"zh":"中心"},"parent":"centre"}`, "form a circle"},
		"class row":      {"POST", "/v1/classes/import", "code,title_zh\n1,水\n", "row 2, class 1, column code"},
		"class limit":    {"PUT", "/v1/classes/0101", `{"code":"0101","title":{"zh":"烟"},"limits":[{"name":"a","span":"soon","from":"opened","to":"closed"}]}`, "soon"},
		"split":          {"POST", "/v1/grids/330106109001001/split", `{"at":"2026-01-01T00:00:00Z","into":[{"code":"330106109001005","title":{"zh":"五"}},{"code":"330106109001006","title":{"zh":"六"}}]}`, "has no polygon"},
	} {
		w := d.change(422, tt.method, tt.path, tt.body)
		if !strings.Contains(w.Body.String(), tt.want) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s\nsays nothing of %s", name, w.Body, tt.want)
		}
	}
	if after := d.change(200, "GET", "/v1/grids/export", "").Body.String(); after != before {
		t.Error("what was refused changed the map")
	}
}

func TestImportModes(t *testing.T) {
	d := office(t)
	community, first := square("330106109001", "社区", 0, 3), square("330106109001001", "一", 0, 1)
	dry := bodyOf[parts.Result](t, d.change(200, "POST", "/v1/grids/import?mode=replace&dryRun=true", features(community, first)))
	if want := (parts.Result{Same: 2, Gone: 1}); dry != want {
		t.Errorf("%+v", dry)
	}
	d.change(200, "GET", "/v1/grids/330106109001002", "")
	d.change(200, "POST", "/v1/grids/import?mode=replace", features(community, first))
	d.change(404, "GET", "/v1/grids/330106109001002", "")
}

func TestMergeGrids(t *testing.T) {
	d := office(t)
	d.change(200, "POST", "/v1/grids/merge", `{"codes":["330106109001001","330106109001002"],"at":"2026-01-01T00:00:00Z","into":{"code":"330106109001009","title":{"zh":"九"}}}`)
	for at, want := range map[string]string{"2025-06-01": "330106109001001", "2026-02-01": "330106109001009"} {
		if p := bodyOf[Place](t, d.change(200, "GET", "/v1/place?lon=120.0005&lat=30.0005&at="+at+"T00:00:00Z", "")); p.Grid != want {
			t.Errorf("at %s: %s", at, p.Grid)
		}
	}
	history := bodyOf[GridHistory](t, d.change(200, "GET", "/v1/grids/330106109001001/history", ""))
	if len(history.Lineage) != 1 || history.Lineage[0] != "330106109001009" {
		t.Errorf("%+v", history)
	}
}

func TestClassesAndUnits(t *testing.T) {
	d := office(t)
	got := d.change(200, "GET", "/v1/classes/0101", "")
	if got.Header().Get("ETag") != "" {
		t.Errorf("a class that is built in has the ETag %s", got.Header().Get("ETag"))
	}
	put := d.change(200, "PUT", "/v1/classes/0101", strings.Replace(got.Body.String(), `"fire"`, `"rescue"`, 1))
	if c := bodyOf[EventClass](t, put); c.UnitKind != "rescue" || put.Header().Get("ETag") != `"1"` {
		t.Errorf("%+v", c)
	}
	d.change(412, "PUT", "/v1/classes/0101", got.Body.String(), "If-Match", `"7"`)
	export := d.change(200, "GET", "/v1/classes/export", "")
	if r := bodyOf[parts.Result](t, d.change(200, "POST", "/v1/classes/import?mode=replace", export.Body.String(), "Content-Type", "text/csv")); r.Added+r.Changed+r.Gone != 0 || r.Same == 0 {
		t.Errorf("what was exported changes %+v", r)
	}
	d.change(204, "DELETE", "/v1/classes/0901", "")
	d.change(404, "GET", "/v1/classes/0901", "")
	list := bodyOf[UnitList](t, d.change(200, "GET", "/v1/units", ""))
	if len(list.Items) != 2 {
		t.Errorf("%+v", list)
	}
	d.change(204, "DELETE", "/v1/units/fire-1", "", "If-Match", `"1"`)
	d.change(404, "GET", "/v1/units/fire-1", "")
}
