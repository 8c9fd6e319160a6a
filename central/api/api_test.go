package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/correlate"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/central/tsdb"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	somewhere = "110101001001001"
	password  = "correct horse"
)

// series answers every query with what it was asked.
type series struct {
	mu   sync.Mutex
	last tsdb.Selector
	err  error
}

func (s *series) Query(_ context.Context, sel tsdb.Selector) ([]tsdb.Series, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = sel
	if s.err != nil {
		return nil, s.err
	}
	return []tsdb.Series{{Metric: sel.Metric, Labels: sel.Labels, Points: []tsdb.Point{{At: noon, Value: 21.5}}}}, nil
}

// gallery holds objects in memory.
type gallery map[string][]byte

func (g gallery) Open(_ context.Context, sha256 string) (io.ReadCloser, error) {
	data, ok := g[sha256]
	if !ok {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// clerk writes each entry by itself.
type clerk struct {
	store *sqlite.Store
	now   func() time.Time
}

func (r clerk) Record(ctx context.Context, e audit.Entry) error {
	e.At = r.now()
	return r.store.Record(ctx, []audit.Entry{e})
}

// desk is a server over a real SQLite store.
type desk struct {
	t       *testing.T
	store   *sqlite.Store
	series  *series
	gallery gallery
	server  *Server
	woken   []int64
	tokens  map[string]string // scopes -> token

	sessions map[string]string // account -> cookie
}

var hashOnce = sync.OnceValues(func() (string, error) { return auth.HashPassword(password) })

func newDesk(t *testing.T, change ...func(*Options)) *desk {
	t.Helper()
	db, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db"), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, store: db, series: &series{}, gallery: gallery{}, tokens: map[string]string{}, sessions: map[string]string{}}
	now := func() time.Time { return noon }
	said := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	o := Options{
		Store: db, Series: d.series, Pictures: d.gallery, Auth: auth.New(auth.Options{Records: db, Now: now}), Feed: said("feed"),
		Staff: db, AuditLog: db, Audit: clerk{db, now},
		Edges:   []Route{{Method: "POST", Path: "/v1/events", Handler: said("events")}},
		Console: said("console"), Metrics: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
		Wake: func(position int64) { d.woken = append(d.woken, position) }, Now: now,
	}
	for _, f := range change {
		f(&o)
	}
	if d.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return d
}

// token returns a bearer token with scopes ("" for none), made once.
func (d *desk) token(scopes string) string {
	d.t.Helper()
	if d.tokens[scopes] == "" {
		text := auth.NewToken()
		t := store.Token{SHA256: auth.HashToken(text), Name: "test", Scopes: strings.Fields(scopes)}
		if err := d.store.PutToken(d.t.Context(), t); err != nil {
			d.t.Fatal(err)
		}
		d.tokens[scopes] = text
	}
	return d.tokens[scopes]
}

func (d *desk) addUser(name string, role auth.Role) {
	d.t.Helper()
	hash, err := hashOnce()
	if err == nil {
		err = d.store.PutUser(d.t.Context(), store.User{Name: name, Hash: hash, Role: string(role)})
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// ask sends a request; header holds pairs.
func (d *desk) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	return w
}

// as is ask with a token that has scopes.
func (d *desk) as(scopes, method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.ask(method, path, body, append(header, "Authorization", "Bearer "+d.token(scopes))...)
}

// into decodes a good answer strictly, so that a member that the type does not know is found.
func into[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantProblem checks that w is a problem with a status that says as much.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	var p struct {
		Status int
		Title  string
		Detail string
	}
	err := json.Unmarshal(w.Body.Bytes(), &p)
	if w.Code != status || p.Status != status || p.Title == "" || err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, want a problem with %d; %s %s", w.Code, status, w.Header().Get("Content-Type"), w.Body)
	}
}

func newAlert(kind alert.Kind, device string, at time.Time) store.Received {
	score := 0.9
	id := alert.NewID()
	a := alert.Alert{
		ID: id, Source: alert.CameraSource("town-1", device), Kind: kind, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("town-1", device, "yard", kind), Severity: alert.Major, Grid: somewhere, Zone: "yard",
		OccurredAt: at, Clock: alert.EdgeClock, Uncertainty: 40 * time.Millisecond, RaisedAt: at, Score: &score,
		CountBucket: alert.CountFew, Reading: &alert.Measure{Quantity: "smoke", Value: 3, Unit: "1"}, Origin: "motion",
	}
	if kind == alert.Motion {
		a.Object = alert.Person
	}
	return store.Received{Alert: a, ReceivedAt: at.Add(time.Second)}
}

func (d *desk) ingest(alerts ...store.Received) {
	d.t.Helper()
	if _, err := d.store.Ingest(d.t.Context(), store.Group{Alerts: alerts}, correlate.ByKey, noon); err != nil {
		d.t.Fatal(err)
	}
}

func TestAlertJSON(t *testing.T) {
	d := newDesk(t)
	a := newAlert(alert.Motion, "gate", noon)
	d.ingest(a)
	digest := strings.Repeat("ab", 32)
	sealed := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: strings.Repeat("cd", 32), MediaType: alert.SealedMP4, Bytes: 9, Sealed: true, At: noon}
	picture := alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: digest, MediaType: alert.JPEG, Bytes: 7, At: noon}
	earlier := picture // made after the picture of the onset
	earlier.ID, earlier.SHA256, earlier.At = alert.NewID(), strings.Repeat("ef", 32), noon.Add(-time.Second)
	if _, err := d.store.AddEvidence(t.Context(), []alert.Evidence{picture, earlier, sealed}, noon); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Items []map[string]any
		Next  string
	}
	w := d.as("read", "GET", "/v1/alerts", "")
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Items) != 1 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	got := page.Items[0]
	caseID, _ := got["caseId"].(string)
	if caseID == "" {
		t.Error("caseId is empty")
	}
	want := map[string]any{
		"id": a.ID, "position": 1.0, "source": "/edges/town-1/cameras/gate", "edge": "town-1", "family": "cameras", "device": "gate",
		"kind": "motion", "object": "person", "state": "raised", "situation": a.ID, "key": "town-1/gate/yard/motion", "severity": "major",
		"grid": somewhere, "zone": "yard", "occurredAt": "2026-03-01T12:00:00Z", "clock": "edge", "uncertaintyMs": 40.0,
		"raisedAt": "2026-03-01T12:00:00Z", "receivedAt": "2026-03-01T12:00:01Z", "score": 0.9, "countBucket": "2-5",
		"reading": map[string]any{"quantity": "smoke", "value": 3.0, "unit": "1"}, "origin": "motion", "exercise": false, "caseId": caseID,
		"evidence": []any{
			map[string]any{
				"id": earlier.ID, "sha256": earlier.SHA256, "mediaType": "image/jpeg", "bytes": 7.0, "at": "2026-03-01T11:59:59Z", "sealed": false, "url": "/v1/evidence/" + earlier.SHA256,
			},
			map[string]any{
				"id": picture.ID, "sha256": digest, "mediaType": "image/jpeg", "bytes": 7.0, "at": "2026-03-01T12:00:00Z", "sealed": false, "url": "/v1/evidence/" + digest,
			},
			map[string]any{
				"id": sealed.ID, "sha256": sealed.SHA256, "mediaType": alert.SealedMP4, "bytes": 9.0, "at": "2026-03-01T12:00:00Z", "sealed": true, "url": "",
			},
		},
	}
	gotText, _ := json.MarshalIndent(got, "", " ")
	wantText, _ := json.MarshalIndent(want, "", " ")
	if string(gotText) != string(wantText) {
		t.Errorf("got\n%s\nwant\n%s", gotText, wantText)
	}
}

