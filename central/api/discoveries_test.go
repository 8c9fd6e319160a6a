package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gridgate/central/orders"
	"gridgate/protocols/ingest"
)

// A search for cameras, as a console goes through it.
func TestDiscoveries(t *testing.T) {
	d := newDesk(t, withOrders(t))
	d.reported("town-1", ingest.DeviceState{ID: "gate", Family: "cameras", Grid: somewhere, State: "streaming", Since: noon})
	const at = "/v1/edges/town-1/discoveries"
	w := d.as("configure", "POST", at, "{}")
	var opened orders.Discovered
	if err := json.Unmarshal(w.Body.Bytes(), &opened); err != nil || w.Code != http.StatusCreated || opened.ForSec != orders.DiscoverySeconds || opened.Done || opened.By != "token:test" {
		t.Fatalf("opened: %d %+v", w.Code, opened)
	}
	wantProblem(t, d.as("configure", "POST", at, "{}"), http.StatusTooManyRequests)
	wantProblem(t, d.as("configure", "POST", at, `{"subnet":"192.0.2.0/24"}`), http.StatusUnprocessableEntity)
	wantProblem(t, d.as("configure", "POST", at, `{"username":"admin"}`), http.StatusUnprocessableEntity)
	wantProblem(t, d.as("configure", "POST", "/v1/edges/town-9/discoveries", "{}"), http.StatusNotFound)
	service := d.server.o.Orders.(*orders.Service)
	found := ingest.DiscoveryResult{Found: []ingest.Found{{Address: "192.0.2.10", Manufacturer: "Dahua"}}}
	if err := service.Found(t.Context(), "town-1", opened.ID, found); err != nil {
		t.Fatal(err)
	}
	if got := into[orders.Discovered](t, d.as("configure", "GET", "/v1/discoveries/"+opened.ID+"?wait=5", "")); !got.Done || got.Result.Found[0].Manufacturer != "Dahua" {
		t.Errorf("found: %+v", got)
	}
	if list := d.as("configure", "GET", at, "").Body.String(); !strings.Contains(list, opened.ID) || strings.Contains(list, "192.0.2.10") {
		t.Errorf("list: %s", list)
	}
	wantProblem(t, d.as("read", "GET", "/v1/discoveries/"+opened.ID, ""), http.StatusForbidden)
	wantProblem(t, d.as("read", "GET", at, ""), http.StatusForbidden)
}
