// Package township sets up one central and one edge on loopback, with secrets, accounts and configuration files in one
// folder, and starts and stops them as real processes. The demonstration, the end-to-end tests and the fault and soak rigs
// are built on it.
//
// In: cameras and sensors. Out: two running programs and the way in. What is in the folder is kept, so that a second start
// goes on where the first stopped.
package township

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"gridgate/deploy/testkit/stage"
)

// Names of the secrets; each is a file under secrets/ with mode 0600.
const (
	OperatorPassword = "operator-password"
	EdgeToken        = "edge-token"
	SensorPassword   = "sensor-password"
	CameraPassword   = "camera-password"
	PagePassword     = "page-password" // of the edge's status page
	apiToken         = "api-token"
)

// Operator and SensorUser are the names that go with the passwords.
const (
	Operator   = "operator"
	SensorUser = "sensors"
	EdgeName   = "demo"
)

const readyWithin = 2 * time.Minute

// Camera is one entry of the edge's configuration. Password names a secret; empty for a camera that asks for none.
type Camera struct {
	ID, URL, Username, Password, Kind, Grid string
	Events                                  string // what it tells by itself: a mapping of YAML on one line; empty: nothing
}

// Sensor is one entry of the edge's configuration. Mapping is the text of a mapping file, for the dialect mapped.
type Sensor struct {
	ID, Dialect, Topic, Kind, Grid, Zone, Mapping string
}

// Options say what the township consists of.
type Options struct {
	Dir      string // keeps everything
	Bin      string // folder of gridgate-edge and gridgate-central
	Cameras  []Camera
	Sensors  []Sensor
	Brokers  []string // addresses of external brokers, tcp://host:port; none: the embedded one
	Embedded bool     // the embedded broker beside external ones
	AnyPorts bool     // take free ports instead of the usual ones
	Influx   string   // base URL of a server that takes InfluxDB's writes; empty: the embedded time-series database
	Through  string   // base URL that the edge reaches central by, if not directly
	Discover []string // addresses that the edge asks in a search for cameras, instead of by multicast
	More     string   // further sections of the edge's file, in YAML
	Env      []string // NAME=value, added to the environment of both programs
}

// Township is the two programs and their folder.
type Township struct {
	options Options
	dir     string
	secrets map[string]string

	central, edge, mqtt string // host:port

	Central, Edge *stage.Process // nil while not running
}

