package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/deploy/testkit/stage"
)

// town is what the demonstration keeps between runs and what this run chose.
type town struct {
	dir, bin string
	options  Options
	secrets  map[string]string // by file name under secrets/

	central, edge, mqtt, rtsp string // host:port
	cameras                   []camera
}

// camera is one entry of the edge's configuration.
type camera struct {
	ID, URL, Username, Password, Kind, Grid string
}

// Names of the secrets; each is a file with mode 0600.
const (
	operatorPassword = "operator-password"
	apiToken         = "api-token"
	edgeToken        = "edge-token"
	sensorPassword   = "sensor-password"
	cameraPassword   = "camera-password"
)

func openTown(o Options) (*town, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	t := &town{dir: dir, bin: o.Bin, options: o, secrets: map[string]string{}}
	for _, sub := range []string{"secrets", "logs", "central", "edge"} {
		if err := os.MkdirAll(t.path(sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the demonstration's folder: %w", err)
		}
	}
	for _, name := range []string{operatorPassword, edgeToken, sensorPassword, cameraPassword} {
		if t.secrets[name], err = t.secret(name); err != nil {
			return nil, err
		}
	}
	for _, p := range []struct {
		addr      *string
		preferred string
	}{{&t.central, "127.0.0.1:8420"}, {&t.edge, "127.0.0.1:8430"}, {&t.mqtt, "127.0.0.1:18830"}, {&t.rtsp, "127.0.0.1:18554"}} {
		if *p.addr, err = stage.FreeAddress(p.preferred); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// secret reads a secret of an earlier run or makes one.
func (t *town) secret(name string) (string, error) {
	file := t.path("secrets", name)
	if data, err := os.ReadFile(file); err == nil && len(bytes.TrimSpace(data)) > 0 {
		return string(bytes.TrimSpace(data)), nil
	}
	s := rand.Text()
	if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return s, nil
}

const (
	squareGrid = "110101001001001"
	lawnGrid   = "110101001001002"
)

// startCameras serves the footage as RTSP cameras, or splits the address of a real one.
func (t *town) startCameras(ctx context.Context) (stop func(), err error) {
	if t.options.Camera != "" {
		return func() {}, t.useRealCamera()
	}
	square := t.options.Footage + "/square.h264"
	if t.options.Play != "" {
		square = t.options.Play
	}
	server, err := rtspcam.Listen(rtspcam.ServerOptions{Listen: t.rtsp})
	if err != nil {
		return nil, fmt.Errorf("listen for the cameras' viewers: %w", err)
	}
	for _, c := range []struct{ id, file, kind, grid string }{
		{"square", square, "square", squareGrid},
		{"lawn", t.options.Footage + "/quiet.h264", "park", lawnGrid},
	} {
		cam, err := server.Add(ctx, rtspcam.Options{Path: "/" + c.id, File: c.file, FPS: 10, User: "viewer", Password: t.secrets[cameraPassword]})
		if err != nil {
			server.Close()
			return nil, fmt.Errorf("start camera %s: %w", c.id, err)
		}
		t.cameras = append(t.cameras, camera{ID: c.id, URL: cam.URL(), Username: "viewer", Password: cameraPassword, Kind: c.kind, Grid: c.grid})
	}
	return server.Close, nil
}

func (t *town) useRealCamera() error {
	u, err := url.Parse(t.options.Camera)
	if err != nil || u.Host == "" {
		return fmt.Errorf("CAMERA is not an address like rtsp://user:pass@host/stream")
	}
	c := camera{ID: "camera", Kind: "entrance", Grid: squareGrid}
	if u.User != nil {
		c.Username, c.Password = u.User.Username(), "real-camera-password"
		password, _ := u.User.Password()
		if err := os.WriteFile(t.path("secrets", c.Password), []byte(password+"\n"), 0o600); err != nil {
			return fmt.Errorf("keep the camera's password: %w", err)
		}
	}
	u.User = nil
	c.URL = u.String()
	t.cameras = []camera{c}
	return nil
}

var (
	//go:embed edge.yaml.tmpl
	edgeTemplate string
	//go:embed central.yaml.tmpl
	centralTemplate string
	//go:embed water.yaml
	waterMapping []byte
)

func (t *town) writeConfigs() error {
	view := map[string]any{"Central": t.central, "Edge": t.edge, "MQTT": t.mqtt, "Cameras": t.cameras}
	for name, text := range map[string]string{"edge.yaml": edgeTemplate, "central.yaml": centralTemplate} {
		var out bytes.Buffer
		if err := template.Must(template.New(name).Parse(text)).Execute(&out, view); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(t.path(name), out.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return os.WriteFile(t.path("water.yaml"), waterMapping, 0o600)
}

// enrol makes the operator's account and the token for scripts; both are kept by later runs.
func (t *town) enrol(ctx context.Context) error {
	config := t.path("central.yaml")
	if _, err := t.tool(ctx, "gridgate-central", "user", "add", "operator", "--role", "operator",
		"--password-file", t.path("secrets", operatorPassword), "--config", config); err != nil {
		return fmt.Errorf("make the operator's account: %w", err)
	}
	if data, err := os.ReadFile(t.path("secrets", apiToken)); err == nil && len(data) > 0 {
		t.secrets[apiToken] = strings.TrimSpace(string(data))
		return nil
	}
	out, err := t.tool(ctx, "gridgate-central", "token", "add", "demo", "--scope", "read,events,operate", "--config", config)
	if err != nil {
		return fmt.Errorf("make the demonstration's token: %w", err)
	}
	t.secrets[apiToken] = strings.TrimSpace(string(out))
	return os.WriteFile(t.path("secrets", apiToken), out, 0o600)
}

func (t *town) centralURL() string { return "http://" + t.central }
func (t *town) edgeURL() string    { return "http://" + t.edge }
func (t *town) envFile() string    { return t.path("demo.env") }

// announce prints how to get in and, last of all, writes demo.env.
func (t *town) announce(w io.Writer) error {
	fmt.Fprintf(w, "\nGridgate 演示街道已启动 / the demonstration township is up\n\n  控制台 console   %s/\n  用户 user        operator\n  密码 password    %s\n\n  edge status     %s\n  logs            %s\n  stop            Ctrl-C\n\n",
		t.centralURL(), t.secrets[operatorPassword], t.edgeURL(), t.path("logs"))
	env := fmt.Sprintf("GRIDGATE_URL=%s\nGRIDGATE_TOKEN=%s\nGRIDGATE_USER=operator\nGRIDGATE_PASSWORD=%s\nGRIDGATE_EDGE_URL=%s\nGRIDGATE_MQTT=%s\n",
		t.centralURL(), t.secrets[apiToken], t.secrets[operatorPassword], t.edgeURL(), t.mqtt)
	part := t.envFile() + ".part"
	if err := os.WriteFile(part, []byte(env), 0o600); err != nil {
		return fmt.Errorf("write demo.env: %w", err)
	}
	return os.Rename(part, t.envFile())
}
