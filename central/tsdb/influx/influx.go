// Package influx keeps readings on any server that takes InfluxDB's v2 write API: InfluxDB 2, InfluxDB 1.8 (bucket
// "database/retention-policy") and VictoriaMetrics.
//
// In: samples. Out: series, asked for in Flux where the server speaks it, else by the Prometheus API. It does not retry and keeps no queue: a
// write that failed is the caller's to send again, which changes nothing that is there already.
//
// A metric is written with what stands before its last underscore as the measurement and the rest as the field, since
// VictoriaMetrics joins the two with an underscore; so a series has the same name on every server.
//
// What VictoriaMetrics does differently: a sample takes up to a second to show; a second value for a time is kept beside the
// first, and a query sees one of them; a value keeps 12 decimal digits.
package influx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"gridgate/central/tsdb"
)

var _ tsdb.DB = (*DB)(nil)

// Query languages. Auto asks the server at the first query.
const (
	Auto   = ""
	Flux   = "flux"
	PromQL = "promql"
)

// Options configure a [DB]. URL and Bucket are demanded.
type Options struct {
	URL       string                 // base URL, http or https, without user name and password
	Org       string                 // InfluxDB 2 demands one
	Bucket    string                 // InfluxDB 1.8: "database/retention-policy"
	Token     func() (string, error) // asked before every request; nil: none
	Query     string                 // [Auto], [Flux] or [PromQL]
	MaxAge    time.Duration          // how old a sample may be by the clock: at most the server's retention, which drops silently; default 30 days
	Ahead     time.Duration          // how far ahead of the clock a sample may be; default one hour
	MaxSeries int                    // distinct series that this process may write; default 100,000
	Timeout   time.Duration          // of one request and its answer; default 30 s
	Transport http.RoundTripper      // for TLS and proxies; default: a transport of its own
	Now       func() time.Time       // default time.Now
}

// The defaults of [Options].
const (
	DefaultMaxAge    = 30 * 24 * time.Hour
	DefaultAhead     = time.Hour
	DefaultMaxSeries = 100_000
	DefaultTimeout   = 30 * time.Second
)

func (o Options) validate() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return errors.New("url is not an http or https address")
	case u.User != nil:
		return errors.New("url holds a user name: use the token")
	case o.Bucket == "":
		return errors.New("bucket is missing")
	case o.Query != Auto && o.Query != Flux && o.Query != PromQL:
		return fmt.Errorf("query %q is neither empty nor flux nor promql", o.Query)
	case o.MaxAge < 0 || o.Ahead < 0 || o.Timeout < 0 || o.MaxSeries < 0:
		return errors.New("a duration or bound is negative")
	}
	return nil
}

// DB is a time-series server.
type DB struct {
	opts   Options
	http   *http.Client
	client influxdb2.Client
	writer api.WriteAPIBlocking

	mu        sync.Mutex
	closed    bool
	admission tsdb.Admission
	reader    reader // nil until the server was asked
}

// reader asks the server in one language.
type reader interface {
	collector(s tsdb.Selector) *tsdb.Collector                          // fit for the points that read brings
	read(ctx context.Context, s tsdb.Selector, c *tsdb.Collector) error // puts the points of s into c
}

// New returns a DB. It does not connect: a server that is down at the start is an error of the first write or query.
func New(opts Options) (*DB, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("time-series server: %w", err)
	}
	db := &DB{
		opts: opts,
		http: &http.Client{
			Timeout:   cmp.Or(opts.Timeout, DefaultTimeout),
			Transport: authorizer{next: transportOf(opts), token: opts.Token},
		},
		admission: tsdb.Admission{
			MaxSeries: cmp.Or(opts.MaxSeries, DefaultMaxSeries),
			Past:      cmp.Or(opts.MaxAge, DefaultMaxAge),
			Ahead:     cmp.Or(opts.Ahead, DefaultAhead),
			Now:       opts.Now,
		},
	}
	settings := influxdb2.DefaultOptions().SetHTTPClient(db.http).SetPrecision(time.Millisecond).SetUseGZip(true).SetApplicationName("gridgate")
	db.client = influxdb2.NewClientWithOptions(opts.URL, "", settings)
	db.writer = db.client.WriteAPIBlocking(opts.Org, opts.Bucket)
	db.reader = db.readerFor(opts.Query)
	return db, nil
}

func transportOf(o Options) http.RoundTripper {
	if o.Transport != nil {
		return o.Transport
	}
	return http.DefaultTransport.(*http.Transport).Clone()
}

// authorizer adds the token of the moment to every request. It also leaves compression to the transport: where the client
// library asks for gzip itself, it never closes the body of the answer.
type authorizer struct {
	next  http.RoundTripper
	token func() (string, error)
}

// RoundTrip implements [http.RoundTripper].
func (a authorizer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Accept-Encoding")
	if a.token == nil {
		return a.next.RoundTrip(r)
	}
	token, err := a.token()
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("read token: %w", err)
	}
	r.Header.Set("Authorization", "Token "+token)
	return a.next.RoundTrip(r)
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] through.
func (a authorizer) CloseIdleConnections() {
	if c, ok := a.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Query implements [tsdb.DB].
func (db *DB) Query(ctx context.Context, s tsdb.Selector) ([]tsdb.Series, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r, err := db.readerOf(ctx)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Metric, err)
	}
	c := r.collector(s)
	if err := r.read(ctx, s, c); err != nil {
		return nil, fmt.Errorf("query %s: %w", s.Metric, err)
	}
	return c.Result()
}

// Close ends the connections. Later calls fail with [tsdb.ErrClosed].
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.closed {
		db.closed = true
		db.client.Close()
		db.http.CloseIdleConnections()
	}
	return nil
}
