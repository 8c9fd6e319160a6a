package app

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"gridgate/edge/camera"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/local"
	"gridgate/edge/outbox"
	"gridgate/edge/sensor/mqtt"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// alertCounter counts committed alerts; its label sets are bounded by the closed lists of kinds and states.
type alertCounter struct {
	mu sync.Mutex
	n  map[[2]string]float64
}

func (c *alertCounter) add(kind alert.Kind, state alert.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[[2]string]float64{}
	}
	c.n[[2]string{string(kind), string(state)}]++
}

func (c *alertCounter) each(f func(kind, state string, n float64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.n {
		f(k[0], k[1], n)
	}
}

// collector reads every part when it is asked, so that no part needs to know of metrics. Labels are the names of cameras, detectors,
// brokers and sirens of the configuration, which is bounded, and words of closed lists.
type collector struct {
	box       *outbox.Outbox
	pool      *decode.Pool
	cameras   *cameraSet
	detectors detectorSet
	sensors   *sensorSet
	alerts    *alertCounter
	voice     *local.Voice
	dir       string
	link      *link
	version   string
	clock     func() time.Duration
}

// Describe sends nothing: what is there to tell depends on the configuration (an unchecked collector).
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	m := sink{out}
	c.collectVideo(m)
	c.collectSensors(m)
	c.collectOutbox(m)
	c.collectVoice(m)
	c.alerts.each(func(kind, state string, n float64) {
		m.counter("gridgate_edge_alerts_raised_total", "Alerts on stable storage.", n, "kind", kind, "state", state)
	})
	c.collectLink(m)
	collectWanted(m, c.link.wanted)
	m.gauge("gridgate_edge_build_info", "1; which build this is.", 1, "version", c.version)
	m.gauge("gridgate_edge_clock_offset_seconds", "Central's clock less the edge's.", c.clock().Seconds())
}

