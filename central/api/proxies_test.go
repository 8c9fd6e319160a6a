package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/kit/lockout"
)

// through asks from a client behind the proxy 10.0.0.1.
func (d *desk) through(client, method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "10.0.0.1:4711"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", client)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	return w
}

func behindProxy(o *Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }

const (
	goodNight = `{"user":"night","password":"` + password + `"}`
	badNight  = `{"user":"night","password":"a guess"}`
)

// One who guesses behind a proxy waits, and nobody else; what the client itself writes to the left of its address changes nothing.
func TestOneGuesserBehindAProxyLocksOutNobodyElse(t *testing.T) {
	d := newDesk(t, behindProxy)
	d.addUser("night", auth.Operator)
	for i := range lockout.Free + 2 {
		d.through(strings.Repeat("198.51.100.1, ", i)+"203.0.113.66", "POST", "/v1/session", badNight)
	}
	wantProblem(t, d.through("198.51.100.9, 203.0.113.66", "POST", "/v1/session", goodNight), http.StatusTooManyRequests)
	if w := d.through("203.0.113.7", "POST", "/v1/session", goodNight); w.Code != http.StatusOK {
		t.Errorf("another client of the proxy: %d %s", w.Code, w.Body)
	}
}

// A peer that is no proxy makes up an address for each guess, and waits all the same.
func TestMadeUpAddressesDoNotHelpAGuesser(t *testing.T) {
	d := newDesk(t)
	d.addUser("night", auth.Operator)
	for i := range lockout.Free + 2 {
		d.through("203.0.113."+string(rune('0'+i)), "POST", "/v1/session", badNight)
	}
	wantProblem(t, d.through("203.0.113.99", "POST", "/v1/session", goodNight), http.StatusTooManyRequests)
}

func TestTheAuditLogHasTheClientsAddress(t *testing.T) {
	for want, d := range map[string]*desk{"203.0.113.7": newDesk(t, behindProxy), "10.0.0.1": newDesk(t)} {
		d.addUser("night", auth.Operator)
		if w := d.through("203.0.113.7", "POST", "/v1/session", goodNight); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		entries, _, err := d.store.AuditPage(t.Context(), store.AuditQuery{Action: "sign-in", Limit: 5})
		if err != nil || len(entries) != 1 || entries[0].Remote != want {
			t.Errorf("%v, %+v; want %s", err, entries, want)
		}
	}
}

// Only a trusted proxy says that a client uses TLS; and nobody who comes through one is this machine.
func TestWhatAProxyMaySay(t *testing.T) {
	behind, alone := newDesk(t, behindProxy), newDesk(t)
	for name, tc := range map[string]struct {
		d      *desk
		header []string
		want   bool
	}{
		"a proxy": {behind, []string{"X-Forwarded-Proto", "https"}, true}, "a proxy over HTTP": {behind, []string{"X-Forwarded-Proto", "http"}, false},
		"a proxy that says nothing": {behind, nil, false}, "a stranger": {alone, []string{"X-Forwarded-Proto", "https"}, false},
	} {
		tc.d.addUser("night", auth.Operator)
		w := tc.d.through("203.0.113.7", "POST", "/v1/session", goodNight, tc.header...)
		secure, strict := strings.Contains(w.Header().Get("Set-Cookie"), "Secure"), w.Header().Get("Strict-Transport-Security") != ""
		if w.Code != http.StatusOK || secure != tc.want || strict != tc.want {
			t.Errorf("%s: %d, cookie %q, strict transport %t", name, w.Code, w.Header().Get("Set-Cookie"), strict)
		}
	}
	for _, client := range []string{"127.0.0.1", "::1", "10.0.0.2"} {
		wantProblem(t, behind.through(client, "GET", "/metrics", ""), http.StatusUnauthorized)
	}
}
