package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/store"
)

// entries is the whole log, oldest first.
func (d *desk) entries() []audit.Entry {
	d.t.Helper()
	list, err := d.store.AuditEntries(d.t.Context(), 0, 1_000_000)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// watchedReads change nothing, and leave a trace: evidence, the log itself, and whole lists that leave the centre.
var watchedReads = []string{"finish-sign-on", "get-evidence", "list-audit", "export-cases", "export-grids", "export-classes", "export-indicators", "get-filing", "export-filing", "get-unsealed-clip"}

// Each change and each look at evidence is one entry, whatever became of it; what edges deliver is none.
func TestEachChangeIsOneEntry(t *testing.T) {
	d, calls := newMatrix(t)
	boss := d.account("boss", auth.Administrator)
	before := len(d.entries())
	for _, c := range calls {
		w := d.by(boss, c)
		added := d.entries()[before:]
		recorded := c.method != "GET" && !slices.Contains(deliveries, c.id) && !slices.Contains(asked, c.id) || slices.Contains(watchedReads, c.id)
		before += len(added)
		if !recorded {
			if len(added) != 0 {
				t.Errorf("%s is in the log: %+v", c.id, added)
			}
			continue
		}
		if len(added) != 1 {
			t.Errorf("%s left %d entries", c.id, len(added))
			continue
		}
		e := added[0]
		done := e.Outcome == audit.Done
		if e.Action != c.id || e.Actor != "boss" && !c.rule.open || e.Status != w.Code || done != (w.Code < 400) || e.Remote == "" {
			t.Errorf("%s, answered with %d, stands as %+v", c.id, w.Code, e)
		}
		if strings.Contains(c.path, "night") && e.Target != "night" || c.id == "create-user" && e.Target != "new" || c.id == "create-token" && e.Target != "map" {
			t.Errorf("%s is about %q", c.id, e.Target)
		}
	}
	v := audit.NewVerifier(audit.Checkpoint{})
	for _, e := range d.entries() {
		if err := v.Next(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignInsAreRecorded(t *testing.T) {
	d := newDesk(t)
	d.addUser("night", auth.Operator)
	for _, body := range []string{`{"user":"night","password":"` + password + `"}`, `{"user":"night","password":"wrong horse"}`, `{"user":"my secret","password":"x"}`} {
		d.ask("POST", "/v1/session", body)
	}
	for range 6 {
		d.ask("POST", "/v1/session", `{"user":"nobody","password":"wrong horse"}`)
	}
	list := d.entries()
	if len(list) != 9 {
		t.Fatalf("%d entries", len(list))
	}
	for i, want := range []struct {
		actor   string
		outcome audit.Outcome
		status  int
	}{{"night", audit.Done, 200}, {"night", audit.Refused, 401}, {"", audit.Refused, 401}} {
		if e := list[i]; e.Action != "sign-in" || e.Actor != want.actor || e.Outcome != want.outcome || e.Status != want.status {
			t.Errorf("sign-in %d stands as %+v", i, e)
		}
	}
	if last := list[8]; last.Status != http.StatusTooManyRequests {
		t.Errorf("a lockout stands as %+v", last)
	}
	for _, e := range list {
		if strings.Contains(e.Actor+e.Target+e.Reason, "secret") || strings.Contains(e.Actor, "nobody") {
			t.Errorf("what a stranger typed is in the log: %+v", e)
		}
	}
}

// Strangers make the log grow at a bounded rate; what is left out is counted.
func TestStrangersAreBounded(t *testing.T) {
	var l strangers
	for i := range 3 * strangersAtOnce {
		if ok, _ := l.admit(noon); ok != (i < strangersAtOnce) {
			t.Fatalf("entry %d is written: %v", i, ok)
		}
	}
	if ok, omitted := l.admit(noon.Add(strangerEvery)); !ok || omitted != 2*strangersAtOnce {
		t.Errorf("later: %v, %d were left out", ok, omitted)
	}
}

// full is an audit log whose disk is full.
type full struct{}

func (full) Record(context.Context, audit.Entry) error { return errors.New("disk /var/lib is full") }

// Without its entry nobody sees a picture, gets a session, or is told that a change was made.
func TestNoEntryNoAnswer(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Audit = full{} })
	d.addUser("night", auth.Operator)
	c := d.openCase()
	digest := strings.Repeat("ab", 32)
	d.gallery[digest] = []byte("\xff\xd8\xff\xe0 a picture")
	for _, tc := range [][3]string{
		{"GET", "/v1/evidence/" + digest, ""}, {"POST", "/v1/session", `{"user":"night","password":"` + password + `"}`},
		{"POST", "/v1/cases/" + c.ID + "/acknowledge", ""},
	} {
		w := d.as("read operate", tc[0], tc[1], tc[2])
		wantProblem(t, w, http.StatusServiceUnavailable)
		if strings.Contains(w.Body.String(), "picture") || strings.Contains(w.Body.String(), "/var/lib") || w.Header().Get("Set-Cookie") != "" || w.Header().Get("ETag") != "" {
			t.Errorf("%s %s: %v %s", tc[0], tc[1], w.Header(), w.Body)
		}
	}
	if w := d.as("read", "GET", "/v1/cases", ""); w.Code != http.StatusOK {
		t.Errorf("a list needs no entry: %d", w.Code)
	}
}

func TestAuditIsListed(t *testing.T) {
	d := newDesk(t)
	c := d.openCase()
	for range 3 {
		d.as("operate", "POST", "/v1/cases/"+c.ID+"/acknowledge", "")
	}
	page := into[AuditPage](t, d.as("audit", "GET", "/v1/audit?limit=2&action=acknowledge-case", ""))
	if len(page.Items) != 2 || page.Next == "" || page.Items[0].Position != 3 || page.Items[0].Outcome != audit.Refused || page.Items[0].Target != c.ID {
		t.Fatalf("page %+v", page)
	}
	rest := into[AuditPage](t, d.as("audit", "GET", "/v1/audit?limit=2&action=acknowledge-case&cursor="+page.Next, ""))
	if len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].Outcome != audit.Done || rest.Items[0].Actor != "token:test" || rest.Items[0].Role != "token" {
		t.Errorf("rest %+v", rest)
	}
	wantProblem(t, d.as("audit", "GET", "/v1/audit?cursor=x", ""), http.StatusBadRequest)
	wantProblem(t, d.as("audit", "GET", "/v1/audit?reason=x", ""), http.StatusUnprocessableEntity)
}

func TestStaffByTheAPI(t *testing.T) {
	d := newDesk(t)
	d.account("boss", auth.Administrator)
	made := d.as("administer", "POST", "/v1/users", `{"name":"夜班","role":"worker","grids":["110101"],"unit":"fire","password":"`+password+`"}`)
	a := into[Account](t, made)
	if a.Name != "夜班" || !a.Password || a.Single || len(a.Grids) != 1 || strings.Contains(made.Body.String(), "argon2") {
		t.Fatalf("made %s", made.Body)
	}
	wantProblem(t, d.as("administer", "POST", "/v1/users", `{"name":"夜班","role":"worker","password":"`+password+`"}`), http.StatusConflict)
	tag := made.Header().Get("ETag")
	path := "/v1/users/%E5%A4%9C%E7%8F%AD"
	changed := d.as("administer", "PUT", path, `{"role":"verifier"}`, "If-Match", tag)
	if b := into[Account](t, changed); b.Role != "verifier" || len(b.Grids) != 0 || b.Unit != "" {
		t.Errorf("changed to %s", changed.Body)
	}
	wantProblem(t, d.as("administer", "PUT", path, `{"role":"worker"}`, "If-Match", tag), http.StatusPreconditionFailed)
	wantProblem(t, d.as("administer", "PUT", "/v1/users/ghost", `{"role":"worker"}`), http.StatusNotFound)
	wantProblem(t, d.as("administer", "PUT", "/v1/users/boss", `{"role":"auditor"}`), http.StatusConflict)
	wantProblem(t, d.as("administer", "PUT", "/v1/users/boss", `{"role":"administrator","disabled":true}`), http.StatusConflict)
	wantProblem(t, d.as("administer", "POST", path+"/password", `{"password":"short"}`), http.StatusUnprocessableEntity)
	into[Account](t, d.as("administer", "POST", path+"/password", `{"password":"another horse"}`))
	w := d.ask("POST", "/v1/session", `{"user":"夜班","password":"another horse"}`)
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if own := d.ask("POST", "/v1/session/password", `{"present":"another horse","next":"a third horse"}`, "Cookie", cookie); own.Code >= 300 {
		t.Errorf("own password: %d %s", own.Code, own.Body)
	}
	wantProblem(t, d.ask("GET", "/v1/session", "", "Cookie", cookie), http.StatusUnauthorized)
	if list := d.as("administer", "GET", "/v1/users", "").Body.String(); strings.Contains(list, "argon2") || !strings.Contains(list, "夜班") {
		t.Errorf("accounts: %s", list)
	}
}

func TestTokensByTheAPI(t *testing.T) {
	d := newDesk(t)
	made := into[struct {
		Key
		Token string
	}](t, d.as("administer", "POST", "/v1/tokens", `{"name":"map","scopes":["read"],"grids":["99"],"days":30}`))
	if !made.Expires.Equal(noon.Add(30*24*time.Hour)) || made.By != "token:test" || len(made.ID) != store.TokenID {
		t.Fatalf("made %+v", made)
	}
	bearer := []string{"Authorization", "Bearer " + made.Token}
	if page := into[CasePage](t, d.ask("GET", "/v1/cases", "", bearer...)); len(page.Items) != 0 {
		t.Errorf("a token of another grid lists %+v", page)
	}
	if list := d.as("administer", "GET", "/v1/tokens", "").Body.String(); !strings.Contains(list, made.ID) || strings.Contains(list, made.Token) || strings.Contains(list, auth.HashToken(made.Token)) {
		t.Errorf("tokens: %s", list)
	}
	for _, body := range []string{
		`{"name":"map","scopes":["read"],"days":367}`, `{"name":"map","scopes":["fly"],"days":1}`, `{"name":"map","scopes":["audit"],"grids":["99"],"days":1}`, `{"name":"map","days":1}`,
	} {
		wantProblem(t, d.as("administer", "POST", "/v1/tokens", body), http.StatusUnprocessableEntity)
	}
	if w := d.as("administer", "DELETE", "/v1/tokens/"+made.ID, ""); w.Code != http.StatusNoContent {
		t.Errorf("revoke: %d %s", w.Code, w.Body)
	}
	wantProblem(t, d.ask("GET", "/v1/cases", "", bearer...), http.StatusUnauthorized)
	wantProblem(t, d.as("administer", "DELETE", "/v1/tokens/"+made.ID, ""), http.StatusNotFound)
}
