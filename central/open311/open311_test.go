package open311_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/central/open311"
	"gridgate/central/store"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
)

func TestMain(m *testing.M) { leak.Main(m) }

var t0 = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// desk keeps cases in memory.
type desk struct {
	cases  map[string]cases.Case
	notes  []string
	photos [][]byte
	asked  store.Query
	broken error
}

func (d *desk) Services() []open311.Service {
	return []open311.Service{{Code: "0202", Name: "积水内涝 flooding", Group: "水情环境"}, {Code: "0501", Name: "供电异常 mains failure"}}
}

func (d *desk) Class(code string) (intake.Class, bool) {
	return intake.Class{Code: code, Kind: alert.Flood, Severity: alert.Major}, true
}

func (d *desk) GridAt(p cases.LonLat, _ time.Time) (string, bool) { return "330106109001", p.Lon > 120 }

func (d *desk) Open(_ context.Context, r intake.Report) (cases.Case, error) {
	e, err := intake.Opened(r, d)
	if err != nil {
		return cases.Case{}, err
	}
	e.Position = 1
	c, err := cases.Apply(cases.Case{}, e)
	d.cases[c.ID], d.notes = c, append(d.notes, e.Note)
	return c, err
}

func (d *desk) Photo(_ context.Context, _ cases.Case, jpeg []byte) error {
	if d.broken != nil {
		return d.broken
	}
	d.photos = append(d.photos, jpeg)
	return nil
}

func (d *desk) Case(_ context.Context, id string) (cases.Case, error) {
	c, ok := d.cases[id]
	if !ok {
		return c, store.ErrNotFound
	}
	return c, nil
}

func (d *desk) Cases(_ context.Context, q store.Query) ([]cases.Case, string, error) {
	d.asked = q
	return slices.Collect(maps.Values(d.cases)), "", nil
}

func (d *desk) Rate(_ context.Context, c cases.Case, stars int) error {
	if c.State != cases.Closed || c.Rating != 0 {
		return store.ErrConflict
	}
	c.Rating = stars
	d.cases[c.ID] = c
	return nil
}

func (d *desk) Step(cases.Case) cases.Words { return cases.Words{ZH: "受理", EN: "received"} }

func (d *desk) close(id string) {
	c := d.cases[id]
	c.State = cases.Closed
	d.cases[id] = c
}

type centre struct {
	*open311.Handler
	desk *desk
}

func serve(t *testing.T, change ...func(*open311.Options)) centre {
	t.Helper()
	d := &desk{cases: map[string]cases.Case{}}
	o := open311.Options{Desk: d, Key: bytes.Repeat([]byte{7}, 32), PublicURL: "https://centre.example", Now: func() time.Time { return t0 }}
	for _, f := range change {
		f(&o)
	}
	h, err := open311.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return centre{Handler: h, desk: d}
}

