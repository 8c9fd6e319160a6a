package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
)

// TestTheDemonstrationRunsStopsAndContinues does what `make run` does after it has built: twice, in one folder.
func TestTheDemonstrationRunsStopsAndContinues(t *testing.T) {
	dir := t.TempDir()
	before := runDemo(t, dir, syscall.SIGTERM)
	after := runDemo(t, dir, syscall.SIGINT)
	kept := map[string]bool{}
	for _, a := range after {
		kept[a.ID] = true
	}
	for _, a := range before {
		if !kept[a.ID] {
			t.Errorf("alert %s of the first run is gone in the second", a.ID)
		}
	}
}

// runDemo starts the demonstration, waits for alerts and open cases, stops it by the signal and returns the alerts.
func runDemo(t *testing.T, dir string, stop syscall.Signal) []client.Alert {
	t.Helper()
	p, err := stage.Start(stage.Spec{
		Program: filepath.Join(bin, "demo"), Log: filepath.Join(t.TempDir(), "demo.log"),
		Args: []string{"--dir", dir, "--bin", bin, "--footage", filepath.Dir(footage(t, "square.h264"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var central client.Client
	eventually(t, "demo.env", func(context.Context) (bool, error) {
		env, err := township.ReadEnv(filepath.Join(dir, "demo.env"))
		central = client.Client{Base: env["GRIDGATE_URL"], Token: env["GRIDGATE_TOKEN"]}
		return err == nil, err
	})
	eventually(t, "alerts of a camera and a sensor, and open cases", func(ctx context.Context) (bool, error) {
		for _, kind := range []string{"motion", "smoke", "sos"} {
			if _, ok, err := caseOf(ctx, central, kind, "open"); !ok {
				return false, err
			}
		}
		return true, nil
	})
	alerts, err := central.Alerts(t.Context(), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), stop); err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Errorf("the demonstration did not end well: %v", err)
	}
	eventually(t, "no process is left running", func(ctx context.Context) (bool, error) { // decoders end once their edge has
		left, _ := exec.CommandContext(ctx, "pgrep", "-f", dir).Output()
		return len(left) == 0, fmt.Errorf("left: %s", left)
	})
	if _, err := os.Stat(filepath.Join(dir, "demo.env")); err == nil {
		t.Error("demo.env of a stopped demonstration is left")
	}
	return alerts
}
