package page

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"gridgate/edge/local"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
	"gridgate/protocols/kit/password"
)

const secret = "correct horse"

// desk is a page with a clock that the test moves.
type desk struct {
	t        *testing.T
	page     *Page
	now      time.Time
	snapshot Snapshot
	silenced []string
	cookies  []*http.Cookie
}

func newDesk(t *testing.T, change func(*Options)) *desk {
	t.Helper()
	hash, err := password.Hash(secret, password.Cost{Memory: 64, Passes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	o := Options{
		Edge: "east-gate", Version: "v1", Hash: hash, Now: func() time.Time { return d.now },
		Snapshot: func(context.Context) Snapshot { return d.snapshot },
		Status:   func() any { return map[string]string{"edge": "east-gate"} },
		Silence:  func(name string) bool { d.silenced = append(d.silenced, name); return name != "cellar" },
	}
	change(&o)
	if d.page, err = New(o); err != nil {
		t.Fatal(err)
	}
	return d
}

func usual(*Options) {}

// ask sends a request with the cookies that were set before.
func (d *desk) ask(method, target string, form url.Values, header ...string) *http.Response {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, target, body)
	r.Host = "192.0.2.7:8430"
	r.RemoteAddr = "192.0.2.1:1"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Remote" {
			r.RemoteAddr = header[i+1]
		} else if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range d.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	d.page.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.Name == cookieName {
			d.cookies = []*http.Cookie{c}
		}
	}
	return resp
}

func (d *desk) signIn(text string) *http.Response {
	return d.ask("POST", "/login", url.Values{"password": {text}})
}

// text is the body of the page.
func (d *desk) text(target string, header ...string) string {
	d.t.Helper()
	resp := d.ask("GET", target, nil, header...)
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s answers %d, %v", target, resp.StatusCode, err)
	}
	return string(body)
}

func TestNothingIsShownWithoutASession(t *testing.T) {
	d := newDesk(t, usual)
	for _, target := range []string{"GET /", "GET /status", "POST /silence"} {
		method, path, _ := strings.Cut(target, " ")
		resp := d.ask(method, path, url.Values{})
		if resp.StatusCode != http.StatusSeeOther && resp.StatusCode != http.StatusUnauthorized || len(d.silenced) > 0 {
			t.Errorf("%s answers %d", target, resp.StatusCode)
		}
	}
	if resp := d.signIn("wrong horse"); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) > 0 {
		t.Errorf("a wrong password answers %d", resp.StatusCode)
	}
}

func TestASessionBeginsAndEnds(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Secure = true })
	resp := d.signIn(secret)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("the right password answers %d", resp.StatusCode)
	}
	if c := resp.Cookies()[0]; !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || len(c.Value) < 26 {
		t.Errorf("cookie %v", c)
	}
	if resp := d.ask("GET", "/", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("the page answers %d", resp.StatusCode)
	}
	kept := d.cookies
	d.ask("POST", "/logout", url.Values{})
	d.cookies = kept
	if resp := d.ask("GET", "/", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after signing out the page answers %d", resp.StatusCode)
	}
	d.signIn(secret)
	d.now = d.now.Add(sessionLife)
	if resp := d.ask("GET", "/", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("an old session answers %d", resp.StatusCode)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	var s sessions
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	first := s.add(now)
	for i := range 3 * maxSessions {
		s.add(now.Add(time.Duration(i+1) * time.Second))
	}
	if len(s.ends) != maxSessions || s.has(first, now) {
		t.Errorf("%d sessions, the first is there: %v", len(s.ends), s.has(first, now))
	}
}

