package app

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestTranslate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	smoke := write("hall.json", `{"smoke":true,"owner":"Zhang San"}`)
	calm, offline := write("calm.json", `{"smoke":false}`), write("offline", "offline")
	mapping := write("map.yaml", "mappings: [{readings: [{quantity: level, unit: m, value: payload.l}]}]")
	broken := write("broken.yaml", "mappings: [{readings: [{quantity: level, unit: m, value: payload.}]}]")
	const smokeLine = `{"observations":[{"device":"hall","kind":"smoke","phase":"active"}],"readings":[],"dropped":["*"],"meta":{"topic":"zigbee2mqtt/hall"}}` + "\n"

	tests := []struct {
		name   string
		o      TranslateOptions
		stdin  string
		code   int
		stdout string
		stderr string // contained
	}{
		{"a file", TranslateOptions{Dialect: "zigbee2mqtt", Files: []string{smoke}}, "", 0, smokeLine, ""},
		{"a topic", TranslateOptions{Dialect: "zigbee2mqtt", Topic: []string{"zigbee2mqtt/hall"}, Files: []string{smoke}}, "", 0, smokeLine, ""},
		{"standard input", TranslateOptions{Dialect: "mapped", Files: []string{"-"}}, `{}`, 0,
			`{"observations":[],"readings":[],"dropped":[],"ignored":"no well-known name says a hazard, a state or a measurement: write a mapping","meta":{"topic":"mapped/device"}}` + "\n", "ignored"},
		{"a mapping", TranslateOptions{Dialect: "mapped", Mapping: mapping, Topic: []string{"t"}, Files: []string{"-"}}, `{"l":2}`, 0,
			`{"observations":[],"readings":[{"device":"t","quantity":"level","value":2,"unit":"m"}],"dropped":[],"meta":{"topic":"t"}}` + "\n", ""},
		{"a topic for each file", TranslateOptions{Dialect: "zigbee2mqtt", Topic: []string{"z/a", "z/b/availability"}, Files: []string{calm, offline}}, "", 0,
			`{"observations":[{"device":"a","kind":"smoke","phase":"inactive"}],"readings":[],"dropped":[],"meta":{"topic":"z/a"}}` + "\n" +
				`{"observations":[{"device":"b","kind":"device-offline","phase":"active"}],"readings":[],"dropped":[],"meta":{"topic":"z/b/availability"}}` + "\n", ""},
		{"too few topics", TranslateOptions{Dialect: "zigbee2mqtt", Topic: []string{"z/a", "z/b"}, Files: []string{calm}}, "", 2, "", "2 topics for 1 files"},
		{"a file that is not there", TranslateOptions{Dialect: "zigbee2mqtt", Files: []string{filepath.Join(dir, "no"), smoke}}, "", 1, smokeLine, "no such file"},
		{"an unknown dialect", TranslateOptions{Dialect: "x", Files: []string{smoke}}, "", 2, "", "known: a"},
		{"no file", TranslateOptions{Dialect: "mapped"}, "", 2, "", "no file"},
		{"a broken mapping", TranslateOptions{Dialect: "mapped", Mapping: broken, Files: []string{smoke}}, "", 2, "", "broken.yaml:1:"},
		{"a mapping for another dialect", TranslateOptions{Dialect: "zigbee2mqtt", Mapping: mapping, Files: []string{smoke}}, "", 2, "", "--mapping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Translate(tt.o, strings.NewReader(tt.stdin), &stdout, &stderr)
			if code != tt.code || stdout.String() != tt.stdout || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("code %d\nstdout %s\nstderr %s", code, stdout.String(), stderr.String())
			}
			if strings.Contains(stdout.String()+stderr.String(), "Zhang") {
				t.Error("an identity comes out")
			}
		})
	}
}

// TestTopicsThatAreMadeUp: where the topic says what a message is, a file is read as a device's usual report.
func TestTopicsThatAreMadeUp(t *testing.T) {
	for dialect, payload := range map[string]string{
		"aliyun":    `{"id":"1","version":"1.0","params":{"temperature":{"value":21.5,"time":1772352000000}},"method":"thing.event.property.post"}`,
		"huawei":    `{"services":[{"service_id":"a","properties":{"temperature":21.5},"event_time":"20260301T080000Z"}]}`,
		"onenet":    `{"id":"1","version":"1.0","params":{"temperature":{"value":21.5,"time":1772352000000}}}`,
		"sparkplug": `{"timestamp":1772352000000,"seq":1,"metrics":[{"name":"Temperature","value":21.5}]}`,
		"tasmota":   `{"Time":"2026-03-01T08:00:00","AM2301":{"Temperature":21.5},"TempUnit":"C"}`,
		"shelly":    `{"src":"shellyplusht-a","method":"NotifyStatus","params":{"ts":1772352000.1,"temperature:0":{"id":0,"tC":21.5,"tF":70.7}}}`,
	} {
		var stdout, stderr bytes.Buffer
		Translate(TranslateOptions{Dialect: dialect, Files: []string{"-"}}, strings.NewReader(payload), &stdout, &stderr)
		if !strings.Contains(stdout.String(), `"quantity":"temperature","value":21.5,"unit":"Cel"`) {
			t.Errorf("%s: %s%s", dialect, stdout.String(), stderr.String())
		}
	}
}

// TestTranslateIsOneConversation: the aliases of binary messages are explained by the births before them. Their encoder is not ours:
// see testdata/encoder beside them.
func TestTranslateIsOneConversation(t *testing.T) {
	files, topics := spoken(t)
	for _, dialect := range []string{"sparkplug", "auto"} {
		var stdout, stderr bytes.Buffer
		if code := Translate(TranslateOptions{Dialect: dialect, Topic: topics, Files: files}, nil, &stdout, &stderr); code != ExitOK {
			t.Fatal(code, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		const leak = `{"device":"plant/pump house/sump","kind":"leak","phase":"active","at":"2026-03-01T08:02:00Z"}`
		if len(lines) != len(files) || !strings.Contains(lines[2], leak) {
			t.Errorf("%s: %s", dialect, stdout.String())
		}
		if recognised := strings.Contains(stderr.String(), "2: sparkplug: the topic is"); recognised != (dialect == "auto") {
			t.Errorf("%s: %s", dialect, stderr.String())
		}
		if !strings.Contains(stderr.String(), "an edge would ask the source on spBv1.0/plant/NCMD/pump house") {
			t.Errorf("%s: %s", dialect, stderr.String())
		}
		if strings.Contains(stdout.String()+stderr.String(), "Zhang") {
			t.Error("an identity comes out")
		}
	}
}

// spoken writes each message of a conversation in Sparkplug B to a file.
func spoken(t *testing.T) (files, topics []string) {
	t.Helper()
	f, err := os.Open("../../protocols/sensors/sparkplug/testdata/conversation.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m struct {
			Topic   string `json:"topic"`
			Payload []byte `json:"payload"`
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, strconv.Itoa(len(files)))
		if err := os.WriteFile(file, m.Payload, 0o600); err != nil {
			t.Fatal(err)
		}
		files, topics = append(files, file), append(topics, m.Topic)
	}
	return files, topics
}
