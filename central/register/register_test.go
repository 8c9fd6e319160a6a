package register_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/register"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/ingest"
)

// office is a register over a real store, with a clock that tests set.
type office struct {
	t *testing.T
	*register.Register
	db  *sqlite.Store
	now time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db"), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o := &office{t: t, db: db, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	o.Register = register.New(db, func() time.Time { return o.now })
	return o
}

func camera(id string, change ...func(*ingest.Register)) ingest.DeviceState {
	r := &ingest.Register{Owner: "东门物业", Purpose: "公共场所安全", Basis: "条例第七条", Place: "gate", Sign: true, Pictures: true, SampleMs: 1000}
	for _, f := range change {
		f(r)
	}
	return ingest.DeviceState{ID: id, Family: "cameras", Grid: "110101001001001", State: "streaming", Register: r}
}

func (o *office) take(edge string, devices ...ingest.DeviceState) {
	o.t.Helper()
	if err := o.Take(o.t.Context(), edge, devices); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) sheet(edge string) register.Sheet {
	o.t.Helper()
	s, err := o.Sheet(o.t.Context(), edge)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// What an edge says is kept with its history, once for each change, and stands while the edge is away.
func TestTheRegisterKeepsItsHistory(t *testing.T) {
	o := newOffice(t)
	began := o.now
	o.take("town-1", camera("gate"), camera("yard"), ingest.DeviceState{ID: "smoke", Family: "sensors", Grid: "110101001001001"})
	o.take("town-1", camera("yard"), camera("gate"))
	if s := o.sheet("town-1"); s.Version != 1 || len(s.Cameras) != 2 || s.Cameras[0].Since != began || s.Actor != "edge:town-1" {
		t.Fatalf("%+v", s)
	}
	o.now = o.now.Add(24 * time.Hour)
	o.take("town-1", camera("gate", func(r *ingest.Register) { r.Purpose = "消防通道" }))
	s := o.sheet("town-1")
	if s.Version != 2 || len(s.Cameras) != 1 || s.Cameras[0].Since != began || s.Cameras[0].Changed != o.now || s.Gone[0].ID != "yard" {
		t.Fatalf("%+v", s)
	}
	list, err := o.History(t.Context(), "town-1", "gate")
	if err != nil || len(list) != 2 || !slices.Equal(list[0].Fields, []string{"purpose"}) || list[0].Camera.Purpose != "消防通道" || list[1].Camera.Purpose != "公共场所安全" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err = o.History(t.Context(), "town-1", "yard"); err != nil || len(list) != 2 || list[0].Camera != nil {
		t.Errorf("%+v, %v", list, err)
	}
	// Another central finds the same, and writes nothing.
	other := register.New(o.db, func() time.Time { return o.now })
	if err := other.Take(t.Context(), "town-1", []ingest.DeviceState{camera("gate", func(r *ingest.Register) { r.Purpose = "消防通道" })}); err != nil || o.sheet("town-1").Version != 2 {
		t.Errorf("%v, version %d", err, o.sheet("town-1").Version)
	}
}

// A camera of which the law asks more, or that may not be where it is, is refused, and so are its pictures.
func TestForbiddenPlacesAreRefused(t *testing.T) {
	o := newOffice(t)
	for id, c := range map[string]struct {
		change func(*ingest.Register)
		state  register.State
	}{
		"good":       {func(*ingest.Register) {}, register.Registered},
		"chinese":    {func(r *ingest.Register) { r.Place = "大门" }, register.Registered},
		"no-purpose": {func(r *ingest.Register) { r.Purpose = " " }, register.Refused},
		"no-basis":   {func(r *ingest.Register) { r.Basis = "" }, register.Refused},
		"no-owner":   {func(r *ingest.Register) { r.Owner = "" }, register.Refused},
		"toilet":     {func(r *ingest.Register) { r.Place = "toilet" }, register.Refused},
		"changing":   {func(r *ingest.Register) { r.Place = "更衣室" }, register.Refused},
		"hidden":     {func(r *ingest.Register) { r.Place = "shop fitting rooms" }, register.Refused},
		"home":       {func(r *ingest.Register) { r.Place = "home" }, register.Refused},
		"unheard-of": {func(r *ingest.Register) { r.Place = "spaceship" }, register.Refused},
	} {
		edge := "edge-" + id
		o.take(edge, camera(id, c.change))
		state, why := o.sheet(edge).Cameras[0].Judge()
		if state != c.state || (state == register.Refused) != (len(why) > 0) || o.Refuses(t.Context(), edge, id) != (state == register.Refused) {
			t.Errorf("%s is %s for %q", id, state, why)
		}
	}
	untold := ingest.DeviceState{ID: "old", Family: "cameras", Grid: "110101001001001"}
	o.take("edge-old", untold)
	if state, _ := o.sheet("edge-old").Cameras[0].Judge(); state != register.Untold || o.Refuses(t.Context(), "edge-old", "old") {
		t.Errorf("an edge that tells nothing is %s", state)
	}
	// Another central, which saw none of these reports, refuses the same.
	other := register.New(o.db, func() time.Time { return o.now })
	if !other.Refuses(t.Context(), "edge-toilet", "toilet") || other.Refuses(t.Context(), "edge-good", "good") || other.Refuses(t.Context(), "nobody", "x") {
		t.Error("another central judges otherwise")
	}
}

// A number of a person that somebody wrote beside a unit's name does not get into the register.
func TestNumbersAreStruckOut(t *testing.T) {
	o := newOffice(t)
	o.take("town-1", camera("gate", func(r *ingest.Register) { r.Owner = "东门物业 13812345678"; r.Basis = "条例第7条" }))
	c := o.sheet("town-1").Cameras[0]
	if strings.ContainsAny(c.Owner, "0123456789") || !strings.HasPrefix(c.Owner, "东门物业") || c.Basis != "条例第7条" {
		t.Errorf("%+v", c)
	}
}

// An edge that changes its mind with each report fills no disk.
func TestChangesAreBounded(t *testing.T) {
	o := newOffice(t)
	refused := 0
	for i := range 100 {
		o.now = o.now.Add(time.Minute)
		if o.Take(t.Context(), "town-1", []ingest.DeviceState{camera("gate", func(r *ingest.Register) { r.Masks = i })}) != nil {
			refused++
		}
	}
	if v := o.sheet("town-1").Version; v < 12 || v > 14 || refused != 100-int(v) {
		t.Errorf("%d versions, %d refused", v, refused)
	}
}

// What is new, changed or gone since the last filing is listed until it is marked, and told once thirty days are over.
func TestFiling(t *testing.T) {
	o := newOffice(t)
	began := o.now
	o.take("town-1", camera("gate"), camera("yard"), camera("old"))
	o.take("town-2", camera("park"))
	if n := o.count(); n != (register.Tally{Cameras: 4, Unfiled: 4}) {
		t.Fatalf("%+v", n)
	}
	o.now = began.Add(21 * 24 * time.Hour)
	if n := o.count(); n.Soon != 4 || n.Overdue != 0 {
		t.Fatalf("%+v", n)
	}
	if edges, cameras, err := o.Mark(t.Context(), "chief", "first filing"); err != nil || edges != 2 || cameras != 4 {
		t.Fatalf("%d edges, %d cameras, %v", edges, cameras, err)
	}
	if n := o.count(); n.Unfiled != 0 {
		t.Fatalf("%+v", n)
	}
	marked := o.now
	o.now = o.now.Add(24 * time.Hour)
	o.take("town-1", camera("gate", func(r *ingest.Register) { r.Owner = "另一物业" }), camera("yard"), camera("new"))
	if err := o.Drop(t.Context(), "town-2", "chief"); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(31 * 24 * time.Hour)
	got := map[string]register.FilingChange{}
	if err := o.Each(t.Context(), func(p register.Part) error {
		for _, c := range p.Changes {
			got[c.Edge+"/"+c.Camera] = c
		}
		if !p.FiledAt.Equal(marked) {
			t.Errorf("%s was filed at %s", p.Sheet.Edge, p.FiledAt)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, sort := range map[string]string{"town-1/gate": "changed", "town-1/new": "added", "town-1/old": "removed", "town-2/park": "removed"} {
		c := got[name]
		if c.Sort != sort || !c.Overdue || !c.Due.Equal(marked.Add(31*24*time.Hour)) || sort == "changed" && !slices.Equal(c.Fields, []string{"owner"}) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if len(got) != 4 || o.count().Overdue != 4 {
		t.Errorf("%+v", got)
	}
}

func (o *office) count() register.Tally {
	o.t.Helper()
	n, err := o.Count(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

// broken is a store that is away.
type broken struct{ register.Store }

func (broken) Document(context.Context, string, string) (store.Document, error) {
	return store.Document{}, errors.New("away")
}

func TestAStoreThatIsAway(t *testing.T) {
	r := register.New(broken{}, nil)
	if err := r.Take(t.Context(), "town-1", []ingest.DeviceState{camera("gate")}); err == nil {
		t.Error("kept without a store")
	}
	if r.Refuses(t.Context(), "town-1", "gate") {
		t.Error("refused without a reason")
	}
}
