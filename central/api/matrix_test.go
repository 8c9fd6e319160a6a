package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// about says what an operation is about, for somebody who may see some grids only.
type about int

const (
	nobodys about = iota // nothing that lies in a grid
	listed               // lists what they may see
	placed               // one thing in a grid: outside theirs it does not exist
	naming               // it names grids itself: those of others are refused
	told                 // it names a place in its body: one outside theirs is taken for one that does not exist
	all                  // the whole centre: not for them
)

const formType = "application/x-www-form-urlencoded"

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

	typ  string      // media type of the body, if not JSON
	role []auth.Role // whom the operation lets, of those who have the scope; nil: all of them
	loop []auth.Role // whom the case's workflow lets, of those who have the scope; nil: all of them
}

// desks are the roles that the shipped loop gives the steps of the desk to.
var desks = []auth.Role{auth.Operator, auth.Supervisor}

// header is what goes with the body.
func (r rule) header() []string {
	if r.typ == "" {
		return nil
	}
	return []string{"Content-Type", r.typ}
}

// lets says whether the workflow lets a role, which has the scope.
func (r rule) lets(role auth.Role) bool { return r.loop == nil || slices.Contains(r.loop, role) }

// admits says whether the operation itself lets a role, which has the scope.
func (r rule) admits(role auth.Role) bool { return r.role == nil || slices.Contains(r.role, role) }

const zoneBody = `{"zones":[{"name":"yard"}]`

