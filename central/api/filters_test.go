package api

import (
	"net/http"
	"strings"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/store"
)

const (
	river = `{"name":"东河","kind":"water-level","severity":"major","grid":"110101001","state":"raised","device":"level-1","family":"sensors","exercise":"no"}`
	drill = `{"name":"drill","exercise":"yes"}`
)

func saved(items ...string) string { return `{"items":[` + strings.Join(items, ",") + `]}` }

func TestFiltersAreEachAccountsOwn(t *testing.T) {
	d := newDesk(t, everything(t))
	night, day := d.account("night", auth.Operator), d.account("day", auth.Operator, "99")
	ask := func(u store.User) FilterList {
		w := d.by(u, call{method: "GET", path: "/v1/filters"})
		return into[FilterList](t, w)
	}
	if got := ask(night); got.Items == nil || len(got.Items) != 0 {
		t.Errorf("before anything was saved: %+v", got)
	}
	w := d.by(night, call{method: "PUT", path: "/v1/filters", rule: rule{body: saved(river, drill)}})
	if w.Code != http.StatusOK || w.Header().Get("ETag") != `"1"` {
		t.Fatalf("put: %d %q %s", w.Code, w.Header().Get("ETag"), w.Body)
	}
	got := ask(night)
	want := SavedFilter{Name: "东河", Kind: "water-level", Severity: "major", Grid: "110101001", State: "raised", Device: "level-1", Family: "sensors", Exercise: store.No}
	if len(got.Items) != 2 || got.Items[0] != want || got.Items[1].Name != "drill" {
		t.Errorf("saved %+v", got)
	}
	if other := ask(day); len(other.Items) != 0 {
		t.Errorf("another account sees %+v", other)
	}
}

func TestFiltersOfTwoWindowsDoNotOverwriteEachOther(t *testing.T) {
	d := newDesk(t, everything(t))
	night := d.account("night", auth.Operator)
	d.by(night, call{method: "PUT", path: "/v1/filters", rule: rule{body: saved(river)}})
	cookie := d.sessions["night"]
	put := func(tag, body string) int {
		return d.ask("PUT", "/v1/filters", body, "Cookie", cookie, "If-Match", tag).Code
	}
	if code := put(`"1"`, saved(river, drill)); code != http.StatusOK {
		t.Errorf("the version that was seen: %d", code)
	}
	if code := put(`"1"`, saved(drill)); code != http.StatusPreconditionFailed {
		t.Errorf("an older version: %d", code)
	}
	if code := put(`what`, saved(drill)); code != http.StatusBadRequest {
		t.Errorf("no version at all: %d", code)
	}
}

func TestFiltersRefuseWhatIsNone(t *testing.T) {
	d := newDesk(t, everything(t))
	night := d.account("night", auth.Operator)
	named := func(name string) string { return `{"name":"` + name + `"}` }
	many := make([]string, 41)
	for i := range many {
		many[i] = named(strings.Repeat("x", i%39+1) + strings.Repeat("y", i/39))
	}
	for what, body := range map[string]string{
		"no name": saved(named("")), "spaces": saved(named(" a")), "a long name": saved(named(strings.Repeat("东", 41))), "a name twice": saved(drill, drill),
		"a telephone number": saved(named("13800138000")), "too many": saved(many...), "another member": saved(`{"name":"a","person":"x"}`),
		"a kind that is none": saved(`{"name":"a","kind":"earthquake"}`), "a grid that is none": saved(`{"name":"a","grid":"x"}`),
	} {
		if w := d.by(night, call{method: "PUT", path: "/v1/filters", rule: rule{body: body}}); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
}
