package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/broker"
	"gridgate/edge/config"
	"gridgate/edge/raise"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/care"
	"gridgate/edge/sensor/mqtt"
	"gridgate/edge/sensor/rule"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/sensors"
	"gridgate/protocols/sensors/mapped"
)

// sensorSet is steps 1 to 4 for MQTT messages: brokers that bring them and the hub that understands them.
type sensorSet struct {
	hub      *sensor.Hub
	care     *care.Care
	rules    *rule.Stage
	thin     *care.Thin
	armed    map[string]sensor.Mode  // as the file has them, by sensor id
	embedded *broker.Broker          // nil if not configured
	sources  map[string]*mqtt.Source // by name
	grids    map[string]string       // by sensor id
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
	s := &sensorSet{grids: map[string]string{}, sources: map[string]*mqtt.Source{}, spoken: make(chan struct{}), raiser: raiser, notify: notify}
	for _, d := range devices {
		s.grids[d.ID] = d.Grid
	}
	if err := s.newCare(cfg, log); err != nil {
		return nil, err
	}
	if s.rules, err = newRules(cfg, func(device string) sensor.Mode { return s.hub.Mode(device) }); err != nil {
		return nil, err
	}
	s.hub, err = sensor.New(sensor.Options{
		Edge: cfg.Edge, Devices: devices, Raiser: raiser, Stages: []sensor.Stage{s.care, s.rules, s.thin}, Care: s.care, OnChange: notify, Ask: s.ask, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if err := s.arm(cfg); err != nil {
		return nil, err
	}
	for _, src := range cfg.MQTT.Sources {
		if err := s.addSource(cfg, src, log); err != nil {
			return nil, fmt.Errorf("broker %s: %w", src.Name, err)
		}
	}
	return s, s.addBroker(cfg, log) // last: from then on its address is taken
}

// close lets go of an address that was never served.
func (s *sensorSet) close() {
	if s.embedded == nil {
		return
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.embedded.Run(over)
}

// devicesOf builds the configured devices. Mistakes in mapping files come back as [conf.Problems] of those files.
func devicesOf(cfg *config.Config) ([]sensor.Device, error) {
	dialects := Dialects()
	mappings := map[string]*mapped.Dialect{} // a file that many sensors share is compiled once
	var devices []sensor.Device
	var problems conf.Problems
	for _, c := range cfg.Sensors {
		d := sensor.Device{
			ID: c.ID, Origin: c.Dialect, Dialect: dialects[c.Dialect], Broker: c.Source, Topic: c.Topic, Name: c.Device,
			Grid: c.Place.Grid, Zone: c.Zone, Home: c.Place.Kind.Private(), Silence: c.Silence, Severity: severities(c),
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
		if n, ok := d.Dialect.(sensors.Namer); ok && d.Name == "" {
			d.Name = n.NameOf(c.Topic)
		}
		devices = append(devices, d)
	}
	return devices, problems.Err()
}

func (s *sensorSet) start(ctx context.Context, parts *errgroup.Group) {
	parts.Go(func() error { return s.hub.Run(ctx) })
	parts.Go(func() error { return s.care.Run(ctx) })
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
			ID: st.ID, Family: alert.Sensors, Grid: s.grids[st.ID], State: string(st.State), Why: whyNot(st.Health),
			Since: st.Since.Truncate(time.Millisecond), LastSeen: st.LastSeen.Truncate(time.Millisecond), Lane: st.Lane,
		}
		if mode, ordered := s.orderedMode(st.ID); ordered {
			out[i].Zones = []ingest.Zone{{Name: wholeSensor, Mode: string(mode)}}
		} else if mode := s.fileMode(st.ID); mode != sensor.Armed {
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
	out := make([]mqtt.Status, 0, len(s.sources))
	for _, name := range slices.Sorted(maps.Keys(s.sources)) {
		out = append(out, s.sources[name].Status())
	}
	return out
}

func (s *sensorSet) unknown() []sensor.UnknownTopic { return s.hub.Unknown() }
