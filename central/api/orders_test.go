package api

import (
	"net/http"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/protocols/ingest"
)

// withOrders lets a desk want something of edges.
func withOrders(t *testing.T) func(*Options) {
	t.Helper()
	return func(o *Options) {
		s, err := orders.New(t.Context(), orders.Options{Store: o.Versions(), Audit: o.Audit, Folder: t.TempDir(), Now: o.Now})
		if err != nil {
			t.Fatal(err)
		}
		o.Orders = s
	}
}

// ordered opens a look of the account "the-operator" and a trial at the camera that everything is about.
func (d *desk) ordered() (look, trial string) {
	d.t.Helper()
	zones := []ingest.OrderZone{{Name: "yard"}}
	who := auth.Principal{Name: "the-operator", Role: auth.Operator, Scopes: auth.ScopesOf(auth.Operator)}
	l, err := d.server.o.Orders.Open(d.t.Context(), who, orders.LookRequest{Edge: "town-1", Camera: "gate", Reason: "smoke seen"})
	if err != nil {
		d.t.Fatal(err)
	}
	t, err := d.server.o.Orders.Try(d.t.Context(), who, "town-1", "gate", zones, nil, 60)
	if err != nil {
		d.t.Fatal(err)
	}
	return l.ID, t.ID
}

// An arrangement, a mode and a look, as a console goes through them.
func TestOrders(t *testing.T) {
	d := newDesk(t, withOrders(t))
	d.reported("town-1", ingest.DeviceState{ID: "gate", Family: "cameras", Grid: somewhere, State: "streaming", Since: noon, Zones: []ingest.Zone{{Name: "yard", Mode: "armed"}}})
	const camera = "/v1/edges/town-1/cameras/gate"
	none := d.as("read", "GET", camera+"/arrangement", "")
	if a := into[orders.Arranged](t, none); a.Version != 0 || !a.InForce || none.Header().Get("ETag") != "" {
		t.Errorf("nothing was drawn: %+v", a)
	}
	put := d.as("configure", "PUT", camera+"/arrangement", `{"zones":[{"name":"door","outline":[[0.1,0.1],[0.5,0.1],[0.5,0.5]]}],"masks":[[[0,0],[0.2,0],[0.2,0.2]]]}`)
	if a := into[orders.Arranged](t, put); a.Version != 1 || a.InForce || len(a.Zones) != 1 || len(a.Masks) != 1 || a.By != "token:test" || put.Header().Get("ETag") != etag(1) {
		t.Errorf("drawn: %+v", a)
	}
	wantProblem(t, d.as("configure", "PUT", camera+"/arrangement", zoneBody+"}", "If-Match", etag(7)), http.StatusPreconditionFailed)
	wantProblem(t, d.as("configure", "PUT", camera+"/arrangement", `{"zones":[{"name":"door","outline":[[0.1,0.1],[0.5,0.1]]}]}`), http.StatusUnprocessableEntity)
	wantProblem(t, d.as("configure", "PUT", "/v1/edges/town-1/cameras/other/arrangement", zoneBody+"}"), http.StatusNotFound)
	if w := d.as("configure", "DELETE", camera+"/arrangement", "", "If-Match", etag(1)); w.Code != http.StatusNoContent {
		t.Errorf("removed: %d %s", w.Code, w.Body)
	}
	operator := d.account("night", auth.Operator)
	by := func(method, path, body string, want int) []byte {
		w := d.by(operator, call{method: method, path: path, rule: rule{body: body}})
		if w.Code != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, want)
		}
		return w.Body.Bytes()
	}
	by("POST", "/v1/edges/town-1/modes", `{"device":"gate","zone":"yard","mode":"walk-test","until":"2026-03-01T12:30:00Z"}`, http.StatusOK)
	by("POST", "/v1/edges/town-1/modes", `{"device":"gate","zone":"pond","mode":"walk-test","until":"2026-03-01T12:30:00Z"}`, http.StatusUnprocessableEntity)
	by("POST", "/v1/edges/town-1/modes", `{"device":"gate","mode":"disarmed","until":"2026-03-01T12:30:00Z"}`, http.StatusUnprocessableEntity)
	if m := into[orders.Modes](t, d.as("read", "GET", "/v1/edges/town-1/modes", "")); len(m.Items) != 1 || m.Items[0].By != "night" {
		t.Errorf("modes: %+v", m)
	}
	by("DELETE", "/v1/edges/town-1/modes?device=gate&zone=yard", "", http.StatusNoContent)
	by("DELETE", "/v1/edges/town-1/modes?device=gate&zone=yard", "", http.StatusNotFound)
	by("POST", camera+"/looks", `{"reason":"13812345678"}`, http.StatusUnprocessableEntity)
	by("POST", camera+"/looks", `{"reason":"smoke seen from the road"}`, http.StatusCreated)
	list := into[LookList](t, d.as("read", "GET", "/v1/edges/town-1/looks", ""))
	if len(list.Items) != 1 || list.Items[0].State != "waiting" || list.Items[0].Reason == "" {
		t.Fatalf("looks: %+v", list)
	}
	path := "/v1/looks/" + list.Items[0].ID
	by("GET", path+"/picture", "", http.StatusNoContent)
	by("DELETE", path, "", http.StatusNoContent)
	by("GET", path+"/picture", "", http.StatusGone)
	if v := into[LookView](t, d.as("read", "GET", path, "")); v.State != "ended" || v.Cause != orders.Stopped {
		t.Errorf("ended: %+v", v)
	}
}
