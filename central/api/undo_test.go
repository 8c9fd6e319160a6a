package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/central/workflow"
	"gridgate/protocols/alert"
)

// TestUndo takes steps back: by who took them, as long as nothing but alerts came since, and the case is as it was.
func TestUndo(t *testing.T) {
	d := newLoopDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	undo := func(who string, header ...string) caseReply {
		return reply(d.by(who, "POST", path+"/undo", "", header...))
	}
	if said := undo("wang"); said.status != http.StatusConflict || !strings.Contains(said.body, string(workflow.MovedOn)) {
		t.Fatalf("nothing was done: %+v", said)
	}
	into[cases.Case](t, d.step("wang", path, `{"action":"acknowledge"}`))
	before := into[CaseFile](t, d.by("wang", "GET", path, ""))
	if before.Undo == nil || before.Undo.Action != "acknowledge" || !before.Undo.Until.Equal(noon.Add(workflow.UndoWithin)) {
		t.Fatalf("the undo that is offered: %+v", before.Undo)
	}
	into[cases.Case](t, d.step("wang", path, `{"action":"dispatch","unit":"parks","note":"路口"}`))
	if file := into[CaseFile](t, d.by("chen", "GET", path, "")); file.Undo != nil || len(file.Left) != 1 || !file.Left[0].Working || file.Left[0].Day != 7*3600 {
		t.Fatalf("offered to somebody else %+v, left %+v", file.Undo, file.Left)
	}
	if said := undo("chen"); said.status != http.StatusConflict || !strings.Contains(said.body, string(workflow.NotYourStep)) || !strings.Contains(said.body, "wang") {
		t.Errorf("by somebody else: %+v", said)
	}
	if said := undo("wang", "If-Match", etag(before.Position)); said.status != http.StatusPreconditionFailed {
		t.Errorf("of a case seen before: %+v", said)
	}
	d.ingest(newAlert(alert.Smoke, "kitchen", noon.Add(time.Second)))
	got := into[cases.Case](t, d.by("wang", "POST", path+"/undo", ""))
	if got.Step != before.Step || got.Unit != "" || got.Assignee != "wang" || got.Alerts != before.Alerts+1 || len(got.Deadlines) != 0 {
		t.Errorf("taken back: %+v", got)
	}
	file := into[CaseFile](t, d.by("wang", "GET", path, ""))
	if last := file.History[len(file.History)-1]; last.Type != cases.EventUndone || last.Action != "dispatch" || last.Actor != "wang" || file.Undo != nil {
		t.Errorf("history ends with %+v, offered %+v", last, file.Undo)
	}
	if said := undo("wang"); said.status != http.StatusConflict || !strings.Contains(said.body, string(workflow.NothingToUndo)) {
		t.Errorf("twice: %+v", said)
	}
	whole := d.history(got.ID)
	rebuilt, err := cases.Rebuild(whole)
	if err != nil || rebuilt.Outcome().Assignee != got.Assignee || rebuilt.Alerts != got.Alerts {
		t.Errorf("rebuilt %+v, %v", rebuilt, err)
	}
}

// history is the whole history of a case.
func (d *loopDesk) history(id string) []cases.Event {
	d.t.Helper()
	_, events, err := d.store.CaseFile(d.t.Context(), id, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return events
}

type caseReply struct {
	status int
	body   string
}

func reply(w interface {
	Result() *http.Response
}) caseReply {
	r := w.Result()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return caseReply{r.StatusCode, b.String()}
		}
	}
}