func TestAlertFilters(t *testing.T) {
	d := newDesk(t)
	smoke := newAlert(alert.Smoke, "kitchen", noon)
	smoke.Severity = alert.Critical
	d.ingest(newAlert(alert.Motion, "gate", noon.Add(-time.Hour)), smoke)
	for query, want := range map[string]int{
		"": 2, "?kind=smoke": 1, "?kind=fire": 0, "?severity=critical": 1, "?severity=info": 2, "?device=gate": 1, "?edge=town-1": 2, "?edge=x": 0,
		"?grid=110101": 2, "?grid=12": 0, "?state=raised": 2, "?state=cleared": 0, "?since=2026-03-01T12:00:00Z": 1, "?until=2026-03-01T12:00:00Z": 1,
		"?case=0190a1b2-0000-7000-8000-000000000000": 0,
	} {
		page := into[AlertPage](t, d.as("read", "GET", "/v1/alerts"+query, ""))
		if len(page.Items) != want {
			t.Errorf("%q lists %d alerts, want %d", query, len(page.Items), want)
		}
	}
}

func TestPaging(t *testing.T) {
	d := newDesk(t)
	for i := range 25 {
		d.ingest(newAlert(alert.Motion, "cam-"+string(rune('a'+i)), noon))
	}
	for _, path := range []string{"/v1/alerts", "/v1/cases"} {
		seen, cursor, pages := map[string]bool{}, "", 0
		for {
			w := d.as("read", "GET", path+"?limit=10&cursor="+cursor, "")
			var page struct {
				Items []struct{ ID string }
				Next  string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			for _, item := range page.Items {
				if seen[item.ID] {
					t.Errorf("%s lists %s twice", path, item.ID)
				}
				seen[item.ID] = true
			}
			pages++
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(seen) != 25 || pages != 3 {
			t.Errorf("%s: %d items on %d pages, want 25 on 3", path, len(seen), pages)
		}
	}
}

func TestEmptyLists(t *testing.T) {
	d := newDesk(t)
	for path, want := range map[string]string{
		"/v1/alerts": `{"items":[],"next":""}`, "/v1/cases": `{"items":[],"next":""}`, "/v1/edges": `{"items":[],"next":"","matched":0,"counts":{"edges":0,"online":0,"trouble":0,"cameras":{"total":0,"ok":0,"waiting":0,"failing":0,"unheard":0},"sensors":{"total":0,"ok":0,"waiting":0,"failing":0,"unheard":0}}}`,
	} {
		if w := d.as("read", "GET", path, ""); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %s, want %s", path, w.Body, want)
		}
	}
}

func TestBadQueries(t *testing.T) {
	d := newDesk(t)
	for path, status := range map[string]int{
		"/v1/alerts?limit=0": 422, "/v1/alerts?limit=501": 422, "/v1/alerts?limit=x": 422, "/v1/alerts?kind=face": 422,
		"/v1/alerts?severity=bad": 422, "/v1/alerts?grid=abc": 422, "/v1/alerts?since=yesterday": 422, "/v1/alerts?who=me": 422,
		"/v1/alerts?case=1": 422, "/v1/alerts?cursor=x": 400, "/v1/cases?cursor=x": 400, "/v1/cases?state=raised": 422, "/v1/cases/x": 422,
		"/v1/cases/0190a1b2-0000-7000-8000-000000000000": 404, "/v1/series": 400, "/v1/series?quantity=a&metric=b": 400,
		"/v1/series?quantity=a&step=1ms": 400, "/v1/series?quantity=a&from=2026-03-01T12:00:00Z&to=2026-03-01T11:00:00Z": 400,
		"/v1/series?quantity=a&from=2020-03-01T12:00:00Z&step=1s": 400, "/v1/nothing": 404, "/v1/": 404,
	} {
		wantProblem(t, d.as("read", "GET", path, ""), status)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	w := newDesk(t).as("read", "PUT", "/v1/session", "")
	wantProblem(t, w, http.StatusMethodNotAllowed)
	if allow := w.Header().Get("Allow"); allow != "GET, POST, DELETE" {
		t.Errorf("Allow is %q", allow)
	}
}

func TestSeries(t *testing.T) {
	d := newDesk(t)
	list := into[SeriesList](t, d.as("read", "GET", "/v1/series?quantity=temperature&edge=town-1&device=s1&grid="+somewhere+"&step=90s&from=2026-03-01T10:00:00Z", ""))
	if len(list.Items) != 1 || list.Items[0].Points[0].Value != 21.5 {
		t.Errorf("got %+v", list)
	}
	want := tsdb.Selector{
		Metric: "gridgate_reading", Labels: map[string]string{"quantity": "temperature", "edge": "town-1", "device": "s1", "grid": somewhere},
		From: noon.Add(-2 * time.Hour), To: noon, Step: 90 * time.Second, Limit: maxSeries, Aggregate: tsdb.Mean,
	}
	got, _ := json.Marshal(d.series.last)
	if text, _ := json.Marshal(want); string(got) != string(text) {
		t.Errorf("asked for %s, want %s", got, text)
	}
	d.as("read", "GET", "/v1/series?metric=go_goroutines", "")
	if s := d.series.last; s.Metric != "go_goroutines" || s.To.Sub(s.From) != defaultRange || s.Step != 72*time.Second {
		t.Errorf("by default: %+v", s)
	}
	for query, want := range map[string]time.Duration{"&from=2025-12-01T12:00:00Z": 8 * time.Hour, "&from=2026-02-27T12:00:00Z&aggregate=max": 576 * time.Second} {
		d.as("read", "GET", "/v1/series?quantity=temperature&to=2026-03-01T12:00:00Z"+query, "")
		if got := d.series.last; got.Step != want || (got.Aggregate == tsdb.Max) != strings.Contains(query, "max") {
			t.Errorf("%s: step %v of %q, want %v", query, got.Step, got.Aggregate, want)
		}
	}
	wantProblem(t, d.as("read", "GET", "/v1/series?quantity=temperature&aggregate=sum", ""), http.StatusUnprocessableEntity)
	d.series.err = tsdb.ErrTooManyPoints
	wantProblem(t, d.as("read", "GET", "/v1/series?metric=go_goroutines", ""), http.StatusBadRequest)
	d.series.err = io.ErrUnexpectedEOF
	w := d.as("read", "GET", "/v1/series?metric=go_goroutines", "")
	wantProblem(t, w, http.StatusInternalServerError)
	if strings.Contains(w.Body.String(), "EOF") {
		t.Errorf("an inner error is told: %s", w.Body)
	}
}

func TestEdges(t *testing.T) {
	d := newDesk(t)
	for id, last := range map[string]time.Time{"near": noon.Add(-time.Minute), "gone": noon.Add(-time.Hour)} {
		report := ingest.SyncRequest{Schema: 1, Software: "x", StartedAt: noon, DeadLetters: 2, Outbox: []ingest.LaneState{{Lane: alert.Bulk, Pending: 3}}}
		if err := d.store.SaveSync(t.Context(), store.Edge{ID: id, LastSync: last, SkewMs: 12, Report: report, ReportedAt: last}); err != nil {
			t.Fatal(err)
		}
	}
	told := store.Delivery{Edge: "near", Lane: alert.Bulk, Epoch: "e", Sequence: ingest.Ranges{{First: 9, Last: 9}}, Lowest: 9, Shed: ingest.Ranges{{First: 3, Last: 5}}}
	if _, err := d.store.Ingest(t.Context(), store.Group{Deliveries: []store.Delivery{told}}, correlate.ByKey, noon); err != nil {
		t.Fatal(err)
	}
	list := into[EdgeList](t, d.as("read", "GET", "/v1/edges", ""))
	if len(list.Items) != 2 || list.Items[0].ID != "gone" || list.Items[0].Online || !list.Items[1].Online {
		t.Fatalf("got %+v", list)
	}
	if e := list.Items[1]; e.SkewMs != 12 || e.DeadLetters != 2 || e.Devices == nil || e.Outbox[0].Pending != 3 {
		t.Errorf("got %+v", e)
	}
	gap := Gap{Lane: "bulk", Epoch: "e", Missing: 5, Ranges: []ingest.Range{{First: 1, Last: 2}, {First: 6, Last: 8}}, LastSeen: noon}
	if got := list.Items[1].Gaps; len(got) != 1 || !reflect.DeepEqual(got[0], gap) || list.Items[0].Gaps == nil || len(list.Items[0].Gaps) > 0 {
		t.Errorf("gaps %+v", got)
	}
}

func TestPicture(t *testing.T) {
	d := newDesk(t)
	jpeg, sealed := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	d.gallery[jpeg] = []byte("\xff\xd8\xff\xe0 a picture")
	d.gallery[sealed] = []byte("age-encryption.org/v1\n")
	w := d.as("read", "GET", "/v1/evidence/"+jpeg, "")
	h := w.Header()
	if w.Code != http.StatusOK || w.Body.String() != "\xff\xd8\xff\xe0 a picture" || h.Get("Content-Type") != "image/jpeg" ||
		h.Get("Cache-Control") != "private, no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %v", w.Code, h)
	}
	for _, name := range []string{sealed, strings.Repeat("ef", 32), "x", strings.Repeat("AB", 32), "..%2f..%2fcentral.db"} {
		wantProblem(t, d.as("read", "GET", "/v1/evidence/"+name, ""), http.StatusNotFound)
	}
}