// matrix says who may what: an operation that is not in it fails the test.
var matrix = map[string]rule{
	"sign-in":          {open: true, body: `{"user":"nobody","password":"wrong horse"}`},
	"get-session":      {},
	"list-sign-ins":    {open: true},
	"begin-sign-on":    {open: true},
	"finish-sign-on":   {open: true},
	"sign-out":         {},
	"change-password":  {person: true, body: `{"present":"wrong horse","next":"another horse"}`},
	"list-alerts":      {need: auth.Read, about: listed},
	"list-filters":     {need: auth.Read, person: true},
	"put-filters":      {need: auth.Read, person: true, body: `{"items":[{"name":"river","kind":"water-level","grid":"110101001"}]}`},
	"list-cases":       {need: auth.Read, about: listed},
	"get-case":         {need: auth.Read, about: placed},
	"acknowledge-case": {need: auth.Operate, about: placed, loop: desks},
	"close-case":       {need: auth.Operate, about: placed, body: `{"reason":"handled"}`, loop: desks},
	"step-case":        {need: auth.Operate, about: placed, body: `{"action":"reopen","note":"again"}`, loop: desks},
	"hold-case":        {need: auth.Operate, about: placed, body: `{"reason":"review"}`},
	"release-case":     {need: auth.Operate, about: placed, body: `{"reason":"settled"}`},
	"list-edges":       {need: auth.Read, about: listed},
	"get-edge":         {need: auth.Read, about: placed},
	"get-device":       {need: auth.Read, about: placed},
	"query-series":     {need: auth.Read, about: all, query: "?metric=go_goroutines"},
	"feed":             {need: auth.Read},

	"prometheus-query": {need: auth.Read, query: "?query=1"}, "prometheus-query-form": {need: auth.Read, typ: formType, body: "query=1"},
	"prometheus-query-range": {need: auth.Read, query: "?query=1&start=1&end=2&step=1"}, "prometheus-query-range-form": {need: auth.Read, typ: formType, body: "query=1&start=1&end=2&step=1"},
	"prometheus-series": {need: auth.Read, query: "?match[]=a"}, "prometheus-series-form": {need: auth.Read, typ: formType, body: "match[]=a"},
	"prometheus-labels": {need: auth.Read}, "prometheus-labels-form": {need: auth.Read, typ: formType, body: "limit=1"}, "prometheus-label-values": {need: auth.Read},
	"prometheus-metadata": {need: auth.Read}, "prometheus-build": {need: auth.Read},

	"get-evidence":   {need: auth.Read, about: placed},
	"list-audit":     {need: auth.Audit, about: all},
	"list-users":     {need: auth.Administer, about: all},
	"get-user":       {need: auth.Administer, about: all},
	"create-user":    {need: auth.Administer, about: all, body: `{"name":"new","role":"worker","password":"correct horse"}`},
	"change-user":    {need: auth.Administer, about: all, body: `{"role":"worker"}`},
	"reset-password": {need: auth.Administer, about: all, body: `{"password":"short"}`},
	"list-tokens":    {need: auth.Administer, about: all},
	"create-token":   {need: auth.Administer, about: all, body: `{"name":"map","scopes":["read"],"days":30}`},
	"revoke-token":   {need: auth.Administer, about: all},

	"get-alert": {need: auth.Read, about: placed}, "trace-alert": {need: auth.Read, about: placed}, "get-rules": {need: auth.Read}, "put-rules": {need: auth.Configure, about: all},
	"approve-rule": {need: auth.Configure, about: all}, "list-silences": {need: auth.Read, about: listed},
	"make-silence":    {need: auth.Operate, person: true, about: naming, body: silenceBody},
	"approve-silence": {need: auth.Operate, about: placed}, "end-silence": {need: auth.Operate, about: placed},
	"undo-step": {need: auth.Operate, about: placed}, "step-cases": {need: auth.Operate, body: `{"undo":true,"cases":[{"id":"` + nowhere + `","position":0}]}`},
	"list-staff": {need: auth.Operate, about: placed, query: "?grid=" + somewhere}, "list-neighbours": {need: auth.Read, about: placed}, "list-near-readings": {need: auth.Read, about: placed},
	"merge-case": {need: auth.Operate, about: placed, body: `{"into":"0190a1b2-0000-7000-8000-000000000000"}`}, "unmerge-case": {need: auth.Operate, about: placed},

	"list-workflows": {need: auth.Read}, "get-calendar": {need: auth.Read}, "get-loop": {need: auth.Read},
	"put-workflow": {need: auth.Configure, about: all}, "remove-workflow": {need: auth.Configure, about: all}, "put-calendar": {need: auth.Configure, about: all},
	"remove-calendar": {need: auth.Configure, about: all}, "put-loop": {need: auth.Configure, about: all},

	"list-grids": {need: auth.Read, about: listed}, "export-grids": {need: auth.Read, about: listed}, "get-grid": {need: auth.Read, about: placed},
	"get-grid-history": {need: auth.Read, about: placed}, "get-place": {need: auth.Read, about: placed, query: "?lon=120.0005&lat=30.0005"},
	"get-map": {need: auth.Read, about: listed}, "get-map-grids": {need: auth.Read, about: listed}, "get-map-tile": {need: auth.Read},
	"import-grids": {need: auth.Configure, about: all, typ: geoJSON}, "merge-grids": {need: auth.Configure, about: all}, "put-grid": {need: auth.Configure, about: all},
	"remove-grid": {need: auth.Configure, about: all}, "split-grid": {need: auth.Configure, about: all},
	"list-units": {need: auth.Read}, "get-unit": {need: auth.Read}, "import-units": {need: auth.Configure, about: all},
	"put-unit": {need: auth.Configure, about: all}, "remove-unit": {need: auth.Configure, about: all},
	"list-classes": {need: auth.Read}, "get-class": {need: auth.Read}, "export-classes": {need: auth.Read}, "import-classes": {need: auth.Configure, about: all, typ: "text/csv"},
	"put-class": {need: auth.Configure, about: all}, "remove-class": {need: auth.Configure, about: all},

	"open-case": {need: auth.Operate, about: told, body: floodReport}, "add-picture": {need: auth.Operate, about: placed, typ: alert.JPEG, body: "\xff\xd8 a photo"},
	"list-pictures": {need: auth.Read, about: placed}, "publish-case": {need: auth.Read, about: placed}, "post-warning": {need: auth.Events, about: all, typ: "application/cap+xml", body: "<alert/>"},
	"get-indicators": {need: auth.Read, about: listed}, "export-indicators": {need: auth.Read, about: listed, query: "?by=grid"}, "get-device-indicators": {need: auth.Read, about: all}, "export-cases": {need: auth.Read, about: listed},

	"list-handovers": {need: auth.Read, about: listed}, "get-handover": {need: auth.Read, about: placed},
	"begin-handover":    {need: auth.Operate, person: true, loop: desks, body: `{}`},
	"change-handover":   {need: auth.Operate, about: placed, person: true, loop: desks, body: `{"notes":"水泵"}`},
	"sign-handover":     {need: auth.Operate, about: placed, person: true, loop: desks},
	"accept-handover":   {need: auth.Operate, about: placed, person: true, loop: desks},
	"withdraw-handover": {need: auth.Operate, about: placed, person: true, loop: desks},

	"list-notices": {need: auth.Read, about: placed}, "acknowledge-notice": {need: auth.Operate, about: placed}, "get-notify": {need: auth.Configure, about: all},
	"put-notify": {need: auth.Configure, about: all}, "test-notify": {need: auth.Administer, about: all, body: `{"channel":"mail"}`},

	"get-arrangement": {need: auth.Read, about: placed}, "put-arrangement": {need: auth.Configure, about: all, body: zoneBody + "}"},
	"remove-arrangement": {need: auth.Configure, about: all}, "open-trial": {need: auth.Configure, about: all, body: zoneBody + `,"lastSec":60}`},
	"get-trial": {need: auth.Read, about: placed}, "list-modes": {need: auth.Read, about: placed},
	"set-mode": {need: auth.Operate, about: placed, person: true, role: desks, body: `{"device":"gate","mode":"disarmed","until":"2026-03-01T13:00:00Z","reason":"works"}`},
	"end-mode": {need: auth.Operate, about: placed, person: true, role: desks, query: "?device=gate"}, "list-looks": {need: auth.Read, about: listed},
	"open-look": {need: auth.Operate, about: placed, person: true, role: desks, body: `{"reason":"smoke seen"}`}, "get-look": {need: auth.Read, about: placed},
	"stop-look": {need: auth.Operate, about: placed, person: true, role: desks}, "get-look-picture": {need: auth.Read, about: placed, person: true, role: []auth.Role{auth.Operator}},
	"put-look-picture": {own: true}, "put-trial-result": {own: true}, "put-discovery-result": {own: true},
	"open-discovery": {need: auth.Configure, about: all, body: "{}"}, "list-discoveries": {need: auth.Configure, about: all}, "get-discovery": {need: auth.Configure, about: all},

	"list-edge-configurations": {need: auth.Configure, about: all}, "get-edge-configuration": {need: auth.Configure, about: all}, "list-edge-groups": {need: auth.Configure, about: all},
	"put-edge-group": {need: auth.Configure, about: all, body: `{"edges":["town-1"]}`}, "remove-edge-group": {need: auth.Configure, about: all},
	"list-configurations": {need: auth.Configure, about: all}, "get-configuration-history": {need: auth.Configure, about: all}, "get-configuration": {need: auth.Configure, about: all},
	"put-configuration":     {need: auth.Configure, about: all, body: `{"text":"timezone: UTC\n","why":"clocks"}`},
	"preview-configuration": {need: auth.Configure, about: all, body: `{"text":"timezone: UTC\n"}`}, "list-rollouts": {need: auth.Configure, about: all},
	"start-rollout": {need: auth.Configure, about: all, body: `{"layer":"all","why":"clocks"}`}, "get-rollout": {need: auth.Configure, about: all}, "act-rollout": {need: auth.Configure, about: all},
	"fetch-configuration": {own: true},

	"list-builds": {need: auth.Configure, about: all}, "list-edge-builds": {need: auth.Configure, about: all}, "list-build-rollouts": {need: auth.Configure, about: all},
	"start-build-rollout": {need: auth.Configure, about: all, body: `{"version":"1.1.0","to":"all","why":"clocks"}`}, "get-build-rollout": {need: auth.Configure, about: all},
	"act-build-rollout": {need: auth.Configure, about: all},

	"list-cameras": {need: auth.Read, about: listed}, "get-camera": {need: auth.Read, about: placed},
	"get-filing": {need: auth.Read, about: all}, "export-filing": {need: auth.Read, about: all}, "mark-filing": {need: auth.Administer, about: all, body: "{}"},
	"ask-unsealing":     {need: auth.Operate, about: placed, person: true, role: desks, body: `{"clip":"` + strings.Repeat("ef", 32) + `","reason":"accident","text":"how the fire came about"}`},
	"list-unsealings":   {need: auth.Read, about: listed, person: true, role: []auth.Role{auth.Operator, auth.Supervisor, auth.Auditor}},
	"get-unsealing":     {need: auth.Read, about: placed, person: true, role: []auth.Role{auth.Operator, auth.Supervisor, auth.Auditor}},
	"approve-unsealing": {need: auth.Operate, about: placed, person: true, role: []auth.Role{auth.Supervisor}},
	"refuse-unsealing":  {need: auth.Operate, about: placed, person: true, role: []auth.Role{auth.Supervisor}},
	"get-unsealed-clip": {need: auth.Operate, about: placed, person: true, role: desks},

	"post-events": {own: true}, "post-readings": {own: true}, "post-alertmanager": {own: true}, "sync-edge": {own: true},
	"put-evidence": {own: true}, "renew-credential": {own: true}, "enrol-edge": {own: true, open: true},
}