func TestWhoGuessesMustWait(t *testing.T) {
	d := newDesk(t, usual)
	for range lockout.Free + 1 {
		d.signIn("wrong horse")
	}
	resp := d.signIn(secret)
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "秒后再试") {
		t.Errorf("the right password while locked answers %d, %s", resp.StatusCode, body)
	}
	if resp := d.ask("POST", "/login", url.Values{"password": {secret}}, "Remote", "192.0.2.9:1"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("another address answers %d", resp.StatusCode)
	}
	d.now = d.now.Add(lockout.FirstWait)
	if resp := d.signIn(secret); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after the wait it answers %d", resp.StatusCode)
	}
}

func TestAnotherSiteCanDoNothing(t *testing.T) {
	d := newDesk(t, usual)
	d.signIn(secret)
	for _, header := range [][]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		if resp := d.ask("POST", "/silence", url.Values{"siren": {"hall"}}, header...); resp.StatusCode != http.StatusForbidden || len(d.silenced) > 0 {
			t.Errorf("%v answers %d", header, resp.StatusCode)
		}
	}
	if resp := d.ask("POST", "/silence", url.Values{"siren": {"hall"}}, "Origin", "http://192.0.2.7:8430"); resp.StatusCode != http.StatusSeeOther || len(d.silenced) != 1 {
		t.Errorf("the page itself answers %d, silenced %v", resp.StatusCode, d.silenced)
	}
	if resp := d.ask("POST", "/silence", url.Values{"siren": {"cellar"}}); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a siren that is not there answers %d", resp.StatusCode)
	}
	if resp := d.ask("GET", "/silence?siren=hall", nil); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a link answers %d", resp.StatusCode)
	}
}

// nasty is a name that a page could take for its own.
const nasty = `<script>alert("x")</script>`

// full is a snapshot with one of everything.
func full(now time.Time) Snapshot {
	var a alert.Alert
	a.ID, a.Source, a.Kind, a.State, a.Severity, a.Zone = alert.NewID(), alert.SensorSource("east-gate", "smoke-1"), alert.Smoke, alert.Raised, alert.Critical, nasty
	a.RaisedAt = now.Add(-90 * time.Second)
	drill := a
	drill.Exercise = true
	return Snapshot{
		Config: "0123456789ab", Started: now.Add(-time.Hour), Central: Link{Why: nasty, Since: now.Add(-time.Minute)},
		Broker:  local.Status{Configured: true, Connected: true, Published: 7, Dropped: 1},
		Cameras: []Device{{ID: "good", State: "streaming", Good: true}, {ID: "bad", State: "auth-failed", Why: nasty, Zones: []string{nasty + "\x00walk-test"}}},
		Sensors: []Device{{ID: "smoke-1", State: "online", Good: true}},
		Brokers: []Link{{Name: nasty, Connected: true}},
		Lanes:   []Lane{{Lane: alert.LifeSafety, Pending: 3, Oldest: now.Add(-time.Hour), Shed: 1}, {Lane: alert.Bulk}},
		Dead:    2, Recent: []alert.Alert{a, drill},
		Wanted: []Wanted{{What: "configuration", Name: "0123456789ab", State: ingest.WantedTrying}, {What: "release", Name: "v2", State: ingest.WantedRolledBack, Why: nasty, Since: now}},
		Sirens: []local.SirenStatus{{Name: nasty, Kinds: []alert.Kind{alert.Smoke}, Sounding: true, Until: now.Add(time.Minute), Listeners: 0}},
	}
}

func TestNamesAreEscapedAndNothingComesFromElsewhere(t *testing.T) {
	d := newDesk(t, usual)
	d.signIn(secret)
	d.snapshot = full(d.now)
	page := d.text("/")
	if strings.Contains(page, "<script") || strings.Count(page, "&lt;script&gt;") < 6 {
		t.Errorf("names are not escaped: %s", page)
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") {
		t.Error("the page names another place")
	}
	resp := d.ask("GET", "/", nil)
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, h := range []string{"X-Content-Type-Options", "Referrer-Policy", "Cache-Control"} {
		if resp.Header.Get(h) == "" {
			t.Errorf("%s is missing", h)
		}
	}
}

