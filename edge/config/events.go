package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gridgate/protocols/kit/conf"
)

// Events is where a camera's own events come from: the camera itself, or the recorder or platform that it hangs on.
type Events struct {
	Protocol    string      `yaml:"protocol"` // onvif, hikvision, dahua or gb28181
	URL         string      `yaml:"url"`      // http or https, of the device; several cameras may share one. With onvif also rtsp or rtsps: the metadata of a stream. Not for gb28181: see its section
	Username    string      `yaml:"username"`
	Password    conf.Secret `yaml:"password"`
	CA          string      `yaml:"ca"`          // PEM file of the authority that signed the device's certificate
	Fingerprint string      `yaml:"fingerprint"` // SHA-256 of the device's own certificate
	// Push: hikvision alone, instead of url: the device sends its events to us, to /hikvision/ and this secret at push.listen.
	Push    conf.Secret `yaml:"push"`
	Device  string      `yaml:"device"`  // gb28181 alone: its code, where it is not that of the camera's url
	Channel string      `yaml:"channel"` // of the device, as it numbers them; empty: any
	// Zones names the camera's zone for each region of the device, by its number; what the device sees elsewhere belongs to no zone.
	Zones map[string]string `yaml:"zones"`
	Trust string            `yaml:"trust"` // alone, confirm (only with our own detector on the same zone) or off
}

// Push is where devices send their events by themselves; without an address to listen on there is none.
type Push struct {
	Listen      string `yaml:"listen"`
	Certificate string `yaml:"certificate"` // PEM file; empty: plain http, which is all that many devices speak
	Key         string `yaml:"key"`
}

// Protocols are those of a camera's own events; edge/app has the table of their implementations.
var Protocols = []string{"onvif", "hikvision", "dahua", "gb28181"}

// Trusts are the degrees to which a source is trusted.
var Trusts = []string{"alone", "confirm", "off"}

// maxRegions bounds the regions of a device that a file names.
const maxRegions = 64

func (cam *Camera) fillTrust() {
	if cam.Trust == "" {
		cam.Trust = "alone"
	}
	if cam.Events != nil && cam.Events.Trust == "" {
		cam.Events.Trust = "alone"
	}
}

// events judges where a camera's own events come from.
func (j *judge) events(at string, c *Config, cam *Camera) {
	trusts := "write one of: " + strings.Join(Trusts, ", ")
	j.demand(slices.Contains(Trusts, cam.Trust), at+".trust", "unknown degree of trust", trusts)
	e := cam.Events
	if e == nil {
		j.demand(cam.Trust != "confirm", at+".trust", "nothing can confirm the detectors", "add events, or write trust: alone")
		return
	}
	at += ".events"
	j.demand(slices.Contains(Protocols, e.Protocol), at+".protocol", "unknown protocol", "write one of: "+strings.Join(Protocols, ", "))
	j.demand(slices.Contains(Trusts, e.Trust), at+".trust", "unknown degree of trust", trusts)
	j.eventsURL(at+".url", e)
	j.demand(e.Device == "" || e.Protocol == "gb28181", at+".device", "only a GB/T 28181 device is named by its code", "remove it, and write url")
	j.secret(at+".password", e.Password, e.Username != "")
	j.secret(at+".push", e.Push, false)
	j.demand(!e.Push.Set() || c.Push.Listen != "", at+".push", "nobody listens for what the device pushes", "write push: {listen: 192.0.2.1:8431}")
	j.file(at+".ca", c.Path(e.CA))
	j.fingerprint(at+".fingerprint", e.Fingerprint)
	j.demand(len(e.Zones) <= maxRegions, at+".zones", "too many regions", fmt.Sprintf("at most %d", maxRegions))
	for region, zone := range e.Zones {
		known := slices.ContainsFunc(cam.Zones, func(z Zone) bool { return z.Name == zone })
		j.demand(known, at+".zones."+region, "the camera has no zone of this name", "write the name of one of its zones")
	}
}

// push judges where devices send their events.
func (j *judge) push(c *Config) {
	p := c.Push
	if p.Listen != "" {
		j.address("push.listen", p.Listen)
	}
	j.demand((p.Certificate == "") == (p.Key == ""), "push.certificate", "a certificate and its key go together", "write both, or none")
	j.file("push.certificate", c.Path(p.Certificate))
	j.file("push.key", c.Path(p.Key))
}

// schemesOf are those of a protocol's addresses: an ONVIF camera tells also by the metadata of a stream.
func schemesOf(protocol string) []string {
	if protocol == "onvif" {
		return []string{"http", "https", "rtsp", "rtsps"}
	}
	return []string{"http", "https"}
}

func (j *judge) eventsURL(field string, e *Events) {
	if e.Protocol == "gb28181" {
		j.demand(e.URL == "", field, "a GB/T 28181 device calls us", "remove it, and name the device under gb28181.devices")
		return
	}
	if e.Push.Set() {
		j.demand(e.URL == "" && e.Protocol == "hikvision", field, "a device that pushes is not called", "remove url, or push; only hikvision has push")
		return
	}
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains(schemesOf(e.Protocol), u.Scheme):
		j.bad(field, "not the address of a device", "write http://host[:port]")
	case u.User != nil:
		j.bad(field, "a credential stands in the address", "write username: NAME and password: {file: PATH} or {env: NAME}")
	}
}
