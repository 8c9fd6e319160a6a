package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"gridgate/central/certs"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/tlspin"
)

// loadParts are the figures of delivery that the real programs, or a PostgreSQL, take part in.
var loadParts = []Part{
	{Name: "postgres", Run: deliveryPostgres},
	{Name: "postgres_5m", Limit: 20 * time.Minute, Run: deliveryPostgresFull},
	{Name: "storm_postgres", Limit: 5 * time.Minute, Run: deliveryPostgresStorm},
	{Name: "drain", Limit: 5 * time.Minute, Run: deliveryDrain},
	{Name: "sensor_to_feed", Run: latency},
	{Name: "edges", Limit: 5 * time.Minute, Run: deliveryEdges},
}

// benchToken is that of the edge [benchEdge], which stands in the configuration.
const benchToken = "0123456789abcdef0123456789abcdef"

// centralConfig leaves everything to the defaults that can be.
var centralConfig = template.Must(template.New("central.yaml").Parse(`listen: {{.}}
data: data
tls: {cert: central.pem, key: central-key.pem}
edges:
  - {id: ` + benchEdge + `, token: {file: token}}
tsdb: {max_series: 1000000}
`))

// centre is a gridgate-central of its own, over TLS on loopback.
type centre struct {
	home, address string
	trust         tlspin.Trust
	process       *stage.Process // nil: not started
}

// newCentre writes its configuration and certificate into a folder below dir.
func newCentre(dir string) (*centre, error) {
	c := &centre{home: filepath.Join(dir, "central")}
	made, err := certs.Make(c.home, []string{"127.0.0.1"}, time.Now())
	if err != nil {
		return nil, err
	}
	if c.trust, err = tlspin.New(nil, made.Fingerprint); err != nil {
		return nil, err
	}
	if c.address, err = stage.FreeAddress(""); err != nil {
		return nil, err
	}
	var config bytes.Buffer
	if err := centralConfig.Execute(&config, c.address); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"central.yaml": config.String(), "token": benchToken} {
		if err := os.WriteFile(filepath.Join(c.home, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return c, os.MkdirAll(filepath.Dir(c.database()), 0o750)
}

// database is where its store is.
func (c *centre) database() string { return filepath.Join(c.home, "data", "central.db") }

func (c *centre) url() string { return "https://" + c.address }

func (c *centre) port() int {
	_, port, err := net.SplitHostPort(c.address)
	n, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil {
		return 0
	}
	return n
}

func (c *centre) log() string { return filepath.Join(c.home, "central.log") }

// start runs it until it is ready.
func (c *centre) start(ctx context.Context) (err error) {
	c.process, err = stage.Start(stage.Spec{
		Program: filepath.Join("bin", "gridgate-central"), Args: []string{"serve", "--config", filepath.Join(c.home, "central.yaml")}, Log: c.log(),
	})
	if err != nil {
		return err
	}
	if err := c.await(ctx); err != nil {
		return errors.Join(err, c.process.Stop())
	}
	return nil
}

func (c *centre) await(ctx context.Context) error {
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: c.trust.Config()}, Timeout: time.Second}
	defer web.CloseIdleConnections()
	for {
		answer, err := web.Get(c.url() + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(answer.Status)
		}
		select {
		case <-c.process.Done():
			return fmt.Errorf("central ended, see %s", c.log())
		default:
		}
		if !backoff.Wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("central is not ready: %w", err)
		}
	}
}

// complaints are the lines that it logged as warnings or errors: how many, and the first.
func (c *centre) complaints() (n int, first string, err error) {
	text, err := os.ReadFile(c.log())
	if err != nil {
		return 0, "", err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"level":"WARN"`) && !strings.Contains(line, `"level":"ERROR"`) {
			continue
		}
		if n++; n == 1 {
			first = strings.TrimSpace(line)
		}
	}
	return n, first, nil
}

// kept returns a folder of the cache that fill has filled once. Another content needs another name.
func kept(name string, fill func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "gridgate", "bench", name)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return dir, err
	}
	making := dir + ".part"
	if err := errors.Join(os.RemoveAll(making), os.MkdirAll(making, 0o755)); err != nil {
		return "", err
	}
	if err := fill(making); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	return dir, os.Rename(making, dir)
}
