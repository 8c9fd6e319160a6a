package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/shift"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// theHandover is one that the account "night" began.
const theHandover = "019ca9b2-0000-7000-8000-0000000000aa"

// handover stores a draft about some grids.
func (d *desk) handover(id, outgoing string, grids ...string) {
	d.t.Helper()
	h := shift.Handover{Head: shift.Head{ID: id, State: shift.Draft, Grids: grids, From: noon.Add(-time.Hour), Until: noon.Add(time.Hour), Outgoing: outgoing}}
	body, err := json.Marshal(h)
	if err == nil {
		err = d.store.PutDocuments(d.t.Context(), []store.Document{{Kind: shift.Kind, ID: id, Version: 1, Body: body, At: noon, Actor: outgoing}})
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func withHandovers(t *testing.T) *desk {
	t.Helper()
	return newDesk(t, withRules(t), func(o *Options) { o.Handovers = o.Store.(*sqlite.Store) })
}

// on makes a call of an account about a handover, and returns it with its ETag.
func (d *desk) on(u store.User, method, path, body string, header ...string) (h shift.Handover, tag string) {
	d.t.Helper()
	w := d.ask(method, "/v1/handovers"+path, body, append(header, "Cookie", d.cookieOf(u))...)
	view := into[HandoverView](d.t, w)
	if tag = w.Header().Get("ETag"); tag != etag(view.Version) {
		d.t.Errorf("ETag %s of version %d", tag, view.Version)
	}
	return view.Handover, tag
}

func (d *desk) cookieOf(u store.User) string {
	d.t.Helper()
	cookie, _, err := d.server.o.Auth.Enter(d.t.Context(), u)
	if err != nil {
		d.t.Fatal(err)
	}
	return cookie.Name + "=" + cookie.Value
}

func TestAShiftIsHandedOver(t *testing.T) {
	d := withHandovers(t)
	d.openCase()
	day, night := d.account("day", auth.Operator), d.account("night", auth.Operator)
	h, tag := d.on(day, "POST", "", `{"notes":" 二号泵停用 "}`)
	if h.State != shift.Draft || h.Outgoing != "day" || h.Notes != "二号泵停用" || len(h.Picture.Worst) != 1 || h.Picture.Open[1].Open != 1 || h.Picture.Happened.Opened != 1 {
		t.Fatalf("begun: %+v", h)
	}
	path := "/" + h.ID
	h, tag = d.on(day, "PUT", path, `{"notes":"二号泵停用，巡查"}`, "If-Match", tag)
	wantProblem(t, d.ask("POST", "/v1/handovers"+path+"/accept", "", "Cookie", d.cookieOf(night), "If-Match", tag), http.StatusConflict)
	h, tag = d.on(day, "POST", path+"/sign", "", "If-Match", tag)
	if h.State != shift.Signed || !h.SignedAt.Equal(noon) {
		t.Fatalf("signed: %+v", h)
	}
	wantProblem(t, d.ask("PUT", "/v1/handovers"+path, `{"notes":"later"}`, "Cookie", d.cookieOf(day)), http.StatusConflict)
	open := into[HandoverPage](t, d.as("read", "GET", "/v1/handovers?state=open", ""))
	if len(open.Items) != 1 || open.Items[0].State != shift.Signed || open.Next != "" {
		t.Errorf("open ones: %+v", open)
	}
	h, _ = d.on(night, "POST", path+"/accept", "", "If-Match", tag)
	if h.State != shift.Accepted || h.Incoming != "night" {
		t.Fatalf("accepted: %+v", h)
	}
	for _, step := range []string{"/sign", "/accept", "/withdraw"} {
		for _, u := range []store.User{day, night} {
			_, now := d.on(u, "GET", path, "")
			wantProblem(t, d.ask("POST", "/v1/handovers"+path+step, "", "Cookie", d.cookieOf(u), "If-Match", now), http.StatusConflict)
		}
	}
}

// Who goes cannot also be who comes, a program signs nothing, and nobody signs what they did not see.
func TestTwoPeopleSign(t *testing.T) {
	d := withHandovers(t)
	day, night, worker := d.account("day", auth.Operator), d.account("night", auth.Operator), d.account("li", auth.Worker)
	h, first := d.on(day, "POST", "", `{}`)
	path := "/v1/handovers/" + h.ID
	wantProblem(t, d.ask("POST", path+"/sign", "", "Cookie", d.cookieOf(night), "If-Match", first), http.StatusConflict)
	wantProblem(t, d.ask("POST", path+"/sign", "", "Cookie", d.cookieOf(day)), http.StatusPreconditionRequired)
	wantProblem(t, d.ask("POST", path+"/sign", "", "Cookie", d.cookieOf(day), "If-Match", "*"), http.StatusPreconditionRequired)
	d.on(day, "PUT", "/"+h.ID, `{"notes":"x"}`)
	wantProblem(t, d.ask("POST", path+"/sign", "", "Cookie", d.cookieOf(day), "If-Match", first), http.StatusPreconditionFailed)
	_, tag := d.on(day, "POST", "/"+h.ID+"/sign", "", "If-Match", etag(2))
	wantProblem(t, d.ask("POST", path+"/accept", "", "Cookie", d.cookieOf(day), "If-Match", tag), http.StatusConflict)
	wantProblem(t, d.ask("POST", path+"/accept", "", "Cookie", d.cookieOf(worker), "If-Match", tag), http.StatusForbidden)
	wantProblem(t, d.as("operate", "POST", path+"/accept", "", "If-Match", tag), http.StatusForbidden)
	wantProblem(t, d.ask("POST", path+"/accept", "", "Cookie", d.cookieOf(night), "If-Match", first), http.StatusPreconditionFailed)
	d.on(night, "POST", "/"+h.ID+"/accept", "", "If-Match", tag)
}

func TestAHandoverIsWithdrawn(t *testing.T) {
	d := withHandovers(t)
	day, night, chief := d.account("day", auth.Operator), d.account("night", auth.Operator), d.account("chief", auth.Supervisor)
	h, tag := d.on(day, "POST", "", `{}`)
	wantProblem(t, d.ask("POST", "/v1/handovers", `{}`, "Cookie", d.cookieOf(day)), http.StatusConflict)
	wantProblem(t, d.ask("POST", "/v1/handovers/"+h.ID+"/withdraw", "", "Cookie", d.cookieOf(night)), http.StatusConflict)
	d.on(day, "POST", "/"+h.ID+"/sign", "", "If-Match", tag)
	if h, _ = d.on(chief, "POST", "/"+h.ID+"/withdraw", ""); h.State != shift.Withdrawn || h.WithdrawnBy != "chief" {
		t.Errorf("withdrawn: %+v", h)
	}
	d.on(day, "POST", "", `{}`)
}

func TestRefusedHandovers(t *testing.T) {
	d := withHandovers(t)
	day := d.account("day", auth.Operator)
	for name, body := range map[string]string{
		"telephone": `{"notes":"找 13812345678"}`, "long": `{"notes":"` + strings.Repeat("泵", shift.MaxNotes+1) + `"}`,
		"a period of two days": `{"from":"2026-02-27T12:00:00Z"}`, "an end before now": `{"until":"2026-03-01T11:00:00Z"}`,
	} {
		w := d.ask("POST", "/v1/handovers", body, "Cookie", d.cookieOf(day))
		if wantProblem(t, w, http.StatusUnprocessableEntity); strings.Contains(w.Body.String(), "138") {
			t.Errorf("%s: the answer repeats it: %s", name, w.Body)
		}
	}
	wantProblem(t, d.as("read", "GET", "/v1/handovers?cursor=x", ""), http.StatusUnprocessableEntity)
}

// A picture shows what the account may see, and a handover is for those who may see all that it is about.
func TestHandoversStayInTheirGrids(t *testing.T) {
	d := withHandovers(t)
	far := newAlert(alert.Smoke, "far", noon)
	far.Grid = "999999999999999"
	d.ingest(newAlert(alert.Smoke, "kitchen", noon), far)
	away := store.Edge{ID: "town-1", LastSync: noon.Add(-time.Hour), ReportedAt: noon.Add(-time.Hour), Report: ingest.SyncRequest{Devices: []ingest.DeviceState{{ID: "gate", Family: "cameras", Grid: somewhere, State: "streaming"}}}}
	if err := d.store.SaveSync(t.Context(), away); err != nil {
		t.Fatal(err)
	}
	here, there, all := d.account("here", auth.Operator, somewhere[:9]), d.account("there", auth.Operator, "99"), d.account("all", auth.Operator)
	h, _ := d.on(here, "POST", "", `{}`)
	if len(h.Picture.Worst) != 1 || h.Picture.Worst[0].Grid != somewhere || h.Picture.Edges.Total != 1 {
		t.Errorf("what is seen here: %+v", h.Picture)
	}
	wantProblem(t, d.ask("GET", "/v1/handovers/"+h.ID, "", "Cookie", d.cookieOf(there)), http.StatusNotFound)
	other, _ := d.on(there, "POST", "", `{}`)
	if len(other.Picture.Worst) != 1 || other.Picture.Edges.Total != 0 {
		t.Errorf("what is seen there: %+v", other.Picture)
	}
	whole, _ := d.on(all, "POST", "", `{}`)
	if len(whole.Picture.Worst) != 2 {
		t.Errorf("what is seen of all: %+v", whole.Picture)
	}
	for u, want := range map[*store.User]int{&here: 1, &there: 1, &all: 3} {
		page := into[HandoverPage](t, d.ask("GET", "/v1/handovers", "", "Cookie", d.cookieOf(*u)))
		if len(page.Items) != want {
			t.Errorf("%s sees %d handovers, want %d", u.Name, len(page.Items), want)
		}
	}
	wantProblem(t, d.ask("GET", "/v1/handovers/"+whole.ID, "", "Cookie", d.cookieOf(here)), http.StatusNotFound)
}

// Handovers are listed page by page; those older than they are kept go when one is begun, and an account's second open one is refused.
func TestHandoversAreBounded(t *testing.T) {
	d := withHandovers(t)
	old, recent := firstID(noon.Add(-shift.Keep-time.Hour)), firstID(noon.Add(-shift.Keep+time.Hour))
	d.handover(old, "gone")
	d.handover(recent, "gone")
	day := d.account("day", auth.Operator)
	h, _ := d.on(day, "POST", "", `{}`)
	var seen []string
	for cursor := ""; ; {
		page := into[HandoverPage](t, d.as("read", "GET", "/v1/handovers?limit=1"+cursor, ""))
		for _, one := range page.Items {
			seen = append(seen, one.ID)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if len(seen) != 2 || seen[0] != h.ID || seen[1] != recent {
		t.Errorf("listed %q, want %s and %s", seen, h.ID, recent)
	}
	now := alert.NewID()[:24]
	for i := range handoversADay {
		d.handover(now+strconv.FormatInt(int64(100_000_000_000+i), 16)+"00", "others")
	}
	wantProblem(t, d.ask("POST", "/v1/handovers", `{}`, "Cookie", d.cookieOf(d.account("night", auth.Operator))), http.StatusConflict)
}