// collectLink tells of the way to central. Times that are not known yet are 0.
func (c *collector) collectLink(m sink) {
	delivered, rejected := c.link.counts()
	m.counter("gridgate_edge_alerts_delivered_total", "Events and readings that central answered for.", float64(delivered))
	m.counter("gridgate_edge_alerts_rejected_total", "Events and readings that central refused.", float64(rejected))
	sync := c.link.sync.Status()
	m.gauge("gridgate_edge_central_connected", "1 while central answers the edge's syncs.", oneIf(sync.Connected))
	m.gauge("gridgate_edge_sync_last_success_timestamp_seconds", "When central last answered a sync; 0: not yet.", stamp(sync.Last))
	if k := c.link.keeper; k != nil {
		s := k.Status()
		m.gauge("gridgate_edge_credential_good", "1 while central takes the edge's credential.", oneIf(s.Good))
		m.gauge("gridgate_edge_credential_expiry_timestamp_seconds", "When the edge's credential runs out; 0: never, or not known yet.", stamp(s.Expires))
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// stamp is a time in seconds since the Unix epoch, 0 for none.
func stamp(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}

func (c *collector) collectVideo(m sink) {
	var streaming, pictures, refused, clips float64
	for _, cam := range c.cameras.list {
		s := cam.Status()
		on := 0.0
		if s.State == "streaming" {
			on = 1
		}
		streaming += on
		shown := cam.evidence()
		pictures += float64(shown.Pictures)
		refused += float64(shown.NoPicture)
		clips += float64(shown.Clips)
		m.gauge("gridgate_edge_camera_streaming", "1 while the camera streams.", on, "camera", s.ID)
		m.counter("gridgate_edge_camera_frames_total", "Pictures that were judged.", float64(s.Counters.Frames), "camera", s.ID)
		m.counter("gridgate_edge_camera_undecodable_total", "Samples that could not be decoded.", float64(s.Counters.Undecodable), "camera", s.ID)
		m.counter("gridgate_edge_camera_skipped_total", "Samples that came faster than they were decoded.", float64(s.Counters.Skipped), "camera", s.ID)
		c.collectStream(m, cam, s)
	}
	m.gauge("gridgate_edge_cameras", "Configured cameras.", float64(len(c.cameras.list)))
	m.gauge("gridgate_edge_cameras_streaming", "Cameras that stream.", streaming)
	m.counter("gridgate_edge_pictures_made_total", "Redacted pictures stored.", pictures)
	m.counter("gridgate_edge_pictures_refused_total", "Alerts without a picture.", refused)
	m.counter("gridgate_edge_clips_sealed_total", "Sealed clips stored.", clips)
	for name, d := range c.detectors {
		s := d.Stats()
		m.counter("gridgate_edge_detector_asked_total", "Pictures given to a detector outside.", float64(s.Asked), "detector", name)
		m.counter("gridgate_edge_detector_failed_total", "Of those, without an answer that can be read in time.", float64(s.Failed), "detector", name)
		m.counter("gridgate_edge_detector_identity_total", "Answers refused because they told who somebody is or of what sort.", float64(s.Identity), "detector", name)
	}

	d := c.pool.Stats()
	m.counter("gridgate_edge_frames_decoded_total", "Requests that a decoder worker answered.", float64(d.Requests-min(d.Requests, d.Failures)))
	m.counter("gridgate_edge_decode_failures_total", "Requests that ended in an error.", float64(d.Failures))
	m.counter("gridgate_edge_decode_busy_seconds_total", "Processor time of the decoder workers.", d.CPU.Seconds())
	m.counter("gridgate_edge_decode_restarts_total", "Decoder workers started again.", float64(d.Restarts))
}

// collectStream tells how a camera is sampled and what its stream is like; it keeps no series of what its pictures cost.
func (c *collector) collectStream(m sink, cam *watched, s camera.Status) {
	for _, how := range []detect.Sampling{detect.Gated, detect.Keyframes, detect.Sequence} {
		on := 0.0
		if s.Sampling == how {
			on = 1
		}
		m.gauge("gridgate_edge_camera_sampling", "1 for how the camera is sampled.", on, "camera", s.ID, "sampling", string(how))
	}
	blind := 0.0
	if s.Gate == detect.Blind {
		blind = 1
	}
	m.gauge("gridgate_edge_camera_gate_blind", "1 while what happens does not show in the size of the camera's pictures.", blind, "camera", s.ID)
	m.gauge("gridgate_edge_camera_ring_bytes", "Coded pictures kept in memory.", float64(s.RingBytes), "camera", s.ID)
	m.gauge("gridgate_edge_camera_masked_ratio", "Share of the picture that is ignored because it always sways.", cam.masked(), "camera", s.ID)
	cost := c.pool.Cost(s.ID)
	m.counter("gridgate_edge_camera_units_total", "Access units that came.", float64(s.Counters.Units), "camera", s.ID)
	m.counter("gridgate_edge_camera_decode_seconds_total", "Processor time of the decoder workers for the camera.", cost.CPU.Seconds(), "camera", s.ID)
	stream := cam.stream()
	m.gauge("gridgate_edge_camera_fps", "Pictures a second that come.", stream.FPS, "camera", s.ID)
	if stream.SkewKnown {
		m.gauge("gridgate_edge_camera_skew_seconds", "The camera's clock less the edge's.", stream.Skew.Seconds(), "camera", s.ID)
	}
}

func (c *collector) collectSensors(m sink) {
	online := 0.0
	devices := c.sensors.devices()
	for _, d := range devices {
		if d.State == "online" {
			online++
		}
	}
	m.gauge("gridgate_edge_sensors", "Configured sensors.", float64(len(devices)))
	m.gauge("gridgate_edge_sensors_online", "Sensors that were heard of.", online)
	messages, refused := c.sensors.hub.Counts()
	for _, b := range c.sensors.brokers() {
		m.gauge("gridgate_edge_broker_connected", "1 while the edge listens at a broker of its configuration.", oneIf(b.State == mqtt.Connected), "broker", b.Name)
	}
	m.counter("gridgate_edge_mqtt_messages_total", "MQTT messages handled.", float64(messages))
	m.counter("gridgate_edge_mqtt_refused_total", "MQTT messages that meant nothing to a dialect or a device.", float64(refused))
}

func (c *collector) collectOutbox(m sink) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := c.box.Stats(ctx)
	if err != nil {
		return
	}
	bytes, shed, coalesced := s.Readings.Bytes+s.Evidence.Bytes, s.Readings.Shed+s.Evidence.Shed, int64(0)
	for _, l := range s.Lanes {
		bytes, shed, coalesced = bytes+l.Bytes, shed+l.Shed, coalesced+l.Coalesced
		m.gauge("gridgate_edge_outbox_pending", "Alerts that wait for a receipt.", float64(l.Pending), "lane", string(l.Lane))
		oldest := 0.0
		if !l.Oldest.IsZero() {
			oldest = max(0, time.Since(l.Oldest).Seconds())
		}
		m.gauge("gridgate_edge_outbox_oldest_seconds", "How long the oldest alert waits for a receipt.", oldest, "lane", string(l.Lane))
	}
	m.counter("gridgate_edge_outbox_commits_total", "Transactions of the outbox.", float64(s.Commits))
	m.counter("gridgate_edge_outbox_failed_calls_total", "Calls of the outbox that a failing transaction took along.", float64(s.Failures))
	m.gauge("gridgate_edge_outbox_bytes", "Bytes that wait for a receipt.", float64(bytes))
	m.counter("gridgate_edge_outbox_shed_total", "Entries dropped for want of room.", float64(shed))
	m.counter("gridgate_edge_outbox_coalesced_total", "Life-safety alerts that gave way to a later one of their key for want of room.", float64(coalesced))
	m.gauge("gridgate_edge_outbox_set_aside", "Damaged files that are kept beside the outbox.", float64(s.SetAside))
	m.gauge("gridgate_edge_evidence_pending", "Pictures that wait to be sent.", float64(s.Evidence.Pending))
	m.gauge("gridgate_edge_readings_pending", "Readings that wait to be sent.", float64(s.Readings.Pending))
	m.gauge("gridgate_edge_dead_letters", "Events that central refused.", float64(s.DeadLetters))
	var disk syscall.Statfs_t
	if syscall.Statfs(c.dir, &disk) == nil {
		m.gauge("gridgate_edge_disk_free_bytes", "Free bytes of the outbox's disk.", float64(disk.Bavail)*float64(disk.Bsize))
		m.gauge("gridgate_edge_disk_size_bytes", "Size of that disk.", float64(disk.Blocks)*float64(disk.Bsize))
	}
}

// collectVoice tells nothing where the edge has no broker of its own voice.
func (c *collector) collectVoice(m sink) {
	s := c.voice.Status()
	if !s.Configured {
		return
	}
	connected := 0.0
	if s.Connected {
		connected = 1
	}
	m.gauge("gridgate_edge_local_connected", "1 while the local broker takes what the edge says.", connected)
	m.counter("gridgate_edge_local_published_total", "Messages that the local broker took.", float64(s.Published))
	m.counter("gridgate_edge_local_dropped_total", "Alerts that were not told locally: no room, or too late.", float64(s.Dropped))
	for _, siren := range c.voice.Sirens() {
		sounding := 0.0
		if siren.Sounding {
			sounding = 1
		}
		m.gauge("gridgate_edge_siren_sounding", "1 while the siren sounds.", sounding, "siren", siren.Name)
		m.counter("gridgate_edge_siren_dropped_total", "Soundings that no broker took in time.", float64(siren.Dropped), "siren", siren.Name)
	}
}

// sink builds metrics from names and label pairs.
type sink struct{ out chan<- prometheus.Metric }

func (s sink) gauge(name, help string, v float64, labels ...string) {
	s.send(prometheus.GaugeValue, name, help, v, labels)
}

func (s sink) counter(name, help string, v float64, labels ...string) {
	s.send(prometheus.CounterValue, name, help, v, labels)
}

func (s sink) send(typ prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for pair := range slices.Chunk(labels, 2) {
		names, values = append(names, pair[0]), append(values, pair[1])
	}
	s.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), typ, v, values...)
}

// newRegistry registers the collector beside those of the process.
func newRegistry(c *collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// ownMetrics are the edge's figures that go up with sync: the closed list of the protocol, each summed over its labels.
func ownMetrics(g prometheus.Gatherer) map[string]float64 {
	families, _ := g.Gather()
	out := map[string]float64{}
	for _, f := range families {
		if !slices.Contains(ingest.EdgeMetrics, f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			out[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}
