package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/loopback"
	"gridgate/protocols/sensors"
)

// Local is what the edge says and does by itself, whether or not central can be reached.
type Local struct {
	MQTT   LocalMQTT `yaml:"mqtt"`
	Sirens []Siren   `yaml:"sirens"`
	Page   Page      `yaml:"page"`
}

// LocalMQTT is where alerts and states are published.
type LocalMQTT struct {
	Broker    string `yaml:"broker"`    // embedded, or the name of an entry of mqtt.sources; empty: nothing is published
	Topic     string `yaml:"topic"`     // what topics begin with
	Discovery string `yaml:"discovery"` // what Home Assistant's discovery topics begin with; empty: none
	Language  string `yaml:"language"`  // of the names in discovery: zh-CN or en
}

// EmbeddedBroker is how the embedded broker is called in [LocalMQTT].
const EmbeddedBroker = "embedded"

// Siren is a relay that follows alerts: a siren, a lamp, anything that obeys an MQTT message.
type Siren struct {
	Name        string        `yaml:"name"`
	Kinds       []string      `yaml:"kinds"`
	Devices     []string      `yaml:"devices"`      // cameras and sensors that it follows; none: all
	MinSeverity string        `yaml:"min_severity"` // empty: any
	Schedule    []Window      `yaml:"schedule"`     // when it may sound; empty: always
	Exercise    bool          `yaml:"exercise"`     // it sounds in walk-tests, too
	Topic       string        `yaml:"topic"`
	On          string        `yaml:"on"`
	Off         string        `yaml:"off"`
	Duration    time.Duration `yaml:"duration"`
	MinGap      time.Duration `yaml:"min_gap"` // what comes in it sounds at its end, so that it is no longer than MaxAge
	MaxAge      time.Duration `yaml:"max_age"` // a command that could not be sent for so long is dropped
}

// Page is the status page, which asks for a password.
type Page struct {
	Password    conf.Secret `yaml:"password"`    // its argon2id hash; without one there is no page
	Certificate string      `yaml:"certificate"` // PEM file; with it the page is served over TLS
	Key         string      `yaml:"key"`
}

// Bounds of sirens.
const (
	maxSirens   = 32
	maxCommand  = 4 << 10 // bytes of a payload
	minDuration = time.Second
	maxDuration = time.Hour
	maxAge      = 10 * time.Minute
)

func (s *Siren) fill() {
	for value, usual := range map[*time.Duration]time.Duration{&s.Duration: time.Minute, &s.MinGap: 10 * time.Second, &s.MaxAge: 30 * time.Second} {
		if *value == 0 {
			*value = usual
		}
	}
}

func (j *judge) local(c *Config) {
	j.localMQTT(c)
	j.demand(len(c.Local.Sirens) <= maxSirens, "local.sirens", "too many sirens", fmt.Sprintf("at most %d for one edge", maxSirens))
	seen := map[string]bool{}
	for i := range c.Local.Sirens {
		s := &c.Local.Sirens[i]
		s.fill()
		at := fmt.Sprintf("local.sirens[%d]", i)
		j.name(at+".name", s.Name, seen)
		j.siren(at, c, s)
	}
	j.page(c)
}

func (j *judge) localMQTT(c *Config) {
	m := c.Local.MQTT
	if m.Broker == "" {
		j.demand(len(c.Local.Sirens) == 0, "local.sirens", "no broker takes their commands", "write local.mqtt.broker: embedded, or the name of an entry of mqtt.sources")
		return
	}
	known := slices.ContainsFunc(c.MQTT.Sources, func(s MQTTSource) bool { return s.Name == m.Broker })
	if m.Broker == EmbeddedBroker {
		known = c.MQTT.Broker.Listen != ""
	}
	j.demand(known, "local.mqtt.broker", "no such broker", "write embedded, with mqtt.broker.listen, or the name of an entry of mqtt.sources")
	j.demand(plainTopic(m.Topic), "local.mqtt.topic", "not a topic", "write for example gridgate")
	j.demand(m.Discovery == "" || plainTopic(m.Discovery), "local.mqtt.discovery", "not a topic", `write homeassistant, or "" for none`)
	j.demand(m.Language == "zh-CN" || m.Language == "en", "local.mqtt.language", "unknown language", "write zh-CN or en")
	for i, s := range c.Sensors {
		if strings.HasPrefix(s.Topic, m.Topic+"/") {
			j.bad(fmt.Sprintf("sensors[%d].topic", i), "on such topics edges speak, not sensors", "name the sensor's topic, or change local.mqtt.topic")
		}
	}
}

