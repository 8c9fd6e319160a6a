package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
)

// credentialLife is so short that a credential is replaced while the test looks on, after half of it, and so long that a busy machine
// can do so before it runs out.
const credentialLife = 40 * time.Second

// pair is a central with a certificate of its own and an edge that is to enrol there, both as processes that log all they can.
type pair struct {
	t                   *testing.T
	dir                 string
	central, edge, mqtt string // host:port
	sensorPassword      string
	cameraPassword      string
	http                *http.Client
	api                 client.Client
	centralRuns         *stage.Process
	edgeRuns            *stage.Process
	said                bytes.Buffer // what the commands said, codes and tokens aside
}

func (p *pair) path(name string) string { return filepath.Join(p.dir, name) }

func (p *pair) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a command of one of the programs in the folder and returns its standard output.
func (p *pair) run(stdin, program string, args ...string) (string, error) {
	p.t.Helper()
	path, err := filepath.Abs(filepath.Join(bin, program))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), path, args...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = p.dir, strings.NewReader(stdin), &p.said
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// must is run for a command that has to succeed.
func (p *pair) must(stdin, program string, args ...string) string {
	p.t.Helper()
	out, err := p.run(stdin, program, args...)
	if err != nil {
		p.t.Fatalf("%s %v: %v\n%s", program, args, err, &p.said)
	}
	return out
}

func (p *pair) start(program, log string, args ...string) *stage.Process {
	p.t.Helper()
	t := p.t // later p may be in the hands of a part of the test
	process, err := stage.Start(stage.Spec{Program: filepath.Join(bin, program), Args: args, Log: p.path(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.t = t
		if err := process.Stop(); err != nil {
			t.Errorf("stop %s: %v", program, err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", program, p.text(log))
		}
	})
	return process
}

func (p *pair) text(name string) string {
	data, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

// newPair makes the certificate, the configurations and the secrets, and starts central.
func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, dir: t.TempDir(), sensorPassword: rand.Text(), cameraPassword: rand.Text()}
	for _, addr := range []*string{&p.central, &p.edge, &p.mqtt} {
		var err error
		if *addr, err = stage.FreeAddress(""); err != nil {
			t.Fatal(err)
		}
	}
	fingerprint := p.must("", "gridgate-central", "cert", "--out", "tls", "--host", "127.0.0.1")
	p.write("central.yaml", fmt.Sprintf("listen: %s\ntls: {cert: tls/central.pem, key: tls/central-key.pem}\ncredentials: {life: %s}\n", p.central, credentialLife))
	p.write("sensor-password", p.sensorPassword)
	p.write("camera-password", p.cameraPassword)
	p.write("edge.yaml", fmt.Sprintf(`edge: town-1
data: edge
listen: %s
place: {grid: %q, kind: street}
central: {url: "https://%s", fingerprint: %q, token: {file: token}, sync: 1s}
cameras:
  - id: gate
    url: rtsp://%s/main
    username: viewer
    password: {file: camera-password}
    owner: a test
    purpose: a test
    legal_basis: a test
mqtt: {broker: {listen: %q, users: [{name: %s, password: {file: sensor-password}, publish: ["#"]}]}}
sensors:
  - {id: smoke-1, dialect: zigbee2mqtt, topic: zigbee2mqtt/hall_smoke, zone: hall}
`, p.edge, grid, p.central, fingerprint, refusingCamera(t), p.mqtt, township.SensorUser))
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM([]byte(p.text("tls/ca.pem"))) {
		t.Fatal("there is no authority in ca.pem")
	}
	p.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority}}, Timeout: patience}
	t.Cleanup(p.http.CloseIdleConnections)
	p.centralRuns = p.start("gridgate-central", "central.log", "serve", "--debug", "--config", p.path("central.yaml"))
	eventually(t, "central is ready", func(ctx context.Context) (bool, error) {
		status, _, err := p.ask(ctx, "GET", "https://"+p.central+"/readyz", "", "")
		return status == http.StatusOK, err
	})
	token := p.must("", "gridgate-central", "token", "add", "test", "--scope", "read", "--config", "central.yaml")
	p.api = client.Client{Base: "https://" + p.central, Token: token, HTTP: p.http}
	return p
}

// refusingCamera asks everyone for a password and takes none.
func refusingCamera(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go refuse(conn)
		}
	}()
	return l.Addr().String()
}

func refuse(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for n := 1; ; n++ {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		fmt.Fprintf(conn, "RTSP/1.0 401 Unauthorized\r\nCSeq: %d\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n", n)
	}
}

