package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
)

// about says what an operation is about, for somebody who may see some grids only.
type about int

const (
	nobodys about = iota // nothing that lies in a grid
	listed               // lists what they may see
	placed               // one thing in a grid: outside theirs it does not exist
	naming               // it names grids itself: those of others are refused
	all                  // the whole centre: not for them
)

const silenceBody = `{"sort":"silence","grid":"110101001001","reason":"works","until":"2026-03-01T18:00:00Z"}`

// rule is who may do an operation.
type rule struct {
	need  auth.Scope // "": anybody who is signed in
	about about
	body  string
	query string
	open  bool // nobody needs to be signed in
	own   bool // a program's handler judges by itself who may

	person bool // not for a program, whatever its scopes
}

// matrix says who may what: an operation that is not in it fails the test.
var matrix = map[string]rule{
	"sign-in":          {open: true, body: `{"user":"nobody","password":"wrong horse"}`},
	"get-session":      {},
	"sign-out":         {},
	"change-password":  {person: true, body: `{"present":"wrong horse","next":"another horse"}`},
	"list-alerts":      {need: auth.Read, about: listed},
	"list-cases":       {need: auth.Read, about: listed},
	"get-case":         {need: auth.Read, about: placed},
	"acknowledge-case": {need: auth.Operate, about: placed},
	"close-case":       {need: auth.Operate, about: placed, body: `{"reason":"handled"}`},
	"hold-case":        {need: auth.Operate, about: placed, body: `{"reason":"review"}`},
	"release-case":     {need: auth.Operate, about: placed, body: `{"reason":"settled"}`},
	"list-edges":       {need: auth.Read, about: all},
	"query-series":     {need: auth.Read, about: all, query: "?metric=go_goroutines"},
	"feed":             {need: auth.Read},
	"get-evidence":     {need: auth.Read, about: placed},
	"list-audit":       {need: auth.Audit, about: all},
	"list-users":       {need: auth.Administer, about: all},
	"get-user":         {need: auth.Administer, about: all},
	"create-user":      {need: auth.Administer, about: all, body: `{"name":"new","role":"worker","password":"correct horse"}`},
	"change-user":      {need: auth.Administer, about: all, body: `{"role":"worker"}`},
	"reset-password":   {need: auth.Administer, about: all, body: `{"password":"short"}`},
	"list-tokens":      {need: auth.Administer, about: all},
	"create-token":     {need: auth.Administer, about: all, body: `{"name":"map","scopes":["read"],"days":30}`},
	"revoke-token":     {need: auth.Administer, about: all},

	"get-alert": {need: auth.Read, about: placed}, "get-rules": {need: auth.Read}, "put-rules": {need: auth.Configure, about: all},
	"approve-rule": {need: auth.Configure, about: all}, "list-silences": {need: auth.Read, about: listed},
	"make-silence":    {need: auth.Operate, person: true, about: naming, body: silenceBody},
	"approve-silence": {need: auth.Operate, about: placed}, "end-silence": {need: auth.Operate, about: placed},
	"merge-case": {need: auth.Operate, about: placed, body: `{"into":"0190a1b2-0000-7000-8000-000000000000"}`}, "unmerge-case": {need: auth.Operate, about: placed},

	"post-events": {own: true}, "post-readings": {own: true}, "post-alertmanager": {own: true}, "sync-edge": {own: true},
	"put-evidence": {own: true}, "renew-credential": {own: true}, "enrol-edge": {own: true, open: true},
}

// doors are what each role opens.
var doors = map[auth.Role]string{
	auth.Operator: "read operate", auth.Worker: "read operate", auth.Supervisor: "read operate", auth.Verifier: "read operate",
	auth.Administrator: "read configure administer", auth.Auditor: "read audit", auth.Integrator: "read events",
}

// call is one operation of the document with its parameters filled in.
type call struct {
	id, method, path string
	rule             rule
}

// calls reads the document of a server; what the matrix does not know fails.
func (d *desk) calls(c cases.Case, alertID, digest string) (out []call) {
	d.t.Helper()
	var doc document
	if err := json.Unmarshal(d.ask("GET", "/openapi.json", "").Body.Bytes(), &doc); err != nil {
		d.t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, op := range doc.Paths[path] {
			r, known := matrix[op.OperationID]
			if !known {
				d.t.Errorf("%s (%s %s) is not in the matrix: say there who may do it", op.OperationID, method, path)
				continue
			}
			id := c.ID
			switch {
			case strings.HasPrefix(path, "/v1/tokens"):
				id = "0123456789abcdef"
			case strings.HasPrefix(path, "/v1/alerts"):
				id = alertID
			}
			filled := strings.NewReplacer("{id}", id, "{rule}", "none", "{name}", "night", "{sha256}", digest).Replace(path) + r.query
			out = append(out, call{op.OperationID, strings.ToUpper(method), filled, r})
		}
	}
	return out
}

// book is the rules that central comes with; nothing can be put into it.
type book struct{ set *rules.Setup }

func (b book) Rules() *rules.Setup                         { return b.set }
func (b book) Put(context.Context, []store.Document) error { return store.ErrConflict }

