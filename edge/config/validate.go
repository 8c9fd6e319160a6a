package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/loopback"
	"gridgate/protocols/sensors"
)

// Bounds of the configuration: what one edge is made for.
const (
	maxCameras   = 256
	maxSensors   = 10_000
	maxClients   = 20_000 // of the embedded broker
	maxWindow    = 10_000 // messages of an external broker that are stored side by side
	maxZones     = 16
	maxPoints    = 64
	maxMasks     = 32
	maxWorkers   = 16
	minSample    = 200 * time.Millisecond
	maxSample    = 30 * time.Second
	maxUnitRunes = 200
)

var deviceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// Dialects are the names that a sensor's dialect may have; edge/app has the table of their implementations.
var Dialects = []string{"aliyun", "auto", "chirpstack", "esphome", "homeassistant", "huawei", "mapped", "onenet", "shelly", "sparkplug", "tasmota", "ttn", "tts", "zigbee2mqtt"}

// judge collects problems; every check says what is wrong and what to write instead.
type judge struct {
	doc      *conf.Document
	problems conf.Problems
}

func (j *judge) bad(field, message, remedy string) {
	if len(j.problems) < maxProblems {
		j.problems = append(j.problems, j.doc.At(field, message, remedy))
	}
}

func (j *judge) demand(ok bool, field, message, remedy string) {
	if !ok {
		j.bad(field, message, remedy)
	}
}

// validate fills what follows from other fields and judges the rest.
func (c *Config) validate(doc *conf.Document) conf.Problems {
	j := &judge{doc: doc}
	j.demand(alert.ValidEdgeName(c.Edge), "edge", "an edge needs a name", "write lower-case letters, digits, dots or dashes, for example: edge: east-gate-1")
	j.demand(c.Data != "", "data", "no folder for the outbox", "write data: /var/lib/gridgate")
	j.address("listen", c.Listen)
	j.central(c)
	j.manage(c)
	j.demand(c.Decoder.Workers >= 1 && c.Decoder.Workers <= maxWorkers, "decoder.workers", "out of range", fmt.Sprintf("write 1 to %d", maxWorkers))
	j.demand(c.Decoder.Budget >= 0 && c.Decoder.Budget <= 64, "decoder.budget", "out of range", "write cores, for example 1.5, or 0 for no bound")
	c.Place.Kind = c.Place.Kind.Canonical()
	j.video(c)
	j.gb28181(c)
	j.push(c)
	devices := map[string]bool{} // one name for a camera or a sensor: the key of a situation holds no more
	j.cameras(c, devices)
	j.mqtt(c)
	j.profiles(c)
	j.sensors(c, devices)
	j.rules(c)
	j.local(c)
	j.discovery(c.Discovery)
	return j.problems
}

func (j *judge) address(field, addr string) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		j.bad(field, "not an address", "write host:port, for example 127.0.0.1:8430")
		return
	}
	ip := net.ParseIP(host)
	j.demand(host == "localhost" || ip != nil, field, "the host is neither an IP address nor localhost", "write the address of one interface, for example 127.0.0.1:8430")
}

func (j *judge) central(c *Config) {
	u, err := url.Parse(c.Central.URL)
	switch {
	case c.Central.URL == "" || err != nil || u.Hostname() == "":
		j.bad("central.url", "where central is, is not said", "write url: https://central.example or http://127.0.0.1:8420")
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		j.bad("central.url", "plain http leaves this machine", "write https://; http is for loopback only")
	case u.Scheme != "http" && u.Scheme != "https":
		j.bad("central.url", "neither http nor https", "write https://...")
	case u.User != nil:
		j.bad("central.url", "a credential stands in the address", "remove it and name the token: token: {file: ...} or {env: ...}")
	case u.RawQuery != "" || u.Fragment != "":
		j.bad("central.url", "more than an address", "write it without ? and #")
	}
	j.secret("central.token", c.Central.Token, true)
	j.file("central.ca", c.Path(c.Central.CA))
	secure := err == nil && u.Scheme == "https"
	j.demand(secure || c.Central.CA == "" && c.Central.Fingerprint == "", "central.ca", "central has no certificate", "write https:// in its address, or remove ca and fingerprint")
	j.fingerprint("central.fingerprint", c.Central.Fingerprint)
	j.evidence(c.Central)
	j.releases(c)
	j.demand(c.Central.Sync >= time.Second && c.Central.Sync <= time.Hour, "central.sync", "out of range", "write 1s to 1h")
}

// minEvidenceRate in kbit/s is that at which central waits for the largest clip: 16 MiB in 18 min.
const minEvidenceRate = 128