// ask sends a request and returns status and body.
func (p *pair) ask(ctx context.Context, method, address, token, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := p.http.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// arrived waits until central has n smoke alerts.
func (p *pair) arrived(n int) {
	p.t.Helper()
	eventually(p.t, fmt.Sprint(n, " smoke alerts at central"), func(ctx context.Context) (bool, error) {
		alerts, err := p.api.Alerts(ctx, url.Values{"kind": {"smoke"}})
		if len(alerts) > n {
			p.t.Fatalf("%d alerts at central, %d were raised", len(alerts), n)
		}
		return len(alerts) == n, err
	})
}

// statusSays waits until the edge's own status has a text.
func (p *pair) statusSays(what string) {
	p.t.Helper()
	eventually(p.t, "the edge's status says "+what, func(ctx context.Context) (bool, error) {
		_, body, err := p.ask(ctx, "GET", "http://"+p.edge+"/status", "", "")
		return strings.Contains(body, what), err
	})
}

// TestAnEdgeEnrolsAndIsRevoked goes the whole way: certificate, code, delivery, replacement of the credential, revocation, which keeps
// everything in the outbox, and a new code, which brings it to central.
func TestAnEdgeEnrolsAndIsRevoked(t *testing.T) {
	t.Parallel() // it waits
	p := newPair(t)
	code := p.must("", "gridgate-central", "edge", "add", "town-1", "--config", "central.yaml")
	p.must(strings.ToLower(code)+"\n", "gridgate-edge", "enrol", "--config", "edge.yaml")
	if out, err := p.run(code+"\n", "gridgate-edge", "enrol", "--replace", "--config", "edge.yaml"); err == nil {
		t.Fatalf("a code was spent twice: %s", out)
	}
	first := strings.TrimSpace(p.text("token"))
	p.edgeRuns = p.start("gridgate-edge", "edge.log", "run", "--debug", "--config", p.path("edge.yaml"))
	p.statusSays(`"good": true`)
	publish := sensor(t, p.mqtt, p.sensorPassword)
	publish("zigbee2mqtt/hall_smoke", `{"smoke":true}`)
	p.arrived(1)

	secrets := map[string]string{"code": code, "first": first, "sensor": p.sensorPassword, "camera": p.cameraPassword, "api": p.api.Token}
	second := ""
	eventually(t, "another credential", func(context.Context) (bool, error) {
		second = strings.TrimSpace(p.text("token"))
		return second != first, nil
	})
	secrets["second"] = second
	publish("zigbee2mqtt/hall_smoke", `{"smoke":false}`)
	p.arrived(2)

	p.must("", "gridgate-central", "edge", "revoke", "town-1", "--config", "central.yaml")
	p.statusSays("it was revoked, replaced or has run out")
	publish("zigbee2mqtt/hall_smoke", `{"smoke":true}`)
	p.statusSays("central refused the token of this edge")
	p.arrived(2)
	secrets["revoked"] = strings.TrimSpace(p.text("token"))
	again := p.must("", "gridgate-central", "edge", "code", "town-1", "--config", "central.yaml")
	secrets["again"] = again
	p.must(again, "gridgate-edge", "enrol", "--config", "edge.yaml")
	secrets["third"] = strings.TrimSpace(p.text("token"))
	p.arrived(3)

	p.nothingTells(secrets)
}

// nothingTells looks for secrets in all logs, in what the commands said, and in what both programs answer to requests that have them
// where they do not belong.
func (p *pair) nothingTells(secrets map[string]string) {
	p.t.Helper()
	told := map[string]string{"central.log": p.text("central.log"), "edge.log": p.text("edge.log"), "commands": p.said.String()}
	for name, secret := range secrets {
		for _, r := range []struct{ method, address, token, body string }{
			{"POST", "https://" + p.central + "/v1/enrol", "", `{"code":"` + secret + `","edge":"town-1"}`},
			{"POST", "https://" + p.central + "/v1/enrol", "", `{"` + secret + `":1}`},
			{"POST", "https://" + p.central + "/v1/session", "", `{"user":"night","password":"` + secret + `"}`},
			{"POST", "https://" + p.central + "/v1/session", "", `{"user":"night","password":["` + secret + `"]}`},
			{"POST", "https://" + p.central + "/v1/events", secret + "x", `[{"id":"` + secret + `"}]`},
			{"POST", "https://" + p.central + "/v1/edges/town-1/sync", secret, `{"` + secret + `":"` + secret + `"}`},
			{"POST", "https://" + p.central + "/v1/edges/town-1/credential", secret + "x", secret},
			{"GET", "https://" + p.central + "/v1/alerts?cursor=" + secret, p.api.Token, ""},
			{"GET", "http://" + p.edge + "/status", secret, ""},
			{"POST", "http://" + p.edge + "/status", secret, secret},
			{"GET", "http://" + p.edge + "/metrics", secret, ""},
		} {
			_, answer, err := p.ask(p.t.Context(), r.method, r.address, r.token, r.body)
			if err != nil {
				p.t.Fatal(err)
			}
			told[r.method+" "+strings.ReplaceAll(r.address, secret, "...")+" with "+name] = answer
		}
	}
	told["central.log, later"], told["edge.log, later"] = p.text("central.log"), p.text("edge.log")
	for where, text := range told {
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				p.t.Errorf("%s tells the secret %q", where, name)
			}
		}
	}
	if !strings.Contains(told["central.log"], "an edge enrolled") || !strings.Contains(told["edge.log"], "the credential was replaced") {
		p.t.Error("the logs are not those of these programs")
	}
}
