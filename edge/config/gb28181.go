package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/kit/conf"
)

// GB28181 is the SIP server that devices and platforms of GB/T 28181 register with; without an address to listen on there is none.
type GB28181 struct {
	Listen   string     `yaml:"listen"`   // UDP and TCP
	Address  string     `yaml:"address"`  // under which devices reach us, an IP address; empty: that of listen
	ID       string     `yaml:"id"`       // ours, 20 digits
	Realm    string     `yaml:"realm"`    // empty: the first ten digits of id
	Timezone string     `yaml:"timezone"` // of the devices' clocks; empty: that of the file
	Media    GBMedia    `yaml:"media"`
	Devices  []GBDevice `yaml:"devices"`
}

// GBMedia is where live video arrives.
type GBMedia struct {
	Address   string `yaml:"address"`   // under which devices reach it; empty: that of signalling
	Ports     []int  `yaml:"ports"`     // first and last; each session takes an even one
	Transport string `yaml:"transport"` // udp, tcp-passive (we listen) or tcp-active (we dial)
}

// GBDevice is a device or a platform that may register.
type GBDevice struct {
	ID        string      `yaml:"id"`
	Password  conf.Secret `yaml:"password"`
	Open      bool        `yaml:"open"`      // it registers without a password
	Platform  bool        `yaml:"platform"`  // of a county or a property, with channels of other devices
	Transport string      `yaml:"transport"` // empty: that of media
	Timezone  string      `yaml:"timezone"`  // of its clock; empty: that of the section
}

// GBTransports are the ways in which live video may come.
var GBTransports = []string{"udp", "tcp-passive", "tcp-active"}

// Bounds of the section.
const (
	maxGBDevices = 2000
	firstGBPort  = 30000
	lastGBPort   = 30100
)

var (
	gbCode   = regexp.MustCompile(`^[0-9]{18,20}$`)
	gbRealm  = regexp.MustCompile(`^([0-9]{8}|[0-9]{10})$`)
	gbOurs   = regexp.MustCompile(`^[0-9]{20}$`)
	gbScheme = "gb28181"
)

// GBChannel reads the address of a camera behind such a device: gb28181://DEVICE/CHANNEL; without a channel it is the device's own.
func GBChannel(address string) (device, channel string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != gbScheme || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", "", false
	}
	device, channel = u.Host, strings.Trim(u.Path, "/")
	if channel == "" {
		channel = device
	}
	return device, channel, gbCode.MatchString(device) && gbCode.MatchString(channel)
}

// IsGB says whether an address is one of GB/T 28181.
func IsGB(address string) bool { return strings.HasPrefix(address, gbScheme+":") }

func (g *GB28181) fill() {
	if g.Realm == "" && len(g.ID) >= 10 {
		g.Realm = g.ID[:10]
	}
	if len(g.Media.Ports) == 0 {
		g.Media.Ports = []int{firstGBPort, lastGBPort}
	}
	if g.Media.Transport == "" {
		g.Media.Transport = GBTransports[0]
	}
	if host, _, err := net.SplitHostPort(g.Listen); err == nil && g.Address == "" {
		g.Address = host
	}
	if g.Media.Address == "" {
		g.Media.Address = g.Address
	}
	for i := range g.Devices {
		d := &g.Devices[i]
		if d.Transport == "" {
			d.Transport = g.Media.Transport
		}
		if d.Timezone == "" {
			d.Timezone = g.Timezone
		}
	}
}

// gb28181 judges the section.
func (j *judge) gb28181(c *Config) {
	g := &c.GB28181
	if g.Listen == "" {
		j.demand(g.ID == "" && len(g.Devices) == 0, "gb28181.listen", "devices have nowhere to register", "write listen: 0.0.0.0:5060, or remove the section")
		return
	}
	g.fill()
	j.address("gb28181.listen", g.Listen)
	j.demand(gbOurs.MatchString(g.ID), "gb28181.id", "not a code of 20 digits", `write one in quotes, for example "34020000002000000001"`)
	j.demand(gbRealm.MatchString(g.Realm), "gb28181.realm", "not a domain", "write 8 or 10 digits in quotes: the first ones of id")
	j.zone("gb28181.timezone", g.Timezone)
	j.reachable("gb28181.address", g.Address)
	j.gbMedia(g.Media)
	j.gbSessions(c)
	j.demand(len(g.Devices) <= maxGBDevices, "gb28181.devices", "too many devices", fmt.Sprintf("at most %d for one edge", maxGBDevices))
	seen := map[string]bool{g.ID: true}
	for i, d := range g.Devices {
		j.gbDevice(fmt.Sprintf("gb28181.devices[%d]", i), d, seen)
	}
}

