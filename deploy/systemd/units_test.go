// Package systemd is the units of both programs, their users and folders.
//
// In: the unit files. Out: whether systemd of Debian 12 takes them without a word, and how exposed it judges them to be, by this package's
// tests. Whether the programs work within them is tried in a Debian of its own: `make check-install`.
package systemd

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxExposure is the bar for systemd-analyze security, from 0 (safe) to 10: 1.4 and 1.2 were measured with systemd 252; what is left is
// the network, which both need.
const maxExposure = 2.0

var (
	units  = []string{"gridgate-edge.service", "gridgate-central.service"}
	judged = append([]string{"gridgate-central-backup.service"}, units...) // a backup ends, so it shows no signs of life
)

func TestUnitsAreUnderstood(t *testing.T) {
	dir := t.TempDir()
	program := regexp.MustCompile(`(?m)^ExecStart=\S+`)
	for _, unit := range judged {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, unit) // the program need not be installed here
		if err := os.WriteFile(file, program.ReplaceAll(text, []byte("ExecStart=/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "gridgate") || err != nil {
				t.Errorf("%s: %s", unit, line)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", unit, err)
		}
	}
}

func TestUnitsAreLittleExposed(t *testing.T) {
	for _, unit := range judged {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--json=short", "--no-pager", "./"+unit).Output()
		if err != nil {
			t.Fatalf("%s: %v", unit, err)
		}
		var findings []struct {
			Name     string `json:"name"`
			Set      *bool  `json:"set"`
			Exposure any    `json:"exposure"`
		}
		if err := json.Unmarshal(out, &findings); err != nil || len(findings) < 50 {
			t.Fatalf("%s: %d findings, %v", unit, len(findings), err)
		}
		out, err = exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", "./"+unit).CombinedOutput()
		if err != nil { // the threshold is the bar times ten
			t.Errorf("%s is more exposed than %v: %v\n%s", unit, maxExposure, err, out)
		}
	}
}

func TestUnitsAreHardened(t *testing.T) {
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(unit, ".service")
		for _, want := range []string{
			"Type=notify", "WatchdogSec=", "User=" + name, "StateDirectory=" + name, "StateDirectoryMode=0700", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n",
			"MemoryMax=", "TasksMax=", "LimitNOFILE=", "LimitCORE=0", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes", "Restart=always",
		} {
			if !strings.Contains(string(text), "\n"+want) {
				t.Errorf("%s has no %q", unit, want)
			}
		}
		if strings.Contains(string(text), "\nNoExecPaths=") {
			t.Errorf("%s: a newer build in the state folder could not be run", unit)
		}
	}
}
