package app

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gridgate/central/config"
)

// newResidentDesk is a central at which residents report.
func newResidentDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "central.yaml")}
	write(t, d.file, "listen: 127.0.0.1:0\nresidents: {on: true, classes: [\"02\"]}\n")
	d.start()
	d.token = d.newToken("read", "operate")
	return d
}

// form is a multipart form with a photo.
func form(t *testing.T, fields map[string]string, photo []byte) (typ string, body []byte) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("media", "photo.jpg")
	if err == nil {
		_, err = part.Write(photo)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.Bytes()
}

func text(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFromAResidentsReportToItsRating: a report without an account becomes a case with a redacted photo, is led through its loop, and is
// rated by its own link, once.
func TestFromAResidentsReportToItsRating(t *testing.T) {
	d := newResidentDesk(t)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	next := d.feed("0")
	typ, body := form(t, map[string]string{"service_code": "0202", "address_id": "330106109001", "description": "路口积水"}, photo.Bytes())
	said := text(t, d.do("POST", "/open311/v2/requests.json", "", typ, body))
	link := regexp.MustCompile(`/r/[0-9a-f-]{36}\.[A-Za-z0-9_-]+`).FindString(said)
	if link == "" || strings.Contains(said, "could not be redacted") {
		t.Fatalf("the answer is %s", said)
	}
	for next() < 2 { // it was opened, then taken in
	}
	id := strings.Split(strings.TrimPrefix(link, "/r/"), ".")[0]
	path := "/v1/cases/" + id
	if list := into[struct{ Items []struct{ SHA256 string } }](t, d.do("GET", path+"/pictures", d.token, "", nil)); len(list.Items) != 1 {
		t.Errorf("photos %+v", list)
	}
	rate := func(stars string) string {
		return text(t, d.do("POST", link, "", "application/x-www-form-urlencoded", []byte(url.Values{"stars": {stars}}.Encode())))
	}
	if page := rate("5"); !strings.Contains(page, "cannot be rated now") {
		t.Errorf("rated before it was done: %s", page)
	}
	second, err := AddToken(t.Context(), d.file, NewToken{Name: "second", Scopes: []string{"read", "operate"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ token, body string }{
		{d.token, `{"action":"acknowledge"}`}, {d.token, `{"action":"dispatch","unit":"water"}`}, {d.token, `{"action":"accept"}`},
		{d.token, `{"action":"feed-back"}`}, {second, `{"action":"verify"}`},
	} {
		into[looped](t, d.do("POST", path+"/steps", step.token, "application/json", []byte(step.body)))
	}
	if page := rate("4"); !strings.Contains(page, "Thank you") {
		t.Errorf("the rating: %s", page)
	}
	if c := into[looped](t, d.do("GET", path, d.token, "", nil)); c.Rating != 4 || c.Step != "evaluate" {
		t.Errorf("%+v", c)
	}
	if page := rate("1"); !strings.Contains(page, "cannot be rated now") {
		t.Errorf("rated twice: %s", page)
	}
}

func TestResidentsAreLetInOnlyIfConfigured(t *testing.T) {
	d := newDesk(t)
	if answer := d.do("POST", "/open311/v2/requests.json", "", "application/x-www-form-urlencoded", []byte("service_code=0202")); answer.StatusCode < 400 {
		t.Errorf("a report is taken: %s", answer.Status)
	}
}

func TestLinkKeyIsMadeOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "links.key")
	first, err := linkKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeKey(file); err != nil { // another central, at the same moment
		t.Fatal(err)
	}
	again, err := linkKey(file)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("another key: %v", err)
	}
	if left, err := filepath.Glob(file + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := linkKey(file); err == nil {
		t.Error("a damaged key is taken")
	}
}

// TestAWarningOpensCasesOnTheMap: grids are imported, a warning's polygon touches one of them.
func TestAWarningOpensCasesOnTheMap(t *testing.T) {
	d := newDesk(t)
	events, configure := d.newToken("events", "read"), d.newToken("configure", "read")
	square := func(x string) string {
		return `[[[120.` + x + `,30.1],[120.` + x + `5,30.1],[120.` + x + `5,30.2],[120.` + x + `,30.2],[120.` + x + `,30.1]]]`
	}
	grids := `{"type":"FeatureCollection","features":[` +
		`{"type":"Feature","properties":{"code":"330106109001","name":"社区","from":"2025-01-01"},"geometry":null},` +
		`{"type":"Feature","properties":{"code":"330106109001001","name":"东","from":"2025-01-01"},"geometry":{"type":"Polygon","coordinates":` + square("1") + `}},` +
		`{"type":"Feature","properties":{"code":"330106109001002","name":"西","from":"2025-01-01"},"geometry":{"type":"Polygon","coordinates":` + square("2") + `}}]}`
	if answer := d.do("POST", "/v1/grids/import", configure, "application/geo+json", []byte(grids)); answer.StatusCode != http.StatusOK {
		t.Fatalf("import: %s %s", answer.Status, text(t, answer))
	}
	warning := `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>W-1</identifier><sender>met</sender><sent>2026-03-01T08:00:00+08:00</sent>
		<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><category>Met</category><event>rain</event><urgency>Immediate</urgency>
		<severity>Severe</severity><certainty>Likely</certainty><area><areaDesc>town</areaDesc><polygon>30.12,120.11 30.12,120.12 30.13,120.12 30.12,120.11</polygon></area></info></alert>`
	got := into[struct{ Opened []string }](t, d.do("POST", "/v1/warnings", events, "application/cap+xml", []byte(warning)))
	if len(got.Opened) != 1 {
		t.Fatalf("opened %v", got.Opened)
	}
	c := into[struct{ Grid, Class, Origin string }](t, d.do("GET", "/v1/cases/"+got.Opened[0], d.token, "", nil))
	if c.Grid != "330106109001001" || c.Class != config.Defaults().Warnings.Classes["Met"] || c.Origin != "warning" {
		t.Errorf("%+v", c)
	}
	if out := text(t, d.do("GET", "/v1/cases/"+got.Opened[0]+"/cap", d.token, "", nil)); !strings.Contains(out, "<polygon>30.1,120.1 ") {
		t.Errorf("published without its land: %s", out)
	}
}
