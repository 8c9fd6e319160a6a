// Package config reads central's configuration file.
//
// In: YAML. Out: a [Config] that was validated, or problems that name file, line, field and remedy. Only central/app imports
// it; every other package takes its own options. It never holds a secret: a secret is named by the file or variable that keeps it.
package config

import (
	"fmt"
	"path/filepath"
	"time"

	"gridgate/protocols/kit/conf"
)

// Config is the whole file. An empty file is a valid one: loopback, SQLite and the embedded time-series database, no edges.
type Config struct {
	Listen string `yaml:"listen"` // host:port; off loopback only with TLS
	// Data is the folder of the SQLite database, the pictures and the embedded time-series database. Several centrals on one
	// PostgreSQL need the same folder on storage that they share: each serves every picture.
	Data      string `yaml:"data"`
	PublicURL string `yaml:"public_url"` // how browsers reach central, where a proxy gives it another name
	// TrustedProxies are the networks, or addresses, of proxies that tell a client's address in X-Forwarded-For; empty: nobody is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`

	TLS    TLS    `yaml:"tls"`
	Store  Store  `yaml:"store"`
	TSDB   TSDB   `yaml:"tsdb"`
	Edges  []Edge `yaml:"edges"`
	Limits Limits `yaml:"limits"`
	// Credentials are those of edges that enrol by a one-time code.
	Credentials Credentials `yaml:"credentials"`
	// Notify names the ways to tell people.
	Notify    Notify    `yaml:"notify"`
	Zone      string    `yaml:"zone"` // of the days that figures are counted by, a name of the IANA database
	Residents Residents `yaml:"residents"`
	Warnings  Warnings  `yaml:"warnings"`
	Profile   string    `yaml:"profile"` // "cn": pictures and cases are kept for thirty days at least; empty: for one
	Retention Retention `yaml:"retention"`
	OIDC      OIDC      `yaml:"oidc"`
	Map       Map       `yaml:"map"`
	Clips     Clips     `yaml:"clips"`
	Watch     Watch     `yaml:"watch"` // when an edge is silent
}

// ProfileEU keeps pictures and clips for 72 hours if nothing else is said, and for thirty days at most, unless their case is open or held.
const ProfileEU = "eu"

// ProfileCN keeps what the Regulation on the Administration of Public Security Video Image Information Systems, article 17, asks for: thirty days.
const ProfileCN = "cn"

// Retention says how long central keeps things; 0s keeps them for ever. A case that is open, acknowledged or held stays anyhow.
type Retention struct {
	Cases    time.Duration `yaml:"cases"`    // closed cases with their alerts and histories, after their last event
	Evidence time.Duration `yaml:"evidence"` // pictures and sealed clips, after they came; at the latest they go with their case
	Audit    time.Duration `yaml:"audit"`    // the audit log
	Clips    time.Duration `yaml:"clips"`    // sealed clips, where they are kept for another time than pictures; 0s: as evidence
	// Cameras are kept for another time, pictures and clips, within the bounds of the profile.
	Cameras []CameraRetention `yaml:"cameras"`
}

// TLS is the server's certificate; both files are PEM.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Set says whether TLS is configured.
func (t TLS) Set() bool { return t.Cert != "" || t.Key != "" }

// The kinds of store.
const (
	SQLite   = "sqlite"   // one file below the data folder, for one central
	Postgres = "postgres" // a PostgreSQL server, for one central or several
)

// Store says where alerts and cases are kept.
type Store struct {
	Kind     string      `yaml:"kind"`
	URL      string      `yaml:"url"`      // postgres: postgres://user@host/database?sslmode=verify-full&sslrootcert=/file, without the password
	Password conf.Secret `yaml:"password"` // postgres; read anew for each connection
}

// The kinds of time-series database.
const (
	Embedded = "embedded" // in this process, below the data folder; only where no other central shares the store
	Influx   = "influx"   // any server that takes InfluxDB's v2 writes
)

