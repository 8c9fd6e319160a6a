package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/protocols/kit/conf"
)

const goodEdge = `edge: east-gate
data: data
central: {url: "http://127.0.0.1:8420", token: {env: TOKEN}}
cameras:
  - id: gate
    url: rtsp://127.0.0.1:8554/gate
    place: {grid: "110101001001001", kind: gate}
    owner: East Gate
    purpose: safety
    legal_basis: art. 7
    zones: [{name: a, mode: armed}, {name: b, mode: disarmed}]
mqtt: {sources: [{name: main, url: "tcp://127.0.0.1:1883"}]}
sensors:
  - {id: gauge, dialect: mapped, topic: water/1, mapping: gauge.yaml, place: {grid: "110101001001001", kind: riverside}}
`

const goodMapping = `mappings:
  - readings: [{quantity: water_level, unit: m, value: payload.level}]
`

// folder writes a configuration and its mapping, and returns the configuration's path.
func folder(t *testing.T, edge, mapping string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"edge.yaml": edge, "gauge.yaml": mapping} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "edge.yaml")
}

func TestCheckPrintsEveryProblemAsAJSONLine(t *testing.T) {
	tests := []struct {
		name          string
		edge, mapping string
		code          int
		file, field   string
		line          int
	}{
		{"good", goodEdge, goodMapping, ExitOK, "", "", 0},
		{"misspelt key", strings.Replace(goodEdge, "owner:", "ownr:", 1), goodMapping, ExitFailed, "edge.yaml", "cameras[0].ownr", 8},
		{"forbidden place", strings.Replace(goodEdge, "kind: gate", "kind: toilet", 1), goodMapping, ExitFailed, "edge.yaml", "cameras[0].place.kind", 7},
		{"mistake in a mapping", goodEdge, strings.Replace(goodMapping, "payload.level", "payload.level +", 1), ExitFailed, "gauge.yaml", "", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := folder(t, tt.edge, tt.mapping)
			var stdout, stderr bytes.Buffer
			if code := Check(CheckOptions{Config: file}, &stdout, &stderr); code != tt.code {
				t.Fatalf("exit code %d, want %d: %s", code, tt.code, stderr.String())
			}
			if tt.code == ExitOK {
				if stdout.Len() > 0 {
					t.Errorf("a good file prints %q", stdout.String())
				}
				return
			}
			found := false
			for lines := json.NewDecoder(&stdout); lines.More(); {
				var p conf.Problem
				if err := lines.Decode(&p); err != nil {
					t.Fatalf("not a JSON line: %v", err)
				}
				found = found || filepath.Base(p.File) == tt.file && p.Line == tt.line && (tt.field == "" || p.Field == tt.field) && p.Remedy != ""
			}
			if !found {
				t.Errorf("problems = %s, want %s:%d %s with a remedy", stderr.String(), tt.file, tt.line, tt.field)
			}
		})
	}
	var out bytes.Buffer
	if code := Check(CheckOptions{Config: "no-such-file"}, &out, &out); code != ExitUsage {
		t.Errorf("a missing file: exit code %d, want %d", code, ExitUsage)
	}
}

func TestTheConfigurationKnowsEveryDialect(t *testing.T) {
	if got := Dialects().Names(); !slices.Equal(got, config.Dialects) {
		t.Errorf("dialects are %v, the configuration accepts %v", got, config.Dialects)
	}
}

func TestReloadArmsZonesAndABadFileChangesNothing(t *testing.T) {
	file := folder(t, goodEdge, goodMapping)
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	cameras, err := newCameras(cfg, nil, nil, nil, nil, nil, nil, func() {}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("a camera without a decoder was accepted")
	}
	cameras, err = newCameras(cfg, nil, nil, nil, idleDecoder{}, idleRaiser{}, nil, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var applied string
	r := &reloader{load: func() (*config.Config, error) { return config.Load(file) }, running: cfg, cameras: cameras, applied: func(v string) { applied = v }, log: slog.New(slog.NewTextHandler(&log, nil))}
	modes := func() map[string]camera.Mode {
		out := map[string]camera.Mode{}
		for _, z := range cameras.list[0].Status().Zones {
			out[z.Name] = z.Mode
		}
		return out
	}
	rewrite := func(old, new string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Replace(goodEdge, old, new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	rewrite("mode: armed", "mode: asleep")
	if err := r.reload(); err == nil || modes()["a"] != camera.Armed {
		t.Errorf("a bad file: error %v, modes %v", err, modes())
	}
	rewrite("{name: b, mode: disarmed}", "{name: b, mode: walk-test}")
	if err := r.reload(); err != nil || modes()["b"] != camera.WalkTest || modes()["a"] != camera.Armed {
		t.Errorf("a walk-test: error %v, modes %v", err, modes())
	}
	if strings.Contains(log.String(), "restart") || applied == "" || applied == cfg.Version {
		t.Errorf("arming alone: version %q is in force, log %s", applied, log.String())
	}
	other := "  - {id: yard, url: \"rtsp://127.0.0.1/y\", place: {grid: \"110101001001001\", kind: yard}, owner: o, purpose: p, legal_basis: l, zones: [{name: a, mode: MODE}]}\nmqtt:"
	for _, mode := range []string{"armed", "disarmed"} {
		applied = ""
		rewrite("mqtt:", strings.Replace(other, "MODE", mode, 1))
		if err := r.reload(); err != nil || applied != "" {
			t.Errorf("a new camera that is %s: error %v, applied %q; it waits for a restart", mode, err, applied)
		}
	}
	rewrite("purpose: safety", "purpose: order")
	if err := r.reload(); err != nil || !strings.Contains(log.String(), "restart to apply it") {
		t.Errorf("another change: error %v, log %s", err, log.String())
	}
}

// TestReloadGoesOnWithWhatCentralSays: the file is read again, with what central says in the place of its sections; a file that takes it no
// more changes nothing.
func TestReloadGoesOnWithWhatCentralSays(t *testing.T) {
	text := strings.Replace(goodEdge, "token: {env: TOKEN}", "token: {env: TOKEN}, manage: [timezone, sensors]", 1)
	file := folder(t, text, goodMapping)
	c := chosen{file: file, text: []byte("sensors: []\n")}
	cfg, err := c.load()
	if err != nil || len(cfg.Sensors) != 0 {
		t.Fatalf("%v, %d sensors", err, len(cfg.Sensors))
	}
	cameras, err := newCameras(cfg, nil, nil, nil, idleDecoder{}, idleRaiser{}, nil, func() {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	applied := ""
	r := &reloader{load: c.load, running: cfg, cameras: cameras, applied: func(v string) { applied = v }, log: slog.New(slog.DiscardHandler)}
	for _, s := range []struct {
		manage, mode string
		fails        bool
		want         camera.Mode
	}{{"timezone, sensors", "walk-test", false, camera.WalkTest}, {"timezone", "armed", true, camera.WalkTest}} {
		changed := strings.NewReplacer("timezone, sensors", s.manage, "{name: a, mode: armed}", "{name: a, mode: "+s.mode+"}").Replace(text)
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.reload(); (err != nil) != s.fails || cameras.list[0].Status().Zones[0].Mode != s.want || applied == "" {
			t.Errorf("%s: %v, %v, applied %q", s.manage, err, cameras.list[0].Status().Zones, applied)
		}
	}
}
