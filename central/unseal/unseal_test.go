package unseal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/unseal"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

const (
	theAlert = "0190a1b2-0000-7000-8000-000000000001"
	grid     = "110101001001001"
	why      = "消防部门要求查看起火经过"
)

var digest = strings.Repeat("ab", 32)

// world is a store in memory with one alert that has a sealed clip.
type world struct {
	t        *testing.T
	now      time.Time
	users    map[string]store.User
	docs     []store.Document
	evidence []alert.Evidence
	object   []byte
	reading  func() // whenever the object is opened
	key      seal.SecretKey
	*unseal.Service
}

func newWorld(t *testing.T, change ...func(*unseal.Options)) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), users: map[string]store.User{}, reading: func() {},
		evidence: []alert.Evidence{{AlertID: theAlert, SHA256: digest, MediaType: alert.SealedMP4, Sealed: true}},
	}
	var err error
	if w.key, err = seal.NewSecretKey(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := seal.Seal(&out, w.key.Recipient())
	if err == nil {
		_, err = io.WriteString(s, "ftyp what nobody may see")
	}
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	w.object = out.Bytes()
	for _, u := range []store.User{{Name: "night", Role: "operator"}, {Name: "day", Role: "operator"}, {Name: "chief", Role: "supervisor"}, {Name: "deputy", Role: "supervisor"}, {Name: "far", Role: "supervisor", Grids: []string{"99"}}, {Name: "walker", Role: "worker"}, {Name: "root", Role: "administrator"}, {Name: "paper", Role: "auditor"}} {
		w.users[u.Name] = u
	}
	o := unseal.Options{Store: w, Objects: w, Key: func() (seal.SecretKey, error) { return w.key, nil }, Now: func() time.Time { return w.now }}
	for _, f := range change {
		f(&o)
	}
	w.Service = unseal.New(o)
	return w
}

func (w *world) Alert(_ context.Context, id string) (a store.StoredAlert, err error) {
	if id != theAlert {
		return a, store.ErrNotFound
	}
	a.ID, a.Grid = id, grid
	return a, nil
}

func (w *world) EvidenceOf(context.Context, string) ([]alert.Evidence, error) { return w.evidence, nil }

func (w *world) User(_ context.Context, name string) (store.User, error) {
	u, ok := w.users[name]
	if !ok {
		return u, store.ErrNotFound
	}
	return u, nil
}

func (w *world) PutDocuments(_ context.Context, d []store.Document) error {
	if old, err := w.Document(w.t.Context(), d[0].Kind, d[0].ID); err == nil && old.Version+1 != d[0].Version {
		return store.ErrConflict
	}
	w.docs = append(w.docs, d...)
	return nil
}

func (w *world) Document(_ context.Context, _, id string) (d store.Document, err error) {
	err = store.ErrNotFound
	for _, one := range w.docs {
		if one.ID == id {
			d, err = one, nil
		}
	}
	return d, err
}

func (w *world) DocumentsBefore(ctx context.Context, kind, _ string, limit int) (out []store.Document, err error) {
	seen := map[string]bool{}
	for i := len(w.docs) - 1; i >= 0 && len(out) < limit; i-- {
		if id := w.docs[i].ID; !seen[id] {
			seen[id] = true
			d, err := w.Document(ctx, kind, id)
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		}
	}
	return out, nil
}

func (w *world) Open(ctx context.Context, sha256 string) (io.ReadCloser, error) {
	w.reading()
	if sha256 != digest || w.object == nil {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(w.object)), nil
}

func (w *world) who(name string) auth.Principal {
	u := w.users[name]
	return auth.Principal{Name: u.Name, Role: auth.Role(u.Role), Grids: u.Grids, Scopes: auth.ScopesOf(auth.Role(u.Role))}
}

func (w *world) ask(name string) unseal.Request {
	w.t.Helper()
	r, err := w.Ask(w.t.Context(), w.who(name), theAlert, digest, unseal.Accident, why)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) decide(name, id string, approve bool) error {
	_, err := w.Decide(w.t.Context(), w.who(name), id, approve)
	return err
}

func (w *world) view(name, id string) (unseal.Clip, error) {
	c, _, err := w.Service.Open(w.t.Context(), w.who(name), id)
	return c, err
}

