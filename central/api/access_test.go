package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// openCase ingests one alert and returns the case that it opened.
func (d *desk) openCase() cases.Case {
	d.t.Helper()
	d.ingest(newAlert(alert.Smoke, "kitchen", noon))
	page := into[CasePage](d.t, d.as("read", "GET", "/v1/cases?state=open", ""))
	if len(page.Items) != 1 {
		d.t.Fatalf("%d open cases, want 1", len(page.Items))
	}
	return page.Items[0]
}

func TestCaseFile(t *testing.T) {
	d := newDesk(t)
	c := d.openCase()
	w := d.as("read", "GET", "/v1/cases/"+c.ID, "")
	if tag := w.Header().Get("ETag"); tag != etag(c.Position) {
		t.Errorf("ETag is %s, want %s", tag, etag(c.Position))
	}
	file := into[CaseFile](t, w)
	if file.ID != c.ID || len(file.History) != 1 || file.History[0].Type != cases.EventOpened || file.Key != c.Key {
		t.Errorf("got %+v", file)
	}
}

func TestSteps(t *testing.T) {
	d := newDesk(t)
	c := d.openCase()
	path := "/v1/cases/" + c.ID
	w := d.as("operate", "POST", path+"/acknowledge", "{}", "If-Match", etag(c.Position))
	got := into[cases.Case](t, w)
	if got.State != cases.Acknowledged || w.Header().Get("ETag") != etag(got.Position) {
		t.Fatalf("acknowledged: %+v, %v", got, w.Header())
	}
	wantProblem(t, d.as("operate", "POST", path+"/acknowledge", ""), http.StatusConflict)
	wantProblem(t, d.as("operate", "POST", path+"/close", `{"reason":"handled"}`, "If-Match", etag(c.Position)), http.StatusPreconditionFailed)
	wantProblem(t, d.as("operate", "POST", path+"/acknowledge", "", "If-Match", etag(got.Position)), http.StatusConflict)
	closed := into[cases.Case](t, d.as("operate", "POST", path+"/close", `{"reason":"false-alarm"}`, "If-Match", "*"))
	if closed.State != cases.Closed || closed.Reason != cases.ReasonFalseAlarm || closed.ClosedBy != "token:test" {
		t.Errorf("closed: %+v", closed)
	}
	if len(d.woken) != 2 || d.woken[1] != closed.Position {
		t.Errorf("the feed was woken for %v", d.woken)
	}
}

func TestHold(t *testing.T) {
	d := newDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	wantProblem(t, d.as("operate", "POST", path+"/release", `{"reason":"settled"}`), http.StatusConflict)
	wantProblem(t, d.as("operate", "POST", path+"/hold", `{"reason":"settled"}`), http.StatusUnprocessableEntity)
	held := into[cases.Case](t, d.as("operate", "POST", path+"/hold", `{"reason":"insurance"}`))
	if held.Hold != cases.ReasonInsurance || held.State != cases.Open {
		t.Errorf("held: %+v", held)
	}
	file := into[CaseFile](t, d.as("read", "GET", path, ""))
	if last := file.History[len(file.History)-1]; last.Type != cases.EventHeld || last.Actor != "token:test" || last.Reason != cases.ReasonInsurance {
		t.Errorf("history ends with %+v", last)
	}
	if free := into[cases.Case](t, d.as("operate", "POST", path+"/release", `{"reason":"mistake"}`)); free.Hold != "" {
		t.Errorf("released: %+v", free)
	}
}

func TestBadSteps(t *testing.T) {
	d := newDesk(t)
	path := "/v1/cases/" + d.openCase().ID
	for body, status := range map[string]int{
		`{"reason":"cleared"}`: 422, `{"reason":"handled","note":"x"}`: 422, `{}`: 422, `{"reason":1}`: 422, `{"reason":"handled"`: 400,
		`{"reason":"handled","reason":"duplicate"}`: 400, `{"Reason":"handled"}`: 422, "": 400,
		`{"reason":"` + strings.Repeat("x", maxBody) + `"}`: 413,
	} {
		wantProblem(t, d.as("operate", "POST", path+"/close", body), status)
	}
	for _, tag := range []string{"1", `"x"`, `"-1"`, `"1`, `W/"1"`, `"1", "2"`} {
		wantProblem(t, d.as("operate", "POST", path+"/acknowledge", "", "If-Match", tag), http.StatusBadRequest)
	}
	wantProblem(t, d.as("operate", "POST", "/v1/cases/0190a1b2-0000-7000-8000-000000000000/acknowledge", ""), http.StatusNotFound)
	if len(d.woken) != 0 {
		t.Errorf("the feed was woken for %v", d.woken)
	}
}

