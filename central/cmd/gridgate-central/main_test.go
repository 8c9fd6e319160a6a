package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call runs the program in a folder with a configuration file.
func call(t *testing.T, config, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "central.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", file)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // serve stops as soon as it runs
	var out, err bytes.Buffer
	code = run(&program{ctx: ctx, stdin: strings.NewReader(stdin), stdout: &out, stderr: &err}, args)
	return code, out.String(), err.String()
}

func TestExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"version":         {"", []string{"version"}, 0, "gridgate-central ", ""},
		"help":            {"", []string{"--help"}, 0, "serve --config=FILE", ""},
		"check good":      {"", []string{"check", "--config", "FILE"}, 0, "good", ""},
		"check bad":       {"listn: x\n", []string{"check", "--config", "FILE"}, 2, "", `did you mean "listen"?`},
		"check nothing":   {"", []string{"check", "--config", "FILE.not"}, 2, "", "no such file"},
		"no config":       {"", []string{"serve"}, 2, "", "--config"},
		"unknown command": {"", []string{"dance"}, 2, "", "dance"},
		"serve bad":       {"limits: {feeds: 0}\n", []string{"serve", "--config", "FILE"}, 2, "", "limits.feeds"},
		"serve":           {"listen: 127.0.0.1:0\n", []string{"serve", "--config", "FILE"}, 0, "", "central listens"},
		"no password":     {"", []string{"user", "add", "a", "--role", "operator", "--config", "FILE"}, 2, "", "password"},
		"bad role":        {"", []string{"user", "add", "a", "--role", "root", "--stdin", "--config", "FILE"}, 2, "", "role"},
		"edge bad":        {"", []string{"edge", "add", "Town", "--config", "FILE"}, 1, "", "name"},
		"cert":            {"", []string{"cert", "--out", "FILE.tls", "--host", "central.example,192.0.2.1"}, 0, ":", "a new authority"},
		"cert bad":        {"", []string{"cert", "--out", "FILE.tls", "--host", "a b"}, 1, "", "neither a host name"},
		"no scope":        {"", []string{"token", "add", "a", "--config", "FILE"}, 1, "", "scope"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, tc.config, "", tc.args...)
			if code != tc.code || !strings.Contains(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestTokenIsPrintedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "central.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, told bytes.Buffer
	p := &program{ctx: t.Context(), stdin: strings.NewReader("long enough\n"), stdout: &out, stderr: &told}
	if code := run(p, []string{"user", "add", "night", "--role", "auditor", "--stdin", "--config", file}); code != 0 || out.Len() != 0 {
		t.Fatalf("user add: %d %s %s", code, &out, &told)
	}
	if code := run(p, []string{"token", "add", "map", "--scope", "read,operate", "--expires", "720h", "--config", file}); code != 0 {
		t.Fatalf("token add: %d %s", code, &told)
	}
	token := strings.TrimSpace(out.String())
	if !strings.HasPrefix(token, "ggt_") || strings.Contains(token, "\n") {
		t.Errorf("stdout is %q, want one token", token)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(file), "data", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no data: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(token)) || bytes.Contains(data, []byte("long enough")) {
			t.Errorf("%s holds a secret in the clear", f)
		}
	}
}
