package courier

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/store"
)

// maxSeen is how many waiting notices are remembered for the age of the oldest.
const maxSeen = 10_000

// metrics of this package. Channels come from the configuration, one that is no longer in it is "other"; states from a closed list.
type metrics struct {
	now     func() time.Time
	notices *prometheus.CounterVec
	rests   *prometheus.GaugeVec

	mu    sync.Mutex
	first map[string]time.Time // when this process first saw a notice that was due and is not settled
	known map[string]bool
}

func newMetrics(now func() time.Time) *metrics {
	return &metrics{
		now: now, first: map[string]time.Time{}, known: map[string]bool{},
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gridgate_notices_total", Help: "Notices by channel and by how an attempt ended; waiting: it is tried again.",
		}, []string{"channel", "state"}),
		rests: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gridgate_notices_channel_rests", Help: "Whether a channel is left alone for now because it failed or took no more.",
		}, []string{"channel"}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	oldest := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gridgate_notices_oldest_seconds", Help: "How long the oldest notice is due and not settled, as far as this process knows.",
	}, m.oldest)
	for _, c := range []prometheus.Collector{m.notices, m.rests, oldest} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// know makes the series of a channel.
func (m *metrics) know(channel string) {
	m.known[channel] = true
	m.rests.WithLabelValues(channel)
	for _, s := range []store.NoticeState{store.NoticeWaiting, store.NoticeSent, store.NoticeGivenUp, store.NoticeNeedless} {
		m.notices.WithLabelValues(channel, string(s))
	}
}

func (m *metrics) settled(n store.Notice) {
	channel := n.Channel
	if !m.known[channel] {
		channel = "other"
	}
	m.notices.WithLabelValues(channel, string(n.State)).Inc()
	if n.State == store.NoticeWaiting {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.first, n.ID)
}

func (m *metrics) resting(channel string, rests bool) {
	v := 0.0
	if rests {
		v = 1
	}
	m.rests.WithLabelValues(channel).Set(v)
}

// seen notes that a notice is due.
func (m *metrics) seen(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.first[id]; !ok && len(m.first) < maxSeen {
		m.first[id] = m.now()
	}
}

// forget is for a central that no longer leads.
func (m *metrics) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.first)
}

func (m *metrics) oldest() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, age := m.now(), time.Duration(0)
	for _, at := range m.first {
		age = max(age, now.Sub(at))
	}
	return age.Seconds()
}
