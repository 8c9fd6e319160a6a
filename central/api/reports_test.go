package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/indicators"
	"gridgate/central/intake"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
)

// town is a centre with two classes and a grid around each place east of 120 degrees.
type town struct{}

func (town) Class(code string) (intake.Class, bool) {
	return intake.Class{Code: code, Kind: alert.Flood, Severity: alert.Major}, code == "0202" || code == "0301"
}

func (town) GridAt(p cases.LonLat, _ time.Time) (string, bool) { return somewhere, p.Lon > 120 }

func (town) Touching(cap.Area, time.Time) []string { return []string{somewhere} }

// gloss redacts what begins like a JPEG.
type gloss struct{}

func (gloss) Redact(jpeg []byte) ([]byte, error) {
	if !bytes.HasPrefix(jpeg, []byte{0xff, 0xd8}) {
		return nil, io.ErrUnexpectedEOF
	}
	return []byte("\xff\xd8\xff\xe0 redacted"), nil
}

// Put keeps an object where [gallery.Open] finds it.
func (g gallery) Put(_ context.Context, digest string, r io.Reader, _ int64) (bool, error) {
	b, err := io.ReadAll(r)
	g[digest] = b
	return true, err
}

// withReports lets reports in and counts.
func withReports(o *Options) {
	db := o.Store.(interface {
		intake.Store
		Figures
	})
	o.Reports = &intake.Desk{
		Store: db, Objects: o.Pictures.(gallery), Redactor: gloss{}, Catalogue: func() intake.Catalogue { return town{} }, Wake: o.Wake, Now: o.Now,
		Lands: town{}, Warned: map[cap.Category]string{"Met": "0202"}, Sender: "centre", Slots: make(chan struct{}, 1),
		Words:   func(cases.Case) cap.Words { return cap.Words{Event: "积水内涝", Area: "网格"} },
		Outline: func(cases.Case) [][]cap.Point { return nil },
	}
	o.Figures, o.Zone = db, time.UTC
}

const floodReport = `{"class":"0202","place":{"lon":120.1,"lat":30.1},"note":"路口积水"}`

// send is ask with a body of another type.
func (d *desk) send(scopes, method, path, typ, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.ask(method, path, body, "Authorization", "Bearer "+d.token(scopes), "Content-Type", typ)
}

func TestStaffOpensACase(t *testing.T) {
	d := newDesk(t, withReports)
	w := d.as("operate", "POST", "/v1/cases", floodReport)
	c := into[cases.Case](t, w)
	if c.Origin != cases.ByStaff || c.Grid != somewhere || w.Header().Get("ETag") == "" || len(d.woken) != 1 {
		t.Fatalf("%d %+v", w.Code, c)
	}
	worker := d.account("li", auth.Worker, somewhere[:9])
	w = d.by(worker, call{method: "POST", path: "/v1/cases", rule: rule{body: floodReport}})
	if c := into[cases.Case](t, w); c.Origin != cases.ByWorker {
		t.Errorf("a worker's: %+v", c)
	}
	far := d.account("wang", auth.Worker, "99")
	wantProblem(t, d.by(far, call{method: "POST", path: "/v1/cases", rule: rule{body: floodReport}}), http.StatusUnprocessableEntity)
}

func TestAReportSentTwiceIsOne(t *testing.T) {
	d := newDesk(t, withReports)
	id := alert.NewID()
	report := func(class string) string { return fmt.Sprintf(`{"id":%q,"class":%q,"grid":%q}`, id, class, somewhere) }
	first, again := into[cases.Case](t, d.as("operate", "POST", "/v1/cases", report("0202"))), into[cases.Case](t, d.as("operate", "POST", "/v1/cases", report("0202")))
	if first.ID != again.ID || len(into[CasePage](t, d.as("read", "GET", "/v1/cases", "")).Items) != 1 {
		t.Errorf("%+v, %+v", first, again)
	}
	wantProblem(t, d.as("operate", "POST", "/v1/cases", report("0301")), http.StatusConflict)
}

func TestRefusedReports(t *testing.T) {
	d := newDesk(t, withReports)
	for name, body := range map[string]string{
		"class": `{"class":"9999","grid":"110101001001"}`, "no place": `{"class":"0202"}`, "elsewhere": `{"class":"0202","place":{"lon":1,"lat":1}}`,
		"a telephone": `{"class":"0202","grid":"110101001001","note":"找13812345678"}`,
	} {
		w := d.as("operate", "POST", "/v1/cases", body)
		wantProblem(t, w, http.StatusUnprocessableEntity)
		if strings.Contains(w.Body.String(), "138") {
			t.Errorf("%s: the answer repeats it: %s", name, w.Body)
		}
	}
}

func TestPhotosOfACase(t *testing.T) {
	d := newDesk(t, withReports)
	c := into[cases.Case](t, d.as("operate", "POST", "/v1/cases", floodReport))
	path := "/v1/cases/" + c.ID + "/pictures"
	w := d.send("operate", "POST", path, "image/jpeg", "\xff\xd8 a face")
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	list := into[struct{ Items []Evidence }](t, d.as("read", "GET", path, ""))
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
	if got := d.as("read", "GET", list.Items[0].URL, ""); !strings.HasSuffix(got.Body.String(), "redacted") {
		t.Errorf("%d %q", got.Code, got.Body)
	}
	near, far := d.account("near", auth.Worker, somewhere[:9]), d.account("far", auth.Worker, "99")
	for want, u := range map[int]store.User{http.StatusOK: near, http.StatusNotFound: far} {
		if w := d.by(u, call{method: "GET", path: list.Items[0].URL}); w.Code != want {
			t.Errorf("%s sees the picture: %d, want %d", u.Name, w.Code, want)
		}
	}
	wantProblem(t, d.send("operate", "POST", path, "image/jpeg", "no picture"), http.StatusUnprocessableEntity)
	wantProblem(t, d.send("operate", "POST", path, "image/jpeg", strings.Repeat("x", maxPhoto+1)), http.StatusRequestEntityTooLarge)
	if len(d.gallery) != 1 {
		t.Errorf("%d objects are kept", len(d.gallery))
	}
}

