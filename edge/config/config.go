// Package config reads the edge's configuration file.
//
// In: YAML. Out: a [Config] that was validated, or problems that name file, line, field and remedy. Only edge/app imports
// it; every other package takes its own options. It never holds a secret: a secret is named by the file or variable that keeps it.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/protocols/kit/conf"
)

// Config is the whole file: one section per stage.
type Config struct {
	Edge    string  `yaml:"edge"`   // this edge's name, lower case
	Data    string  `yaml:"data"`   // folder of the outbox and of pictures that wait to be sent
	Listen  string  `yaml:"listen"` // health, metrics and status; loopback unless asked otherwise
	Place   Place   `yaml:"place"`  // what a device that names no place of its own has
	Central Central `yaml:"central"`
	Decoder Decoder `yaml:"decoder"`
	// Timezone is that of schedules, by its IANA name; empty: the machine's.
	Timezone  string     `yaml:"timezone"`
	Calendar  Calendar   `yaml:"calendar"`
	Detectors []Detector `yaml:"detectors"`
	Cameras   []Camera   `yaml:"cameras"`
	GB28181   GB28181    `yaml:"gb28181"`
	Push      Push       `yaml:"push"`
	MQTT      MQTT       `yaml:"mqtt"`
	Profiles  []Profile  `yaml:"profiles"` // models of sensors
	Sensors   []Sensor   `yaml:"sensors"`
	Rules     Rules      `yaml:"rules"`
	Local     Local      `yaml:"local"`
	Discovery Discovery  `yaml:"discovery"`

	// Version is the first 12 hexadecimal digits of the file's SHA-256: what this edge runs.
	Version string `yaml:"-"`
	dir     string
}

// Place says where a device is: the grid and what kind of place it is.
type Place struct {
	Grid string    `yaml:"grid"`
	Kind PlaceKind `yaml:"kind"`
}

// Central says where alerts go.
type Central struct {
	URL   string      `yaml:"url"`   // https, or http on loopback
	Token conf.Secret `yaml:"token"` // this edge's credential
	CA    string      `yaml:"ca"`    // PEM file of a private certificate authority; empty: the system's
	// Fingerprint is the SHA-256 of central's own certificate; empty: any that an authority signed.
	Fingerprint string        `yaml:"fingerprint"`
	Sync        time.Duration `yaml:"sync"` // how often state goes up
	// EvidenceRate is how fast pictures and clips may go up, in kbit/s; 0: as fast as the link. EvidenceFree is when they may do so anyway.
	EvidenceRate int      `yaml:"evidence_rate"`
	EvidenceFree []Window `yaml:"evidence_free"`
	Releases     Releases `yaml:"releases"` // whose builds it takes
	// Manage are the sections of this file in whose place central may say others, see [Manageable]; empty: none. What it says names files of
	// the folder Secrets alone; empty: secrets, beside this file.
	Manage  []string `yaml:"manage"`
	Secrets string   `yaml:"secrets"`
}

// Decoder sizes the worker processes that decode pictures.
type Decoder struct {
	Workers int     `yaml:"workers"`
	Budget  float64 `yaml:"budget"` // cores that detection may take in all; 0: no bound
}

// Camera is one camera and the law's demands on it (Regulation on public-safety video image information systems, art. 7 to 9 and 13).
type Camera struct {
	ID  string `yaml:"id"`
	URL string `yaml:"url"` // rtsp or rtsps, without user and password, or gb28181://DEVICE/CHANNEL
	// Sub is the small stream of the same camera, if it has one: detection runs on it, and URL is connected for evidence only.
	Sub         string        `yaml:"sub"`
	CA          string        `yaml:"ca"`          // PEM file of the authority that signed the camera's certificate
	Fingerprint string        `yaml:"fingerprint"` // SHA-256 of the camera's own certificate
	Username    string        `yaml:"username"`
	Password    conf.Secret   `yaml:"password"`
	Transport   string        `yaml:"transport"` // auto, tcp or udp
	Place       Place         `yaml:"place"`
	Owner       string        `yaml:"owner"`       // the unit that is responsible for the camera
	Purpose     string        `yaml:"purpose"`     // what it is for
	Basis       string        `yaml:"legal_basis"` // what allows it
	Sign        bool          `yaml:"sign"`        // a sign at the place says that there is a camera
	Sample      time.Duration `yaml:"sample"`      // how often a picture is looked at
	Gate        string        `yaml:"gate"`        // auto, or off: decode without asking what a picture costs
	Pictures    string        `yaml:"pictures"`    // on, or off: alerts of this camera are told without any
	Ring        Ring          `yaml:"ring"`
	Clip        *Clip         `yaml:"clip"`
	Detectors   []string      `yaml:"detectors"` // by name
	Trust       string        `yaml:"trust"`     // of what we find: alone, confirm (only with the camera's own events) or off
	Events      *Events       `yaml:"events"`    // what the camera tells by itself; absent: nothing
	Masks       []Polygon     `yaml:"masks"`     // never looked at, and covered in every picture
	Zones       []Zone        `yaml:"zones"`     // none: one zone, the whole picture
}

