package app

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/api"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/central/overview"
	"gridgate/central/tsdb"
)

// scrapeWithin is how long each part may take to answer a scrape.
const scrapeWithin = 2 * time.Second

// latencies are buckets from 1 ms to some 8 s.
var latencies = prometheus.ExponentialBuckets(0.001, 2.5, 11)

// meters are what this package measures by itself.
type meters struct {
	feed, sync prometheus.Histogram
	samples    *prometheus.CounterVec
}

func newMeters(r prometheus.Registerer) *meters {
	m := &meters{
		feed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gridgate_feed_delay_seconds", Help: "Time from a case event until the screens that are connected are told.", Buckets: latencies,
		}),
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gridgate_sync_save_seconds", Help: "Time to read and save the report of an edge; how long its answer is held is left out.", Buckets: latencies,
		}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gridgate_tsdb_samples_total", Help: "Samples by what the time-series database made of them; failed: it did not answer.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{"written", "refused", "failed"} {
		m.samples.WithLabelValues(outcome)
	}
	r.MustRegister(m.feed, m.sync, m.samples)
	return m
}

// countedSeries counts what the time-series database makes of samples.
type countedSeries struct {
	tsdb.DB
	samples *prometheus.CounterVec
}

// Write implements [tsdb.DB].
func (c countedSeries) Write(ctx context.Context, samples []tsdb.Sample) error {
	err := c.DB.Write(ctx, samples)
	refused, failed := 0, 0
	var rejection tsdb.Rejection
	switch {
	case errors.As(err, &rejection):
		refused = len(rejection)
	case err != nil:
		failed = len(samples)
	}
	c.samples.WithLabelValues("refused").Add(float64(refused))
	c.samples.WithLabelValues("failed").Add(float64(failed))
	c.samples.WithLabelValues("written").Add(float64(len(samples) - refused - failed))
	return err
}

// condition tells at each scrape how this central and its surroundings are.
type condition struct {
	folder string
	ping   func(context.Context) error
	board  api.Overview
	pair   func() *certs.Pair // nil: without TLS
	failed func() int64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("gridgate_"+name, help, labels, nil)
}

var (
	buildDesc  = describe("build_info", "1; which build this is.", "version")
	storeDesc  = describe("store_up", "1 while the store answers.")
	freeDesc   = describe("data_free_bytes", "Free bytes of the disk of the data folder.")
	sizeDesc   = describe("data_size_bytes", "Size of the disk of the data folder.")
	casesDesc  = describe("cases", "Cases that are not closed, drills and parts of others aside, by state.", "state")
	dueDesc    = describe("cases_overdue", "Those of them with a deadline that passed.")
	certDesc   = describe("certificate_expiry_timestamp_seconds", "When the certificate that clients are shown runs out.")
	backupDesc = describe("backup_last_success_timestamp_seconds", "When the last backup was finished, as its file in the data folder tells; 0: never.")
	auditDesc  = describe("audit_failures_total", "Entries that could not be written to the audit log.")
)

// Describe implements [prometheus.Collector].
func (c *condition) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{buildDesc, storeDesc, freeDesc, sizeDesc, casesDesc, dueDesc, certDesc, backupDesc, auditDesc} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *condition) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	gauge(buildDesc, 1, Version())
	up := 1.0
	if c.ping(ctx) != nil {
		up = 0
	}
	gauge(storeDesc, up)
	var disk syscall.Statfs_t
	if syscall.Statfs(c.folder, &disk) == nil {
		gauge(freeDesc, float64(disk.Bavail)*float64(disk.Bsize))
		gauge(sizeDesc, float64(disk.Blocks)*float64(disk.Bsize))
	}
	opened, acknowledged, overdue := c.cases(ctx)
	gauge(casesDesc, opened, "open")
	gauge(casesDesc, acknowledged, "acknowledged")
	gauge(dueDesc, overdue)
	if at, ok := c.certificate(); ok {
		gauge(certDesc, float64(at.Unix()))
	}
	gauge(backupDesc, c.backup())
	ch <- prometheus.MustNewConstMetric(auditDesc, prometheus.CounterValue, float64(c.failed()))
}

// cases counts by what the map counts by; NaN while the store does not answer.
func (c *condition) cases(ctx context.Context) (opened, acknowledged, overdue float64) {
	standing, err := c.board.Standing(ctx, overview.Query{Sees: func(string) bool { return true }})
	if err != nil {
		return math.NaN(), math.NaN(), math.NaN()
	}
	for _, area := range standing.Grids {
		opened, acknowledged, overdue = opened+float64(area.Open), acknowledged+float64(area.Acknowledged), overdue+float64(area.Red)
	}
	return opened, acknowledged, overdue
}

// certificate is when the one that clients are shown runs out.
func (c *condition) certificate() (time.Time, bool) {
	pair := c.pair()
	if pair == nil {
		return time.Time{}, false
	}
	return pair.Leaf().NotAfter, true
}

// backupFile is what a backup leaves in the data folder.
const backupFile = "backup.json"

// backup is when the last one was finished.
func (c *condition) backup() float64 {
	data, err := os.ReadFile(filepath.Join(c.folder, backupFile))
	if err != nil {
		return 0
	}
	var told struct {
		LastSuccess time.Time `json:"lastSuccess"`
	}
	if json.Unmarshal(data, &told) != nil || told.LastSuccess.IsZero() {
		return 0
	}
	return float64(told.LastSuccess.Unix())
}

// startMetrics registers what tells how this central is, once all that it asks is there.
func (a *App) startMetrics(_ context.Context, c *config.Config) error {
	return a.registry.Register(&condition{folder: c.Data, ping: a.store.Ping, board: a.overview(), pair: func() *certs.Pair { return a.pair }, failed: a.audit.Failed})
}