const storm = `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>W-1</identifier><sender>met</sender><sent>2026-03-01T08:00:00+08:00</sent>
	<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><category>Met</category><event>rain</event><urgency>Immediate</urgency>
	<severity>Severe</severity><certainty>Likely</certainty><area><areaDesc>town</areaDesc></area></info></alert>`

func TestWarningsInAndOut(t *testing.T) {
	d := newDesk(t, withReports)
	got := into[intake.Warnings](t, d.send("events", "POST", "/v1/warnings", "application/cap+xml", storm))
	if len(got.Opened) != 1 {
		t.Fatalf("%+v", got)
	}
	w := d.as("read", "GET", "/v1/cases/"+got.Opened[0]+"/cap", "")
	if m, err := cap.Parse(w.Body); err != nil || m.Sender != "centre" || w.Header().Get("Content-Type") != "application/cap+xml" {
		t.Errorf("%+v, %v", m, err)
	}
	wantProblem(t, d.send("events", "POST", "/v1/warnings", "application/cap+xml", "<alert/>"), http.StatusBadRequest)
	sos := into[cases.Case](t, d.as("operate", "POST", "/v1/cases", `{"class":"0301","grid":"110101001001"}`))
	wantProblem(t, d.as("read", "GET", "/v1/cases/"+sos.ID+"/cap", ""), http.StatusConflict)
}

func TestFigures(t *testing.T) {
	d := newDesk(t, withReports)
	d.openCase()
	d.as("operate", "POST", "/v1/cases", floodReport)
	j := &indicators.Job{Store: d.store, Zone: time.UTC}
	if err := j.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	type rows struct{ Items []indicators.Row }
	if got := into[rows](t, d.as("read", "GET", "/v1/indicators", "")); len(got.Items) != 1 || got.Items[0].Opened != 2 {
		t.Errorf("in all: %+v", got)
	}
	if got := into[rows](t, d.as("read", "GET", "/v1/indicators?by=class,month&grid="+somewhere[:6], "")); len(got.Items) != 2 || got.Items[0].Day != noon.Format("2006-01") {
		t.Errorf("by class and month: %+v", got)
	}
	if got := into[rows](t, d.as("read", "GET", "/v1/indicators/devices", "")); len(got.Items) != 2 || got.Items[0].Source == "" {
		t.Errorf("by device: %+v", got)
	}
	if got := into[rows](t, d.as("read", "GET", "/v1/indicators?from=2026-03-02&to=2026-04-01", "")); len(got.Items) != 0 {
		t.Errorf("of other days: %+v", got)
	}
	if got := into[rows](t, d.as("read", "GET", "/v1/indicators?by=grid&digits=9", "")); len(got.Items) != 1 || got.Items[0].Grid != somewhere[:9] || got.Items[0].Opened != 2 {
		t.Errorf("by township: %+v", got)
	}
	far := d.account("far", auth.Supervisor, "99")
	if w := d.by(far, call{method: "GET", path: "/v1/indicators"}); len(into[rows](t, w).Items) != 0 {
		t.Errorf("of other grids: %s", w.Body)
	}
	for _, bad := range []string{"by=colour", "from=yesterday", "to=2026-02-30"} {
		if w := d.as("read", "GET", "/v1/indicators?"+bad, ""); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

// The figures as a spreadsheet takes them: no cell is taken for a formula, and each step has its columns.
func TestFiguresAsCSV(t *testing.T) {
	half := 0.5
	body, err := figuresCSV([]indicators.Row{
		{Grid: somewhere, Unit: "=1+1", Opened: 2, InTimeRate: &half, Steps: []indicators.Reached{{Step: "handle", Times: 1, MeanSeconds: 90}}},
		{Class: "0401", Steps: []indicators.Reached{{Step: "close", Times: 3, MeanSeconds: 0.25}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff")))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%q, %v", lines, err)
	}
	cell := func(row int, column string) string { return lines[row][slices.Index(lines[0], column)] }
	for _, want := range []struct {
		row          int
		column, text string
	}{
		{1, "grid", somewhere}, {1, "unit", "'=1+1"}, {1, "opened", "2"}, {1, "in_time_rate", "0.5000"}, {1, "rework_rate", ""}, {1, "reached_handle", "1"},
		{1, "mean_seconds_to_handle", "90.0000"}, {1, "reached_close", ""}, {2, "class", "0401"}, {2, "mean_seconds_to_close", "0.2500"},
	} {
		if got := cell(want.row, want.column); got != want.text {
			t.Errorf("line %d, %s: %q, want %q", want.row, want.column, got, want.text)
		}
	}
}

func TestExport(t *testing.T) {
	d := newDesk(t, withReports)
	c := d.openCase()
	d.as("operate", "POST", "/v1/cases", strings.Replace(floodReport, `"note"`, `"exercise":true,"note"`, 1))
	w := d.as("read", "GET", "/v1/cases.csv", "")
	text, bom := strings.CutPrefix(w.Body.String(), "\ufeff")
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !bom || len(lines) != 2 || lines[0][0] != "id" || lines[1][0] != c.ID {
		t.Errorf("%v, %v: %q", err, bom, w.Body)
	}
	if got := safe([]string{"=1+1", "-x", "ok", ""}); got[0] != "'=1+1" || got[1] != "'-x" || got[2] != "ok" {
		t.Errorf("a formula comes through: %q", got)
	}
}