// TSDB says where readings and edge metrics go.
type TSDB struct {
	Kind      string        `yaml:"kind"`
	URL       string        `yaml:"url"`       // influx
	Org       string        `yaml:"org"`       // influx
	Bucket    string        `yaml:"bucket"`    // influx
	Token     conf.Secret   `yaml:"token"`     // influx
	Retention time.Duration `yaml:"retention"` // what is older may be deleted

	RollUpRetention time.Duration `yaml:"rollup_retention"` // embedded: how long the hourly values are kept, if longer than retention
	MaxSeries       int           `yaml:"max_series"`       // distinct series; what an edge tells of itself gets three fifths of it
}

// Edge is one edge that may deliver.
type Edge struct {
	ID            string      `yaml:"id"`
	Token         conf.Secret `yaml:"token"`          // the edge's own bearer token
	ConfigVersion string      `yaml:"config_version"` // which configuration central wants it to run; empty: no wish
}

// Limits bound what central takes at once.
type Limits struct {
	Feeds   int `yaml:"feeds"`   // live feeds
	Batches int `yaml:"batches"` // batches of events that wait for a commit

	EdgeEvents  int `yaml:"edge_events"`  // events a second of one edge or program; life-safety has twice that for itself
	EdgeBatches int `yaml:"edge_batches"` // batches of one edge or program at a time; life-safety has as many for itself
}

// Bounds of a configuration.
const (
	MaxEdges     = 10_000
	MinRetention = 24 * time.Hour
	MaxSeries    = 1_000_000
	MaxProxies   = 64

	MinRetentionAudit = 180 * 24 * time.Hour // of the audit log: six months, whatever the profile

	MinRetentionCN = 30 * 24 * time.Hour // of pictures and cases in [ProfileCN]
)

// Defaults is what a file that says nothing gets.
func Defaults() Config {
	return Config{
		Listen:      "127.0.0.1:8420",
		Data:        "data",
		Store:       Store{Kind: SQLite},
		TSDB:        TSDB{Kind: Embedded, Retention: 90 * 24 * time.Hour, RollUpRetention: 2 * 365 * 24 * time.Hour, MaxSeries: 100_000},
		Limits:      Limits{Feeds: 1000, Batches: 64, EdgeEvents: 30_000, EdgeBatches: 16},
		Credentials: Credentials{Life: 90 * 24 * time.Hour},

		OIDC:      OIDC{Claim: "groups"},
		Retention: Retention{Cases: 180 * 24 * time.Hour, Evidence: 90 * 24 * time.Hour, Audit: 3 * 365 * 24 * time.Hour},

		Zone:      "Asia/Shanghai",
		Watch:     Watch{Silent: 5 * time.Minute},
		Residents: Residents{Classes: []string{"01", "02", "05", "09"}},
		Warnings:  Warnings{Sender: "gridgate", Classes: map[string]string{"Met": "0202", "Fire": "0102", "Infra": "0501"}},
	}
}

// Load reads and validates file. Relative paths in it are relative to its folder. The error is [conf.Problems] if the
// content is at fault.
func Load(file string) (*Config, error) {
	c := Defaults()
	if err := conf.Load(file, &c, c.validate); err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("find the configuration's folder: %w", err)
	}
	c.resolve(folder)
	return &c, nil
}

// resolve makes every path of c absolute.
func (c *Config) resolve(folder string) {
	paths := []*string{&c.Data, &c.TLS.Cert, &c.TLS.Key, &c.TSDB.Token.File, &c.Store.Password.File, &c.OIDC.Secret.File, &c.OIDC.CA, &c.Map.Tiles.File, &c.Map.Tiles.Key.File, &c.Clips.Identity.File}
	paths = append(paths, c.Notify.paths()...)
	for i := range c.Edges {
		paths = append(paths, &c.Edges[i].Token.File)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
}