// plainTopic says whether t is a topic without wildcards (MQTT 3.1.1, 4.7.1) that does not begin with $ or end with a slash.
func plainTopic(t string) bool {
	return sensors.CheckFilter(t) == nil && !strings.ContainsAny(t, "+#") && !strings.HasPrefix(t, "$") && !strings.HasSuffix(t, "/")
}

func (j *judge) siren(at string, c *Config, s *Siren) {
	j.demand(len(s.Kinds) > 0, at+".kinds", "it follows nothing", "write kinds, for example [smoke, fire]")
	for i, kind := range s.Kinds {
		j.demand(alert.Kind(kind).Valid(), fmt.Sprintf("%s.kinds[%d]", at, i), "unknown kind", "write one of: "+kindNames())
	}
	for i, id := range s.Devices {
		known := slices.ContainsFunc(c.Cameras, func(cam Camera) bool { return cam.ID == id }) ||
			slices.ContainsFunc(c.Sensors, func(s Sensor) bool { return s.ID == id })
		j.demand(known, fmt.Sprintf("%s.devices[%d]", at, i), "no such device", "write the id of a camera or a sensor")
	}
	j.demand(s.MinSeverity == "" || alert.Severity(s.MinSeverity).Rank() >= 0, at+".min_severity", "unknown severity", "write info, minor, major or critical")
	j.windows(at+".schedule", s.Schedule)
	j.demand(plainTopic(s.Topic), at+".topic", "not a topic", "write for example zigbee2mqtt/hall_siren/set")
	j.demand(!strings.HasPrefix(s.Topic, c.Local.MQTT.Topic+"/"), at+".topic", "on such topics the edge tells its alerts", "write the topic on which the relay takes commands")
	heard := slices.ContainsFunc(c.Sensors, func(sensor Sensor) bool { return sensor.Topic == s.Topic })
	j.demand(!heard, at+".topic", "a sensor speaks on this topic and would not be heard", "write the topic on which the relay takes commands, not the one on which it tells its state")
	for key, payload := range map[string]string{"on": s.On, "off": s.Off} {
		j.demand(payload != "" && len(payload) <= maxCommand, at+"."+key, "is demanded", fmt.Sprintf("write the message that the relay obeys, at most %d bytes", maxCommand))
	}
	j.demand(s.Duration >= minDuration && s.Duration <= maxDuration, at+".duration", "out of range", "write 1s to 1h")
	j.demand(s.MinGap >= minDuration && s.MinGap <= s.MaxAge, at+".min_gap", "out of range", "write 1s to what max_age is: what comes in the gap sounds at its end")
	j.demand(s.MaxAge >= minDuration && s.MaxAge <= maxAge, at+".max_age", "out of range", "write 1s to 10m")
}

func kindNames() string {
	var names []string
	for _, k := range alert.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func (j *judge) page(c *Config) {
	p := c.Local.Page
	j.secret("local.page.password", p.Password, false)
	j.file("local.page.certificate", c.Path(p.Certificate))
	j.file("local.page.key", c.Path(p.Key))
	j.demand((p.Certificate == "") == (p.Key == ""), "local.page.key", "a certificate and its key go together", "write both, or neither")
	if p.Password.Set() && p.Certificate == "" && !loopback.Address(c.Listen) {
		j.bad("local.page.certificate", "the page would ask for its password without TLS", "write certificate and key, or listen on 127.0.0.1")
	}
}
