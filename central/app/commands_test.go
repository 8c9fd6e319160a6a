package app

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/kit/conf"
)

func TestCheck(t *testing.T) {
	const edge = "edges:\n  - {id: a, token: {file: a.token}}\n"
	for name, tc := range map[string]struct {
		config string
		tokens map[string]string
		want   string // "" for good
	}{
		"good":           {edge, map[string]string{"a.token": edgeToken}, ""},
		"empty":          {"", nil, ""},
		"no file":        {edge, nil, "edges[0].token"},
		"short token":    {edge, map[string]string{"a.token": "1234"}, "fewer than 20 bytes"},
		"shared token":   {edge + "  - {id: b, token: {file: a.token}}\n", map[string]string{"a.token": edgeToken}, "edges[1].token: is also that of a"},
		"no certificate": {"listen: 0.0.0.0:1\ntls: {cert: c.pem, key: k.pem}\n", nil, "tls"},
		"client secret":  {"public_url: https://town.example\noidc: {issuer: 'https://login.example', client_id: gridgate, secret: {file: none}, roles: [{group: night, role: operator}]}\n", nil, "oidc.secret"},
		"influx token":   {"tsdb: {kind: influx, url: 'http://127.0.0.1:1', bucket: b, token: {file: none}}\n", nil, "tsdb.token"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for file, text := range tc.tokens {
				write(t, filepath.Join(folder, file), text)
			}
			file := filepath.Join(folder, "central.yaml")
			write(t, file, tc.config)
			err := Check(file)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), edgeToken) {
				t.Errorf("the token is told: %v", err)
			}
		})
	}
}

func TestBadUsersAndTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "central.yaml")
	write(t, file, "")
	for name, u := range map[string]NewUser{
		"name": {Name: "a b", Role: "operator", Password: "long enough"}, "role": {Name: "a", Role: "root", Password: "long enough"},
		"password": {Name: "a", Role: "operator", Password: "short\n"},
	} {
		if err := AddUser(t.Context(), file, u, time.Now()); err == nil {
			t.Errorf("a user with a bad %s is taken", name)
		}
	}
	for name, n := range map[string]NewToken{
		"name": {Name: "", Scopes: []string{"read"}}, "nothing": {Name: "a"}, "scope": {Name: "a", Scopes: []string{"fly"}},
		"edge": {Name: "a", Edge: "A B"}, "both": {Name: "a", Edge: "a", Scopes: []string{"events"}}, "past": {Name: "a", Edge: "a", Expires: -1},
	} {
		if _, err := AddToken(t.Context(), file, n, time.Now()); err == nil {
			t.Errorf("a token with a bad %s is taken", name)
		}
	}
	write(t, file, "listn: x\n")
	var problems conf.Problems
	if _, err := AddToken(t.Context(), file, NewToken{Name: "a", Edge: "a"}, time.Now()); !errors.As(err, &problems) {
		t.Errorf("a bad configuration: %v", err)
	}
}

func TestExpiringToken(t *testing.T) {
	d := newDesk(t)
	for lifetime, want := range map[time.Duration]int{time.Hour: http.StatusOK, time.Nanosecond: http.StatusUnauthorized} {
		token, err := AddToken(t.Context(), d.file, NewToken{Name: "map", Scopes: []string{"read"}, Expires: lifetime}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if answer := d.do("GET", "/v1/cases", token, "", nil); answer.StatusCode != want {
			t.Errorf("a token of %s: %s, want %d", lifetime, answer.Status, want)
		}
	}
}
