package app

import (
	"context"
	"fmt"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/forward"
	"gridgate/edge/local"
	"gridgate/edge/local/page"
	"gridgate/edge/outbox"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/mqtt"
	"gridgate/edge/source"
	"gridgate/protocols/ingest"
)

// status is the answer of GET /status: what the status page shows, for programs.
type status struct {
	Edge          string `json:"edge"`
	Version       string `json:"version"`
	ConfigVersion string `json:"configVersion"`
	Configuration any    `json:"configuration,omitempty"` // what central wants in its place
	Release       any    `json:"release,omitempty"`       // what becomes of the build that central wants
	Central       any    `json:"central"`
	Credential    any    `json:"credential,omitempty"`
	Sync          any    `json:"sync"`
	Cameras       any    `json:"cameras"`
	Sensors       any    `json:"sensors"`
	Health        any    `json:"sensorHealth"`
	LeftOut       any    `json:"readingsLeftOut"`
	Brokers       any    `json:"brokers"`
	GB28181       any    `json:"gb28181,omitempty"` // devices that register with us
	Unknown       any    `json:"unknownMessages"`   // by topic and reason
}

// shown is what the status page is made from.
type shown struct {
	cfg     *config.Config
	version string
	started time.Time
	box     *outbox.Outbox
	gb      *gbServer
	cameras *cameraSet
	sensors *sensorSet
	link    *link
	voice   *local.Voice
}

func newPage(s shown) (*page.Page, error) {
	o := page.Options{
		Edge: s.cfg.Edge, Version: s.version, Secure: s.cfg.Local.Page.Certificate != "",
		Snapshot: s.snapshot, Status: s.status, Silence: s.voice.Silence,
	}
	if secret := s.cfg.Local.Page.Password; secret.Set() {
		hash, err := s.cfg.Secret(secret)
		if err != nil {
			return nil, fmt.Errorf("the status page's password: %w", err)
		}
		o.Hash = hash
	}
	return page.New(o)
}

func (s shown) status() any {
	return status{
		Edge: s.cfg.Edge, Version: s.version, ConfigVersion: *s.link.version.Load(), Configuration: s.link.wantedState(), Release: s.link.releaseState(),
		Central: s.link.forward.Status(), Credential: s.link.credential(), Sync: s.link.sync.Status(),
		Cameras: s.cameras.views(), Sensors: s.sensors.devices(), Health: s.sensors.health(), LeftOut: s.sensors.leftOut(), Brokers: s.sensors.brokers(), GB28181: s.gb.views(), Unknown: s.sensors.unknown(),
	}
}

func (s shown) snapshot(ctx context.Context) page.Snapshot {
	out := page.Snapshot{
		Config: *s.link.version.Load(), Started: s.started, Central: centralLink(s.link.forward.Status(), s.link.sync.Status()), Broker: s.voice.Status(),
		Recent: s.voice.Recent(), Sirens: s.voice.Sirens(),
		Cameras: pageDevices(s.cameras.devices(), string(source.Streaming)), Sensors: pageDevices(s.sensors.devices(), string(sensor.Online)),
	}
	out.Wanted = s.wanted()
	for _, b := range s.sensors.brokers() {
		out.Brokers = append(out.Brokers, page.Link{Name: b.Name, Connected: b.State == mqtt.Connected, Why: b.Why, Since: b.Since})
	}
	stats, err := s.box.Stats(ctx)
	if err != nil {
		out.Trouble = err.Error()
		return out
	}
	for _, l := range stats.Lanes {
		out.Lanes = append(out.Lanes, page.Lane{Lane: l.Lane, Pending: l.Pending, Oldest: l.Oldest, Shed: l.Shed})
	}
	out.Readings, out.Evidence, out.Dead = stats.Readings.Pending, stats.Evidence.Pending, stats.DeadLetters
	return out
}

// wanted is what central wants to be run, and how far the edge is with it.
func (s shown) wanted() (out []page.Wanted) {
	if c := s.link.wanted.State(); c != nil {
		out = append(out, page.Wanted{What: "configuration", Name: c.Wanted[:min(len(c.Wanted), 12)], State: c.State, Why: c.Why, Since: c.Since})
	}
	if r := s.link.released(); r != nil {
		out = append(out, page.Wanted{What: "release", Name: r.Wanted, State: r.State, Why: r.Why, Since: r.Since})
	}
	return out
}

// centralLink is how the link is: alerts and sync go the same way, and either may be what fails.
func centralLink(f forward.Status, y forward.SyncStatus) page.Link {
	l := page.Link{Connected: y.Connected, Why: y.Why, Since: y.Since, Last: y.Last}
	if f.LastReceipt.After(l.Last) {
		l.Last = f.LastReceipt
	}
	if y.Connected && f.Why != "" && f.Why != forward.NotYet {
		l.Connected, l.Why, l.Since = f.Connected, f.Why, f.Since
	}
	return l
}

// pageDevices shows each device with what stands out. A sensor that was not heard yet may well be good.
func pageDevices(states []ingest.DeviceState, good string) []page.Device {
	out := make([]page.Device, len(states))
	for i, d := range states {
		out[i] = page.Device{
			ID: d.ID, State: d.State, Why: d.Why, Since: d.Since,
			Good: d.State == good && d.Why == "" || d.State == string(sensor.Unknown),
		}
		for _, z := range d.Zones {
			if z.Mode != "armed" {
				out[i].Zones = append(out[i].Zones, z.Name+"\x00"+z.Mode)
			}
		}
	}
	return out
}
