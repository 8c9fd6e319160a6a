package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/auth/signon"
	"gridgate/central/store"
)

// gate is single sign-on that answers what a test wants.
type gate struct {
	user store.User
	err  error
	last signon.Callback
}

func (g *gate) Begin(context.Context) (string, *http.Cookie, error) {
	return "https://login.town.example/auth?state=x", &http.Cookie{Name: signon.CookieName, Value: "sealed"}, g.err
}

func (g *gate) Finish(_ context.Context, c signon.Callback) (store.User, error) {
	g.last = c
	return g.user, g.err
}

func (g *gate) Forget() *http.Cookie { return &http.Cookie{Name: signon.CookieName, MaxAge: -1} }

func newGate(t *testing.T) (*desk, *gate) {
	t.Helper()
	g := &gate{}
	return newDesk(t, func(o *Options) { o.SignOn = g }), g
}

const backFrom = signOnPath + "/callback?code=c&state=s&iss=i&session_state=more"

func (d *desk) lastEntry() audit.Entry {
	d.t.Helper()
	list := d.entries()
	if len(list) == 0 {
		d.t.Fatal("the log is empty")
	}
	return list[len(list)-1]
}

func TestWaysToSignIn(t *testing.T) {
	with, _ := newGate(t)
	for d, want := range map[*desk]Ways{with: {Password: true, OIDC: true}, newDesk(t): {Password: true}} {
		if got := into[Ways](t, d.ask("GET", "/v1/session/ways", "")); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, path := range []string{signOnPath, backFrom} {
		wantProblem(t, newDesk(t).ask("GET", path, ""), http.StatusNotFound)
	}
}

func TestSignOnBegins(t *testing.T) {
	d, g := newGate(t)
	w := d.ask("GET", signOnPath, "")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://login.town.example/auth?state=x" || w.Header().Get("Set-Cookie") != "gridgate_signon=sealed" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	g.err = signon.ErrAway
	wantProblem(t, d.ask("GET", signOnPath, ""), http.StatusServiceUnavailable)
	wantProblem(t, d.ask("GET", backFrom, ""), http.StatusServiceUnavailable)
	d.account("local", auth.Operator)
	if w := d.ask("POST", "/v1/session", `{"user":"local","password":"wrong horse"}`); w.Code != http.StatusUnauthorized {
		t.Errorf("a local account while the issuer is away: %d", w.Code)
	}
}

func TestSignOnComesBack(t *testing.T) {
	d, g := newGate(t)
	g.user = d.account("li.wei", auth.Operator)
	w := d.ask("GET", backFrom, "", "Cookie", "gridgate_signon=sealed")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || g.last != (signon.Callback{Code: "c", State: "s", Issuer: "i", Cookie: "sealed"}) {
		t.Fatalf("%d %v %s, asked with %+v", w.Code, w.Header(), w.Body, g.last)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 2 || cookies[0].Name != auth.CookieName || !cookies[0].HttpOnly || cookies[1].Name != signon.CookieName || cookies[1].MaxAge >= 0 {
		t.Fatalf("cookies %v", cookies)
	}
	if e := d.lastEntry(); e.Action != "finish-sign-on" || e.Actor != "li.wei" || e.Role != "operator" || e.Outcome != audit.Done || e.Target != "" {
		t.Errorf("entry %+v", e)
	}
	if who := into[Session](t, d.ask("GET", "/v1/session", "", "Cookie", cookies[0].Name+"="+cookies[0].Value)); who.User != "li.wei" {
		t.Errorf("signed in as %+v", who)
	}
	if w := d.ask("GET", signOnPath+"/callback?state="+strings.Repeat("s", maxCallback+1), ""); g.last != (signon.Callback{}) {
		t.Errorf("%d, asked with %d bytes", w.Code, len(g.last.State))
	}
}

func TestSignOnIsRefused(t *testing.T) {
	d, g := newGate(t)
	for _, reason := range signon.Reasons() {
		g.err = signon.RefusedError{Reason: reason, Account: "li.wei"}
		w := d.ask("GET", backFrom, "")
		if cookie := w.Header().Get("Set-Cookie"); !strings.HasPrefix(cookie, signon.CookieName+"=;") || refusals[reason] == "" || !strings.Contains(w.Body.String(), refusals[reason]) {
			t.Errorf("%s: cookie %q, body %s", reason, cookie, w.Body)
		}
		wantProblem(t, w, http.StatusForbidden)
		if e := d.lastEntry(); e.Reason != string(reason) || e.Actor != "li.wei" || e.Outcome != audit.Refused {
			t.Errorf("entry %+v", e)
		}
	}
	g.err = errors.New("disk")
	wantProblem(t, d.ask("GET", backFrom, ""), http.StatusInternalServerError)
	if e := d.lastEntry(); e.Outcome != audit.Failed || e.Actor != "" {
		t.Errorf("entry %+v", e)
	}
}
