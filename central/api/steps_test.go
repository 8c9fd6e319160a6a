package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/calendar"
	"gridgate/central/cases"
	"gridgate/central/loops"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/workflow"
)

// looped is what is set up, with two units and one limit.
type looped struct {
	loops.NoCatalogue
	*parts.Loops
}

func (l looped) Of(c cases.Case) workflow.Loop { return l.Get().Of(c, l) }
func (l looped) Book() *loops.Book             { return l.Get() }
func (looped) KnowsUnit(u string) bool         { return u == "parks" || u == "roads" }
func (looped) Limits(string) []workflow.Limit {
	return []workflow.Limit{{Name: "handle", Span: calendar.WorkingDays(2), From: workflow.Dispatched, To: workflow.Handled}}
}

// loopDesk is a desk with loops and staff.
type loopDesk struct {
	*desk
	staff map[string]string // account -> cookie
}

func newLoopDesk(t *testing.T) *loopDesk {
	t.Helper()
	d := newDesk(t, func(o *Options) {
		db, ok := o.Store.(*sqlite.Store)
		if !ok {
			t.Fatal("the store is another one")
		}
		cache := setup.New(setup.Options{Store: db})
		l, err := parts.AddLoops(cache)
		if err == nil {
			err = cache.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		o.Loops, o.LoopSetup, o.Changes = looped{Loops: l}, l, db
	})
	l := &loopDesk{desk: d, staff: map[string]string{}}
	for _, u := range []store.User{
		{Name: "wang", Role: "operator"}, {Name: "li", Role: "worker", Unit: "parks"}, {Name: "sun", Role: "worker", Unit: "roads"},
		{Name: "wu", Role: "verifier"}, {Name: "chen", Role: "supervisor"}, {Name: "zheng", Role: "auditor"}, {Name: "admin", Role: "administrator"},
	} {
		if err := d.store.PutUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		cookie, _, err := d.server.o.Auth.Enter(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		l.staff[u.Name] = cookie.Name + "=" + cookie.Value
	}
	return l
}

func (d *loopDesk) by(who, method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.ask(method, path, body, append(header, "Cookie", d.staff[who])...)
}

func (d *loopDesk) step(who, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.by(who, "POST", path+"/steps", body, header...)
}

// TestStepsByRole leads a case through its loop, each step by whom it is for; whoever else tries is told why not.
func TestStepsByRole(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	refused := func(who, body string, status int, words string) {
		t.Helper()
		w := d.step(who, path, body)
		if said := w.Body.String(); !strings.Contains(said, words) {
			t.Errorf("%s: %s, want %q", body, said, words)
		}
		wantProblem(t, w, status)
	}
	refused("li", `{"action":"dispatch","unit":"parks"}`, http.StatusForbidden, "not-allowed")
	refused("zheng", `{"action":"dispatch","unit":"parks"}`, http.StatusForbidden, "scope")
	refused("wang", `{"action":"accept"}`, http.StatusConflict, "Collected")
	refused("wang", `{"action":"dispatch"}`, http.StatusUnprocessableEntity, "body.unit")
	refused("wang", `{"action":"dispatch","unit":"nobody"}`, http.StatusUnprocessableEntity, "no such unit")
	refused("wang", `{"action":"wave"}`, http.StatusUnprocessableEntity, "no action")
	c := into[cases.Case](t, d.step("wang", path, `{"action":"dispatch","unit":"parks"}`))
	if c.Workflow != workflow.BaseID || c.Step != "dispatch" || c.Unit != "parks" || len(c.Deadlines) != 1 || d.woken[len(d.woken)-1] != c.Position {
		t.Fatalf("%+v", c)
	}
	refused("sun", `{"action":"accept"}`, http.StatusForbidden, "unit")
	into[cases.Case](t, d.step("li", path, `{"action":"accept"}`))
	refused("chen", `{"action":"extend","note":"rain","by":"a week"}`, http.StatusUnprocessableEntity, "body.by")
	into[cases.Case](t, d.step("chen", path, `{"action":"extend","note":"rain","by":"w1d"}`))
	into[cases.Case](t, d.step("wang", path, `{"action":"co-handle","helpers":["roads"]}`))
	if c = into[cases.Case](t, d.step("wang", path, `{"action":"co-handle","helpers":[]}`)); len(c.Helpers) != 0 || c.Extended != 1 {
		t.Errorf("%+v", c)
	}
	into[cases.Case](t, d.step("li", path, `{"action":"feed-back","note":"井盖已换"}`))
	into[cases.Case](t, d.step("wu", path, `{"action":"verify"}`))
	c = into[cases.Case](t, d.step("chen", path, `{"action":"evaluate","rating":5}`))
	if c.State != cases.Closed || c.Rating != 5 || c.Handler != "li" || c.Reason != cases.ReasonVerified {
		t.Errorf("%+v", c)
	}
	file := into[CaseFile](t, d.by("wang", "GET", path, ""))
	if len(file.Actions) != 1 || file.Actions[0].Action != "reopen" {
		t.Errorf("actions %+v", file.Actions)
	}
	if file := into[CaseFile](t, d.by("zheng", "GET", path, "")); len(file.Actions) != 0 {
		t.Errorf("the auditor is offered %+v", file.Actions)
	}
}

// TestWhatIsNotOfferedIsRefused: at each step of the way every account tries every action that it is not offered, and none passes.
func TestWhatIsNotOfferedIsRefused(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	base, err := workflow.Shipped(workflow.BaseID)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, move := range [][2]string{
		{"wang", `{"action":"dispatch","unit":"parks"}`}, {"li", `{"action":"accept"}`}, {"li", `{"action":"feed-back"}`}, {"wu", `{"action":"verify"}`}, {"wang", `{"action":"evaluate","rating":3}`},
	} {
		for _, who := range []string{"wang", "li", "sun", "wu", "chen", "zheng", "admin"} {
			file := into[CaseFile](t, d.by(who, "GET", path, ""))
			for _, a := range base.Actions {
				if slices.ContainsFunc(file.Actions, func(o workflow.Offer) bool { return o.Action == a.ID }) {
					continue
				}
				tried++
				w := d.step(who, path, `{"action":"`+a.ID+`","unit":"parks","note":"x","rating":5,"reason":"handled"}`)
				if w.Code != http.StatusForbidden && w.Code != http.StatusConflict {
					t.Errorf("%s does %s at %s: %d %s", who, a.ID, file.Step, w.Code, w.Body)
				}
			}
			if after := into[CaseFile](t, d.by(who, "GET", path, "")); after.Position != file.Position {
				t.Fatalf("%s changed the case at %s", who, file.Step)
			}
		}
		into[cases.Case](t, d.step(move[0], path, move[1]))
	}
	if tried < 500 {
		t.Errorf("only %d were tried", tried)
	}
}

// TestSamePerson: who handled it does not verify it, and reads so in both languages.
func TestSamePerson(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	for _, body := range []string{`{"action":"dispatch","unit":"parks"}`, `{"action":"accept"}`, `{"action":"feed-back"}`} {
		into[cases.Case](t, d.step("wang", path, body))
	}
	w := d.step("wang", path, `{"action":"verify"}`)
	if !strings.Contains(w.Body.String(), "somebody else must") || !strings.Contains(w.Body.String(), "处置人不能核查") {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, w, http.StatusForbidden)
}

// TestStepsAndVersions: a step on a version that is gone is refused, and nothing is half done.
func TestStepsAndVersions(t *testing.T) {
	d := newLoopDesk(t)
	c := d.openCase()
	path := "/v1/cases/" + c.ID
	wantProblem(t, d.step("wang", path, `{"action":"acknowledge"}`, "If-Match", etag(c.Position+1)), http.StatusPreconditionFailed)
	wantProblem(t, d.step("wang", path, `{"action":"acknowledge"}`, "If-Match", "x"), http.StatusBadRequest)
	w := d.step("wang", path, `{"action":"acknowledge","until":"`+noon.Add(time.Hour).Format(time.RFC3339)+`"}`, "If-Match", etag(c.Position))
	got := into[cases.Case](t, w)
	if w.Header().Get("ETag") != etag(got.Position) || got.State != cases.Acknowledged || got.WakeAt.IsZero() {
		t.Errorf("%s, %+v", w.Header().Get("ETag"), got)
	}
	wantProblem(t, d.step("wang", path, `{"action":"dispatch","unit":"parks"}`, "If-Match", etag(c.Position)), http.StatusPreconditionFailed)
	wantProblem(t, d.step("wang", "/v1/cases/0190a1b2-0000-7000-8000-000000000000", `{"action":"acknowledge"}`), http.StatusNotFound)
	if again := into[CaseFile](t, d.by("wang", "GET", path, "")); again.Position != got.Position {
		t.Errorf("a refused step left something: %+v", again)
	}
}

// TestDeskEndpoints: acknowledge and close are steps of the loop, too.
func TestDeskEndpoints(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	if c := into[cases.Case](t, d.by("wang", "POST", path+"/acknowledge", "")); c.Step != "open" || c.Assignee != "wang" {
		t.Errorf("%+v", c)
	}
	wantProblem(t, d.by("wang", "POST", path+"/acknowledge", ""), http.StatusConflict)
	wantProblem(t, d.by("li", "POST", path+"/close", `{"reason":"handled"}`), http.StatusForbidden)
	if c := into[cases.Case](t, d.by("wang", "POST", path+"/close", `{"reason":"false-alarm"}`)); c.Step != "desk" || c.Reason != cases.ReasonFalseAlarm {
		t.Errorf("%+v", c)
	}
	other := "/v1/cases/" + d.openCase().ID
	if c := into[cases.Case](t, d.as("operate", "POST", other+"/close", `{"reason":"duplicate"}`)); c.Reason != cases.ReasonDuplicate || c.ClosedBy != "token:test" {
		t.Errorf("%+v", c)
	}
}

// TestNotesSayNothingOfPeople: a number that says who somebody is is refused and not repeated.
func TestNotesSayNothingOfPeople(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	for number, body := range map[string]string{
		"11010519491231002X": `{"action":"acknowledge","note":"张某 11010519491231002X"}`,
		"13812345678":        `{"action":"not-ours","next":"水务局 13812345678"}`,
	} {
		w := d.step("wang", path, body)
		if strings.Contains(w.Body.String(), number) {
			t.Errorf("the number is repeated: %s", w.Body)
		}
		wantProblem(t, w, http.StatusUnprocessableEntity)
	}
}

// TestLoopsAreSetUp: by whom may, with every mistake named; what is refused changes nothing.
func TestLoopsAreSetUp(t *testing.T) {
	d := newLoopDesk(t)
	const mine = `{"id":"mine","base":"base","titles":{"zh":"我","en":"Mine"}}`
	wantProblem(t, d.by("wang", "PUT", "/v1/workflows/mine", mine), http.StatusForbidden)
	wantProblem(t, d.by("admin", "PUT", "/v1/workflows/other", mine), http.StatusUnprocessableEntity)
	w := d.by("admin", "PUT", "/v1/workflows/mine", strings.Replace(mine, `"base":"base"`, `"base":"base","start":"nowhere"`, 1))
	if !strings.Contains(w.Body.String(), "mine:1:") || !strings.Contains(w.Body.String(), `"start"`) {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, w, http.StatusUnprocessableEntity)
	wantProblem(t, d.by("admin", "PUT", "/v1/workflows/mine", "{"), http.StatusBadRequest)
	for path, body := range map[string]string{"/v1/workflows/mine": mine, "/v1/loop": `{"workflow":"base","calendar":"cn"}`} {
		if w := d.by("admin", "PUT", path, body); w.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	list := into[struct{ Items []workflow.Definition }](t, d.by("wang", "GET", "/v1/workflows", ""))
	if len(list.Items) != 5 {
		t.Errorf("%d workflows", len(list.Items))
	}
	table := into[calendar.Table](t, d.by("wang", "GET", "/v1/calendar", ""))
	table.Years[1].Year = 2027
	gap, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	w = d.by("admin", "PUT", "/v1/calendars/cn", string(gap))
	if !strings.Contains(w.Body.String(), "2027 does not follow 2025") {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, w, http.StatusUnprocessableEntity)
	wantProblem(t, d.by("admin", "PUT", "/v1/loop", `{"workflow":"gone","calendar":"cn"}`), http.StatusUnprocessableEntity)
	if got := into[loops.Choice](t, d.by("wang", "GET", "/v1/loop", "")); got.Workflow != "base" {
		t.Errorf("%+v", got)
	}
	if w := d.by("admin", "DELETE", "/v1/workflows/mine", ""); w.Code != http.StatusNoContent {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, d.by("admin", "DELETE", "/v1/workflows/mine", ""), http.StatusNotFound)
}
