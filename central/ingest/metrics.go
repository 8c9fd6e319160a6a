package ingest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// metrics of this package. All labels come from closed lists.
type metrics struct {
	events   *prometheus.CounterVec // by outcome
	readings *prometheus.CounterVec // by outcome
	uploads  *prometheus.CounterVec // by outcome
	refused  *prometheus.CounterVec // by status
	commit   prometheus.Histogram
	group    prometheus.Histogram
	delay    *prometheus.HistogramVec // by lane
}

// observeDelays notes how late new alerts came, by the clocks of their edges and ours.
func (m *metrics) observeDelays(alerts []store.Received, outcomes []ingest.Outcome) {
	for i, a := range alerts {
		if outcomes[i] == ingest.Accepted {
			m.delay.WithLabelValues(string(a.Lane())).Observe(max(0, a.ReceivedAt.Sub(a.RaisedAt).Seconds()))
		}
	}
}

func newMetrics(reg prometheus.Registerer, waiting func() float64, gaps Store) (*metrics, error) {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gridgate_ingest_" + name, Help: help}, []string{label})
	}
	m := &metrics{
		events:   counter("events_total", "Alerts and evidence events by what became of them.", "outcome"),
		readings: counter("readings_total", "Readings by what became of them.", "outcome"),
		uploads:  counter("uploads_total", "Evidence objects that were uploaded (created) or were there already (present).", "outcome"),
		refused:  counter("refused_requests_total", "Requests that were refused as a whole, by HTTP status.", "status"),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gridgate_ingest_commit_seconds", Help: "Time of one group commit.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 13),
		}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gridgate_ingest_commit_events", Help: "Events of one group commit.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gridgate_ingest_delay_seconds", Help: "Time from the raising of an alert at its edge, by the edge's clock, until it was received, by lane.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200},
		}, []string{"lane"}),
	}
	for _, lane := range lanes {
		m.delay.WithLabelValues(string(lane))
	}
	for _, o := range []ingest.Outcome{ingest.Accepted, ingest.Duplicate, ingest.Rejected} {
		m.events.WithLabelValues(string(o)) // so that a counter that never moved reads 0
	}
	if reg == nil {
		return m, nil
	}
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gridgate_ingest_queue_batches", Help: "Batches that were admitted and are not yet committed.",
	}, waiting)
	var errs []error
	for _, c := range []prometheus.Collector{m.events, m.readings, m.uploads, m.refused, m.commit, m.group, m.delay, queue, &missing{store: gaps}} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}

// missing tells at each scrape how many alerts are missing, from what the store counts: several centrals on one database tell the
// same.
type missing struct{ store Store }

var missingDesc = prometheus.NewDesc("gridgate_ingest_missing_alerts",
	"Sequence numbers that edges gave out and settled, and that neither came nor were shed.", []string{"lane"}, nil)

// Describe implements [prometheus.Collector].
func (m *missing) Describe(ch chan<- *prometheus.Desc) { ch <- missingDesc }

// Collect implements [prometheus.Collector]. A store that does not answer within two seconds reads as NaN.
func (m *missing) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts := make(map[alert.Lane]float64)
	tallies, err := m.store.Gaps(ctx)
	for _, t := range tallies {
		counts[t.Lane] += float64(t.Gap())
	}
	for _, lane := range lanes {
		n := counts[lane]
		if err != nil {
			n = math.NaN()
		}
		ch <- prometheus.MustNewConstMetric(missingDesc, prometheus.GaugeValue, n, string(lane))
	}
}