// Polygon is a list of [x, y] points relative to the picture, 0 to 1, origin top left.
type Polygon [][]float64

// Zone is a named part of a camera's picture.
type Zone struct {
	Name    string  `yaml:"name"`
	Polygon Polygon `yaml:"polygon"`  // empty: the whole picture
	Mode    string  `yaml:"mode"`     // armed, disarmed or walk-test
	MinArea float64 `yaml:"min_area"` // smallest region that counts, as a share of the picture
	// MinDuration is how long something must move before it counts; 0: the detector's default.
	MinDuration time.Duration `yaml:"min_duration"`
	Presence    bool          `yaml:"presence"` // a visible face counts, too
	Schedule    []Window      `yaml:"schedule"` // when the zone is awake; empty: always
}

// MQTT is where sensor messages come from.
type MQTT struct {
	Broker  Broker       `yaml:"broker"`
	Sources []MQTTSource `yaml:"sources"`
}

// Broker is the embedded broker; without an address there is none.
type Broker struct {
	Listen string       `yaml:"listen"`
	Users  []BrokerUser `yaml:"users"`
	TLS    BrokerTLS    `yaml:"tls"`
	// MaxClients bounds the connections, MaxMessage the bytes of a packet; 0: 1,000 and 1 MiB.
	MaxClients int `yaml:"max_clients"`
	MaxMessage int `yaml:"max_message"`
}

// BrokerTLS is how the embedded broker says who it is; without a certificate it speaks plain TCP.
type BrokerTLS struct {
	Certificate string `yaml:"certificate"` // PEM files
	Key         string `yaml:"key"`
	ClientCA    string `yaml:"client_ca"` // authorities of the certificates that clients must show beside their passwords; empty: none
}

// BrokerUser is a sensor or a gateway that may publish under its prefixes, or a program that listens to what the edge says.
type BrokerUser struct {
	Name     string      `yaml:"name"`
	Password conf.Secret `yaml:"password"`
	Publish  []string    `yaml:"publish"` // topic filters; it may subscribe to them, too
	Read     []string    `yaml:"read"`    // more topic filters to subscribe to
}

// MQTTSource is an external broker.
type MQTTSource struct {
	Name     string      `yaml:"name"`
	URL      string      `yaml:"url"` // tcp://, ssl://, ws:// or wss://
	ClientID string      `yaml:"client_id"`
	Username string      `yaml:"username"`
	Password conf.Secret `yaml:"password"`
	CA       string      `yaml:"ca"`

	Certificate string `yaml:"certificate"` // PEM files of this client, where the broker asks for a certificate
	Key         string `yaml:"key"`
	Window      int    `yaml:"window"` // messages that are stored side by side; 0: 1,000
}

// Sensor is one device behind a broker.
type Sensor struct {
	ID      string        `yaml:"id"`
	Dialect string        `yaml:"dialect"`
	Source  string        `yaml:"source"`  // broker that brings its messages: embedded, or a name of mqtt.sources; empty: any
	Topic   string        `yaml:"topic"`   // topic filter that its messages come on
	Device  string        `yaml:"device"`  // its name on its bus; empty: any device on that topic
	Mapping string        `yaml:"mapping"` // mapping file of the dialect mapped
	Place   Place         `yaml:"place"`
	Zone    string        `yaml:"zone"`    // room or part of the place
	Silence time.Duration `yaml:"silence"` // offline after so long without a message; 0: as its profile says, or as is learnt
	Profile string        `yaml:"profile"` // of the file, or built in; empty: generic
	// Severity replaces, by kind, the usual one.
	Severity map[string]string `yaml:"severity"`
	Mode     string            `yaml:"mode"` // armed, disarmed or walk-test
}

// Defaults is what a file that says nothing gets.
func Defaults() Config {
	return Config{
		Listen:  "127.0.0.1:8430",
		Central: Central{Sync: time.Minute},
		Decoder: Decoder{Workers: 2}, // one goes on while the other makes a picture
		Local:   Local{MQTT: LocalMQTT{Topic: "gridgate", Discovery: "homeassistant", Language: "zh-CN"}},
	}
}

// Load reads and validates file. Relative paths in it are relative to its folder. The error is conf.Problems if the
// content is at fault.
func Load(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c := named(file, data)
	if err := conf.Parse(file, data, c, c.validate); err != nil {
		return nil, err
	}
	return c, nil
}

// named is a configuration of defaults that knows its file.
func named(file string, data []byte) *Config {
	c := Defaults()
	sum := sha256.Sum256(data)
	c.Version, c.dir = hex.EncodeToString(sum[:6]), filepath.Dir(file)
	return &c
}

// Path resolves a path of the file relative to the file's folder.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// Secret reads a secret whose file is relative to the configuration file's folder.
func (c *Config) Secret(s conf.Secret) (string, error) {
	s.File = c.Path(s.File)
	return s.Value()
}
