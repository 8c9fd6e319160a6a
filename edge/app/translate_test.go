package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		{"a topic", TranslateOptions{Dialect: "zigbee2mqtt", Topic: "zigbee2mqtt/hall", Files: []string{smoke}}, "", 0, smokeLine, ""},
		{"standard input", TranslateOptions{Dialect: "mapped", Files: []string{"-"}}, `{}`, 0,
			`{"observations":[],"readings":[],"dropped":[],"ignored":"no well-known name says a hazard, a state or a measurement: write a mapping","meta":{"topic":"mapped/device"}}` + "\n", "ignored"},
		{"a mapping", TranslateOptions{Dialect: "mapped", Mapping: mapping, Topic: "t", Files: []string{"-"}}, `{"l":2}`, 0,
			`{"observations":[],"readings":[{"device":"t","quantity":"level","value":2,"unit":"m"}],"dropped":[],"meta":{"topic":"t"}}` + "\n", ""},
		{"a file that is not there", TranslateOptions{Dialect: "zigbee2mqtt", Files: []string{filepath.Join(dir, "no"), smoke}}, "", 1, smokeLine, "no such file"},
		{"an unknown dialect", TranslateOptions{Dialect: "x", Files: []string{smoke}}, "", 2, "", "known: mapped, zigbee2mqtt"},
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