// doors are what each role opens.
var doors = map[auth.Role]string{
	auth.Operator: "read operate", auth.Worker: "read operate", auth.Supervisor: "read operate", auth.Verifier: "read operate",
	auth.Administrator: "read configure administer", auth.Auditor: "read audit", auth.Integrator: "read events",
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
	return d.ask(c.method, c.path, c.rule.body, append(c.rule.header(), "Cookie", cookie)...)
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
			if w := d.ask(c.method, c.path, c.rule.body, append(c.rule.header(), header...)...); (w.Code == http.StatusUnauthorized) == c.rule.open && c.id != "sign-in" {
				t.Errorf("%s by a stranger: %d", c.id, w.Code)
			}
		}
		if c.rule.own || c.rule.open {
			continue
		}
		roles := auth.Roles()
		slices.SortStableFunc(roles, func(a, b auth.Role) int { return strings.Compare(yes(c.rule.lets(a)), yes(c.rule.lets(b))) })
		for _, role := range roles { // first those whom the workflow refuses: the case still stands where the step leads on
			may := c.rule.need == "" || slices.Contains(strings.Fields(doors[role]), string(c.rule.need))
			may = may && c.rule.admits(role)
			w := d.by(staff[role], c)
			if refused(w.Code) == (may && c.rule.lets(role)) {
				t.Errorf("%s by %s: %d %s", c.id, role, w.Code, w.Body)
			}
			if byLoop := strings.Contains(w.Body.String(), string(workflow.NotAllowed)); byLoop != (may && !c.rule.lets(role)) {
				t.Errorf("%s by %s is not judged by who should: %d %s", c.id, role, w.Code, w.Body)
			}
		}
		for _, scope := range auth.Scopes() {
			may := (c.rule.need == "" || c.rule.need == scope) && !c.rule.person
			if w := d.as(string(scope), c.method, c.path, c.rule.body, c.rule.header()...); refused(w.Code) == may {
				t.Errorf("%s by a token with %s: %d %s", c.id, scope, w.Code, w.Body)
			}
		}
	}
}

