package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/configure"
	"gridgate/central/correlate/rules"
	"gridgate/central/notify"
	"gridgate/central/release"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// call is one operation of the document with its parameters filled in.
type call struct {
	id, method, path string
	nothing          string // the same path of what does not exist
	caseID, alertID  string
	rule             rule
}

// things are what the parameters of the paths name.
type things struct{ c, alert, digest, notice, look, trial, unsealing string }

const nowhere = "0190a1b2-0000-7000-8000-000000000000" // an id that nothing has

// calls reads the document of a server; what the matrix does not know fails.
func (d *desk) calls(x things) (out []call) {
	d.t.Helper()
	var doc document
	if err := json.Unmarshal(d.ask("GET", "/openapi.json", "").Body.Bytes(), &doc); err != nil {
		d.t.Fatal(err)
	}
	missing := maps.Clone(matrix)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, op := range doc.Paths[path] {
			delete(missing, op.OperationID)
			r, known := matrix[op.OperationID]
			if !known {
				d.t.Errorf("%s (%s %s) is not in the matrix: say there who may do it", op.OperationID, method, path)
				continue
			}
			filled, nothing := x.fill(path)
			c := call{id: op.OperationID, method: strings.ToUpper(method), path: filled + r.query, nothing: nothing + r.query, caseID: x.c, alertID: x.alert, rule: r}
			if op.OperationID == "get-place" {
				c.nothing = path + "?lon=1&lat=1"
			}
			out = append(out, c)
		}
	}
	for id := range missing {
		d.t.Errorf("%s is in the matrix, and not in the document", id)
	}
	return out
}

