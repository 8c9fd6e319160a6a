package parts_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/classes"
	"gridgate/central/grid"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/alert"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func by(change ...func(*parts.Change)) parts.Change {
	c := parts.Change{Actor: "zhang", At: now}
	for _, f := range change {
		f(&c)
	}
	return c
}

func replacing(c *parts.Change) { c.Replace = true }
func dry(c *parts.Change)       { c.Dry = true }

type town struct {
	store   *sqlite.Store
	cache   *setup.Cache
	places  *parts.Places
	classes *parts.Catalogue
}

func open(t *testing.T, s *sqlite.Store) town {
	t.Helper()
	c := setup.New(setup.Options{Store: s})
	catalogue, err := parts.AddCatalogue(c)
	must(t, err)
	w := town{store: s, cache: c, places: parts.AddMap(c), classes: catalogue}
	must(t, c.Load(t.Context()))
	return w
}

func newStore(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, got parts.Result, err error, want parts.Result) {
	t.Helper()
	if err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
}

// feature is one square of a row, in thousandths of a degree.
func feature(code, name string, x, w float64) string {
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q,"name":%q,"from":"2025-01-01"},"geometry":{"type":"Polygon","coordinates":[[[%g,30],[%g,30],[%g,30.001],[%g,30.001],[%g,30]]]}}`,
		code, name, 120+x/1000, 120+(x+w)/1000, 120+(x+w)/1000, 120+x/1000, 120+x/1000)
}

func file(features ...string) []byte {
	return []byte(`{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`)
}

var (
	community = feature("330106109001", "社区", 0, 3)
	first     = feature("330106109001001", "一", 0, 1)
	second    = feature("330106109001002", "二", 1, 1)
	third     = feature("330106109001003", "三", 2, 1)
)

func TestImport(t *testing.T) {
	s := newStore(t)
	w, other := open(t, s), open(t, s)
	ctx := t.Context()
	r, err := w.places.Import(ctx, file(community, first, second), by())
	counts(t, r, err, parts.Result{Added: 3})
	r, err = w.places.Import(ctx, file(second, third), by())
	counts(t, r, err, parts.Result{Added: 1, Same: 1})
	r, err = w.places.Import(ctx, file(community, first), by(replacing, dry))
	counts(t, r, err, parts.Result{Same: 2, Gone: 2})
	if got := len(w.places.Get().Grids()); got != 4 {
		t.Fatalf("a dry run left %d grids", got)
	}
	r, err = w.places.Import(ctx, file(community, first), by(replacing))
	counts(t, r, err, parts.Result{Same: 2, Gone: 2})
	must(t, other.cache.Load(ctx))
	for _, m := range []*grid.Map{w.places.Get(), other.places.Get()} {
		if g, ok := m.At(120.0005, 30.0005, now); !ok || g.Title.Zh != "一" || len(m.Grids()) != 2 {
			t.Fatalf("%+v, %d grids", g, len(m.Grids()))
		}
	}
	list, err := s.DocumentHistory(ctx, parts.Grid, "330106109001002", 10)
	if err != nil || len(list) != 2 || !list[0].Gone || list[1].Actor != "zhang" || !list[1].At.Equal(now) {
		t.Fatalf("%+v, %v", list, err)
	}
}

// TestRefusedImport tells of the feature, and leaves everything as it was; a later mistake is not told of with the features of an earlier file.
func TestRefusedImport(t *testing.T) {
	w := open(t, newStore(t))
	ctx := t.Context()
	_, err := w.places.Import(ctx, file(community, first, second), by())
	must(t, err)
	var refused *setup.Refused
	for name, tt := range map[string]struct{ file, want string }{
		"no json":   {"{", "no GeoJSON"},
		"overlap":   {string(file(third, feature("330106109001004", "四", 1.5, 1))), "feature 1, 330106109001004, polygon: overlaps 330106109001003 (feature 0)"},
		"a known":   {string(file(feature("330106109001004", "四", 0.5, 0.5))), "feature 0, 330106109001004, polygon: overlaps 330106109001001 by"},
		"outside":   {string(file(third, feature("330106109001004", "四", 3, 1))), "feature 1, 330106109001004, polygon:"},
		"no parent": {string(file(third, feature("330106109009001", "九", 5, 1))), "feature 1, 330106109009001, code: what it belongs to, 330106109009, is not there"},
	} {
		r, err := w.places.Import(ctx, []byte(tt.file), by())
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) || (name != "no json" && r != parts.Result{}) {
			t.Errorf("%s: %+v, %v, want %s", name, r, err, tt.want)
		}
	}
	if got := len(w.places.Get().Grids()); got != 3 {
		t.Fatalf("%d grids", got)
	}
	err = w.places.Remove(ctx, "330106109001", by())
	if !errors.As(err, &refused) || strings.Contains(err.Error(), "feature") {
		t.Errorf("a community with grids below it: %v", err)
	}
}

func TestOneGridByVersion(t *testing.T) {
	w := open(t, newStore(t))
	ctx := t.Context()
	_, err := w.places.Import(ctx, file(community, first, second), by())
	must(t, err)
	g, _ := w.places.Get().Grid("330106109001001")
	g.Title.En = "One"
	must(t, w.places.Put(ctx, g, by(func(c *parts.Change) { c.Version = 1 })))
	if err := w.places.Put(ctx, g, by(func(c *parts.Change) { c.Version = 1 })); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("a stale version: %v", err)
	}
	if v, err := w.cache.Version(ctx, parts.Grid, g.Code); v != 2 || err != nil {
		t.Fatalf("version %d, %v", v, err)
	}
	must(t, w.places.Remove(ctx, g.Code, by()))
	if err := w.places.Remove(ctx, g.Code, by()); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a grid that is gone: %v", err)
	}
}

func TestSplitIsStored(t *testing.T) {
	w := open(t, newStore(t))
	ctx := t.Context()
	_, err := w.places.Import(ctx, file(community, first, second), by())
	must(t, err)
	merged := grid.Part{Code: "330106109001009", Title: grid.Title{Zh: "九"}}
	r, err := w.places.Merge(ctx, []string{"330106109001001", "330106109001002"}, now, merged, by())
	counts(t, r, err, parts.Result{Added: 1, Changed: 2})
	for at, want := range map[time.Time]string{now.Add(-time.Hour): "330106109001001", now: "330106109001009"} {
		if g, _ := w.places.Get().At(120.0005, 30.0005, at); g.Code != want {
			t.Errorf("at %s: %s, want %s", at, g.Code, want)
		}
	}
	var refused *setup.Refused
	if _, err := w.places.Split(ctx, "330106109001009", now.Add(time.Hour), nil, by()); !errors.As(err, &refused) {
		t.Errorf("a split into nothing: %v", err)
	}
}

func TestUnits(t *testing.T) {
	w := open(t, newStore(t))
	ctx := t.Context()
	_, err := w.places.Import(ctx, file(community, first), by())
	must(t, err)
	r, err := w.places.ImportUnits(ctx, []byte(`[{"id":"fire-1","title":{"zh":"消防站"},"kind":"fire","covers":["330106109001"]},{"id":"centre","title":{"zh":"中心"}}]`), by())
	counts(t, r, err, parts.Result{Added: 2})
	if unit := w.places.Get().ResponsibleOf("330106109001001", "0101", "fire", now); unit != "fire-1" {
		t.Errorf("responsible is %q", unit)
	}
	var refused *setup.Refused
	for _, bad := range []string{`[{"id":"x","title":{"zh":"x"},"chief":"somebody"}]`, `[{"id":"x","title":{"zh":"x"},"covers":["330106109002"]}]`, `{}`, `[] []`} {
		if _, err := w.places.ImportUnits(ctx, []byte(bad), by()); !errors.As(err, &refused) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := w.places.Remove(ctx, "330106109001", by()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "fire-1, covers") {
		t.Errorf("an area that a unit covers: %v", err)
	}
	must(t, w.places.RemoveUnit(ctx, "fire-1", by()))
}

func TestClasses(t *testing.T) {
	s := newStore(t)
	w := open(t, s)
	ctx := t.Context()
	built := len(w.classes.Get().Classes())
	one, _ := w.classes.Get().Class("0101")
	one.UnitKind = "fire-2"
	must(t, w.classes.Put(ctx, one, by()))
	if got, _ := w.classes.Get().Class("0101"); got.UnitKind != "fire-2" || len(w.classes.Get().Classes()) != built {
		t.Fatalf("%+v of %d", got, len(w.classes.Get().Classes()))
	}
	must(t, w.classes.Remove(ctx, "0901", by()))
	if got := len(w.classes.Get().Classes()); got != built-1 {
		t.Fatalf("%d classes", got)
	}
	r, err := w.classes.Import(ctx, []byte("code,title_zh,kinds\n01,消防,\n0105,烟,smoke\n"), by(replacing))
	counts(t, r, err, parts.Result{Changed: 2, Gone: built - 3})
	if got := w.classes.Get().OfKind(alert.Smoke); got != "0105" {
		t.Errorf("smoke leads to %s", got)
	}
	var refused *setup.Refused
	if _, err := w.classes.Import(ctx, []byte("code,title_zh,workflow\n02,水,\n0201,水位,theirs\n"), by()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "workflow") {
		t.Errorf("an unknown workflow: %v", err)
	}
	var problem *classes.Problem
	if _, err := w.classes.Import(ctx, []byte("code,title_zh\n1,水\n"), by()); !errors.As(err, &problem) || problem.Row != 2 {
		t.Errorf("a bad row: %v", err)
	}
	again := open(t, s)
	if got := len(again.classes.Get().Classes()); got != 2 {
		t.Errorf("%d classes after opening again", got)
	}
}

// TestFirstChangeMayBeARemoval lets a class of the built-in catalogue be gone.
func TestFirstChangeMayBeARemoval(t *testing.T) {
	w := open(t, newStore(t))
	must(t, w.classes.Remove(context.WithoutCancel(t.Context()), "0901", by()))
	if _, there := w.classes.Get().Class("0901"); there {
		t.Error("it is still there")
	}
	if err := w.classes.Remove(t.Context(), "0901", by()); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
