// Package packages is the Debian packages of both programs: what they hold and what they do when they come and go.
//
// In: nfpm's files, scripts and configurations. Out: whether they hold together, by this package's tests. The packages are built by
// `make packages`, and installed, used and purged in a Debian of its own by `make check-install`.
package packages

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	central "gridgate/central/app"
	edge "gridgate/edge/app"
)

const root = "../.."

// recipe is what of nfpm's file is looked at here.
type recipe struct {
	Name     string            `yaml:"name"`
	Depends  []string          `yaml:"depends"`
	Scripts  map[string]string `yaml:"scripts"`
	Contents []struct {
		Src  string `yaml:"src"`
		Dst  string `yaml:"dst"`
		Type string `yaml:"type"`
	} `yaml:"contents"`
}

func read(t *testing.T, program string) (r recipe) {
	t.Helper()
	text, err := os.ReadFile(program + ".nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecipesListWhatIsThere(t *testing.T) {
	for _, program := range []string{"edge", "central"} {
		r := read(t, program)
		conffile := false
		for _, c := range r.Contents {
			if _, err := os.Stat(filepath.Join(root, c.Src)); err != nil && !strings.HasPrefix(c.Src, "${STAGE}/") {
				t.Errorf("%s: %v", program, err)
			}
			if strings.HasPrefix(c.Dst, "/etc/") && c.Type != "config" {
				t.Errorf("%s: an upgrade would overwrite %s", program, c.Dst)
			}
			conffile = conffile || c.Type == "config"
		}
		if r.Name != "gridgate-"+program || !conffile || len(r.Scripts) != 3 {
			t.Errorf("%s: name %q, conffile %v, scripts %v", program, r.Name, conffile, r.Scripts)
		}
		for _, script := range r.Scripts {
			if out, err := exec.CommandContext(t.Context(), "sh", "-n", filepath.Join(root, script)).CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", script, err, out)
			}
		}
	}
}

// What a centre is watched by comes with its package, whole.
func TestEveryBoardAndRuleComesAlong(t *testing.T) {
	var want []string
	for _, pattern := range []string{"deploy/grafana/*/*.json", "deploy/grafana/*/*/*.y*ml", "deploy/prometheus/gridgate.rules.yml", "deploy/prometheus/prometheus.yml", "deploy/systemd/gridgate-central*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		want = append(want, found...)
	}
	listed := map[string]bool{}
	for _, c := range read(t, "central").Contents {
		listed[filepath.Join(root, c.Src)] = true
	}
	for _, file := range want {
		if !listed[file] {
			t.Errorf("central.nfpm.yaml does not list %s", file)
		}
	}
}

func TestTheConfigurationsThatComeAlongAreGood(t *testing.T) {
	var out, told bytes.Buffer
	if code := edge.Check(edge.CheckOptions{Config: "edge.yaml"}, &out, &told); code != edge.ExitOK {
		t.Errorf("edge.yaml: %s", told.String())
	}
	if err := central.Check("central.yaml"); err != nil {
		t.Errorf("central.yaml: %v", err)
	}
}