// refused checks that err is a No of a sort, and that no byte came with it.
func (w *world) refused(what string, c unseal.Clip, err error, why unseal.Why) {
	w.t.Helper()
	var n *unseal.No
	if !errors.As(err, &n) || n.Why != why || len(c.Data) > 0 {
		w.t.Errorf("%s: %d bytes, %v", what, len(c.Data), err)
	}
}

// One alone sees nothing: not before another has approved, and only those two after that.
func TestNobodyOpensAlone(t *testing.T) {
	w := newWorld(t)
	for _, asker := range []string{"night", "chief"} {
		r := w.ask(asker)
		c, err := w.view(asker, r.ID)
		w.refused(asker+" before an approval", c, err, unseal.Conflict)
		w.refused(asker+" approves alone", unseal.Clip{}, w.decide(asker, r.ID, true), unseal.Forbidden)
		c, err = w.view(asker, r.ID)
		w.refused(asker+" after that", c, err, unseal.Conflict)
	}
	r := w.ask("night")
	if err := w.decide("chief", r.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"night", "chief"} {
		if c, err := w.view(name, r.ID); err != nil || string(c.Data) != "ftyp what nobody may see" || c.MediaType != unseal.MP4 {
			t.Errorf("%s: %q, %v", name, c.Data, err)
		}
	}
	for _, name := range []string{"day", "deputy", "walker", "root", "paper"} {
		c, err := w.view(name, r.ID)
		w.refused(name, c, err, unseal.Forbidden)
	}
	program := auth.Principal{Name: "night", Scopes: auth.Scopes()}
	c, _, err := w.Service.Open(t.Context(), program, r.ID)
	w.refused("a program of the same name", c, err, unseal.Forbidden)
	if c, err := w.view("far", r.ID); !errors.Is(err, store.ErrNotFound) || len(c.Data) > 0 {
		t.Errorf("who may not see the grid: %v", err)
	}
}

// Only another account with the role approves, once, in time.
func TestAnApproverIsSomebodyElse(t *testing.T) {
	w := newWorld(t)
	r := w.ask("chief")
	for name, why := range map[string]unseal.Why{"chief": unseal.Forbidden, "night": unseal.Forbidden, "walker": unseal.Forbidden, "root": unseal.Forbidden, "paper": unseal.Forbidden} {
		w.refused(name, unseal.Clip{}, w.decide(name, r.ID, true), why)
		w.refused(name, unseal.Clip{}, w.decide(name, r.ID, false), why)
	}
	if err := w.decide("far", r.ID, true); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("who may not see the grid: %v", err)
	}
	if err := w.decide("deputy", r.ID, false); err != nil {
		t.Fatal(err)
	}
	w.refused("a second time", unseal.Clip{}, w.decide("deputy", r.ID, true), unseal.Conflict)
	c, err := w.view("chief", r.ID)
	w.refused("what was refused", c, err, unseal.Conflict)
}

// Both times end by the clock.
func TestAnUnsealingExpires(t *testing.T) {
	w := newWorld(t)
	late, r := w.ask("night"), w.ask("night")
	if err := w.decide("chief", r.ID, true); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(unseal.ViewWithin - time.Second)
	if _, err := w.view("night", r.ID); err != nil {
		t.Errorf("in time: %v", err)
	}
	w.now = w.now.Add(time.Second)
	c, err := w.view("night", r.ID)
	w.refused("after an hour", c, err, unseal.Over)
	w.now = w.now.Add(unseal.DecideWithin)
	w.refused("after a day", unseal.Clip{}, w.decide("chief", late.ID, true), unseal.Over)
	list, err := w.List(t.Context(), w.who("paper"))
	if err != nil || len(list) != 2 || w.State(list[0]) == unseal.Approved || w.State(list[1]) == unseal.Approved {
		t.Errorf("%+v, %v", list, err)
	}
}

// Whose right ends between the approval and the view, even while it is read, ends it for both.
func TestARightThatEnds(t *testing.T) {
	for name, change := range map[string]func(*world){
		"the asker is no operator": func(w *world) { w.users["night"] = store.User{Name: "night", Role: "worker"} },
		"the approver is demoted":  func(w *world) { w.users["chief"] = store.User{Name: "chief", Role: "operator"} },
		"the approver is disabled": func(w *world) { w.users["chief"] = store.User{Name: "chief", Role: "supervisor", Disabled: true} },
		"the approver is moved": func(w *world) {
			w.users["chief"] = store.User{Name: "chief", Role: "supervisor", Grids: []string{"99"}}
		},
		"the asker's account is off": func(w *world) { delete(w.users, "night") },
	} {
		for _, during := range []bool{false, true} {
			w := newWorld(t)
			r := w.ask("night")
			if err := w.decide("chief", r.ID, true); err != nil {
				t.Fatal(err)
			}
			viewer := w.who("night")
			if w.reading = func() { change(w) }; !during {
				change(w)
			}
			c, _, err := w.Service.Open(t.Context(), viewer, r.ID)
			w.refused(name, c, err, unseal.Forbidden)
		}
	}
}