// A case whose closing is taken back brings those along that were closed with it.
func TestUndoOfAClosingOpensItsPartsAgain(t *testing.T) {
	d := newLoopDesk(t)
	d.server.o.Rules = firstRules(t)
	whole := d.openCase()
	part := newAlert(alert.Smoke, "hall", noon)
	part.Key += "/hall"
	d.ingest(part)
	child := into[CasePage](t, d.as("read", "GET", "/v1/cases?state=open", "")).Items[0]
	now := noon
	add := func(e cases.Event) {
		t.Helper()
		if _, err := d.store.AppendAll(t.Context(), []store.Change{{Event: e}}); err != nil {
			t.Fatal(err)
		}
	}
	add(cases.Event{CaseID: child.ID, Type: cases.EventMerged, At: now, Actor: "wang", Into: whole.ID})
	into[cases.Case](t, d.step("wang", "/v1/cases/"+whole.ID, `{"action":"false-alarm"}`))
	closed, err := d.store.Case(t.Context(), child.ID)
	if err != nil {
		t.Fatal(err)
	}
	l := d.server.o.Loops.Of(closed)
	e, err := l.Do(closed, workflow.Request{Action: l.Definition.Follow, Actor: workflow.Actor{Role: workflow.System, Rule: workflow.FollowRule}, At: noon})
	if err != nil {
		t.Fatal(err)
	}
	add(e)
	got := into[cases.Case](t, d.by("wang", "POST", "/v1/cases/"+whole.ID+"/undo", ""))
	again, err := d.store.Case(t.Context(), child.ID)
	if got.State != cases.Open || err != nil || again.State != cases.Open || again.Parent != whole.ID {
		t.Errorf("the case is %+v, its part %+v, %v", got, again, err)
	}
}

// Each case of a bulk is judged by itself, done once for a key, and taken back together.
func TestBulk(t *testing.T) {
	d := newLoopDesk(t)
	d.server.o.Replies, d.server.o.Rules = d.store, firstRules(t)
	var all []cases.Case
	for i := range 3 {
		a := newAlert(alert.Motion, fmt.Sprint("zone-", i), noon)
		a.Key += fmt.Sprint("/", i)
		d.ingest(a)
	}
	all = into[CasePage](t, d.as("read", "GET", "/v1/cases", "")).Items
	body := func(what string, list ...cases.Case) string {
		var seen []string
		for _, c := range list {
			seen = append(seen, fmt.Sprintf(`{"id":%q,"position":%d}`, c.ID, c.Position))
		}
		return `{` + what + `,"cases":[` + strings.Join(seen, ",") + `]}`
	}
	bulk := func(who, body string, header ...string) []BulkOutcome {
		t.Helper()
		w := d.by(who, "POST", "/v1/cases/bulk", body, header...)
		var out struct{ Items []BulkOutcome }
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return out.Items
	}
	into[cases.Case](t, d.step("chen", "/v1/cases/"+all[1].ID, `{"action":"acknowledge"}`)) // somebody is faster
	acknowledge := body(`"step":{"action":"acknowledge"}`, all...)
	first := bulk("wang", acknowledge, keyHeader, "one")
	if fmt.Sprint(first[0].Status, first[1].Status, first[2].Status) != "200 412 200" || first[0].State != cases.Acknowledged || first[1].Problem == nil {
		t.Fatalf("%+v", first)
	}
	if again := bulk("wang", acknowledge, keyHeader, "one"); again[0].Position != first[0].Position {
		t.Errorf("sent again: %+v", again)
	}
	for _, o := range bulk("li", body(`"step":{"action":"close","reason":"handled"}`, cases.Case{ID: all[0].ID}, cases.Case{ID: all[2].ID})) {
		if o.Status != http.StatusForbidden || o.Problem.Errors[0].Location != string(workflow.NotAllowed) {
			t.Errorf("by a worker: %+v", o)
		}
	}
	all[0].Position, all[2].Position = first[0].Position, first[2].Position
	back := bulk("wang", body(`"undo":true`, all[0], cases.Case{ID: all[1].ID}, all[2]))
	if fmt.Sprint(back[0].Status, back[1].Status, back[2].Status) != "200 409 200" || back[0].State != cases.Open {
		t.Errorf("taken back: %+v", back)
	}
	merged := bulk("wang", body(`"into":"`+all[1].ID+`"`, cases.Case{ID: all[0].ID}, cases.Case{ID: all[1].ID}))
	if merged[0].Status != http.StatusOK || merged[1].Problem == nil || merged[1].Problem.Errors[0].Location != "merge-itself" {
		t.Errorf("merged: %+v", merged)
	}
	for _, bad := range []string{
		body(`"undo":true,"into":"`+all[1].ID+`"`, all[0]), body(`"undo":false`, all[0]), body(`"undo":true`), body(`"undo":true`, all[0], all[0]),
		body(`"step":{"action":"acknowledge","note":"13800138000"}`, all[0]),
	} {
		wantProblem(t, d.by("wang", "POST", "/v1/cases/bulk", bad), http.StatusUnprocessableEntity)
	}
	wantProblem(t, d.by("zheng", "POST", "/v1/cases/bulk", acknowledge), http.StatusForbidden)
}