func (j *judge) evidence(c Central) {
	rate := c.EvidenceRate
	j.demand(rate == 0 || rate >= minEvidenceRate && rate <= 1_000_000, "central.evidence_rate", "out of range", fmt.Sprintf("write kbit/s, %d at least, or 0 for no bound", minEvidenceRate))
	j.demand(rate > 0 || len(c.EvidenceFree) == 0, "central.evidence_free", "there is no bound to be free of", "write evidence_rate, or remove evidence_free")
	j.windows("central.evidence_free", c.EvidenceFree)
}

func (j *judge) fingerprint(field, text string) {
	j.demand(text == "" || fingerprint.MatchString(text), field, "not a SHA-256 fingerprint", "write its 64 hexadecimal digits")
}

func (j *judge) secret(field string, s conf.Secret, needed bool) {
	switch {
	case s.File != "" && s.Env != "":
		j.bad(field, "both file and env are given", "keep one of the two")
	case needed && !s.Set():
		j.bad(field, "no secret is named", "write {file: PATH} or {env: NAME}; the secret itself never stands in this file")
	}
}

func (j *judge) file(field, path string) {
	if path == "" {
		return
	}
	if _, err := os.Stat(path); err != nil {
		j.bad(field, "the file cannot be read", "check the path; a relative one starts at this file's folder")
	}
}

func (j *judge) cameras(c *Config, seen map[string]bool) {
	j.demand(len(c.Cameras) <= maxCameras, "cameras", "too many cameras", fmt.Sprintf("at most %d for one edge", maxCameras))
	for i := range c.Cameras {
		cam := &c.Cameras[i]
		at := fmt.Sprintf("cameras[%d]", i)
		j.name(at+".id", cam.ID, seen)
		cam.fill(c.Place)
		j.stream(at, c, cam)
		j.camPlace(at, cam)
		j.demand(cam.Sample >= minSample && cam.Sample <= maxSample, at+".sample", "out of range", fmt.Sprintf("write %v to %v", minSample, maxSample))
		j.demand(len(cam.Masks) <= maxMasks, at+".masks", "too many masks", fmt.Sprintf("at most %d", maxMasks))
		for k, m := range cam.Masks {
			j.polygon(fmt.Sprintf("%s.masks[%d]", at, k), m)
		}
		j.zones(at, cam.Zones)
		j.events(at, c, cam)
		j.engine(at, c, cam)
	}
}

func (cam *Camera) fill(place Place) {
	if cam.Transport == "" {
		cam.Transport = "auto"
	}
	if cam.Sample == 0 {
		cam.Sample = time.Second
	}
	if cam.Gate == "" {
		cam.Gate = "auto"
	}
	if cam.Pictures == "" {
		cam.Pictures = "on"
	}
	if cam.Ring.MiB == 0 {
		cam.Ring.MiB = 8
	}
	if cam.Ring.Keep == 0 {
		cam.Ring.Keep = 2 * time.Second
	}
	cam.fillTrust()
	cam.Place.inherit(place)
	if len(cam.Zones) == 0 {
		cam.Zones = []Zone{{Name: "all"}}
	}
	for i := range cam.Zones {
		if cam.Zones[i].Mode == "" {
			cam.Zones[i].Mode = "armed"
		}
	}
}

func (p *Place) inherit(from Place) {
	p.Kind = p.Kind.Canonical()
	if p.Grid == "" {
		p.Grid = from.Grid
	}
	if p.Kind == "" {
		p.Kind = from.Kind
	}
}

func (j *judge) name(field, name string, seen map[string]bool) {
	switch {
	case !deviceName.MatchString(name):
		j.bad(field, "not a name", "write letters, digits, dots or dashes, at most 64")
	case seen[name]:
		j.bad(field, "the name is used twice", "give each device a name of its own")
	}
	seen[name] = true
}

func (j *judge) stream(at string, c *Config, cam *Camera) {
	j.gbEvents(at, c, cam)
	if IsGB(cam.URL) {
		j.gbStream(at, c, cam)
		return
	}
	j.rtspAddress(at+".url", cam.URL)
	j.demand(slices.Contains([]string{"auto", "tcp", "udp"}, cam.Transport), at+".transport", "unknown transport", "write auto, tcp or udp")
	j.secret(at+".password", cam.Password, cam.Username != "")
}

func (j *judge) rtspAddress(field, address string) {
	u, err := url.Parse(address)
	switch {
	case address == "" || err != nil || u.Hostname() == "" || (u.Scheme != "rtsp" && u.Scheme != "rtsps"):
		j.bad(field, "not an RTSP address", "write rtsp://host[:port]/path or rtsps://..., or gb28181://DEVICE/CHANNEL for a camera behind such a device")
	case u.User != nil:
		j.bad(field, "a credential stands in the address", "write username: NAME and password: {file: PATH} or {env: NAME}")
	}
}