func TestSessionFlow(t *testing.T) {
	d := newDesk(t)
	d.addUser("night", auth.Operator)
	wantProblem(t, d.ask("POST", "/v1/session", `{"user":"night","password":"wrong"}`), http.StatusUnauthorized)
	w := d.ask("POST", "/v1/session", `{"user":"night","password":"`+password+`"}`)
	if body := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || body != `{"user":"night","role":"operator","scopes":["read","operate"],"grids":[]}` {
		t.Fatalf("sign in: %d %s", w.Code, body)
	}
	cookie := w.Header().Get("Set-Cookie")
	for _, part := range []string{"gridgate_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %s", cookie, part)
		}
	}
	value, _, _ := strings.Cut(cookie, ";")
	if s := into[Session](t, d.ask("GET", "/v1/session", "", "Cookie", value)); s.User != "night" || s.Role != "operator" {
		t.Errorf("who: %+v", s)
	}
	c := d.openCase()
	got := into[cases.Case](t, d.ask("POST", "/v1/cases/"+c.ID+"/close", `{"reason":"handled"}`, "Cookie", value))
	if got.ClosedBy != "night" {
		t.Errorf("closed by %q", got.ClosedBy)
	}
	w = d.ask("DELETE", "/v1/session", "", "Cookie", value)
	if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("sign out: %d %v", w.Code, w.Header())
	}
	wantProblem(t, d.ask("GET", "/v1/session", "", "Cookie", value), http.StatusUnauthorized)
}

func TestSignInTellsNothing(t *testing.T) {
	d := newDesk(t)
	d.addUser("night", auth.Operator)
	var bodies []string
	for _, user := range []string{"night", "nobody"} {
		w := d.ask("POST", "/v1/session", `{"user":"`+user+`","password":"secret-guess"}`)
		wantProblem(t, w, http.StatusUnauthorized)
		bodies = append(bodies, w.Body.String())
	}
	if bodies[0] != bodies[1] {
		t.Errorf("a known account %q differs from an unknown one %q", bodies[0], bodies[1])
	}
	for _, body := range []string{`{"user":"night","password":["secret-guess"]}`, `{"user":"","password":"secret-guess"}`, `{"password":"secret-guess"}`} {
		w := d.ask("POST", "/v1/session", body)
		wantProblem(t, w, http.StatusUnprocessableEntity)
		if strings.Contains(w.Body.String(), "secret-guess") {
			t.Errorf("the password comes back: %s", w.Body)
		}
	}
}

func TestLockoutAnswer(t *testing.T) {
	d := newDesk(t)
	var w *httptest.ResponseRecorder
	for range 6 {
		w = d.ask("POST", "/v1/session", `{"user":"night","password":"wrong"}`)
	}
	wantProblem(t, w, http.StatusTooManyRequests)
	if w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
	}
}

// An open route judges by itself; what lies beside it is closed as ever.
func TestOpenRoute(t *testing.T) {
	open := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "open") })
	d := newDesk(t, func(o *Options) {
		o.Edges = append(o.Edges, Route{Method: "POST", Path: "/v1/enrol", Handler: open, Open: true})
	})
	if w := d.ask("POST", "/v1/enrol", "{}"); w.Code != http.StatusOK || w.Body.String() != "open" {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
	wantProblem(t, d.ask("GET", "/v1/enrol", ""), http.StatusUnauthorized)
	wantProblem(t, d.ask("POST", "/v1/enrol/x", "{}"), http.StatusUnauthorized)
	wantProblem(t, d.ask("POST", "/v1/events", "{}"), http.StatusUnauthorized)
}

func TestExpiredToken(t *testing.T) {
	d := newDesk(t)
	text := auth.NewToken()
	ended := store.Token{SHA256: auth.HashToken(text), Name: "old", Scopes: []string{"read"}, Expires: noon.Add(-time.Second)}
	if err := d.store.PutToken(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	unknown := d.ask("GET", "/v1/cases", "", "Authorization", "Bearer "+auth.NewToken())
	expired := d.ask("GET", "/v1/cases", "", "Authorization", "Bearer "+text)
	if expired.Code != http.StatusUnauthorized || expired.Body.String() != unknown.Body.String() {
		t.Errorf("an expired token gets %d %s, an unknown one %s", expired.Code, expired.Body, unknown.Body)
	}
}

func TestCrossSite(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.PublicURL = "https://gridgate.example" })
	path := "/v1/cases/" + d.openCase().ID + "/acknowledge"
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		wantProblem(t, d.as("operate", "POST", path, "", header...), http.StatusForbidden)
		wantProblem(t, d.ask("POST", "/v1/session", `{"user":"night","password":"x"}`, header...), http.StatusForbidden)
	}
	if w := d.as("operate", "POST", path, "", "Origin", "https://gridgate.example", "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusOK {
		t.Errorf("from the public URL: %d %s", w.Code, w.Body)
	}
}

