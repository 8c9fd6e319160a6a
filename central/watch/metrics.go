package watch

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fleet tells at each scrape who is silent, from what the store has: several centrals on one database tell the same.
type fleet struct{ job *Job }

var (
	edgesDesc = prometheus.NewDesc("gridgate_fleet_edges",
		"Awaited edges: in-touch, silent, or never heard of.", []string{"state"}, nil)
	silentDesc = prometheus.NewDesc("gridgate_fleet_silent_since_timestamp_seconds",
		"Last sync of an edge that is silent; at most a hundred are named.", []string{"edge"}, nil)
	networkDesc = prometheus.NewDesc("gridgate_fleet_widespread_silence",
		"1 while so many edges are silent that it is the network; told by the central that watches.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (f *fleet) Describe(ch chan<- *prometheus.Desc) {
	ch <- edgesDesc
	ch <- silentDesc
	ch <- networkDesc
}

// Collect implements [prometheus.Collector]. A store that does not answer within two seconds reads as NaN.
func (f *fleet) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	seen, err := f.job.look(ctx, f.job.begun, f.job.o.Now())
	counts := map[string]float64{
		"in-touch": float64(seen.heard - len(seen.silent)), "silent": float64(len(seen.silent)), "never": float64(seen.never),
	}
	for state, n := range counts {
		if err != nil {
			n = math.NaN()
		}
		ch <- prometheus.MustNewConstMetric(edgesDesc, prometheus.GaugeValue, n, state)
	}
	for _, s := range seen.silent[:min(len(seen.silent), maxNamed)] {
		ch <- prometheus.MustNewConstMetric(silentDesc, prometheus.GaugeValue, float64(s.since.UnixNano())/1e9, s.edge)
	}
	network := 0.0
	if f.job.network.Load() {
		network = 1
	}
	ch <- prometheus.MustNewConstMetric(networkDesc, prometheus.GaugeValue, network)
}