// Open prepares the folder: secrets that are missing are made, ports chosen.
func Open(o Options) (*Township, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	t := &Township{options: o, dir: dir, secrets: map[string]string{}}
	for _, sub := range []string{"secrets", "logs", "central", "edge", "mappings"} {
		if err := os.MkdirAll(t.Path(sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the township's folder: %w", err)
		}
	}
	for _, name := range []string{OperatorPassword, EdgeToken, SensorPassword, CameraPassword, PagePassword} {
		if err := t.KeepSecret(name); err != nil {
			return nil, err
		}
	}
	for addr, preferred := range map[*string]string{&t.central: "127.0.0.1:8420", &t.edge: "127.0.0.1:8430", &t.mqtt: "127.0.0.1:18830"} {
		if o.AnyPorts {
			preferred = ""
		}
		if *addr, err = stage.FreeAddress(preferred); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// KeepSecret reads a secret of an earlier start or makes one.
func (t *Township) KeepSecret(name string) error {
	data, err := os.ReadFile(t.Path("secrets", name))
	if s := string(bytes.TrimSpace(data)); err == nil && s != "" {
		t.secrets[name] = s
		return nil
	}
	return t.SetSecret(name, rand.Text())
}

// SetSecret stores a secret under a name that a [Camera] can refer to.
func (t *Township) SetSecret(name, value string) error {
	t.secrets[name] = value
	if err := os.WriteFile(t.Path("secrets", name), []byte(value+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep a secret: %w", err)
	}
	return nil
}

// Secret returns a secret by name.
func (t *Township) Secret(name string) string { return t.secrets[name] }

// Path is a path inside the township's folder.
func (t *Township) Path(elem ...string) string {
	return filepath.Join(append([]string{t.dir}, elem...)...)
}

// CentralURL, EdgeURL and MQTTAddr tell where the programs listen; Token is an API token that may read, operate and post events.
func (t *Township) CentralURL() string { return "http://" + t.central }
func (t *Township) EdgeURL() string    { return "http://" + t.edge }
func (t *Township) MQTTAddr() string   { return t.mqtt }
func (t *Township) Token() string      { return t.secrets[apiToken] }

// AddCamera adds a camera before the configuration is written.
func (t *Township) AddCamera(c Camera) { t.options.Cameras = append(t.options.Cameras, c) }

var (
	//go:embed edge.yaml.tmpl
	edgeTemplate string
	//go:embed central.yaml.tmpl
	centralTemplate string
)

// Configure writes both configuration files and makes the operator's account and the API token; those are kept by later starts.
func (t *Township) Configure(ctx context.Context) error {
	view := struct {
		Options
		Name, Central, Edge, MQTT, CentralURL string
	}{t.options, EdgeName, t.central, t.edge, t.mqtt, t.CentralURL()}
	if t.options.Through != "" {
		view.CentralURL = t.options.Through
	}
	for name, text := range map[string]string{"edge.yaml": edgeTemplate, "central.yaml": centralTemplate} {
		var out bytes.Buffer
		if err := template.Must(template.New(name).Parse(text)).Execute(&out, view); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(t.Path(name), out.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, s := range t.options.Sensors {
		if s.Mapping != "" {
			if err := os.WriteFile(t.Path("mappings", s.ID+".yaml"), []byte(s.Mapping), 0o600); err != nil {
				return fmt.Errorf("write the mapping of %s: %w", s.ID, err)
			}
		}
	}
	return t.enrol(ctx)
}

func (t *Township) enrol(ctx context.Context) error {
	if err := t.hashPage(ctx); err != nil {
		return err
	}
	config := t.Path("central.yaml")
	if _, err := t.Tool(ctx, "gridgate-central", "user", "add", Operator, "--role", "operator",
		"--password-file", t.Path("secrets", OperatorPassword), "--config", config); err != nil {
		return fmt.Errorf("make the operator's account: %w", err)
	}
	if data, err := os.ReadFile(t.Path("secrets", apiToken)); err == nil && len(data) > 0 {
		t.secrets[apiToken] = strings.TrimSpace(string(data))
		return nil
	}
	out, err := t.Tool(ctx, "gridgate-central", "token", "add", "township", "--scope", "read,events,operate", "--config", config)
	if err != nil {
		return fmt.Errorf("make the API token: %w", err)
	}
	return t.SetSecret(apiToken, strings.TrimSpace(string(out)))
}

// hashPage makes what the edge compares the password of its status page with.
func (t *Township) hashPage(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(t.options.Bin, "gridgate-edge"), "password", "--out", t.Path("secrets", "page-hash"))
	cmd.Stdin = strings.NewReader(t.secrets[PagePassword])
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("hash the status page's password: %w: %s", err, out)
	}
	return nil
}

// Tool runs one of the programs to its end and returns what it printed on standard output.
func (t *Township) Tool(ctx context.Context, program string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(t.options.Bin, program), args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

// Start starts central, then the edge.
func (t *Township) Start(ctx context.Context) error {
	if err := t.StartCentral(ctx); err != nil {
		return err
	}
	return t.StartEdge(ctx)
}

// StartCentral starts central and waits until it is ready.
func (t *Township) StartCentral(ctx context.Context) (err error) {
	t.Central, err = t.start(ctx, "gridgate-central", "serve", "central.yaml", t.CentralURL()+"/readyz")
	return err
}

// StartEdge starts the edge and waits until it is healthy.
func (t *Township) StartEdge(ctx context.Context) (err error) {
	t.Edge, err = t.start(ctx, "gridgate-edge", "run", "edge.yaml", t.EdgeURL()+"/healthz")
	return err
}

func (t *Township) start(ctx context.Context, program, command, config, url string) (*stage.Process, error) {
	p, err := stage.Start(stage.Spec{
		Program: filepath.Join(t.options.Bin, program), Args: []string{command, "--config", t.Path(config)}, Env: t.options.Env, Log: t.LogOf(program),
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := p.WaitReady(ctx, url); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// LogOf is the file that a program's output goes to.
func (t *Township) LogOf(program string) string { return t.Path("logs", program+".log") }

// Stop ends what runs, the edge first, and says what did not end well.
func (t *Township) Stop() error {
	var errs []error
	for _, p := range []*stage.Process{t.Edge, t.Central} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	t.Edge, t.Central = nil, nil
	return errors.Join(errs...)
}

// Ended returns a channel that is closed when one of the two programs ends.
func (t *Township) Ended() <-chan struct{} {
	ended := make(chan struct{})
	central, edge := t.Central.Done(), t.Edge.Done()
	go func() {
		defer close(ended)
		select {
		case <-central:
		case <-edge:
		}
	}()
	return ended
}

// ReadEnv reads a file of NAME=value lines, such as the demonstration's demo.env.
func ReadEnv(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			env[name] = value
		}
	}
	return env, nil
}
