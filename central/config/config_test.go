package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/kit/conf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("bad files: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := Load(file)
			var problems conf.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v, want problems", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "central.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEmptyFileIsEnough(t *testing.T) {
	file := write(t, "")
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8420" || c.TSDB.Kind != Embedded || c.Data != filepath.Join(filepath.Dir(file), "data") {
		t.Errorf("defaults are %+v", c)
	}
}

func TestWholeFile(t *testing.T) {
	file := write(t, `
listen: "[::]:8443"
data: /var/lib/gridgate
public_url: https://gridgate.example
tls: {cert: server.pem, key: /etc/key.pem}
credentials: {life: 48h}
store: {kind: postgres, url: "postgres://gridgate@[::1]/gridgate", password: {file: pg.password}}
tsdb: {kind: influx, url: "https://tsdb:8086", org: town, bucket: readings, token: {file: influx.token}, retention: 720h, max_series: 500000}
edges:
  - {id: town-1, token: {file: town-1.token}, config_version: abc}
  - {id: town-2, token: {env: TOWN_2}}
limits: {feeds: 10, batches: 8, edge_events: 50, edge_batches: 2}
profile: cn
retention: {cases: 0s, evidence: 720h}
`)
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(file)
	for _, tc := range []struct{ name, got, want string }{
		{"data", c.Data, "/var/lib/gridgate"},
		{"cert", c.TLS.Cert, filepath.Join(folder, "server.pem")},
		{"key", c.TLS.Key, "/etc/key.pem"},
		{"token", c.Edges[0].Token.File, filepath.Join(folder, "town-1.token")},
		{"env token", c.Edges[1].Token.Env, "TOWN_2"},
		{"store", c.Store.Kind, Postgres},
		{"store password", c.Store.Password.File, filepath.Join(folder, "pg.password")},
		{"influx token", c.TSDB.Token.File, filepath.Join(folder, "influx.token")},
	} {
		if tc.got != tc.want {
			t.Errorf("%s is %q, want %q", tc.name, tc.got, tc.want)
		}
	}
	if c.TSDB.Retention != 720*time.Hour || c.TSDB.MaxSeries != 500_000 || c.Limits.Feeds != 10 || c.Credentials.Life != 48*time.Hour || c.Limits.EdgeEvents != 50 || c.Retention.Cases != 0 || c.Retention.Evidence != 720*time.Hour {
		t.Errorf("got %+v", c)
	}
}
