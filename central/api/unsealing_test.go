package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/register"
	"gridgate/central/store"
	"gridgate/central/unseal"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/seal"
)

// withClips lets a desk keep the register and open clips, whose key is kept off line.
func withClips(o *Options) {
	db := o.Versions()
	o.Cameras, o.Unsealing = register.New(db, o.Now), unseal.New(unseal.Options{Store: db, Objects: o.Pictures, Now: o.Now})
}

// unsealed registers the camera "gate" and has "the-supervisor" approve what "the-operator" asked; the clip is not there any more.
func (d *desk) unsealed(id string) string {
	d.t.Helper()
	camera := ingest.DeviceState{ID: "gate", Family: "cameras", Grid: somewhere, Register: &ingest.Register{Owner: "东门物业", Purpose: "安全", Basis: "条例", Place: "gate"}}
	if err := d.server.o.Cameras.(*register.Register).Take(d.t.Context(), "town-1", []ingest.DeviceState{camera}); err != nil {
		d.t.Fatal(err)
	}
	r := unseal.Request{
		ID: alert.NewID(), Alert: id, Clip: strings.Repeat("ef", 32), Grid: somewhere, Reason: unseal.Accident, Text: "how the fire came about", By: "the-operator", At: noon,
		Until: noon.Add(unseal.DecideWithin), Decided: unseal.Approved, Approver: "the-supervisor", DecidedAt: noon, ViewUntil: noon.Add(unseal.ViewWithin),
	}
	body, err := json.Marshal(r)
	if err == nil {
		err = d.store.PutDocuments(d.t.Context(), []store.Document{{Kind: unseal.Kind, ID: r.ID, Version: 1, Body: body, At: noon, Actor: r.By}})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return r.ID
}

// mute is an audit log that breaks where it is told to.
type mute struct {
	clerk
	action string
}

func (m *mute) Record(ctx context.Context, e audit.Entry) error {
	if e.Action == m.action {
		return errors.New("disk on fire")
	}
	return m.clerk.Record(ctx, e)
}

const plainClip = "ftypisom: what nobody may see alone"

// clipDesk has an alert with a sealed clip whose key is here, an operator and a supervisor.
func clipDesk(t *testing.T, m *mute) (d *desk, operator, supervisor store.User, alertID, digest string) {
	t.Helper()
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, func(o *Options) {
		db := o.Versions()
		m.clerk = o.Audit.(clerk)
		o.Audit = m
		o.Unsealing = unseal.New(unseal.Options{Store: db, Objects: o.Pictures, Now: o.Now, Key: func() (seal.SecretKey, error) { return key, nil }})
	})
	d.openCase()
	a := into[AlertPage](t, d.as("read", "GET", "/v1/alerts", "")).Items[0]
	var sealed bytes.Buffer
	w, err := seal.Seal(&sealed, key.Recipient())
	if err == nil {
		_, err = io.WriteString(w, plainClip)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	digest = strings.Repeat("ef", 32)
	d.gallery[digest] = sealed.Bytes()
	e := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: digest, MediaType: alert.SealedMP4, Sealed: true, Bytes: int64(sealed.Len()), At: noon}
	if _, err := d.store.AddEvidence(t.Context(), []alert.Evidence{e}, noon); err != nil {
		t.Fatal(err)
	}
	return d, d.account("night", auth.Operator), d.account("chief", auth.Supervisor), a.ID, digest
}

// From the request to the clip, each step is an entry that says who, which clip and why, and never what is written or seen.
func TestAClipIsOpenedByTwo(t *testing.T) {
	d, operator, supervisor, id, digest := clipDesk(t, &mute{})
	by := func(u store.User, method, path, body string, want int) string {
		t.Helper()
		w := d.by(u, call{method: method, path: path, rule: rule{body: body}})
		if w.Code != want || want == http.StatusOK && strings.HasSuffix(path, "/clip") && w.Header().Get("Cache-Control") != "private, no-store" {
			t.Fatalf("%s %s by %s: %d %s %v", method, path, u.Name, w.Code, w.Body, w.Header())
		}
		return w.Body.String()
	}
	const text = "消防部门要求查看起火经过"
	var asked UnsealingView
	if err := json.Unmarshal([]byte(by(operator, "POST", "/v1/alerts/"+id+"/unsealings", `{"clip":"`+digest+`","reason":"authority","text":"`+text+`"}`, http.StatusCreated)), &asked); err != nil {
		t.Fatal(err)
	}
	one := "/v1/unsealings/" + asked.ID
	by(operator, "GET", one+"/clip", "", http.StatusConflict)
	by(operator, "POST", one+"/approve", "", http.StatusForbidden)
	by(supervisor, "POST", one+"/approve", "", http.StatusOK)
	for _, u := range []store.User{operator, supervisor} {
		if got := by(u, "GET", one+"/clip", "", http.StatusOK); got != plainClip {
			t.Errorf("%s got %q", u.Name, got)
		}
	}
	// No other door: the evidence itself stays shut.
	by(operator, "GET", "/v1/evidence/"+digest, "", http.StatusNotFound)
	wantProblem(t, d.as("read operate", "GET", one+"/clip", ""), http.StatusForbidden)

	var told []string
	for _, e := range d.entries() {
		if strings.Contains(e.Action, "unseal") {
			told = append(told, e.Action+" "+e.Actor+" "+string(e.Outcome))
			if e.Outcome == audit.Done && (e.Reason != "authority" || e.Target != asked.ID+","+id+","+digest) {
				t.Errorf("%+v", e)
			}
			if strings.Contains(e.Reason+e.Target, text) {
				t.Error("the log holds free words")
			}
		}
	}
	want := []string{
		"ask-unsealing night done", "get-unsealed-clip night refused", "approve-unsealing night refused", "approve-unsealing chief done",
		"get-unsealed-clip night done", "get-unsealed-clip chief done", "get-unsealed-clip token:test refused",
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log says\n%s", strings.Join(told, "\n"))
	}
}