// httpAddress reads an address of http or https.
func httpAddress(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, false
	}
	return u, true
}

func (j *judge) camPlace(at string, cam *Camera) {
	j.grid(at+".place.grid", cam.Place.Grid)
	switch {
	case cam.Place.Kind.Forbidden() || cam.Place.Kind.Private():
		j.bad(at+".place.kind", "a camera is forbidden in such a place", "remove the camera; no setting allows it")
	case cam.Place.Kind == "":
		j.bad(at+".place.kind", "the kind of place is demanded", "write one of: "+placeNames())
	case !cam.Place.Kind.Known():
		j.bad(at+".place.kind", "unknown kind of place", "write one of: "+placeNames())
	}
	j.text(at+".owner", cam.Owner, "the unit that is responsible for the camera")
	j.text(at+".purpose", cam.Purpose, "what the camera is for")
	j.text(at+".legal_basis", cam.Basis, "the rule that allows it")
}

func (j *judge) grid(field, code string) {
	j.demand(alert.ValidGridCode(code), field, "not a grid code", "write 12, 15 or 20 digits in quotes")
}

func (j *judge) text(field, s, what string) {
	j.demand(strings.TrimSpace(s) != "" && len([]rune(s)) <= maxUnitRunes, field, "is demanded", fmt.Sprintf("write %s, at most %d characters", what, maxUnitRunes))
}

func (j *judge) zones(at string, zones []Zone) {
	j.demand(len(zones) <= maxZones, at+".zones", "too many zones", fmt.Sprintf("at most %d", maxZones))
	seen := map[string]bool{}
	for i, z := range zones {
		field := fmt.Sprintf("%s.zones[%d]", at, i)
		j.demand(alert.ValidZone(z.Name), field+".name", "not a name", "write letters and digits, at most 64")
		j.demand(!seen[z.Name], field+".name", "the name is used twice", "give each zone a name of its own")
		seen[z.Name] = true
		if len(z.Polygon) > 0 {
			j.polygon(field+".polygon", z.Polygon)
		}
		j.demand(slices.Contains([]string{"armed", "disarmed", "walk-test"}, z.Mode), field+".mode", "unknown mode", "write armed, disarmed or walk-test")
		j.demand(z.MinArea >= 0 && z.MinArea < 1, field+".min_area", "out of range", "write a share of the picture, for example 0.004")
	}
}

func (j *judge) polygon(field string, p Polygon) {
	if len(p) < 3 || len(p) > maxPoints {
		j.bad(field, "not an outline", fmt.Sprintf("write 3 to %d points: [[0, 0], [1, 0], [1, 1]]", maxPoints))
		return
	}
	outline := make(detect.Polygon, len(p))
	for i, pt := range p {
		if len(pt) != 2 || !(pt[0] >= 0 && pt[0] <= 1 && pt[1] >= 0 && pt[1] <= 1) {
			j.bad(field, "a point is not inside the picture", "write [x, y] with both between 0 and 1")
			return
		}
		outline[i] = detect.Point{X: pt[0], Y: pt[1]}
	}
	j.demand(outline.Covers(), field, "the outline holds nothing",
		fmt.Sprintf("its points may not lie on a line, nor may it go back over itself: write one that holds a pixel of %dx%d at least", decode.FrameWidth, decode.FrameHeight))
}

func (j *judge) mqtt(c *Config) {
	b := c.MQTT.Broker
	if b.Listen != "" {
		j.address("mqtt.broker.listen", b.Listen)
		j.demand(len(b.Users) > 0, "mqtt.broker.users", "nobody may connect", "add a user: {name: sensors, password: {env: NAME}, publish: [\"#\"]}")
	}
	j.brokerLimits(c)
	seen := map[string]bool{}
	for i, u := range b.Users {
		at := fmt.Sprintf("mqtt.broker.users[%d]", i)
		j.name(at+".name", u.Name, seen)
		j.secret(at+".password", u.Password, true)
		j.demand(len(u.Publish)+len(u.Read) > 0, at+".publish", "may publish and read nothing", "write topic filters, for example [zigbee2mqtt/#]")
		for k, filter := range u.Publish {
			j.filter(fmt.Sprintf("%s.publish[%d]", at, k), filter, "zigbee2mqtt/#")
		}
		for k, filter := range u.Read {
			j.filter(fmt.Sprintf("%s.read[%d]", at, k), filter, "gridgate/#")
		}
	}
	seen = map[string]bool{}
	for i, s := range c.MQTT.Sources {
		at := fmt.Sprintf("mqtt.sources[%d]", i)
		j.name(at+".name", s.Name, seen)
		j.demand(s.Name != EmbeddedBroker, at+".name", "the embedded broker has this name", "write another one")
		u, err := url.Parse(s.URL)
		switch {
		case err != nil || u.Hostname() == "" || !slices.Contains([]string{"tcp", "mqtt", "ssl", "mqtts", "ws", "wss"}, u.Scheme):
			j.bad(at+".url", "not the address of a broker", "write tcp://host:1883 or ssl://host:8883")
		case u.User != nil:
			j.bad(at+".url", "a credential stands in the address", "write username: NAME and password: {file: PATH} or {env: NAME}")
		}
		j.secret(at+".password", s.Password, s.Username != "")
		j.file(at+".ca", c.Path(s.CA))
		j.file(at+".certificate", c.Path(s.Certificate))
		j.file(at+".key", c.Path(s.Key))
		j.demand((s.Certificate == "") == (s.Key == ""), at+".key", "a certificate and its key go together", "write both, or neither")
		j.demand(s.Window >= 0 && s.Window <= maxWindow, at+".window", "not a number of messages", fmt.Sprintf("write 1 to %d, or leave it out for 1,000", maxWindow))
	}
}

