package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// reported stores what an edge told a minute ago.
func (d *desk) reported(id string, devices ...ingest.DeviceState) {
	d.t.Helper()
	d.told(store.Edge{ID: id, LastSync: noon.Add(-time.Minute), Report: ingest.SyncRequest{Devices: devices}})
}

func (d *desk) told(e store.Edge) {
	d.t.Helper()
	e.Report.Schema, e.Report.Software, e.Report.StartedAt, e.Report.Now, e.ReportedAt = 1, "x", noon.Add(-time.Hour), noon, e.LastSync
	if err := d.store.SaveSync(d.t.Context(), e); err != nil {
		d.t.Fatal(err)
	}
}

func device(id, family, grid, state string) ingest.DeviceState {
	return ingest.DeviceState{ID: id, Family: family, Grid: grid, State: state, Since: noon}
}

// fleet is an edge for each sort of trouble, and one without.
func (d *desk) fleet() {
	const here, there = "110101001001001", "220202002002002"
	d.reported("a-fine", device("cam-1", "cameras", here, "streaming"), device("smoke-1", "sensors", here, "online"))
	d.reported("b-broken", device("cam-2", "cameras", here, "auth-failed"), device("cam-3", "cameras", there, "connecting"), device("door-1", "sensors", there, "online"))
	d.told(store.Edge{ID: "c-gone", LastSync: noon.Add(-time.Hour), Report: ingest.SyncRequest{Devices: []ingest.DeviceState{device("cam-4", "cameras", there, "streaming")}}})
	d.told(store.Edge{ID: "d-slow", LastSync: noon, SkewMs: -3000, Report: ingest.SyncRequest{
		DeadLetters: 1, Outbox: []ingest.LaneState{{Lane: alert.LifeSafety, Pending: 1, OldestSec: 61}},
	}})
	refused := device("cam-5", "cameras", here, "streaming")
	refused.Refused = "the outline crosses itself"
	d.reported("e-refuses", refused)
}

func names(list EdgeList) string {
	var out []string
	for _, e := range list.Items {
		out = append(out, e.ID)
	}
	return strings.Join(out, " ")
}

// Each filter leaves what it says, trouble first; the counts are of all.
func TestEdgeFilters(t *testing.T) {
	d := newDesk(t)
	d.fleet()
	for query, want := range map[string]string{
		"":                         "c-gone b-broken d-slow e-refuses a-fine",
		"trouble=yes":              "c-gone b-broken d-slow e-refuses",
		"trouble=no":               "a-fine",
		"online=no":                "c-gone",
		"q=CAM-":                   "c-gone b-broken e-refuses a-fine",
		"q=fine":                   "a-fine",
		"grid=2202":                "c-gone b-broken",
		"family=sensors":           "b-broken a-fine",
		"state=connecting":         "b-broken",
		"q=slow&family=cameras":    "",
		"family=sensors&grid=1101": "a-fine",
	} {
		list := into[EdgeList](t, d.as("read", "GET", "/v1/edges?"+query, ""))
		if got := names(list); got != want || list.Matched != len(list.Items) || list.Next != "" {
			t.Errorf("%q: %s (%d)", query, got, list.Matched)
		}
		wants := EdgeCounts{Edges: 5, Online: 4, Trouble: 4, Cameras: Wellness{Total: 5, OK: 2, Waiting: 1, Failing: 1, Unheard: 1}, Sensors: Wellness{Total: 2, OK: 2}}
		if list.Counts != wants {
			t.Errorf("%q: counts %+v", query, list.Counts)
		}
	}
}

func TestEdgeTroubleIsNamed(t *testing.T) {
	d := newDesk(t)
	d.fleet()
	for id, want := range map[string]string{"a-fine": "", "b-broken": "devices", "c-gone": "offline", "d-slow": "clock waiting dead-letters", "e-refuses": "refused"} {
		if e := into[Edge](t, d.as("read", "GET", "/v1/edges/"+id, "")); strings.Join(e.Trouble, " ") != want {
			t.Errorf("%s: %v", id, e.Trouble)
		}
	}
	wantProblem(t, d.as("read", "GET", "/v1/edges/f-none", ""), http.StatusNotFound)
}

// A list of what matches has no other devices, and no more than twenty of an edge.
func TestDevicesOfAList(t *testing.T) {
	d := newDesk(t)
	d.fleet()
	var many []ingest.DeviceState
	for i := range 30 {
		many = append(many, device(fmt.Sprint("cam-", i), "cameras", "110101001001001", "stalled"))
	}
	d.reported("f-many", many...)
	for query, want := range map[string]int{"devices=all": 37, "devices=none": 0, "devices=unwell": 2 + 20 + 1, "devices=matching&q=cam-2": 1 + 11} {
		n := 0
		for _, e := range into[EdgeList](t, d.as("read", "GET", "/v1/edges?"+query, "")).Items {
			n += len(e.Devices)
		}
		if n != want {
			t.Errorf("%s: %d devices, not %d", query, n, want)
		}
	}
}

