// Package prometheus proves what stands in this folder and in deploy/grafana: that the metrics of both programs follow Prometheus'
// conventions and stay few, and that rules and dashboards ask for nothing that is not there.
//
// In: both programs, run in this process as their commands run them, and what they serve at /metrics. Out: findings of promtool, of
// promlint and of Prometheus' own engine. It measures nothing and starts no Prometheus.
package prometheus

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	centralapp "gridgate/central/app"
	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/deploy/testkit/stage"
	edgeapp "gridgate/edge/app"
	"gridgate/edge/decode"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == decode.WorkerArg {
		os.Exit(decode.WorkerMain())
	}
	os.Exit(m.Run())
}

const (
	edgeToken = "0123456789abcdef0123456789abcdef"
	password  = "pass-planted-4711-0123456789ab"
	patience  = 2 * time.Minute // on a busy machine
)

// town is both programs and what their logs said.
type town struct {
	t                   *testing.T
	dir                 string
	central, edge, mqtt string // base URLs, and host:port
	http                *http.Client
	centralLog, edgeLog *lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newTown starts a central with a certificate and an edge with two cameras that refuse it and two sensors, and lets one alert and some
// readings go all the way.
func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir(), centralLog: &lines{}, edgeLog: &lines{}}
	made, err := certs.Make(w.path("tls"), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.trust()
	w.write("token", edgeToken+"\n")
	w.write("password", password+"\n")
	w.startCentral()
	for _, address := range []*string{&w.edge, &w.mqtt} {
		if *address, err = stage.FreeAddress(""); err != nil {
			t.Fatal(err)
		}
	}
	w.startEdge(made.Fingerprint)
	w.traffic()
	return w
}

func (w *town) path(name ...string) string { return filepath.Join(append([]string{w.dir}, name...)...) }

func (w *town) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// trust makes a client that knows central's authority.
func (w *town) trust() {
	w.t.Helper()
	pem, err := os.ReadFile(w.path("tls", certs.AuthorityFile))
	if err != nil {
		w.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	w.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: patience}
	w.t.Cleanup(w.http.CloseIdleConnections)
}

func (w *town) startCentral() {
	w.t.Helper()
	w.write("central.yaml", `listen: 127.0.0.1:0
data: central
tls: {cert: tls/central.pem, key: tls/central-key.pem}
edges: [{id: town-1, token: {file: token}}]
notify: {channels: [{name: duty, kind: webhook, url: "https://duty.example/hook", secret: {file: password}}]}
`)
	c, err := config.Load(w.path("central.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := centralapp.New(ctx, c, slog.New(slog.NewJSONHandler(w.centralLog, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		cancel()
		w.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.central = "https://" + a.Addr().String()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("central: %v", err)
		}
	})
}

func (w *town) startEdge(fingerprint string) {
	w.t.Helper()
	w.write("edge.yaml", fmt.Sprintf(`edge: town-1
data: edge
listen: %s
place: {grid: "110101001001001", kind: street}
central: {url: "%s", fingerprint: "%s", token: {file: token}, sync: 1s}
cameras:
  - {id: gate, url: "rtsp://127.0.0.1:1/main", username: viewer, password: {file: password}, owner: a test, purpose: a test, legal_basis: a test}
  - {id: square, url: "rtsp://127.0.0.1:1/main", owner: a test, purpose: a test, legal_basis: a test}
mqtt:
  broker: {listen: "%s", users: [{name: sensors, password: {file: password}, publish: ["#"]}]}
  sources: [{name: nobody, url: "tcp://127.0.0.1:1"}]
sensors:
  - {id: smoke-1, dialect: zigbee2mqtt, topic: zigbee2mqtt/hall_smoke, zone: hall}
  - {id: climate-1, dialect: zigbee2mqtt, topic: zigbee2mqtt/climate, zone: hall}
`, w.edge, w.central, fingerprint, w.mqtt))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- edgeapp.Run(ctx, edgeapp.RunOptions{Config: w.path("edge.yaml"), Debug: true}, "v1-test", w.edgeLog)
	}()
	w.edge = "http://" + w.edge
	w.t.Cleanup(func() {
		cancel()
		if code := <-done; code != edgeapp.ExitOK {
			w.t.Errorf("the edge ended with %d:\n%s", code, w.edgeLog)
		}
	})
}

// traffic is smoke and a temperature; it waits until central has them and the edge has synced.
func (w *town) traffic() {
	w.t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + w.mqtt).SetUsername("sensors").SetPassword(password).SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond))
	if c := client.Connect(); !c.WaitTimeout(patience) || c.Error() != nil {
		w.t.Fatalf("connect to the edge's broker: %v\n%s", c.Error(), w.edgeLog)
	}
	defer client.Disconnect(0)
	for topic, text := range map[string]string{"zigbee2mqtt/hall_smoke": `{"smoke":true,"battery":90}`, "zigbee2mqtt/climate": `{"temperature":21.5}`} {
		if p := client.Publish(topic, 1, false, text); !p.WaitTimeout(patience) || p.Error() != nil {
			w.t.Fatal(p.Error())
		}
	}
	w.eventually("the alert and the reading are at central, and the edge has synced", func() bool {
		c, e := w.scrape(w.central), w.scrape(w.edge)
		return value(c["gridgate_ingest_events_total"], "outcome", "accepted") >= 1 && value(c["gridgate_tsdb_samples_total"], "outcome", "written") > 1 &&
			value(c["gridgate_fleet_edges"], "state", "in-touch") == 1 && value(e["gridgate_edge_central_connected"]) == 1
	})
}

func (w *town) eventually(what string, is func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("waited in vain until %s\ncentral:\n%s\nedge:\n%s", what, w.centralLog, w.edgeLog)
		case <-tick.C:
		}
	}
}

// text is what a program serves at /metrics; empty while it serves nothing.
func (w *town) text(url string) []byte {
	w.t.Helper()
	answer, err := w.http.Get(url + "/metrics")
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Errorf("%s/metrics: %s, %v: %s", url, answer.Status, err, body)
		return nil
	}
	return body
}

// families by name.
type families map[string]*dto.MetricFamily

func (w *town) scrape(url string) families {
	w.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	out, err := parser.TextToMetricFamilies(bytes.NewReader(w.text(url)))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// value adds up the samples of a family that have a label.
func value(f *dto.MetricFamily, label ...string) (sum float64) {
	for _, m := range f.GetMetric() {
		has := len(label) == 0
		for _, l := range m.GetLabel() {
			has = has || l.GetName() == label[0] && l.GetValue() == label[1]
		}
		if has {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return sum
}

// everyLine reads a log of JSON lines.
func everyLine(t *testing.T, log string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Errorf("a line of the log is not JSON: %v: %q", err, line)
			continue
		}
		out = append(out, one)
	}
	return out
}
