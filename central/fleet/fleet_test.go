package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// desk remembers what a handler saved and wrote.
type desk struct {
	saved     []store.Edge
	samples   []tsdb.Sample
	saveErr   error
	seriesErr error
}

func (d *desk) SaveSync(_ context.Context, edges ...store.Edge) error {
	d.saved = append(d.saved, edges...)
	return d.saveErr
}

func (d *desk) Write(_ context.Context, samples []tsdb.Sample) error {
	d.samples = append(d.samples, samples...)
	return d.seriesErr
}

func (d *desk) post(edge, body string, p auth.Principal, header ...string) *httptest.ResponseRecorder {
	h := New(Options{
		Store: d, Series: d, Logger: slog.New(slog.DiscardHandler), Wanted: map[string]string{"town-1": "v2"},
		Now: func() time.Time { return noon },
	})
	return post(h, edge, body, p, header...)
}

func post(h *Handler, edge, body string, p auth.Principal, header ...string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	r := httptest.NewRequest(http.MethodPost, ingest.SyncPrefix+edge+ingest.SyncSuffix, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(auth.With(r.Context(), p)))
	return w
}

func report() ingest.SyncRequest {
	return ingest.SyncRequest{
		Schema: 1, Software: "gridgate-edge 1.0", StartedAt: noon.Add(-time.Hour), Now: noon.Add(1500 * time.Millisecond), ConfigVersion: "v1",
		Devices: []ingest.DeviceState{{
			ID: "gate", Family: "cameras", Grid: "110101001001001", State: "streaming", Why: "", Since: noon, LastSeen: noon,
			Zones: []ingest.Zone{{Name: "院子 yard", Mode: "walk-test"}},
		}},
		Outbox:      []ingest.LaneState{{Lane: alert.LifeSafety}, {Lane: alert.Bulk, Pending: 7, OldestSec: 90}},
		DeadLetters: 2, Metrics: map[string]float64{"go_goroutines": 12, "gridgate_edge_secret": 1},
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var itself = auth.Principal{Name: "edge-town-1", Edge: "town-1"}

func TestSync(t *testing.T) {
	var d desk
	w := d.post("town-1", text(t, report()), itself)
	var got ingest.SyncResponse
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if want := (ingest.SyncResponse{Now: noon, Schema: ingest.SchemaVersion, ConfigVersion: "v2"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want := store.Edge{ID: "town-1", LastSync: noon, SkewMs: 1500, Report: report(), ReportedAt: noon.Add(1500 * time.Millisecond)}
	delete(want.Report.Metrics, "gridgate_edge_secret") // not on the closed list: nothing keeps its name
	if len(d.saved) != 1 || text(t, d.saved[0]) != text(t, want) {
		t.Errorf("saved %+v", d.saved)
	}
	checkSamples(t, d.samples)
}

func checkSamples(t *testing.T, samples []tsdb.Sample) {
	t.Helper()
	want := map[string]float64{
		"gridgate_edge_clock_skew_seconds map[edge:town-1]":                     1.5,
		"gridgate_edge_dead_letters map[edge:town-1]":                           2,
		"gridgate_edge_outbox_pending map[edge:town-1 lane:life-safety]":        0,
		"gridgate_edge_outbox_oldest_seconds map[edge:town-1 lane:life-safety]": 0,
		"gridgate_edge_outbox_pending map[edge:town-1 lane:bulk]":               7,
		"gridgate_edge_outbox_oldest_seconds map[edge:town-1 lane:bulk]":        90,
		"go_goroutines map[edge:town-1]":                                        12,
	}
	got := map[string]float64{}
	for _, s := range samples {
		got[fmt.Sprint(s.Metric, " ", s.Labels)] = s.Value
		if !s.At.Equal(noon) {
			t.Errorf("%s is at %s, not at central's time", s.Metric, s.At)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("samples %v, want %v", got, want)
	}
}

func TestOnlyItself(t *testing.T) {
	for name, p := range map[string]auth.Principal{
		"another edge": {Name: "x", Edge: "town-2"}, "any edge's events": {Name: "x", Scopes: []auth.Scope{auth.Events}},
		"an operator": {Name: "night", Role: auth.Operator, Scopes: []auth.Scope{auth.Read, auth.Operate}}, "nobody": {},
	} {
		var d desk
		if w := d.post("town-1", text(t, report()), p); w.Code != http.StatusForbidden || len(d.saved) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// afterTime can be written where it is, and not in UTC: that would be the year 10000.
var afterTime = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -12*3600))

func TestBadReports(t *testing.T) {
	tooMany := func(n int) []ingest.DeviceState {
		return slices.Repeat(report().Devices, n)
	}
	for name, change := range map[string]func(*ingest.SyncRequest){
		"schema":         func(r *ingest.SyncRequest) { r.Schema = 0 },
		"software":       func(r *ingest.SyncRequest) { r.Software = "a\nb" },
		"no software":    func(r *ingest.SyncRequest) { r.Software = "" },
		"config version": func(r *ingest.SyncRequest) { r.ConfigVersion = strings.Repeat("x", maxText+1) },
		"no clock":       func(r *ingest.SyncRequest) { r.Now = time.Time{} },
		"absurd start":   func(r *ingest.SyncRequest) { r.StartedAt = afterTime },
		"absurd clock":   func(r *ingest.SyncRequest) { r.Now = afterTime },
		"absurd since":   func(r *ingest.SyncRequest) { r.Devices[0].Since = afterTime },
		"absurd sight":   func(r *ingest.SyncRequest) { r.Devices[0].LastSeen = afterTime },
		"devices":        func(r *ingest.SyncRequest) { r.Devices = tooMany(maxDevices + 1) },
		"device id":      func(r *ingest.SyncRequest) { r.Devices[0].ID = "../x" },
		"family":         func(r *ingest.SyncRequest) { r.Devices[0].Family = "people" },
		"grid":           func(r *ingest.SyncRequest) { r.Devices[0].Grid = "1" },
		"state":          func(r *ingest.SyncRequest) { r.Devices[0].State = "Streaming!" },
		"zone mode":      func(r *ingest.SyncRequest) { r.Devices[0].Zones[0].Mode = "on" },
		"zones":          func(r *ingest.SyncRequest) { r.Devices[0].Zones = make([]ingest.Zone, maxZones+1) },
		"lane":           func(r *ingest.SyncRequest) { r.Outbox[0].Lane = "fast" },
		"doubled lane":   func(r *ingest.SyncRequest) { r.Outbox[0].Lane = alert.Bulk },
		"pending":        func(r *ingest.SyncRequest) { r.Outbox[0].Pending = -1 },
		"lanes":          func(r *ingest.SyncRequest) { r.Outbox = make([]ingest.LaneState, 4) },
		"dead letters":   func(r *ingest.SyncRequest) { r.DeadLetters = -1 },
		"metrics": func(r *ingest.SyncRequest) {
			for i := range maxMetrics + 1 {
				r.Metrics[fmt.Sprint(i)] = 1
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := report()
			change(&r)
			var d desk
			w := d.post("town-1", text(t, r), itself)
			if w.Code/100 != 4 || w.Header().Get("Content-Type") != "application/problem+json" || len(d.saved)+len(d.samples) != 0 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func TestLongCauseIsCut(t *testing.T) {
	r := report()
	r.Devices[0].Why = "拒绝\nconnection " + strings.Repeat("x", 1000)
	var d desk
	if w := d.post("town-1", text(t, r), itself); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	why := d.saved[0].Report.Devices[0].Why
	if !line(why, maxWhy) || !strings.HasPrefix(why, "拒绝 connection x") || !strings.HasSuffix(why, "x…") {
		t.Errorf("kept %q", why)
	}
}

func TestBadBodies(t *testing.T) {
	good := text(t, report())
	for name, tc := range map[string]struct {
		body   string
		status int
	}{
		"empty":    {"", 400},
		"cut":      {good[:len(good)/2], 400},
		"unknown":  {strings.Replace(good, `"schema"`, `"zhangsan":"x","schema"`, 1), 400},
		"deep":     {strings.Replace(good, `"family"`, `"zhangsan":"x","family"`, 1), 400},
		"doubled":  {strings.Replace(good, `"schema":1`, `"schema":1,"schema":1`, 1), 400},
		"case":     {strings.Replace(good, `"schema"`, `"Schema"`, 1), 400},
		"type":     {strings.Replace(good, `"schema":1`, `"schema":"zhangsan"`, 1), 400},
		"large":    {good + strings.Repeat(" ", ingest.MaxSyncBody), 413},
		"trailing": {good + "{}", 400},
	} {
		t.Run(name, func(t *testing.T) {
			var d desk
			w := d.post("town-1", tc.body, itself)
			if w.Code != tc.status || len(d.saved) != 0 {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tc.status)
			}
			if strings.Contains(w.Body.String(), "zhangsan") {
				t.Errorf("what was sent comes back: %s", w.Body)
			}
		})
	}
}

func packed(t *testing.T, coding, plain string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if coding == "zstd" {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCodings(t *testing.T) {
	good, bomb := text(t, report()), strings.Repeat(" ", 2*ingest.MaxSyncBody)
	for name, tc := range map[string]struct {
		coding, body string
		status       int
	}{
		"gzip": {"gzip", packed(t, "gzip", good), 200}, "zstd": {"zstd", packed(t, "zstd", good), 200},
		"gzip bomb": {"gzip", packed(t, "gzip", bomb), 413}, "zstd bomb": {"zstd", packed(t, "zstd", bomb), 413},
		"cut gzip": {"gzip", packed(t, "gzip", good)[:40], 400}, "cut zstd": {"zstd", packed(t, "zstd", good)[:40], 400},
		"not gzip": {"gzip", good, 400}, "not zstd": {"zstd", good, 400}, "brotli": {"br", good, 415},
	} {
		var d desk
		if w := d.post("town-1", tc.body, itself, "Content-Encoding", tc.coding); w.Code != tc.status || (len(d.saved) == 1) != (tc.status == 200) {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tc.status)
		}
	}
}

func TestStoreFails(t *testing.T) {
	d := desk{saveErr: errors.New("disk /var/lib")}
	w := d.post("town-1", text(t, report()), itself)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "/var/lib") || len(d.samples) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSeriesFail(t *testing.T) {
	for _, err := range []error{errors.New("away"), tsdb.Rejection{0: "too old"}} {
		d := desk{seriesErr: err}
		if w := d.post("town-1", text(t, report()), itself); w.Code != http.StatusOK {
			t.Errorf("a saved report is answered with %d", w.Code)
		}
	}
}

// A time-series database that is full, or away, makes one line a minute, whatever the number of edges.
func TestComplaintsAreSeldom(t *testing.T) {
	now := noon
	var s seldom
	for i, tc := range []struct {
		after time.Duration
		times int
		ok    bool
	}{{0, 1, true}, {time.Second, 0, false}, {58 * time.Second, 0, false}, {time.Second, 3, true}, {time.Second, 0, false}} {
		now = now.Add(tc.after)
		if times, ok := s.may(now); times != tc.times || ok != tc.ok {
			t.Errorf("%d: %d, %v", i, times, ok)
		}
	}
	var out bytes.Buffer
	d := desk{seriesErr: tsdb.Rejection{0: "one series too many"}}
	h := New(Options{Store: &d, Series: &d, Logger: slog.New(slog.NewTextHandler(&out, nil)), Now: func() time.Time { return noon }})
	for range 3 {
		if w := post(h, "town-1", text(t, report()), itself); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1 || !strings.Contains(out.String(), "edge metrics were refused") {
		t.Errorf("%d lines: %s", lines, &out)
	}
	for _, s := range d.samples {
		if !s.Spare {
			t.Errorf("%s takes room from readings", s.Metric)
		}
	}
}

// What can be sent for a metric is on the contract's list, and the list keeps its promise.
func TestMetricNames(t *testing.T) {
	if n := len(ingest.EdgeMetrics); n > maxMetrics {
		t.Errorf("%d names, more than %d", n, maxMetrics)
	}
	for _, name := range ingest.EdgeMetrics {
		s := tsdb.Sample{Metric: name, Labels: map[string]string{"edge": "x"}, Value: 1, At: noon}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := json.Marshal(report())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1,"devices":[{"zones":[{}]}],"outbox":[{}],"metrics":{"a":1e999}}`))
	f.Add([]byte(`{"now":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r ingest.SyncRequest
		if decode(body, &r) != nil || check("town-1", r) != nil {
			return
		}
		for _, s := range samplesOf(store.Edge{ID: "town-1", LastSync: noon, Report: r}) {
			if err := s.Validate(); err != nil {
				t.Errorf("a good report makes a bad sample: %v", err)
			}
		}
	})
}

// cameras remembers what it was told; it fails where it is told to.
type cameras struct {
	told []ingest.DeviceState
	err  error
}

func (c *cameras) Take(_ context.Context, edge string, devices []ingest.DeviceState) error {
	c.told = append(c.told, devices...)
	return c.err
}

// What an edge says of its cameras goes to the register; a register that is away costs no report.
func TestCamerasAreRegistered(t *testing.T) {
	r := report()
	r.Devices[0].Register = &ingest.Register{Owner: "东门物业", Purpose: "安全", Basis: "条例", Place: "gate"}
	for _, err := range []error{nil, errors.New("away")} {
		d, c := &desk{}, &cameras{err: err}
		h := New(Options{Store: d, Series: d, Logger: slog.New(slog.DiscardHandler), Cameras: c, Now: func() time.Time { return noon }})
		if w := post(h, "town-1", text(t, r), itself); w.Code != http.StatusOK || len(c.told) != 1 || c.told[0].Register.Owner != "东门物业" {
			t.Errorf("%d %s, told %+v", w.Code, w.Body, c.told)
		}
	}
	r.Devices[0].Register.Owner = "a\nb"
	d := &desk{}
	if w := d.post("town-1", text(t, r), itself); w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "a\\nb") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
