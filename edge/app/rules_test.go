package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ruledConfig = `edge: e
data: /tmp/gridgate
central: {url: "https://central.example", token: {env: T}}
place: {grid: "110101001001001", kind: plant-room}
mqtt: {sources: [{name: main, url: "tcp://127.0.0.1:1883"}]}
sensors:
  - {id: air, dialect: mapped, topic: air, profile: temperature}
  - {id: flat, dialect: mapped, topic: flat, profile: temperature, place: {kind: home}}
  - {id: gate, dialect: mapped, topic: gate}
rules:
  off: [{rule: gas-low}, {rule: gas-high}, {rule: co-50}, {rule: co-100}, {rule: co-300}]
  own:
    - {name: open, sensors: [air], kind: door, state: door, for: 1m}
`

func ruled(t *testing.T, numbers string) (config, csv string) {
	t.Helper()
	config, csv = filepath.Join(t.TempDir(), "edge.yaml"), filepath.Join(t.TempDir(), "numbers.csv")
	for file, text := range map[string]string{config: ruledConfig, csv: numbers} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config, csv
}

func TestRulesAreListed(t *testing.T) {
	file, _ := ruled(t, "")
	var out, errs strings.Builder
	if code := RunRules(t.Context(), RulesOptions{Config: file}, nil, &out, &errs); code != ExitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{
		`{"sensor":"air","profile":"temperature","rule":"open","kind":"door","severity":"minor","watches":"door holds, for 1m","why":"the file names the sensor"}`,
		`{"sensor":"air","profile":"temperature","rule":"freezing","kind":"temperature","severity":"major","watches":"temperature <= 3 Cel until above 5, for 10m","why":"built in for the profile temperature"`,
		`"watches":"the rate of temperature >= 8.3 Cel/min until below 3, over 2m"`,
		`{"sensor":"flat","profile":"temperature","rule":"heat"`,
		`{"sensor":"gate","profile":"generic","why":"no rule applies`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %s in\n%s", want, out.String())
		}
	}
}

func TestRecordedNumbersArePlayed(t *testing.T) {
	file, csv := ruled(t, `time,sensor,quantity,value,unit
2026-03-01T08:00:00Z,air,temperature,20
2026-03-01T08:01:00+00:00,air,temperature,140,[degF]
2026-03-01T08:05:00Z,air,temperature,20
2026-03-01T08:05:00Z,air,state:door,1
2026-03-01T08:10:00Z,air,state:door,0
2026-03-01T08:10:00Z,flat,temperature,60
2026-03-01T08:12:00Z,gate,temperature,60
`)
	var out, errs strings.Builder
	if code := RunRules(t.Context(), RulesOptions{Config: file, Check: csv}, nil, &out, &errs); code != ExitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	want := []string{
		`{"at":"2026-03-01T08:01:30Z","sensor":"air","origin":"rule.heat","kind":"heat","severity":"major","state":"raised","reading":{"quantity":"temperature","value":60,"unit":"Cel"}}`,
		`{"at":"2026-03-01T08:05:00Z","sensor":"air","origin":"rule.heat","kind":"heat","severity":"major","state":"cleared","reading":{"quantity":"temperature","value":20,"unit":"Cel"}}`,
		`{"at":"2026-03-01T08:05:00Z","sensor":"air","origin":"mapped","kind":"door","severity":"minor","state":"raised"}`,
		`{"at":"2026-03-01T08:06:00Z","sensor":"air","origin":"rule.open","kind":"door","severity":"minor","state":"raised"}`,
		`{"at":"2026-03-01T08:10:00Z","sensor":"air","origin":"rule.open","kind":"door","severity":"minor","state":"cleared"}`,
		`{"at":"2026-03-01T08:10:10Z","sensor":"air","origin":"mapped","kind":"door","severity":"minor","state":"cleared"}`,
		`{"at":"2026-03-01T08:10:30Z","sensor":"flat","origin":"rule.heat","kind":"heat","severity":"major","state":"raised","reading":{"quantity":"temperature","value":60,"unit":"Cel"}}`,
	}
	if got := strings.Split(strings.TrimSpace(out.String()), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("played\n%s\nwant\n%s", out.String(), strings.Join(want, "\n"))
	}
}

func TestWhatCannotBePlayedNamesItsLine(t *testing.T) {
	for row, want := range map[string]string{
		"08:00,air,temperature,20":                    "line 2: the time",
		"2026-03-01T08:00:00Z,air,temperature,warm":   "line 2: the value",
		"2026-03-01T08:00:00Z,them,temperature,20":    "line 2: the configuration has no sensor",
		"2026-03-01T08:00:00Z,air,temperature":        "line 2: write time",
		"2026-03-01T08:00:00Z,air,\"temperature\",\"": "line 2: ",
	} {
		file, csv := ruled(t, "time,sensor,quantity,value\n"+row+"\n")
		var out, errs strings.Builder
		if code := RunRules(t.Context(), RulesOptions{Config: file, Check: csv}, nil, &out, &errs); code != ExitFailed || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit %d, %s", row, code, errs.String())
		}
	}
	file, _ := ruled(t, "")
	var errs strings.Builder
	if code := RunRules(t.Context(), RulesOptions{Config: file, Check: file + ".none"}, nil, &errs, &errs); code != ExitUsage {
		t.Errorf("a file that is not there: exit %d, %s", code, errs.String())
	}
}
