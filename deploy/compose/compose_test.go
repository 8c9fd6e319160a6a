// Package compose is the centre in containers: compose.yaml, its Dockerfile and the configurations that they mount.
//
// In: those files. Out: whether they hold together, by this package's tests; the folder test judges them with the engine's own parsers. No
// engine runs here: nothing is built and no container is started.
package compose

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	central "gridgate/central/app"
	edge "gridgate/edge/app"
)

// project is what of compose.yaml is looked at here.
type project struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Restart     string            `yaml:"restart"`
		ReadOnly    bool              `yaml:"read_only"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		Secrets     []string          `yaml:"secrets"`
		SecurityOpt []string          `yaml:"security_opt"`
		Environment map[string]string `yaml:"environment"`
		Memory      string            `yaml:"mem_limit"`
		Privileged  bool              `yaml:"privileged"`
		Network     string            `yaml:"network_mode"`
	} `yaml:"services"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes map[string]any `yaml:"volumes"`
}

func load(t *testing.T) (p project) {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, &p, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"central", "postgres", "victoriametrics", "grafana", "mosquitto", "edge"} {
		if _, has := p.Services[name]; !has {
			t.Errorf("no service %s", name)
		}
	}
	return p
}

var pinned = regexp.MustCompile(`^[a-z0-9/-]+:[a-z0-9.-]*[0-9][a-z0-9.-]*$`)

func TestServicesAreBoundedAndPinned(t *testing.T) {
	for name, s := range load(t).Services {
		if !strings.HasPrefix(s.Image, "gridgate-") && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not of one version", name, s.Image)
		}
		if s.Restart == "" || s.Privileged || s.Network == "host" || len(s.SecurityOpt) == 0 {
			t.Errorf("%s: restart %q, privileged %v, network %q, security %q", name, s.Restart, s.Privileged, s.Network, s.SecurityOpt)
		}
		if s.Memory == "" && name != "certificate" {
			t.Errorf("%s may take all memory", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to others without being asked for", name, port)
			}
		}
		for key := range s.Environment {
			if strings.Contains(key, "PASSWORD") && !strings.HasSuffix(key, "_FILE") {
				t.Errorf("%s: %s is no file", name, key)
			}
		}
	}
}

func TestWhatIsMountedIsThere(t *testing.T) {
	p := load(t)
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, named := p.Volumes[from]
			if _, err := os.Stat(from); !named && (err != nil || !strings.HasPrefix(from, ".")) {
				t.Errorf("%s mounts %s: %v", name, from, err)
			}
		}
		for _, secret := range s.Secrets {
			if !strings.HasPrefix(p.Secrets[secret].File, "./secrets/") {
				t.Errorf("%s: secret %s is %q", name, secret, p.Secrets[secret].File)
			}
		}
	}
}

func TestTheConfigurationsAreGood(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ca.pem", "postgres", "central.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("something\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inDir := func(name, old, new string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(old), []byte(new)), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var out, told bytes.Buffer
	if code := edge.Check(edge.CheckOptions{Config: inDir("edge.yaml", "/trust/", dir+"/")}, &out, &told); code != edge.ExitOK {
		t.Errorf("edge.yaml: %s", told.String())
	}
	// All of it is read but the certificate, which the certificate service makes.
	err := central.Check(inDir("central.yaml", "/run/secrets/", dir+"/"))
	if err == nil || !strings.Contains(err.Error(), "/tls/central.pem") {
		t.Errorf("central.yaml: %v; want nothing but the certificate to be missing", err)
	}
}
