package enrol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/lockout"
)

const life = 90 * 24 * time.Hour

// desk is both handlers over a real store, with a clock that the test moves.
type desk struct {
	t     *testing.T
	now   time.Time
	store *sqlite.Store
	mux   http.Handler
	log   bytes.Buffer
}

func newDesk(t *testing.T) *desk {
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
	d := &desk{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), store: db}
	d.serve(db)
	return d
}

func (d *desk) serve(records Records) {
	clock := func() time.Time { return d.now }
	h := New(Options{Records: records, Life: life, Now: clock, Logger: slog.New(slog.NewTextHandler(&d.log, nil))})
	service := auth.New(auth.Options{Records: d.store, Now: clock, Fixed: []store.Token{{SHA256: auth.HashToken("fixed"), Edge: "town-1"}}})
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ingest.EnrolPath, h.Enrol)
	mux.Handle("POST "+CredentialPath, service.Require(http.HandlerFunc(h.Credential)))
	d.mux = mux
}

// code puts one into the store for town-1, good for an hour.
func (d *desk) code() string {
	d.t.Helper()
	code := ingest.NewCode()
	if err := d.store.PutCode(d.t.Context(), store.Code{SHA256: auth.HashToken(code), Edge: "town-1", Expires: d.now.Add(time.Hour)}, d.now); err != nil {
		d.t.Fatal(err)
	}
	return code
}

func (d *desk) post(path, token, body, remote string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), "POST", path, strings.NewReader(body))
	r.RemoteAddr = remote + ":1234"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	return w
}

func (d *desk) enrol(code, edge, remote string) *httptest.ResponseRecorder {
	body, err := json.Marshal(ingest.Enrolment{Code: code, Edge: edge})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.post(ingest.EnrolPath, "", string(body), remote)
}

// ask asks for the next credential.
func (d *desk) ask(token string) *httptest.ResponseRecorder {
	return d.post("/v1/edges/town-1/credential", token, "", "192.0.2.9")
}

func credentialOf(t *testing.T, w *httptest.ResponseRecorder) (c ingest.Credential) {
	t.Helper()
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &c) != nil || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return c
}

func TestEnrol(t *testing.T) {
	d := newDesk(t)
	code := d.code()
	c := credentialOf(t, d.enrol(strings.ToLower(code), "town-1", "192.0.2.1"))
	if c.Edge != "town-1" || !c.Expires.Equal(d.now.Add(life)) || c.AskSec != int64(latest/time.Second) {
		t.Errorf("got %+v", c)
	}
	if again := credentialOf(t, d.ask(c.Token)); again.Token != "" || !again.Expires.Equal(c.Expires) {
		t.Errorf("a fresh credential that asks gets %+v", again)
	}
	if log := d.log.String(); strings.Contains(log, code) || strings.Contains(log, c.Token) || !strings.Contains(log, "an edge enrolled") {
		t.Errorf("the log: %s", log)
	}
}

