package fleet

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gridgate/central/configure"
	"gridgate/edge/config"
)

// inClear are the secrets of the reference that come from the environment: central names files.
var inClear = regexp.MustCompile(`\{env: [A-Z0-9_]+\}`)

// sectionsOf cuts a file into its sections, by name, as they are written.
func sectionsOf(text string) map[string]string {
	out, name := map[string]string{}, ""
	for _, line := range strings.SplitAfter(text, "\n") {
		if key, _, ok := strings.Cut(line, ":"); ok && key != "" && !strings.ContainsAny(key[:1], " #-") {
			name = key
		}
		out[name] += line
	}
	return out
}

// Central finds nothing wrong with what the edge takes: each section of the edge's reference that central may say, with secrets by file, and
// forms of values that the edge's decoder takes.
func TestCentralTakesWhatTheEdgeTakes(t *testing.T) {
	reference, err := os.ReadFile("../../edge/config/reference.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sections := sectionsOf(string(reference))
	judged := 0
	for _, s := range configure.Sections {
		text := sections[s]
		if s == "mqtt.sources" || text == "" {
			continue // it stands beside the broker there; see below
		}
		text = inClear.ReplaceAllString(text, "{file: secret}")
		text = strings.ReplaceAll(regexp.MustCompile(`(?m)^( +)command: .*$`).ReplaceAllString(text, "${1}url: http://127.0.0.1:5000/"), "/etc/gridgate/", "")
		problems, err := configure.Check(text, nil)
		if err != nil || len(problems) > 0 {
			t.Errorf("central refuses the reference's %s: %+v, %v", s, problems, err)
		}
		judged++
	}
	if judged < 6 {
		t.Errorf("the reference has %d sections that central may say", judged)
	}
	file := filepath.Join(t.TempDir(), "edge.yaml")
	manage := "  manage: [" + strings.Join(config.Manageable, ", ") + "]\n"
	own := "edge: a\ndata: data\ncentral:\n  url: http://127.0.0.1:1\n  token: {env: TOKEN}\n" + manage + "mqtt:\n  sources:\n    - {name: house, url: \"tcp://127.0.0.1:1883\"}\n"
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	const sensor = "sensors:\n  - {id: a, dialect: auto, topic: a/b, place: {grid: \"110101001001001\", kind: street}"
	for text, good := range map[string]bool{
		"timezone: UTC\n": true, "timezone: null\n": true, sensor + "}\n": true, sensor + ", silence: 90s}\n": true, sensor + ", silence: \"1.5h\"}\n": true,
		sensor + ", zone: 12}\n": true, sensor + ", profile: null}\n": true, sensor + ", silence: 90}\n": false, sensor + ", colour: red}\n": false, sensor + ", severity: [a]}\n": false,
		"mqtt:\n  sources:\n    - {name: 7, url: \"tcp://127.0.0.1:1883\", window: \"50\"}\n": true, "mqtt:\n  sources: {name: a}\n": false,
		"mqtt:\n  broker: {listen: \"127.0.0.1:1\"}\n": false, "edge: b\n": false, "calendar:\n  holidays: [2026-10-01]\n": true, "profiles:\n  - {name: p, interval: soon}\n": false,
	} {
		theirs := problemsOf(file, []byte(text))
		ours, err := configure.Check(text, nil)
		if err != nil || (len(theirs) == 0) != good || (len(ours) == 0) != good {
			t.Errorf("%q: good is %t; the edge says %+v, central %+v, %v", text, good, theirs, ours, err)
		}
	}
}