func TestBothLanguages(t *testing.T) {
	d := newDesk(t, usual)
	d.signIn(secret)
	d.snapshot = full(d.now)
	tests := []struct {
		target, accept string
		want           []string
	}{
		{"/", "", []string{`lang="zh-CN"`, "烟雾", "紧急", "正在鸣响", "密码被拒", "步行测试", "演练", "1 分钟前", "已舍弃 1", "试运行中", "程序版本 v2", "已退回"}},
		{"/", "zh-TW,zh;q=0.9,en;q=0.5", []string{`lang="zh-CN"`}},
		{"/", "de-DE", []string{`lang="zh-CN"`}},
		{"/", "en-GB,zh;q=0.5", []string{`lang="en"`, "Smoke", "critical", "Sounding until", "password refused", "walk-test", "drill", "1 min ago", "shed 1", "on trial", "Release v2", "gone back from"}},
		{"/?lang=en", "zh-CN", []string{`lang="en"`}},
		{"/login?lang=en", "", []string{"Sign in"}},
		{"/login", "", []string{"登录"}},
	}
	for _, tt := range tests {
		page := d.text(tt.target, "Accept-Language", tt.accept)
		for _, want := range tt.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s in %q says nothing of %q", tt.target, tt.accept, want)
			}
		}
	}
	if len(chinese) != len(english) {
		t.Errorf("%d Chinese texts, %d English ones", len(chinese), len(english))
	}
	for _, state := range ingest.WantedStates {
		if english["wanted."+string(state)] == "" {
			t.Errorf("%s has no word", state)
		}
	}
	for key := range chinese {
		if english[key] == "" || chinese[key] == "" {
			t.Errorf("%s is missing in a language", key)
		}
	}
}

func TestWhatIsWrongStandsFirst(t *testing.T) {
	d := newDesk(t, usual)
	d.signIn(secret)
	for i := range maxDevices + 7 {
		d.snapshot.Sensors = append(d.snapshot.Sensors, Device{ID: fmt.Sprintf("s%04d", i), State: "online", Good: i != maxDevices+6})
	}
	page := d.text("/")
	if strings.Index(page, fmt.Sprintf("s%04d", maxDevices+6)) > strings.Index(page, "s0000") || !strings.Contains(page, "另有 7 个未显示") {
		t.Error("the sensor that is not well does not stand first")
	}
}

// Without a password there is no page. Programs of this machine are answered, unless a browser here asks by another name.
func TestWithoutAPassword(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Hash = "" })
	if page := d.text("/login"); !strings.Contains(page, "gridgate-edge password") {
		t.Error("the page does not say what to do")
	}
	if resp := d.signIn(""); resp.StatusCode == http.StatusSeeOther {
		t.Error("an empty password is accepted")
	}
	for _, tt := range []struct {
		remote, host string
		want         int
	}{
		{"127.0.0.1:5", "127.0.0.1:8430", 200}, {"127.0.0.1:5", "localhost:8430", 200}, {"[::1]:5", "[::1]:8430", 200},
		{"127.0.0.1:5", "rebound.example", 401}, {"192.0.2.1:5", "localhost", 401},
	} {
		if resp := d.ask("GET", "/status", nil, "Remote", tt.remote, "Host", tt.host); resp.StatusCode != tt.want {
			t.Errorf("%s asks %s: %d, want %d", tt.remote, tt.host, resp.StatusCode, tt.want)
		}
	}
	if _, err := New(Options{Hash: secret, Snapshot: d.page.o.Snapshot, Status: d.page.o.Status}); err == nil {
		t.Error("a password in the clear is taken for a hash")
	}
}

func TestProgramsAreAnsweredWithASession(t *testing.T) {
	d := newDesk(t, usual)
	d.signIn(secret)
	if body := d.text("/status"); !strings.Contains(body, `"edge": "east-gate"`) {
		t.Errorf("status %s", body)
	}
}
