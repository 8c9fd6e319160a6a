//go:build influxd

// A real InfluxDB 1.8.10, built from the module proxy into the user's cache folder: 90 s the first time, so these tests ask
// for the tag influxd.

package influx

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gridgate/central/tsdb"
	"gridgate/central/tsdb/tsdbtest"
	"gridgate/central/tsdb/tsdbtest/server"
	"gridgate/deploy/testkit/stage"
)

const influxModule = "github.com/influxdata/influxdb@v1.8.10"

// influxd returns the program and builds it if it is not there.
func influxd(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "gridgate", "influxd-1.8.10")
	program := filepath.Join(dir, "bin", "influxd")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module build\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "mod", "download", influxModule)
	modules := run(t, dir, "go", "env", "GOMODCACHE")
	run(t, filepath.Join(modules, influxModule), "go", "build", "-o", program, "./cmd/influxd")
	return program
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out[:max(0, len(out)-1)])
}

const influxConfig = `reporting-disabled = true
bind-address = %[1]q
[meta]
  dir = "%[3]s/meta"
[data]
  dir = "%[3]s/data"
  wal-dir = "%[3]s/wal"
  query-log-enabled = false
[http]
  bind-address = %[2]q
  flux-enabled = true
  log-enabled = false
`

// influxdb starts InfluxDB with a database "gridgate" for one test.
func influxdb(t *testing.T) *server.Server {
	t.Helper()
	program, dir := influxd(t), t.TempDir()
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	backup, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "influxd.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, influxConfig, backup, address, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server.Server{Address: address, Spec: stage.Spec{
		Program: program, Args: []string{"run", "-config", config}, Log: filepath.Join(dir, "influxd.log"),
	}}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	create(t, s)
	return s
}

func create(t *testing.T, s *server.Server) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL()+"/query?"+url.Values{"q": {"CREATE DATABASE gridgate"}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("create database: %s", answer.Status)
	}
}

func TestContractOnInfluxDB(t *testing.T) {
	s := influxdb(t)
	tsdbtest.Run(t, tsdbtest.Harness{Open: func(t *testing.T, o tsdbtest.Options) tsdb.DB {
		return open(t, Options{URL: s.URL(), MaxSeries: o.MaxSeries})
	}})
}

func TestNothingIsLostWhileInfluxDBIsAway(t *testing.T) {
	s := influxdb(t)
	checkOutage(t, s, open(t, Options{URL: s.URL()}), func() {})
}