func (c centre) do(method, path, typ, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", typ)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func (c centre) get(path string) *httptest.ResponseRecorder { return c.do("GET", path, "", "") }

const formType = "application/x-www-form-urlencoded"

func flood() url.Values {
	return url.Values{"service_code": {"0202"}, "lat": {"30.25555"}, "long": {"120.15555"}, "description": {"路口积水"}}
}

// report posts a form and returns the id of the report and its link.
func (c centre) report(t *testing.T, form url.Values) (id, link string) {
	t.Helper()
	w := c.do("POST", "/open311/v2/requests.json", formType, form.Encode())
	var got []struct {
		ID     string `json:"service_request_id"`
		Notice string `json:"service_notice"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusCreated || len(got) != 1 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	path := regexp.MustCompile(`https://centre\.example(/r/\S+)`).FindStringSubmatch(got[0].Notice)
	if path == nil {
		t.Fatalf("no link in %q", got[0].Notice)
	}
	return got[0].ID, path[1]
}

func TestAReportBecomesACase(t *testing.T) {
	c := serve(t)
	form := flood()
	for _, personal := range []string{"first_name", "last_name", "email", "phone", "device_id", "account_id", "address_string", "media_url"} {
		form.Set(personal, "secret-"+personal)
	}
	id, link := c.report(t, form)
	got := c.desk.cases[id]
	if got.Origin != cases.ByResident || got.Grid != "330106109001" || got.Place.Lat != 30.25555 || c.desk.notes[0] != "路口积水" {
		t.Errorf("the case is %+v", got)
	}
	public := c.get("/open311/v2/requests/" + id + ".json").Body.String()
	for _, s := range []string{`"status":"open"`, `"lat":30.256`, `"long":120.156`, `"address_id":"330106109001"`} {
		if !strings.Contains(public, s) {
			t.Errorf("%s is not in %s", s, public)
		}
	}
	all := public + c.get(link).Body.String() + c.get("/open311/v2/requests.xml").Body.String()
	for _, s := range []string{"secret", "路口积水", "30.25555"} {
		if strings.Contains(all, s) {
			t.Errorf("%q is told to everybody", s)
		}
	}
}

func TestAPhotoIsKeptOrTheReportGoesWithoutIt(t *testing.T) {
	c := serve(t)
	send := func(photo []byte) *httptest.ResponseRecorder {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		for name, v := range flood() {
			if err := m.WriteField(name, v[0]); err != nil {
				t.Fatal(err)
			}
		}
		part, err := m.CreateFormFile("media", "secret-name.jpg")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(photo); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return c.do("POST", "/open311/v2/requests.json", m.FormDataContentType(), body.String())
	}
	if w := send([]byte("photo")); w.Code != http.StatusCreated || len(c.desk.photos) != 1 || string(c.desk.photos[0]) != "photo" {
		t.Errorf("%d %s, photos %q", w.Code, w.Body, c.desk.photos)
	}
	c.desk.broken = errors.New("no face finder")
	if w := send([]byte("photo")); w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), "not kept") || len(c.desk.cases) != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(make([]byte, open311.MaxPhoto+1)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a photo that is too large: %d %s", w.Code, w.Body)
	}
}

func TestRefusedReports(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(url.Values)
		status int
		says   string
	}{
		"no service":      {func(f url.Values) { f.Del("service_code") }, 400, "service_code is missing"},
		"unknown service": {func(f url.Values) { f.Set("service_code", "0101") }, 404, "service_code"},
		"no place":        {func(f url.Values) { f.Del("lat"); f.Del("long"); f.Set("address_string", "somewhere") }, 400, "address_string is not read"},
		"half a place":    {func(f url.Values) { f.Del("lat") }, 400, "degrees"},
		"elsewhere":       {func(f url.Values) { f.Set("long", "100") }, 400, "in no grid"},
		"not a number":    {func(f url.Values) { f.Set("lat", "NaN") }, 400, "degrees"},
		"a telephone":     {func(f url.Values) { f.Set("description", "找 13812345678") }, 400, "telephone"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t)
			f := flood()
			tt.change(f)
			w := c.do("POST", "/open311/v2/requests.xml", formType, f.Encode())
			var got struct {
				XMLName xml.Name `xml:"errors"`
				Errors  []struct {
					Code        int    `xml:"code"`
					Description string `xml:"description"`
				} `xml:"error"`
			}
			if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != tt.status || len(got.Errors) != 1 || got.Errors[0].Code != tt.status ||
				!strings.Contains(got.Errors[0].Description, tt.says) {
				t.Errorf("%d %s, %v: want %d %q", w.Code, w.Body, err, tt.status, tt.says)
			}
			if len(c.desk.cases) != 0 || strings.Contains(w.Body.String(), "138") {
				t.Errorf("something was kept or repeated: %s", w.Body)
			}
		})
	}
}

func TestReportsAreLimitedByAddress(t *testing.T) {
	now := t0
	c := serve(t, func(o *open311.Options) {
		o.Now = func() time.Time { return now }
		o.Limits = open311.Limits{PerAddress: 2, InAll: 3}
	})
	post := func(from string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/open311/v2/requests.json", strings.NewReader(flood().Encode()))
		r.Header.Set("Content-Type", formType)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		return w
	}
	for i, want := range []struct {
		from   string
		status int
	}{{"192.0.2.1:1", 201}, {"192.0.2.1:2", 201}, {"192.0.2.1:3", 429}, {"[2001:db8::1]:1", 201}, {"[2001:db8:0:1::1]:1", 429}} {
		w := post(want.from)
		if w.Code != want.status {
			t.Errorf("report %d: %d, want %d", i, w.Code, want.status)
		}
		if wait, err := strconv.Atoi(w.Header().Get("Retry-After")); want.status == 429 && (err != nil || wait < 1) {
			t.Errorf("report %d does not say when to come back", i)
		}
	}
	now = now.Add(5 * time.Minute)
	if w := post("192.0.2.1:4"); w.Code != http.StatusCreated {
		t.Errorf("later: %d", w.Code)
	}
}