// brokerLimits looks at the certificate and the limits of the embedded broker.
func (j *judge) brokerLimits(c *Config) {
	b := c.MQTT.Broker
	j.file("mqtt.broker.tls.certificate", c.Path(b.TLS.Certificate))
	j.file("mqtt.broker.tls.key", c.Path(b.TLS.Key))
	j.file("mqtt.broker.tls.client_ca", c.Path(b.TLS.ClientCA))
	j.demand((b.TLS.Certificate == "") == (b.TLS.Key == ""), "mqtt.broker.tls.key", "a certificate and its key go together", "write both, or neither")
	j.demand(b.TLS.ClientCA == "" || b.TLS.Certificate != "", "mqtt.broker.tls.client_ca", "the broker has no certificate of its own", "write certificate and key, too")
	j.demand(b.MaxClients >= 0 && b.MaxClients <= maxClients, "mqtt.broker.max_clients", "not a number of connections", fmt.Sprintf("write 1 to %d, or leave it out for 1,000", maxClients))
	j.demand(b.MaxMessage == 0 || b.MaxMessage >= 1<<10 && b.MaxMessage <= 16<<20, "mqtt.broker.max_message", "not a size in bytes", "write 1024 to 16777216, or leave it out for 1 MiB")
}

func (j *judge) sensors(c *Config, seen map[string]bool) {
	j.demand(len(c.Sensors) <= maxSensors, "sensors", "too many sensors", fmt.Sprintf("at most %d for one edge", maxSensors))
	if len(c.Sensors) > 0 && c.MQTT.Broker.Listen == "" && len(c.MQTT.Sources) == 0 {
		j.bad("sensors", "no broker brings their messages", "add mqtt.broker.listen or an entry under mqtt.sources")
	}
	sources := c.brokerNames()
	for i := range c.Sensors {
		s := &c.Sensors[i]
		at := fmt.Sprintf("sensors[%d]", i)
		j.name(at+".id", s.ID, seen)
		s.Place.inherit(c.Place)
		j.demand(slices.Contains(Dialects, s.Dialect), at+".dialect", "unknown dialect", "write one of: "+strings.Join(Dialects, ", "))
		j.filter(at+".topic", s.Topic, "zigbee2mqtt/hall_smoke")
		j.demand(s.Source == "" || slices.Contains(sources, s.Source), at+".source", "no broker has this name", "write one of: "+strings.Join(sources, ", "))
		j.grid(at+".place.grid", s.Place.Grid)
		j.demand(s.Place.Kind.Known() || s.Place.Kind.Private(), at+".place.kind", "unknown kind of place", "write home, or one of: "+placeNames())
		j.demand(s.Zone == "" || alert.ValidZone(s.Zone), at+".zone", "not a name", "write letters and digits, at most 64")
		j.demand(s.Silence >= 0, at+".silence", "is negative", "write a duration such as 25h, or leave it out")
		j.demand(s.Mapping == "" || s.Dialect == "mapped", at+".mapping", "only the dialect mapped has a mapping", "remove it, or write dialect: mapped")
		j.file(at+".mapping", c.Path(s.Mapping))
		j.sensorCare(at, c, s)
	}
}

// brokerNames are the brokers that may bring messages.
func (c *Config) brokerNames() (names []string) {
	if c.MQTT.Broker.Listen != "" {
		names = append(names, EmbeddedBroker)
	}
	for _, s := range c.MQTT.Sources {
		names = append(names, s.Name)
	}
	return names
}

func (j *judge) filter(field, filter, example string) {
	if err := sensors.CheckFilter(filter); err != nil {
		j.bad(field, "not a topic filter: "+err.Error(), "write for example "+example)
	}
}