// TestRefusalsAreAlike wants one answer for whatever is wrong with a code.
func TestRefusalsAreAlike(t *testing.T) {
	d := newDesk(t)
	spent := d.code()
	credentialOf(t, d.enrol(spent, "town-1", "192.0.2.1"))
	open := d.code()
	first := d.enrol(ingest.NewCode(), "town-1", "192.0.2.2")
	if first.Code != http.StatusForbidden {
		t.Fatalf("a wrong code: %d %s", first.Code, first.Body)
	}
	for i, tt := range []struct{ name, code, edge string }{
		{"spent", spent, "town-1"}, {"another edge's", open, "town-2"}, {"mistyped", open[:len(open)-1] + "U", "town-1"},
		{"empty", "", "town-1"}, {"no edge", open, ""}, {"odd edge", open, "../../x"},
	} {
		if w := d.enrol(tt.code, tt.edge, "192.0.2.1"+string(rune('0'+i))); w.Code != first.Code || w.Body.String() != first.Body.String() {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
	}
	d.now = d.now.Add(time.Hour)
	if w := d.enrol(open, "town-1", "192.0.2.3"); w.Body.String() != first.Body.String() {
		t.Errorf("one that has run out: %d %s", w.Code, w.Body)
	}
	for _, body := range []string{"", "{", `{"code":"x","edge":"y","more":1}`, `{"code":1}`} {
		w := d.post(ingest.EnrolPath, "", body, "192.0.2.4")
		if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "more") {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := d.post(ingest.EnrolPath, "", `{"code":"`+strings.Repeat("x", ingest.MaxEnrolBody)+`"}`, "192.0.2.5"); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", w.Code)
	}
}

// TestGuessing tries codes from one address until it must wait; another address need not.
func TestGuessing(t *testing.T) {
	d := newDesk(t)
	code := d.code()
	for range lockout.Free + 1 {
		if w := d.enrol(ingest.NewCode(), "town-1", "192.0.2.1"); w.Code != http.StatusForbidden {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if w := d.enrol(code, "town-1", "192.0.2.1"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" {
		t.Fatalf("a guess too many: %d %v", w.Code, w.Header())
	}
	d.now = d.now.Add(lockout.FirstWait)
	if w := d.enrol(ingest.NewCode(), "town-1", "192.0.2.1"); w.Code != http.StatusForbidden {
		t.Fatalf("after the wait: %d", w.Code)
	}
	credentialOf(t, d.enrol(code, "town-1", "192.0.2.2"))
}

func TestRenew(t *testing.T) {
	d := newDesk(t)
	first := credentialOf(t, d.enrol(d.code(), "town-1", "192.0.2.1"))
	d.now = d.now.Add(life/2 - time.Hour)
	if c := credentialOf(t, d.ask(first.Token)); c.Token != "" || c.AskSec != 3600 {
		t.Fatalf("an hour too early: %+v", c)
	}
	d.now = d.now.Add(time.Hour)
	lost := credentialOf(t, d.ask(first.Token)) // the answer never arrives: the edge asks again
	second := credentialOf(t, d.ask(first.Token))
	if second.Token == "" || second.Token == lost.Token || !second.Expires.Equal(d.now.Add(life)) {
		t.Fatalf("renewed: %+v after %+v", second, lost)
	}
	if w := d.ask(lost.Token); w.Code != http.StatusUnauthorized {
		t.Errorf("the one that was lost: %d", w.Code)
	}
	if c := credentialOf(t, d.ask(second.Token)); c.Token != "" {
		t.Errorf("the first use of the next: %+v", c)
	}
	if w := d.ask(first.Token); w.Code != http.StatusUnauthorized {
		t.Errorf("renewing by the one that was replaced: %d %s", w.Code, w.Body)
	}
	d.now = d.now.Add(life)
	if w := d.ask(second.Token); w.Code != http.StatusUnauthorized {
		t.Errorf("at the end of its life: %d", w.Code)
	}
}

func TestCredentialIsTheEdgesOwn(t *testing.T) {
	d := newDesk(t)
	c := credentialOf(t, d.enrol(d.code(), "town-1", "192.0.2.1"))
	if w := d.post("/v1/edges/town-2/credential", c.Token, "", "192.0.2.1"); w.Code != http.StatusForbidden {
		t.Errorf("for another edge: %d", w.Code)
	}
	if fixed := credentialOf(t, d.ask("fixed")); fixed.Token != "" || !fixed.Expires.IsZero() {
		t.Errorf("a token of the configuration gets %+v", fixed)
	}
	if err := d.store.Revoke(t.Context(), "town-1", d.now); err != nil {
		t.Fatal(err)
	}
	if w := d.ask(c.Token); w.Code != http.StatusUnauthorized {
		t.Errorf("a revoked edge: %d", w.Code)
	}
}

// broken is a store that cannot write.
type broken struct{ *sqlite.Store }

func (broken) Enrol(context.Context, string, store.Credential, time.Time) error {
	return errors.New("no room on /var/lib")
}

func (broken) Renew(context.Context, string, store.Credential, time.Time) error {
	return errors.New("no room on /var/lib")
}

func TestStoreTrouble(t *testing.T) {
	d := newDesk(t)
	c := credentialOf(t, d.enrol(d.code(), "town-1", "192.0.2.1"))
	d.serve(broken{d.store})
	d.now = d.now.Add(life / 2)
	for _, w := range []*httptest.ResponseRecorder{d.enrol(d.code(), "town-1", "192.0.2.1"), d.ask(c.Token)} {
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "/var") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
}

// timed remembers until when a request may be read.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *timed) SetReadDeadline(at time.Time) error {
	w.until = at
	return nil
}

// A code that comes slowly keeps its place for seconds only: there are few, and whoever has none may ask.
func TestASlowCodeIsCutOff(t *testing.T) {
	d := newDesk(t)
	w := &timed{ResponseRecorder: httptest.NewRecorder()}
	d.mux.ServeHTTP(w, httptest.NewRequest("POST", ingest.EnrolPath, strings.NewReader("{}")))
	if left := time.Until(w.until); w.until.IsZero() || left > readWithin {
		t.Errorf("it may be read until %s", w.until)
	}
}
