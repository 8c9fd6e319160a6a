package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/broker"
	"gridgate/edge/config"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/mqtt"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/sensors/mapped"
)

// sensorSet is steps 1 to 4 for MQTT messages: brokers that bring them and the hub that understands them.
type sensorSet struct {
	hub      *sensor.Hub
	embedded *broker.Broker // nil if not configured
	sources  []*mqtt.Source
	grids    map[string]string // by sensor id
	raiser   sensor.Raiser
	notify   func()
	open     func() []raise.Situation // those that hold now; nil: nobody asks

	mu      sync.Mutex
	ordered map[string]sensor.Mode // those that central armed otherwise
	spoken  chan struct{}          // closed once the edge's own voice has said its last; the embedded broker stays until then
}

func newSensors(cfg *config.Config, raiser sensor.Raiser, notify func(), log *slog.Logger) (*sensorSet, error) {
	log = log.With("step", "source")
	devices, err := devicesOf(cfg)
	if err != nil {
		return nil, err
	}
	s := &sensorSet{grids: map[string]string{}, spoken: make(chan struct{}), raiser: raiser, notify: notify}
	for _, d := range devices {
		s.grids[d.ID] = d.Grid
	}
	s.hub, err = sensor.New(sensor.Options{Edge: cfg.Edge, Devices: devices, Raiser: raiser, OnChange: notify, Log: log})
	if err != nil {
		return nil, err
	}
	if err := s.addBroker(cfg, log); err != nil {
		return nil, err
	}
	for _, src := range cfg.MQTT.Sources {
		if err := s.addSource(cfg, src, log); err != nil {
			return nil, fmt.Errorf("broker %s: %w", src.Name, err)
		}
	}
	return s, nil
}

// devicesOf builds the configured devices. Mistakes in mapping files come back as [conf.Problems] of those files.
func devicesOf(cfg *config.Config) ([]sensor.Device, error) {
	dialects := Dialects()
	mappings := map[string]*mapped.Dialect{} // a file that many sensors share is compiled once
	var devices []sensor.Device
	var problems conf.Problems
	for _, c := range cfg.Sensors {
		d := sensor.Device{
			ID: c.ID, Origin: c.Dialect, Dialect: dialects[c.Dialect], Topic: c.Topic, Name: c.Device,
			Grid: c.Place.Grid, Zone: c.Zone, Home: c.Place.Kind.Private(), Silence: c.Silence,
		}
		if c.Mapping != "" {
			file := cfg.Path(c.Mapping)
			if _, known := mappings[file]; !known {
				mapping, err := mapped.Load(file)
				var found conf.Problems
				if err != nil && !errors.As(err, &found) {
					return nil, fmt.Errorf("sensor %s: %w", c.ID, err)
				}
				mappings[file], problems = mapping, append(problems, found...)
			}
			d.Dialect = mappings[file]
		}
		devices = append(devices, d)
	}
	return devices, problems.Err()
}

func (s *sensorSet) addBroker(cfg *config.Config, log *slog.Logger) error {
	b := cfg.MQTT.Broker
	if b.Listen == "" {
		return nil
	}
	users := make([]broker.User, len(b.Users))
	for i, u := range b.Users {
		password, err := cfg.Secret(u.Password)
		if err != nil {
			return fmt.Errorf("broker's user %s: %w", u.Name, err)
		}
		users[i] = broker.User{Name: u.Name, Password: password, Publish: u.Publish, Read: u.Read}
	}
	own := ownTopics(cfg)
	var err error
	// Every topic goes to the hub, so that those of no configured device are counted and seen.
	s.embedded, err = broker.New(broker.Options{
		Listen: b.Listen, Users: users, Handle: unlessOurs(own, s.hub.Handle), Reserved: own.Reserved(), Log: log,
	})
	return err
}

// addSource adds an external broker. With no sensors it is there for the edge's own voice alone.
func (s *sensorSet) addSource(cfg *config.Config, c config.MQTTSource, log *slog.Logger) error {
	o := mqtt.Options{
		Name: c.Name, URL: c.URL, ClientID: c.ClientID, Username: c.Username, Topics: s.hub.Topics(),
		Handle: unlessOurs(ownTopics(cfg), s.hub.Handle), Log: log,
	}
	if len(o.Topics) == 0 {
		return nil
	}
	if o.ClientID == "" {
		o.ClientID = "gridgate-" + cfg.Edge
	}
	var err error
	if o.Password, o.TLS, err = credentials(cfg, c); err != nil {
		return err
	}
	source, err := mqtt.New(o)
	s.sources = append(s.sources, source)
	return err
}

// credentials are what an external broker asks for.
func credentials(cfg *config.Config, c config.MQTTSource) (password string, trust *tls.Config, err error) {
	if c.Password.Set() {
		if password, err = cfg.Secret(c.Password); err != nil {
			return "", nil, err
		}
	}
	if c.CA == "" {
		return password, nil, nil
	}
	authorities, err := trusted(cfg.Path(c.CA), "")
	if err != nil {
		return "", nil, err
	}
	return password, authorities.Config(), nil
}

func (s *sensorSet) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { return s.hub.Run(ctx) })
	if s.embedded != nil {
		parts.Go(func() error { return s.serve(ctx) })
	}
	for _, source := range s.sources {
		parts.Go(func() error { return source.Run(ctx) })
	}
}

// serve runs the embedded broker until ctx ended and the edge has said its last.
func (s *sensorSet) serve(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { <-s.spoken; stop() })()
	return s.embedded.Run(serving)
}

// devices is what central is told of each sensor.
func (s *sensorSet) devices() []ingest.DeviceState {
	list := s.hub.Status()
	out := make([]ingest.DeviceState, len(list))
	for i, st := range list {
		out[i] = ingest.DeviceState{
			ID: st.ID, Family: alert.Sensors, Grid: s.grids[st.ID], State: string(st.State),
			Since: st.Since.Truncate(time.Millisecond), LastSeen: st.LastSeen.Truncate(time.Millisecond), Lane: st.Lane,
		}
		if mode, ordered := s.orderedMode(st.ID); ordered {
			out[i].Zones = []ingest.Zone{{Name: wholeSensor, Mode: string(mode)}}
		}
	}
	return out
}

// wholeSensor stands for the zone of a sensor that central armed otherwise: a sensor has none, and a zone without a name is none.
const wholeSensor = "all"

func (s *sensorSet) orderedMode(id string) (sensor.Mode, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mode, ordered := s.ordered[id]
	return mode, ordered
}

// brokers are the states of the external brokers.
func (s *sensorSet) brokers() []mqtt.Status {
	out := make([]mqtt.Status, len(s.sources))
	for i, source := range s.sources {
		out[i] = source.Status()
	}
	return out
}

func (s *sensorSet) unknown() []sensor.UnknownTopic { return s.hub.Unknown() }
