package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/source/gb28181"
	"gridgate/edge/vendor"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
	"gridgate/protocols/observation"
	protocol "gridgate/protocols/vendor"
)

// gbServer is the SIP server of GB/T 28181 and what its sessions of live video share. Nil: the file has no such section.
type gbServer struct {
	cfg    *config.Config
	server *sip.Server
	media  gb28181.Media
	via    map[string]media.Transport // by device
}

var errNoGB = errors.New("the configuration has no section gb28181")

// newGB binds the server's sockets, which are closed when what [gbServer.start] started ends.
func newGB(cfg *config.Config, notify func(), log *slog.Logger) (*gbServer, error) {
	g := cfg.GB28181
	if g.Listen == "" {
		return nil, nil
	}
	out := &gbServer{cfg: cfg, via: map[string]media.Transport{}}
	o := sip.Options{ID: g.ID, Realm: g.Realm, Advertise: g.Address, OnChange: func(string) { notify() }, Log: log}
	for _, d := range g.Devices {
		device, err := gbDevice(cfg, d)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", d.ID, err)
		}
		o.Devices = append(o.Devices, device)
		out.via[d.ID] = media.Transport(d.Transport)
	}
	var err error
	if out.media, err = gbMedia(g); err != nil {
		return nil, fmt.Errorf("prepare for media: %w", err)
	}
	if o.UDP, err = net.ListenPacket("udp", g.Listen); err != nil {
		return nil, fmt.Errorf("listen for devices: %w", err)
	}
	if o.TCP, err = net.Listen("tcp", o.UDP.LocalAddr().String()); err != nil { // the same port, whichever it is
		return nil, errors.Join(fmt.Errorf("listen for devices: %w", err), o.UDP.Close())
	}
	if out.server, err = sip.New(o); err != nil {
		return nil, errors.Join(err, o.UDP.Close(), o.TCP.Close())
	}
	return out, nil
}

func gbDevice(cfg *config.Config, d config.GBDevice) (sip.Device, error) {
	zone, err := cfg.LocationOf(d)
	if err != nil {
		return sip.Device{}, err
	}
	out := sip.Device{ID: d.ID, Platform: d.Platform, Zone: zone}
	if !d.Open {
		out.Secret, err = cfg.Secret(d.Password)
	}
	return out, err
}

// gbMedia is where live video arrives: on every interface, unless all is on this machine.
func gbMedia(g config.GB28181) (out gb28181.Media, err error) {
	out.Code = g.ID
	if out.Host, err = netip.ParseAddr(g.Media.Address); err != nil {
		return out, err
	}
	bind := netip.IPv4Unspecified()
	switch {
	case out.Host.IsLoopback():
		bind = out.Host
	case out.Host.Is6():
		bind = netip.IPv6Unspecified()
	}
	if out.Ports, err = media.NewPorts(bind, g.Media.Ports[0], g.Media.Ports[1]); err != nil {
		return out, err
	}
	out.SSRCs, err = media.NewSSRCs(g.ID)
	return out, err
}

// stream makes the source of a camera behind a device.
func (g *gbServer) stream(address string, log *slog.Logger) (videoSource, error) {
	if g == nil {
		return nil, errNoGB
	}
	device, channel, _ := config.GBChannel(address) // the configuration was validated
	return gb28181.New(gb28181.Options{
		Inviter: g.server, Media: g.media, Device: device, Channel: channel, Transport: g.via[device], OnTrouble: (&troubleLog{log: log}).add,
	})
}

// events is what a device tells by itself.
func (g *gbServer) events(device string) (protocol.Stream, error) {
	if g == nil {
		return nil, errNoGB
	}
	inner, err := g.server.Stream(device)
	if err != nil {
		return nil, err
	}
	for _, c := range g.cfg.Cameras {
		if _, channel, ok := config.GBChannel(c.URL); ok && channel == device {
			return inner, nil
		}
	}
	return wholeDevice{Stream: inner, code: device}, nil
}

// wholeDevice takes the device's own code off what it tells: that is no channel, and so it is of every camera behind the device.
type wholeDevice struct {
	protocol.Stream
	code string
}

// Run implements [protocol.Stream].
func (w wholeDevice) Run(ctx context.Context, emit protocol.Emit) error {
	return w.Stream.Run(ctx, func(t observation.Translation) {
		for i := range t.Observations {
			if t.Observations[i].Device == w.code {
				t.Observations[i].Device = ""
			}
		}
		emit(t)
	})
}

func (g *gbServer) start(ctx context.Context, parts *errgroup.Group) {
	if g != nil {
		parts.Go(func() error { return g.server.Run(ctx) })
	}
}

// gbView is a device on the status page.
type gbView struct {
	ID       string    `json:"id"`
	Online   bool      `json:"online"`
	Since    time.Time `json:"since,omitzero"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
	Channels int       `json:"channels"`
	Refused  uint64    `json:"refused,omitempty"` // registrations with a wrong password
}

// views are the devices for the status page, a list of gbView; nil without a server.
func (g *gbServer) views() any {
	if g == nil {
		return nil
	}
	out := make([]gbView, 0, len(g.cfg.GB28181.Devices))
	for _, d := range g.cfg.GB28181.Devices {
		s, _ := g.server.State(d.ID)
		out = append(out, gbView{ID: d.ID, Online: s.Online, Since: s.Since, LastSeen: s.LastSeen, Channels: s.Channels, Refused: s.Refused})
	}
	return out
}

// eventKey is a device that tells what its cameras notice.
type eventKey struct{ protocol, url, username string }

// eventsOf says which device tells the events of a camera, and as which of its channels; ok is false if none does.
func eventsOf(cfg *config.Config, c config.Camera) (k eventKey, t vendor.Target, ok bool) {
	e := c.Events
	switch {
	case e == nil:
		return k, t, false
	case e.Protocol == gbName:
		return eventKey{protocol: gbName, url: cfg.GBDeviceOf(c)}, vendor.Target{Channel: cfg.GBChannelOf(c)}, true
	case e.Push.Set():
		return eventKey{protocol: e.Protocol, url: "push " + e.Push.File + " " + e.Push.Env}, vendor.Target{Channel: e.Channel}, true
	}
	return eventKey{e.Protocol, e.URL, e.Username}, vendor.Target{Channel: e.Channel}, e.URL != ""
}