func yes(b bool) string { return strconv.FormatBool(b) }

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
			switch outside := where == "outside"; {
			case c.rule.about == all, c.rule.about == naming && outside:
				wantProblem(t, w, http.StatusForbidden)
			case c.rule.about == told && outside:
				wantProblem(t, w, http.StatusUnprocessableEntity)
			case c.rule.about == placed && (outside || strings.HasPrefix(c.path, "/v1/silences")):
				wantProblem(t, w, http.StatusNotFound)
				d.tellsNothing(post, c, w.Body.String())
			case !c.rule.admits(auth.Worker):
				wantProblem(t, w, http.StatusForbidden)
			case !c.rule.lets(auth.Worker):
				if w.Code != http.StatusForbidden && w.Code != http.StatusConflict {
					t.Errorf("%s by a worker: %d %s", c.id, w.Code, w.Body)
				}
			case refused(w.Code) || w.Code == http.StatusNotFound && c.id != "merge-case":
				t.Errorf("%s %s: %d %s", c.id, where, w.Code, w.Body)
			}
			d.listsOnly(c, where, w)
		}
	}
}

// tellsNothing holds that what lies outside somebody's grids is answered as what does not exist.
func (d *desk) tellsNothing(u store.User, c call, said string) {
	d.t.Helper()
	c.path = c.nothing
	if other := d.by(u, c); other.Body.String() != said {
		d.t.Errorf("%s tells what lies outside from what does not exist: %s, %s", c.id, said, other.Body)
	}
}

// listsOnly holds that a list shows what lies in the grids of who asks.
func (d *desk) listsOnly(c call, where string, w *httptest.ResponseRecorder) {
	d.t.Helper()
	// What a list says of what lies in the grid of the fixture.
	signs := map[string]string{
		"list-cases": c.caseID, "list-alerts": c.alertID, "export-cases": c.caseID, "list-grids": somewhere, "export-grids": somewhere, "get-indicators": `"opened"`, "get-map": c.caseID, "get-map-grids": somewhere, "list-edges": `"town-1"`,
		"list-handovers": theHandover, "list-cameras": `"town-1"`, "export-indicators": somewhere,
	}
	sign, known := signs[c.id]
	if known && strings.Contains(w.Body.String(), sign) != (where == "inside") {
		d.t.Errorf("%s, %s: %s", where, c.id, w.Body)
	}
}

// Nobody makes a case part of one, or takes one out of one, that lies in a grid that they may not see.
func TestMergeStaysInItsGrids(t *testing.T) {
	d, _ := newMatrix(t)
	mine, far := d.openCase(), newAlert(alert.Smoke, "far", noon)
	far.Grid = "999999999999999"
	d.ingest(far)
	page := into[CasePage](t, d.as("read", "GET", "/v1/cases?grid=99", ""))
	if len(page.Items) != 1 {
		t.Fatalf("%+v", page)
	}
	post := d.account("post", auth.Operator, somewhere[:9])
	for from, to := range map[string]string{mine.ID: page.Items[0].ID, page.Items[0].ID: mine.ID} {
		wantProblem(t, d.by(post, call{method: "POST", path: "/v1/cases/" + from + "/merge", rule: rule{body: `{"into":"` + to + `"}`}}), http.StatusNotFound)
	}
}
