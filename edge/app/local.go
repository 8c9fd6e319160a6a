package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gridgate/edge/broker"
	"gridgate/edge/config"
	"gridgate/edge/local"
	"gridgate/edge/local/remote"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/protocols/alert"
)

// ownTopics are those on which the edge speaks: nobody else does, and no sensor.
func ownTopics(cfg *config.Config) local.Own {
	m := cfg.Local.MQTT
	if m.Broker == "" {
		return local.Own{}
	}
	own := local.Own{Edge: cfg.Edge, Topic: m.Topic, Discovery: m.Discovery}
	for _, s := range cfg.Local.Sirens {
		own.Commands = append(own.Commands, s.Topic)
	}
	return own
}

// unlessOurs keeps what the edge itself said, and heard again from a broker, away from the sensors.
func unlessOurs(own local.Own, begin sensor.Begin) sensor.Begin {
	return func(m sensor.Message) func(context.Context) error {
		if own.Has(m.Topic) {
			return func(context.Context) error { return nil }
		}
		return begin(m)
	}
}

// recentFromOutbox is how many of the alerts that wait are shown, and how long asking for them may take.
const recentFromOutbox = 200

// newVoice builds the edge's own voice. Open are the situations that hold at the start.
func newVoice(ctx context.Context, cfg *config.Config, version string, box *outbox.Outbox, open []raise.Situation, cs *cameraSet, ss *sensorSet, log *slog.Logger) (*local.Voice, error) {
	log = log.With("step", "local")
	dial, err := localBroker(cfg, ss)
	if err != nil {
		return nil, err
	}
	recent, err := box.Newest(ctx, recentFromOutbox)
	if err != nil {
		return nil, err
	}
	sirens, err := sirensOf(cfg)
	if err != nil {
		return nil, err
	}
	o := local.Options{
		Edge: cfg.Edge, Software: version, Recent: recent, Dial: dial, Topic: cfg.Local.MQTT.Topic, Discovery: cfg.Local.MQTT.Discovery,
		Language: local.Language(cfg.Local.MQTT.Language), Memory: cfg.Path(cfg.Data) + "/announced.json", Sirens: sirens, Log: log,
	}
	for _, s := range open {
		if !s.Pending {
			o.Open = append(o.Open, s.Alert)
		}
	}
	for _, c := range cs.list {
		o.Devices = append(o.Devices, local.Device{ID: c.Status().ID, Family: alert.Cameras, Places: placesOf(c)})
	}
	for id := range ss.grids {
		o.Devices = append(o.Devices, local.Device{ID: id, Family: alert.Sensors})
	}
	return local.New(o)
}

// placesOf is what a camera may report, and where.
func placesOf(c *watched) (places []local.Place) {
	zones := []string{""}
	for _, z := range c.Status().Zones {
		zones = append(zones, z.Name)
	}
	for _, zone := range zones {
		for _, kind := range alert.Kinds() {
			if c.Reports(zone, kind) {
				places = append(places, local.Place{Zone: zone, Kind: kind})
			}
		}
	}
	return places
}

func sirensOf(cfg *config.Config) (sirens []local.Siren, err error) {
	for _, c := range cfg.Local.Sirens {
		s := local.Siren{
			Name: c.Name, Devices: c.Devices, MinSeverity: alert.Severity(c.MinSeverity), Exercise: c.Exercise,
			Topic: c.Topic, On: []byte(c.On), Off: []byte(c.Off), Duration: c.Duration, MinGap: c.MinGap, MaxAge: c.MaxAge,
		}
		for _, kind := range c.Kinds {
			s.Kinds = append(s.Kinds, alert.Kind(kind))
		}
		if len(c.Schedule) > 0 {
			when, err := cfg.Schedule(c.Schedule)
			if err != nil {
				return nil, fmt.Errorf("siren %s: %w", c.Name, err)
			}
			s.Asleep = when.Asleep
		}
		sirens = append(sirens, s)
	}
	return sirens, nil
}

// localBroker is the way to the broker at which the edge speaks; nil if there is none.
func localBroker(cfg *config.Config, ss *sensorSet) (local.Dial, error) {
	switch name := cfg.Local.MQTT.Broker; name {
	case "":
		return nil, nil
	case config.EmbeddedBroker:
		return func(context.Context, local.Message) (local.Conn, error) { return embedded{ss.embedded}, nil }, nil
	default:
		for _, src := range cfg.MQTT.Sources {
			if src.Name == name {
				return remoteBroker(cfg, src)
			}
		}
		return nil, fmt.Errorf("local broker %s is not configured", name)
	}
}

func remoteBroker(cfg *config.Config, src config.MQTTSource) (local.Dial, error) {
	password, authorities, err := credentials(cfg, src)
	if err != nil {
		return nil, fmt.Errorf("local broker %s: %w", src.Name, err)
	}
	id := src.ClientID
	if id == "" {
		id = "gridgate-" + cfg.Edge
	}
	return remote.Dial(remote.Options{URL: src.URL, ClientID: id + "-local", Username: src.Username, Password: password, TLS: authorities})
}

// embedded speaks at the broker of this process. No connection can be lost, so that it needs no last will: who listens loses the
// broker with the edge.
type embedded struct{ *broker.Broker }

var _ local.Conn = embedded{}

// Publish implements [local.Conn].
func (e embedded) Publish(_ context.Context, m local.Message) error {
	return e.Broker.Publish(broker.Publication{Topic: m.Topic, Payload: m.Payload, Retain: m.Retain, Expiry: m.MaxAge})
}

// Lost implements [local.Conn].
func (e embedded) Lost() <-chan struct{} { return nil }

// Close implements [local.Conn]: the sensors' side runs the broker.
func (e embedded) Close() {}

// door is what the edge serves over HTTP: health and metrics, which tell nobody's secrets and ask for nothing, and the status page.
type door struct {
	listener net.Listener
	server   *http.Server
}

// openDoor binds the address, on TLS where a certificate is configured.
func openDoor(cfg *config.Config, g prometheus.Gatherer, status http.Handler, log *slog.Logger) (*door, error) {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the status page: %w", err)
	}
	if c := cfg.Local.Page; c.Certificate != "" {
		cert, err := tls.LoadX509KeyPair(cfg.Path(c.Certificate), cfg.Path(c.Key))
		if err != nil {
			listener.Close()
			return nil, fmt.Errorf("read the status page's certificate: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.Handle("/", status)
	return &door{listener: listener, server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

func (d *door) addr() string { return d.listener.Addr().String() }

// run serves until ctx ends.
func (d *door) run(ctx context.Context) error {
	if err := serveHTTP(ctx, d.server, d.listener); err != nil {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}