// fill puts what there is into a path, and what there is not.
func (x things) fill(path string) (filled, nothing string) {
	id, code, none := x.c, somewhere, nowhere
	switch {
	case strings.HasPrefix(path, "/v1/tokens"):
		id = "0123456789abcdef"
	case strings.HasPrefix(path, "/v1/alerts"):
		id = x.alert
	case strings.HasPrefix(path, "/v1/notices"):
		id, none = x.notice, nowhere+x.notice[len(nowhere):]
	case strings.HasPrefix(path, "/v1/edges"):
		id, none = "town-1", "town-2"
	case strings.HasPrefix(path, "/v1/handovers"):
		id = theHandover
	case strings.HasPrefix(path, "/v1/units"):
		id = "centre"
	case strings.HasPrefix(path, "/v1/workflows"), strings.HasPrefix(path, "/v1/calendars"):
		id = "mine"
	case strings.HasPrefix(path, "/v1/classes"):
		code = "0101"
	}
	put := func(id, code, digest, look, trial, unsealing string) string {
		return strings.NewReplacer("{id}", id, "{rule}", "none", "{name}", "night", "{sha256}", digest, "{code}", code, "{device}", "gate", "{z}", "0", "{x}", "0", "{y}", "0",
			"{edge}", id, "{camera}", "gate", "{look}", look, "{trial}", trial, "{unsealing}", unsealing, "{discovery}", nowhere,
			"{layer}", "all", "{version}", "0", "{group}", "pilot", "{rollout}", nowhere, "{action}", "pause", "{revision}", digest).Replace(path)
	}
	return put(id, code, x.digest, x.look, x.trial, x.unsealing), put(none, "999999999999999", strings.Repeat("cd", 32), nowhere, nowhere, nowhere)
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

// everything lets a desk serve each operation that there is.
func everything(t *testing.T) func(*Options) {
	t.Helper()
	return func(o *Options) {
		db := o.Versions()
		setUp(t)(o)
		withReports(o)
		withOrders(t)(o)
		withClips(o)
		withMap(o)
		cache := setup.New(setup.Options{Store: db})
		l, err := parts.AddLoops(cache)
		if err != nil {
			t.Fatal(err)
		}
		n, err := parts.AddNotify(cache)
		if err == nil {
			err = cache.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		o.Rules, o.Changes, o.Loops, o.LoopSetup = firstRules(t), db, looped{Loops: l}, l
		o.Notify = &Notify{Notices: db, Setup: n, Channels: []string{"mail"}, Try: func(context.Context, string, string) error { return nil }}
		o.Handovers, o.Filters = db, db
		o.Edges = edgeRoutes()
		o.PromQL = readings(t).PromQL()
		configurations, err := configure.New(configure.Options{Store: db})
		if err != nil {
			t.Fatal(err)
		}
		o.Configurations, o.Releases = configurations, release.New(db, nil, configurations, nil)
	}
}

// edgeRoutes are the endpoints of edges; each says that it was reached.
func edgeRoutes() (out []Route) {
	var reached http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	for _, path := range []string{"/v1/events", "/v1/readings", "/v1/alertmanager", "/v1/edges/{id}/sync", "/v1/edges/{id}/credential"} {
		out = append(out, Route{Method: "POST", Path: path, Handler: reached})
	}
	return append(out, Route{Method: "PUT", Path: "/v1/evidence/{sha256}", Handler: reached},
		Route{Method: "PUT", Path: "/v1/edges/{edge}/looks/{look}", Handler: reached}, Route{Method: "PUT", Path: "/v1/edges/{edge}/trials/{trial}", Handler: reached},
		Route{Method: "PUT", Path: "/v1/edges/{edge}/discoveries/{discovery}", Handler: reached},
		Route{Method: "GET", Path: "/v1/edges/{edge}/configurations/{revision}", Handler: reached},
		Route{Method: "POST", Path: "/v1/enrol", Handler: reached, Open: true})
}

// newMatrix is a desk that serves each operation, with a grid, a case in it, a picture and a notice of that, and the account "night".
func newMatrix(t *testing.T) (*desk, []call) {
	t.Helper()
	d := newDesk(t, everything(t))
	d.change(http.StatusOK, "POST", "/v1/units/import", `[{"id":"centre","title":{"zh":"综治中心"}}]`)
	d.change(http.StatusOK, "POST", "/v1/grids/import", features(square(somewhere[:12], "社区", 0, 3), square(somewhere, "一", 0, 1)), "Content-Type", geoJSON)
	c := d.openCase()
	alerts := into[AlertPage](t, d.as("read", "GET", "/v1/alerts", ""))
	x := things{c: c.ID, alert: alerts.Items[0].ID, digest: strings.Repeat("ab", 32), notice: c.ID + ".abcdefghijklmnopqrstuv"}
	d.gallery[x.digest] = []byte("\xff\xd8\xff\xe0 a picture")
	e := alert.Evidence{ID: alert.NewID(), Source: alerts.Items[0].Source, AlertID: x.alert, SHA256: x.digest, MediaType: alert.JPEG, Bytes: 5, At: noon}
	if _, err := d.store.AddEvidence(t.Context(), []alert.Evidence{e}, noon); err != nil {
		t.Fatal(err)
	}
	d.reported("town-1", ingest.DeviceState{ID: "gate", Family: "cameras", Grid: somewhere, State: "streaming", Since: noon})
	x.look, x.trial = d.ordered()
	x.unsealing = d.unsealed(x.alert)
	d.follow(c, x.notice)
	d.handover(theHandover, "night", somewhere[:9])
	d.account("night", auth.Operator)
	d.account("chief", auth.Administrator) // who is left, whatever the others do
	return d, d.calls(x)
}

// follow does what the jobs do with a case: it is counted, and somebody was told of it.
func (d *desk) follow(c cases.Case, notice string) {
	d.t.Helper()
	n := store.Notice{ID: notice, CaseID: c.ID, Position: c.Position, Channel: "mail", To: "post", Template: string(notify.Opened), At: noon, State: store.NoticeWaiting}
	_, err := d.store.Advance(d.t.Context(), store.Advance{
		Job: "test", To: c.Position, Notices: []store.Notice{n}, Counts: []store.Count{{Day: "2026-03-01", Grid: c.Grid, Measure: "opened", N: 1}},
	})
	if err == nil {
		n.State, n.Done = store.NoticeSent, noon
		err = d.store.SettleNotice(d.t.Context(), n)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}