// A clip that is gone, damaged or sealed to another is no clip.
func TestWhatIsNoClip(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		why    unseal.Why
	}{
		"retention took its evidence": {func(w *world) { w.evidence = nil }, unseal.Conflict},
		"retention took the object":   {func(w *world) { w.object = nil }, unseal.Over},
		"it is changed":               {func(w *world) { w.object[len(w.object)-1] ^= 1 }, unseal.Conflict},
		"it is cut off":               {func(w *world) { w.object = w.object[:len(w.object)-5] }, unseal.Conflict},
		"it is a picture":             {func(w *world) { w.object = []byte("\xff\xd8\xff\xe0") }, unseal.Conflict},
		"another key": {func(w *world) {
			other, err := seal.NewSecretKey()
			if err != nil {
				t.Fatal(err)
			}
			w.key = other
		}, unseal.Conflict},
	} {
		w := newWorld(t)
		r := w.ask("night")
		if err := w.decide("chief", r.ID, true); err != nil {
			t.Fatal(err)
		}
		c.change(w)
		clip, err := w.view("night", r.ID)
		w.refused(name, clip, err, c.why)
	}
}

// Where the key is kept off line the two get what is sealed, and central could not open it.
func TestOffline(t *testing.T) {
	w := newWorld(t, func(o *unseal.Options) { o.Key = nil })
	r := w.ask("night")
	if err := w.decide("chief", r.ID, true); err != nil {
		t.Fatal(err)
	}
	if c, err := w.view("chief", r.ID); err != nil || c.MediaType != alert.SealedMP4 || !bytes.Equal(c.Data, w.object) || !w.Offline() {
		t.Errorf("%s, %v", c.MediaType, err)
	}
}

// What is asked is judged, bounded, and holds no number of a person.
func TestAsking(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		who, alert, clip string
		reason           unseal.Reason
		text             string
		why              unseal.Why
	}{
		"a worker":       {"walker", theAlert, digest, unseal.Accident, why, unseal.Forbidden},
		"an auditor":     {"paper", theAlert, digest, unseal.Accident, why, unseal.Forbidden},
		"no reason":      {"night", theAlert, digest, "curiosity", why, unseal.Invalid},
		"a short text":   {"night", theAlert, digest, unseal.Accident, "看看", unseal.Invalid},
		"a number":       {"night", theAlert, digest, unseal.Accident, "请联系 13812345678 核实经过", unseal.Invalid},
		"another clip":   {"night", theAlert, strings.Repeat("cd", 32), unseal.Accident, why, unseal.Conflict},
		"control bytes":  {"night", theAlert, digest, unseal.Accident, why + "\x00", unseal.Invalid},
		"an endless one": {"night", theAlert, digest, unseal.Accident, strings.Repeat("长", 501), unseal.Invalid},
	} {
		_, err := w.Ask(t.Context(), w.who(c.who), c.alert, c.clip, c.reason, c.text)
		w.refused(name, unseal.Clip{}, err, c.why)
		if err != nil && strings.Contains(err.Error(), "13812345678") {
			t.Error("the error repeats a number")
		}
	}
	if _, err := w.Ask(t.Context(), w.who("far"), theAlert, digest, unseal.Accident, why); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("who may not see the grid: %v", err)
	}
	for range unseal.MaxPending {
		w.ask("night")
	}
	_, err := w.Ask(t.Context(), w.who("night"), theAlert, digest, unseal.Accident, why)
	w.refused("too many", unseal.Clip{}, err, unseal.Busy)
	if _, err := w.List(t.Context(), w.who("walker")); err == nil {
		t.Error("a worker lists requests")
	}
	if list, err := w.List(t.Context(), w.who("far")); err != nil || len(list) != 0 {
		t.Errorf("who may not see the grid lists %d, %v", len(list), err)
	}
}