func firstRules(t *testing.T) book {
	t.Helper()
	set, err := rules.Build(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book{set}
}

// newMatrix is a desk that serves each operation, with a case, a picture of it, and the account "night".
func newMatrix(t *testing.T) (*desk, []call) {
	t.Helper()
	var reached http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	d := newDesk(t, func(o *Options) {
		o.Edges = nil
		db, ok := o.Store.(*sqlite.Store)
		if !ok {
			t.Fatal("the store is another one")
		}
		o.Rules, o.Changes = firstRules(t), db
		for _, path := range []string{"/v1/events", "/v1/readings", "/v1/alertmanager", "/v1/edges/{id}/sync", "/v1/edges/{id}/credential"} {
			o.Edges = append(o.Edges, Route{Method: "POST", Path: path, Handler: reached})
		}
		o.Edges = append(o.Edges, Route{Method: "PUT", Path: "/v1/evidence/{sha256}", Handler: reached}, Route{Method: "POST", Path: "/v1/enrol", Handler: reached, Open: true})
	})
	c := d.openCase()
	alerts := into[AlertPage](t, d.as("read", "GET", "/v1/alerts", ""))
	digest := strings.Repeat("ab", 32)
	d.gallery[digest] = []byte("\xff\xd8\xff\xe0 a picture")
	e := alert.Evidence{ID: alert.NewID(), Source: alerts.Items[0].Source, AlertID: alerts.Items[0].ID, SHA256: digest, MediaType: alert.JPEG, Bytes: 5, At: noon}
	if _, err := d.store.AddEvidence(t.Context(), []alert.Evidence{e}, noon); err != nil {
		t.Fatal(err)
	}
	d.account("night", auth.Operator)
	d.account("chief", auth.Administrator) // who is left, whatever the others do
	return d, d.calls(c, alerts.Items[0].ID, digest)
}

func (d *desk) account(name string, role auth.Role, grids ...string) store.User {
	d.t.Helper()
	u := store.User{Name: name, Hash: "none", Role: string(role), Grids: grids, At: noon}
	if err := d.store.PutUser(d.t.Context(), u); err != nil {
		d.t.Fatal(err)
	}
	return u
}

// by makes a call in a session of an account, a new one after an operation that may end it.
func (d *desk) by(u store.User, c call) *httptest.ResponseRecorder {
	d.t.Helper()
	if d.sessions[u.Name] == "" {
		cookie, _, err := d.server.o.Auth.Enter(d.t.Context(), u)
		if err != nil {
			d.t.Fatal(err)
		}
		d.sessions[u.Name] = cookie.Name + "=" + cookie.Value
	}
	cookie := d.sessions[u.Name]
	if c.id == "sign-out" || c.id == "change-password" {
		delete(d.sessions, u.Name)
	}
	return d.ask(c.method, c.path, c.rule.body, "Cookie", cookie)
}

func refused(code int) bool { return code == http.StatusUnauthorized || code == http.StatusForbidden }

// Two roles try each other's actions, over the whole interface: none passes.
func TestAccess(t *testing.T) {
	d, calls := newMatrix(t)
	staff := map[auth.Role]store.User{}
	for _, role := range auth.Roles() {
		staff[role] = d.account("the-"+string(role), role)
	}
	for _, c := range calls {
		for _, header := range [][]string{nil, {"Authorization", "Bearer " + auth.NewToken()}, {"Cookie", "gridgate_session=x"}} {
			if w := d.ask(c.method, c.path, c.rule.body, header...); (w.Code == http.StatusUnauthorized) == c.rule.open && c.id != "sign-in" {
				t.Errorf("%s by a stranger: %d", c.id, w.Code)
			}
		}
		if c.rule.own || c.rule.open {
			continue
		}
		for _, role := range auth.Roles() {
			may := c.rule.need == "" || slices.Contains(strings.Fields(doors[role]), string(c.rule.need))
			if w := d.by(staff[role], c); refused(w.Code) == may {
				t.Errorf("%s by %s: %d %s", c.id, role, w.Code, w.Body)
			}
		}
		for _, scope := range auth.Scopes() {
			may := (c.rule.need == "" || c.rule.need == scope) && !c.rule.person
			if w := d.as(string(scope), c.method, c.path, c.rule.body); refused(w.Code) == may {
				t.Errorf("%s by a token with %s: %d %s", c.id, scope, w.Code, w.Body)
			}
		}
	}
}

// Who may see some grids does nothing to what lies in others, sees none of it, and is not told whether it exists.
func TestAccessStaysInItsGrids(t *testing.T) {
	for where, prefix := range map[string]string{"inside": somewhere[:9], "outside": "99"} {
		d, calls := newMatrix(t)
		post := d.account("post", auth.Worker, prefix)
		for _, c := range calls {
			if c.rule.own || c.rule.open {
				continue
			}
			w := d.by(post, c)
			switch {
			case c.rule.about == all:
				wantProblem(t, w, http.StatusForbidden)
			case c.rule.about == naming && where == "outside":
				wantProblem(t, w, http.StatusForbidden)
			case c.rule.about == placed && (where == "outside" || strings.HasPrefix(c.path, "/v1/silences")):
				wantProblem(t, w, http.StatusNotFound)
				body := w.Body.String()
				nothing := c
				nothing.path = strings.NewReplacer(strings.Repeat("ab", 32), strings.Repeat("cd", 32)).Replace(c.path)
				if other := d.by(post, nothing); other.Body.String() != body {
					t.Errorf("%s tells what lies outside from what does not exist: %s, %s", c.id, body, other.Body)
				}
			case refused(w.Code) || w.Code == http.StatusNotFound && c.id != "merge-case":
				t.Errorf("%s %s: %d %s", c.id, where, w.Code, w.Body)
			}
			if c.id == "list-cases" && len(into[CasePage](t, w).Items) != map[string]int{"inside": 1}[where] {
				t.Errorf("%s, cases: %s", where, w.Body)
			}
			if c.id == "list-alerts" && len(into[AlertPage](t, w).Items) != map[string]int{"inside": 1}[where] {
				t.Errorf("%s, alerts: %s", where, w.Body)
			}
		}
	}
}
