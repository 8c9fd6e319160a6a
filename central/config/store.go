package config

import (
	"net/url"
	"slices"
	"strings"

	"gridgate/protocols/kit/loopback"
)

// storeParameters are what may stand behind the "?" of store.url (PostgreSQL 15 documentation, section 34.1.2). How long things
// may take and how a session behaves is central's own affair.
var storeParameters = []string{"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"}

func (c *Config) validateStore(j *judge) {
	switch s := c.Store; s.Kind {
	case Postgres:
		c.validatePostgres(j)
	case SQLite:
		if s.URL != "" {
			j.bad("store.url", "is not used by sqlite", "remove it, or write kind: postgres")
		}
		if s.Password.Set() {
			j.bad("store.password", "is not used by sqlite", "remove it, or write kind: postgres")
		}
	default:
		j.bad("store.kind", "is unknown", "write sqlite or postgres")
	}
}

func (c *Config) validatePostgres(j *judge) {
	if p := c.Store.Password; p.File != "" && p.Env != "" {
		j.bad("store.password", "has both file and env", "keep one of the two")
	}
	const example = "for example postgres://gridgate@db.example/gridgate?sslmode=verify-full"
	u, err := url.Parse(c.Store.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || len(u.Path) < 2 {
		j.bad("store.url", "is not the address of a PostgreSQL database", example)
		return
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		j.bad("store.url", "has a password in it", "name a file or env under store.password")
		return
	}
	if u.User.Username() == "" {
		j.bad("store.url", "names no user", example)
	}
	for name := range u.Query() {
		if !slices.Contains(storeParameters, name) {
			j.bad("store.url", "has a parameter that is not one of "+strings.Join(storeParameters, ", "), "remove it")
			return
		}
	}
	if mode := u.Query().Get("sslmode"); !localServer(u) && mode != "verify-full" && mode != "verify-ca" {
		j.bad("store.url", "goes to another machine without a verified certificate", "add sslmode=verify-full, and sslrootcert=/path/of/the/authority if it is your own")
	}
}

// localServer says whether a database is reached without leaving this machine: by a socket or by loopback.
func localServer(u *url.URL) bool {
	hosts := u.Hostname()
	if h := u.Query().Get("host"); h != "" {
		hosts = h
	}
	for _, host := range strings.Split(hosts, ",") {
		if host != "" && !strings.HasPrefix(host, "/") && !loopback.Host(host) {
			return false
		}
	}
	return true
}