func TestOnlyTheLinkRates(t *testing.T) {
	c := serve(t, func(o *open311.Options) { o.Limits.PerAddress = 20 })
	id, link := c.report(t, flood())
	stars := func(path string) *httptest.ResponseRecorder { return c.do("POST", path, formType, "stars=4") }
	if w := stars(link); c.desk.cases[id].Rating != 0 || !strings.Contains(w.Body.String(), "cannot be rated now") {
		t.Errorf("an open report was rated: %s", w.Body)
	}
	c.desk.close(id)
	for name, path := range map[string]string{"no signature": "/r/" + id, "another's": link[:len(link)-1] + "!", "no such report": "/r/" + alert.NewID() + link[strings.IndexByte(link, '.'):]} {
		if w := stars(path); w.Code != http.StatusNotFound || c.desk.cases[id].Rating != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := c.do("POST", link, formType, "stars=6"); w.Code != http.StatusBadRequest {
		t.Errorf("six stars: %d", w.Code)
	}
	if w := stars(link); w.Code != http.StatusOK || c.desk.cases[id].Rating != 4 || !strings.Contains(w.Body.String(), "Thank you") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := c.get(link); !strings.Contains(w.Body.String(), "4 / 5") || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOtherCasesDoNotExistHere(t *testing.T) {
	c := serve(t)
	id, _ := c.report(t, flood())
	other := c.desk.cases[id]
	other.Origin = cases.ByStaff
	c.desk.cases[id] = other
	if w := c.get("/open311/v2/requests/" + id + ".json"); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/open311/v2/requests.json", "/open311/v2/requests.json?service_request_id=" + id} {
		if w := c.get(path); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != "[]" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestListsGoThroughTheFilter(t *testing.T) {
	c := serve(t)
	if w := c.get("/open311/v2/requests.json?service_code=0202&status=closed&start_date=2020-01-01T00:00:00Z"); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	q := c.desk.asked
	if q.Class != "0202" || q.State != "closed" || q.Origin != cases.ByResident || !q.Since.Equal(t0.AddDate(0, 0, -90)) || q.Limit == 0 {
		t.Errorf("asked for %+v", q)
	}
	for _, bad := range []string{"status=maybe", "start_date=yesterday"} {
		if w := c.get("/open311/v2/requests.json?" + bad); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestServicesAndDiscovery(t *testing.T) {
	c := serve(t)
	var list []struct {
		Code     string `json:"service_code"`
		Metadata *bool  `json:"metadata"`
	}
	if err := json.Unmarshal(c.get("/open311/v2/services.json").Body.Bytes(), &list); err != nil || len(list) != 2 || list[0].Code != "0202" || list[0].Metadata == nil {
		t.Errorf("services %+v, %v", list, err)
	}
	for path, says := range map[string]string{
		"/open311/v2/services.xml": "<services><service><service_code>0202", "/open311/v2/services/0202.xml": "<service_definition><service_code>0202",
		"/open311/v2/discovery.xml": "<specification>http://wiki.open311.org/GeoReport_v2", "/open311/v2/discovery.json": `"url":"https://centre.example/open311/v2"`,
	} {
		if w := c.get(path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/open311/v2/services/9999.json", "/open311/v2/services.csv", "/open311/v2/other.json", "/open311/v2/tokens/1.json"} {
		if w := c.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", flood().Encode())
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"lat\"\r\n\r\n30\r\n--x--\r\n")
	f.Fuzz(func(t *testing.T, typ, body string) {
		d := &desk{cases: map[string]cases.Case{}}
		h, err := open311.New(open311.Options{Desk: d, Key: make([]byte, 32), Now: func() time.Time { return t0 }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/open311/v2/requests.json", strings.NewReader(body))
		r.Header.Set("Content-Type", typ)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == http.StatusCreated && len(d.cases) != 1 {
			t.Fatalf("%d %s, %d cases", w.Code, w.Body, len(d.cases))
		}
	})
}