// What cannot be written into the log is not shown, and what is asked or approved is not told as done.
func TestNoTraceNoClip(t *testing.T) {
	m := &mute{}
	d, operator, supervisor, id, digest := clipDesk(t, m)
	w := d.by(operator, call{method: "POST", path: "/v1/alerts/" + id + "/unsealings", rule: rule{body: `{"clip":"` + digest + `","reason":"accident","text":"how the fire came about"}`}})
	var asked UnsealingView
	if err := json.Unmarshal(w.Body.Bytes(), &asked); err != nil {
		t.Fatal(err)
	}
	one := "/v1/unsealings/" + asked.ID
	if w := d.by(supervisor, call{method: "POST", path: one + "/approve"}); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	m.action = "get-unsealed-clip"
	w = d.by(operator, call{method: "GET", path: one + "/clip"})
	wantProblem(t, w, http.StatusServiceUnavailable)
	if strings.Contains(w.Body.String(), "ftyp") {
		t.Error("a clip was shown that the log does not know of")
	}
	m.action = "ask-unsealing"
	wantProblem(t, d.by(operator, call{method: "POST", path: "/v1/alerts/" + id + "/unsealings", rule: rule{body: `{"clip":"` + digest + `","reason":"accident","text":"how the fire came about"}`}}), http.StatusServiceUnavailable)
}

// The register and what is filed of it, over the interface.
func TestTheRegisterIsFiled(t *testing.T) {
	d := newDesk(t, withClips)
	cameras := d.server.o.Cameras.(*register.Register)
	for edge, place := range map[string]ingest.Register{
		"town-1": {Owner: "东门物业", Purpose: "=安全", Basis: "条例", Place: "gate", Pictures: true}, "town-2": {Owner: "东门物业", Purpose: "安全", Basis: "条例", Place: "toilet"},
	} {
		if err := cameras.Take(t.Context(), edge, []ingest.DeviceState{{ID: "gate", Family: "cameras", Grid: somewhere, Register: &place}}); err != nil {
			t.Fatal(err)
		}
	}
	page := into[CameraPage](t, d.as("read", "GET", "/v1/cameras?state=refused", ""))
	if len(page.Items) != 1 || page.Items[0].Edge != "town-2" || len(page.Items[0].Why) == 0 {
		t.Errorf("%+v", page)
	}
	if f := into[CameraFile](t, d.as("read", "GET", "/v1/edges/town-1/cameras/gate/register", "")); f.State != register.Registered || len(f.History) != 1 {
		t.Errorf("%+v", f)
	}
	f := into[register.Filing](t, d.as("read", "GET", "/v1/filing", ""))
	if len(f.Cameras) != 2 || len(f.Changes) != 2 || len(f.Units) != 1 || f.Units[0].Cameras != 2 {
		t.Errorf("%+v", f)
	}
	csv := d.as("read", "GET", "/v1/filing.csv", "").Body.String()
	if !strings.HasPrefix(csv, "\ufeff盒子 edge,") || strings.Count(csv, "\n") != 3 || !strings.Contains(csv, "town-1,gate,"+somewhere+",东门物业,'=安全,条例,大门 gate,pictures,") {
		t.Errorf("%s", csv)
	}
	if w := d.as("administer", "POST", "/v1/filing/marks", `{"note":"公备-2026-17"}`); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if f = into[register.Filing](t, d.as("read", "GET", "/v1/filing", "")); len(f.Changes) != 0 || !f.Cameras[0].FiledAt.Equal(noon) {
		t.Errorf("%+v", f)
	}
}