// Of a list that is cut, what is in trouble stands first.
func TestDevicesInTroubleComeFirst(t *testing.T) {
	d := newDesk(t)
	var many []ingest.DeviceState
	for i := range 30 {
		many = append(many, device(fmt.Sprint("cam-", i), "cameras", "110101001001001", "streaming"))
	}
	many[29].State = "stalled"
	d.reported("town-1", many...)
	e := into[EdgeList](t, d.as("read", "GET", "/v1/edges?devices=matching", "")).Items[0]
	if len(e.Devices) != 20 || e.Devices[0].ID != "cam-29" || e.Devices[1].ID != "cam-0" || e.Cameras.Total != 30 {
		t.Errorf("got %d devices, first %+v", len(e.Devices), e.Devices[:2])
	}
}

// Each page goes on where the one before ended; all together are the whole list.
func TestPagesOfEdges(t *testing.T) {
	d := newDesk(t)
	var want []string
	for i := range 23 {
		id := fmt.Sprintf("town-%02d", i)
		want = append(want, id)
		d.reported(id, device("cam", "cameras", "110101001001001", "streaming"))
	}
	var got []string
	for cursor, pages := "", 0; ; pages++ {
		list := into[EdgeList](t, d.as("read", "GET", "/v1/edges?limit=5&cursor="+cursor, ""))
		for _, e := range list.Items {
			got = append(got, e.ID)
		}
		if cursor = list.Next; cursor == "" || pages > 9 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for _, bad := range []string{"cursor=x", "cursor=!", "state=A", "family=people", "limit=0", "trouble=maybe"} {
		if w := d.as("read", "GET", "/v1/edges?"+bad, ""); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

// Who may see some grids sees their devices, and edges that have one there.
func TestEdgesStayInTheirGrids(t *testing.T) {
	d := newDesk(t)
	d.fleet()
	u := d.account("post", auth.Operator, "220202")
	list := into[EdgeList](t, d.by(u, call{method: "GET", path: "/v1/edges"}))
	if names(list) != "c-gone b-broken" || list.Counts.Cameras.Total != 2 || list.Counts.Edges != 2 {
		t.Errorf("got %s %+v", names(list), list.Counts)
	}
	if e := into[Edge](t, d.by(u, call{method: "GET", path: "/v1/edges/b-broken"})); len(e.Devices) != 2 || e.Devices[0].ID != "cam-3" {
		t.Errorf("got %+v", e.Devices)
	}
	wantProblem(t, d.by(u, call{method: "GET", path: "/v1/edges/b-broken/devices/cam-2"}), http.StatusNotFound)
}

// What an edge told of itself is a share of its machine; a device has how often it was right.
func TestDeviceFile(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Figures, o.Zone = o.Store.(store.Jobs), time.UTC })
	told := store.Edge{ID: "town-1", LastSync: noon, SkewMs: 40}
	told.Report.Devices = []ingest.DeviceState{device("gate", "cameras", somewhere, "streaming")}
	told.Report.Metrics = map[string]float64{"process_cpu_seconds_total": 900, "gridgate_edge_decode_busy_seconds_total": 360, "process_resident_memory_bytes": 5e7}
	d.told(told)
	counts := []store.Count{
		{Day: "2026-02-03", Grid: somewhere, Source: "/edges/town-1/cameras/gate", Measure: "opened", N: 4},
		{Day: "2026-02-03", Grid: somewhere, Source: "/edges/town-1/cameras/gate", Measure: "false-alarm", N: 1},
		{Day: "2026-02-03", Grid: somewhere, Source: "/edges/town-1/cameras/other", Measure: "opened", N: 8},
	}
	if _, err := d.store.Advance(t.Context(), store.Advance{Job: "test", To: 1, Counts: counts}); err != nil {
		t.Fatal(err)
	}
	e := into[Edge](t, d.as("read", "GET", "/v1/edges/town-1", ""))
	if e.Cost == nil || e.Cost.Processor != 0.25 || e.Cost.Decoding != 0.1 || e.Cost.MemoryBytes != 5e7 {
		t.Errorf("cost %+v", e.Cost)
	}
	f := into[DeviceFile](t, d.as("read", "GET", "/v1/edges/town-1/devices/gate", ""))
	if f.ID != "gate" || f.Edge != "town-1" || f.SkewMs != 40 || !f.Online || f.Figures == nil || f.Figures.Opened != 4 || f.Figures.FalseAlarms != 1 ||
		f.Figures.FalseAlarmRate == nil || *f.Figures.FalseAlarmRate != 0.25 || f.Figures.From != "2026-01-01" {
		t.Errorf("got %+v %+v", f, f.Figures)
	}
	wantProblem(t, d.as("read", "GET", "/v1/edges/town-1/devices/none", ""), http.StatusNotFound)
}