func (j *judge) gbDevice(at string, d GBDevice, seen map[string]bool) {
	j.demand(gbCode.MatchString(d.ID), at+".id", "not a code of 18 to 20 digits", "write it in quotes, as the device has it")
	j.demand(!seen[d.ID], at+".id", "the code is used twice", "give each device a code of its own")
	seen[d.ID] = true
	j.secret(at+".password", d.Password, !d.Open)
	j.demand(!d.Open || !d.Password.Set(), at+".open", "a device that registers without a password has one", "remove open, or password")
	j.demand(slices.Contains(GBTransports, d.Transport), at+".transport", "unknown transport", "write "+strings.Join(GBTransports, ", "))
	j.zone(at+".timezone", d.Timezone)
}

// reachable demands an IP address that devices can be told: in a session description a name is of no use.
func (j *judge) reachable(field, address string) {
	a, err := netip.ParseAddr(address)
	j.demand(err == nil && !a.IsUnspecified(), field, "not an address that devices can be told", "write this machine's IP address, as devices see it")
}

func (j *judge) gbMedia(m GBMedia) {
	j.reachable("gb28181.media.address", m.Address)
	good := len(m.Ports) == 2 && m.Ports[0] >= 1024 && m.Ports[1] <= 65535 && m.Ports[0]+1 <= m.Ports[1]
	j.demand(good, "gb28181.media.ports", "not a range of ports", fmt.Sprintf("write [%d, %d]", firstGBPort, lastGBPort))
	j.demand(slices.Contains(GBTransports, m.Transport), "gb28181.media.transport", "unknown transport", "write "+strings.Join(GBTransports, ", "))
}

// gbSessions demands a port for each camera behind a device.
func (j *judge) gbSessions(c *Config) {
	cameras, ports := 0, c.GB28181.Media.Ports
	for _, cam := range c.Cameras {
		if IsGB(cam.URL) {
			cameras++
		}
	}
	if len(ports) == 2 {
		enough := ports[1]/2-(ports[0]+1)/2+1 >= cameras
		j.demand(enough, "gb28181.media.ports", "fewer even ports than cameras", fmt.Sprintf("name a range of %d and more", 2*cameras))
	}
}

func (j *judge) zone(field, name string) {
	_, err := time.LoadLocation(name)
	j.demand(err == nil, field, "unknown time zone", "write an IANA name, for example Asia/Shanghai")
}

// gbStream judges the address of a camera behind a device.
func (j *judge) gbStream(at string, c *Config, cam *Camera) {
	device, _, ok := GBChannel(cam.URL)
	if !ok {
		j.bad(at+".url", "not the address of a channel", "write gb28181://DEVICE/CHANNEL, each of 18 to 20 digits")
		return
	}
	j.demand(c.GB28181.knows(device), at+".url", "no such device", "name it under gb28181.devices")
	j.demand(cam.Sub == "", at+".sub", "a GB/T 28181 channel has one stream", "remove sub")
	j.demand(cam.Username == "" && !cam.Password.Set(), at+".username", "the device's password stands in gb28181.devices", "remove username and password")
	j.demand(cam.Transport == "auto", at+".transport", "it is the device's", "write it under gb28181.devices or gb28181.media")
}

// gbEvents judges a camera whose own events come from such a device.
func (j *judge) gbEvents(at string, c *Config, cam *Camera) {
	if cam.Events == nil || cam.Events.Protocol != gbScheme {
		return
	}
	if cam.Events.URL != "" {
		return // told already
	}
	device := c.GBDeviceOf(*cam)
	j.demand(c.GB28181.knows(device), at+".events.device", "no such device", "name the device under gb28181.devices; it is that of the camera's url, or write events.device")
}

func (g GB28181) knows(device string) bool {
	return g.Listen != "" && slices.ContainsFunc(g.Devices, func(d GBDevice) bool { return d.ID == device })
}

// GBDeviceOf is the device that tells the camera's own events, and GBChannelOf the channel that it tells them of, empty: any.
func (c *Config) GBDeviceOf(cam Camera) string {
	if cam.Events != nil && cam.Events.Device != "" {
		return cam.Events.Device
	}
	device, _, _ := GBChannel(cam.URL)
	return device
}

// GBChannelOf is the channel of which the device tells; empty: any.
func (c *Config) GBChannelOf(cam Camera) string {
	if cam.Events != nil && (cam.Events.Channel != "" || cam.Events.Device != "") {
		return cam.Events.Channel
	}
	_, channel, _ := GBChannel(cam.URL)
	return channel
}

// LocationOf is the time zone of a device of the section: its own, or the file's.
func (c *Config) LocationOf(d GBDevice) (*time.Location, error) {
	if d.Timezone == "" {
		return c.Location()
	}
	return time.LoadLocation(d.Timezone)
}