func TestHeaders(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/v1/cases", "/", "/healthz", "/openapi.json"} {
		h := d.ask("GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") == "" ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if cache := d.ask("GET", "/v1/cases", "").Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control of a list is %q", cache)
	}
}

// deaf is a store that does not answer.
type deaf struct{ Store }

func (deaf) Ping(context.Context) error { return errors.New("disk /var/lib is gone") }

func TestHealth(t *testing.T) {
	d := newDesk(t)
	healthy, ready := d.ask("GET", "/healthz", ""), d.ask("GET", "/readyz", "")
	for late := time.Now().Add(time.Minute); ready.Code != http.StatusOK && time.Now().Before(late); { // this machine may have stood still for longer than a ping may take
		ready = d.ask("GET", "/readyz", "")
	}
	for path, w := range map[string]*httptest.ResponseRecorder{"/healthz": healthy, "/readyz": ready} {
		if w.Code != http.StatusOK || w.Body.String() != "ok\n" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	d = newDesk(t, func(o *Options) { o.Store = deaf{o.Store} })
	wantProblem(t, d.ask("GET", "/readyz", ""), http.StatusServiceUnavailable)
	if w := d.ask("GET", "/healthz", ""); w.Code != http.StatusOK {
		t.Errorf("/healthz without a store: %d", w.Code)
	}
}

func TestMetricsAccess(t *testing.T) {
	d := newDesk(t)
	d.as("read", "GET", "/v1/cases", "")
	ask := func(remote string, header ...string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = remote
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		d.server.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(body)
	}
	if code, body := ask("127.0.0.1:9"); code != http.StatusOK || !strings.Contains(body, `gridgate_http_requests_total{code="200",route="GET /v1/cases"} 1`) {
		t.Errorf("from this machine: %d %s", code, body)
	}
	for _, tc := range []struct {
		remote string
		header []string
		want   int
	}{
		{"[::1]:9", nil, 200}, {"192.0.2.1:9", nil, 401}, {"127.0.0.1:9", []string{"X-Forwarded-For", "192.0.2.1"}, 401},
		{"192.0.2.1:9", []string{"Authorization", "Bearer " + d.token("read")}, 200},
		{"192.0.2.1:9", []string{"Authorization", "Bearer " + d.token("events")}, 403},
	} {
		if code, _ := ask(tc.remote, tc.header...); code != tc.want {
			t.Errorf("from %s with %v: %d, want %d", tc.remote, tc.header, code, tc.want)
		}
	}
}

func TestStoreFailureTellsNothing(t *testing.T) {
	secret := errors.New("disk /var/lib is full")
	s := &Server{o: Options{Logger: newDesk(t).server.o.Logger}}
	if err := s.failure(t.Context(), "list cases", secret); strings.Contains(err.Error(), "/var/lib") {
		t.Errorf("told %v", err)
	}
}

func TestCasesAreFoundByEveryFilter(t *testing.T) {
	d := newDesk(t, withReports)
	c := d.openCase() // a fire, opened by an alert
	flood := into[cases.Case](t, d.as("operate", "POST", "/v1/cases", floodReport))
	for query, want := range map[string]string{
		"class=02": flood.ID, "class=0101": c.ID, "class=03": "", "origin=staff": flood.ID, "origin=worker": "", "level=district": "",
		"unit=nobody": "", "step=nowhere": "", "assignee=nobody": "", "parent=" + c.ID: "", "exercise=yes": "", "dueBefore=2100-01-01T00:00:00Z": "",
		"parent=none&exercise=no&class=0202": flood.ID,
	} {
		got := ""
		for _, found := range into[CasePage](t, d.as("read", "GET", "/v1/cases?"+query, "")).Items {
			got += found.ID
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", query, got, want)
		}
		lines := strings.Count(d.as("read", "GET", "/v1/cases.csv?"+query, "").Body.String(), "\n")
		if lines != 1+len(want)/36 {
			t.Errorf("%s: %d lines of CSV for %q", query, lines, want)
		}
	}
	for _, query := range []string{"class=fire", "level=top", "origin=alert", "parent=x", "exercise=maybe", "dueBefore=soon"} {
		if w := d.as("read", "GET", "/v1/cases?"+query, ""); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", query, w.Code)
		}
	}
}