// A case is given to accounts only that may do something with it and may see it.
func TestAssignees(t *testing.T) {
	d := newLoopDesk(t)
	for _, u := range []store.User{
		{Name: "far", Role: "worker", Grids: []string{"99"}}, {Name: "near", Role: "worker", Unit: "roads", Grids: []string{somewhere[:9]}},
		{Name: "gone", Role: "worker", Disabled: true},
	} {
		if err := d.store.PutUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	path := "/v1/cases/" + d.openCase().ID
	into[cases.Case](t, d.step("wang", path, `{"action":"acknowledge"}`))
	for _, name := range []string{"nobody", "far", "gone", "zheng", "admin"} {
		w := d.step("wang", path, `{"action":"assign","assignee":"`+name+`"}`)
		if !strings.Contains(w.Body.String(), "body.assignee") {
			t.Errorf("%s: %s", name, w.Body)
		}
		wantProblem(t, w, http.StatusUnprocessableEntity)
	}
	if c := into[cases.Case](t, d.step("wang", path, `{"action":"assign","assignee":"near"}`)); c.Assignee != "near" {
		t.Errorf("%+v", c)
	}
	list := d.by("wang", "GET", "/v1/staff?grid="+somewhere, "").Body.String()
	if want := `{"items":[{"name":"chen"},{"name":"li","unit":"parks"},{"name":"near","unit":"roads"},{"name":"sun","unit":"roads"},{"name":"wang"},{"name":"wu"}]}`; strings.TrimSpace(list) != want {
		t.Errorf("got  %s\nwant %s", list, want)
	}
}

// What a case could become part of is near it, and is not refused when it is chosen.
func TestNeighbours(t *testing.T) {
	d := newLoopDesk(t)
	d.server.o.Rules = firstRules(t)
	put := func(zone, grid string, kind alert.Kind, exercise bool) cases.Case {
		t.Helper()
		a := newAlert(kind, zone, noon)
		a.Key, a.Grid, a.Exercise = a.Key+"/"+zone, grid, exercise
		d.ingest(a)
		return into[CasePage](t, d.as("read", "GET", "/v1/cases", "")).Items[0]
	}
	same := somewhere
	beside := somewhere[:12] + "999"
	c, near, next := put("a", same, alert.Motion, false), put("b", beside, alert.Motion, false), put("c", same, alert.Motion, false)
	put("far", "999999999999999", alert.Motion, false)
	put("drill", same, alert.Motion, true)
	var list struct{ Items []cases.Case }
	path := "/v1/cases/" + c.ID
	if err := json.Unmarshal(d.by("wang", "GET", path+"/neighbours", "").Body.Bytes(), &list); err != nil || len(list.Items) != 2 || list.Items[0].ID != next.ID || list.Items[1].ID != near.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	readings := into[NearReadings](t, d.by("wang", "GET", path+"/readings", ""))
	if !readings.From.Equal(c.OpenedAt.Add(-readingsBefore)) || readings.To.After(noon) || readings.Items == nil {
		t.Errorf("%+v", readings)
	}
}
