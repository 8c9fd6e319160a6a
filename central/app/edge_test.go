package app

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridgate/central/certs"
	"gridgate/central/config"
	"gridgate/protocols/ingest"
)

// enrol trades a code at a running central.
func (d *desk) enrol(edge, code string) *http.Response {
	d.t.Helper()
	body, err := json.Marshal(ingest.Enrolment{Code: code, Edge: edge})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do("POST", ingest.EnrolPath, "", "application/json", body)
}

func (d *desk) sync(edge, token string) int {
	d.t.Helper()
	body, err := json.Marshal(ingest.SyncRequest{Schema: 1, Software: "v1", StartedAt: time.Now(), Now: time.Now()})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do("POST", ingest.SyncPrefix+edge+ingest.SyncSuffix, token, "application/json", body).StatusCode
}

// TestEnrolAndRevoke does by commands what a person does, beside a central that runs.
func TestEnrolAndRevoke(t *testing.T) {
	d := newDesk(t)
	in, err := AddEdge(t.Context(), d.file, "town-2", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := into[ingest.Credential](t, d.enrol("town-2", in.Code))
	if got := d.sync("town-2", c.Token); got != http.StatusOK {
		t.Fatalf("a sync with the new credential: %d", got)
	}
	if got := d.sync("town-1", c.Token); got != http.StatusForbidden {
		t.Errorf("a sync for another edge: %d", got)
	}
	if answer := d.enrol("town-2", in.Code); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a code that was spent: %s", answer.Status)
	}
	list, err := ListEdges(t.Context(), d.file)
	if err != nil || len(list) != 1 || stateOf(list[0], time.Now()) != "enrolled" {
		t.Errorf("edges %+v, %v", list, err)
	}
	if err := RevokeEdge(t.Context(), d.file, "town-2", time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := d.sync("town-2", c.Token); got != http.StatusUnauthorized {
		t.Errorf("the next request of a revoked edge: %d", got)
	}
	if got := d.sync("town-1", edgeToken); got != http.StatusOK {
		t.Errorf("a token of the configuration: %d", got)
	}
	again, err := NewCode(t.Context(), d.file, "town-2", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	into[ingest.Credential](t, d.enrol("town-2", again.Code))
}

func TestEdgeCommandsSayWhatIsWrong(t *testing.T) {
	d := newDesk(t)
	now := time.Now()
	if _, err := AddEdge(t.Context(), d.file, "town-2", time.Hour, now); err != nil {
		t.Fatal(err)
	}
	if _, err := d.revokeToken(); err != nil {
		t.Fatal(err)
	}
	invite := func(name string, valid time.Duration, again bool) error {
		_, err := invite(t.Context(), d.file, name, valid, now, again)
		return err
	}
	for want, err := range map[string]error{
		"an edge's name has":            invite("Town 2", time.Hour, false),
		"a code is good for 1m to 720h": invite("town-3", MaxCodeLife+1, false),
		"a code is good for 1m":         invite("town-3", 0, false),
		"edge code town-2":              invite("town-2", time.Hour, false),
		"edge add town-3":               invite("town-3", time.Hour, true),
		"there is no edge town-3":       RevokeEdge(t.Context(), d.file, "town-3", now),
		"town-1 also has a token in":    RevokeEdge(t.Context(), d.file, "town-1", now),
		"no such file":                  RevokeEdge(t.Context(), d.file+".not", "town-1", now),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// revokeToken makes a token for an edge that was never added, and revokes it.
func (d *desk) revokeToken() (string, error) {
	token, err := AddToken(d.t.Context(), d.file, NewToken{Name: "old", Edge: "town-9"}, time.Now())
	if err == nil {
		err = RevokeEdge(d.t.Context(), d.file, "town-9", time.Now())
	}
	if got := d.sync("town-9", token); got != http.StatusUnauthorized {
		d.t.Errorf("a revoked token: %d", got)
	}
	return token, err
}

func TestCodeStandsAloneOnStandardOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "central.yaml")
	write(t, file, "")
	var out, told bytes.Buffer
	terminal := &Terminal{Ctx: t.Context(), Out: &out, Err: &told, Now: time.Now}
	add := edgeAdd{invitation{configured: configured{Config: file}, Name: "town-2", Valid: time.Hour}}
	if err := add.Run(terminal); err != nil {
		t.Fatal(err)
	}
	code := strings.TrimSuffix(out.String(), "\n")
	if got, err := ingest.ParseCode(code); err != nil || got != code {
		t.Errorf("standard output is %q", &out)
	}
	if strings.Contains(told.String(), code) || !strings.Contains(told.String(), "gridgate-edge enrol --config edge.yaml") {
		t.Errorf("standard error is %s", &told)
	}
	out.Reset()
	if err := (&edgeList{configured{Config: file}}).Run(terminal); err != nil || !strings.Contains(out.String(), "town-2  invited") || strings.Contains(out.String(), code) {
		t.Errorf("%s, %v", &out, err)
	}
}

// secured writes a certificate and a configuration that uses it.
func secured(t *testing.T, rest string, hosts ...string) (folder string, made certs.Made, c *config.Config) {
	t.Helper()
	folder = t.TempDir()
	made, err := certs.Make(filepath.Join(folder, "tls"), hosts, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "central.yaml")
	write(t, file, "tls: {cert: tls/central.pem, key: tls/central-key.pem}\n"+rest)
	if c, err = config.Load(file); err != nil {
		t.Fatal(err)
	}
	return folder, made, c
}

func TestWhereabouts(t *testing.T) {
	_, made, c := secured(t, "listen: 0.0.0.0:8443\n", "central.example")
	for listen, want := range map[string]string{
		"0.0.0.0:8443": "https://central.example:8443", ":8443": "https://central.example:8443", "[::]:1": "https://central.example:1", "192.0.2.1:2": "https://192.0.2.1:2",
	} {
		c.Listen = listen
		if address, fingerprint := whereabouts(c); address != want || fingerprint != made.Fingerprint {
			t.Errorf("%s: %s %s", listen, address, fingerprint)
		}
	}
	c.PublicURL = "https://central.example"
	if address, fingerprint := whereabouts(c); address != c.PublicURL || fingerprint != made.Fingerprint {
		t.Errorf("its public name: %s %s", address, fingerprint)
	}
	c.PublicURL = "https://proxy.example"
	if address, fingerprint := whereabouts(c); address != c.PublicURL || fingerprint != "" {
		t.Errorf("behind a proxy: %s %s", address, fingerprint)
	}
	if address, fingerprint := whereabouts(&config.Config{Listen: "127.0.0.1:8420"}); address != "http://127.0.0.1:8420" || fingerprint != "" {
		t.Errorf("without TLS: %s %s", address, fingerprint)
	}
}

// TestCertificateIsReadAgain replaces the certificate of a running central and tells it by SIGHUP.
func TestCertificateIsReadAgain(t *testing.T) {
	folder, first, _ := secured(t, "listen: 127.0.0.1:0\n", "127.0.0.1")
	d := &desk{t: t, file: filepath.Join(folder, "central.yaml")}
	d.start()
	shown := func() string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(d.url, "http://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return certs.Fingerprint(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	if got := shown(); got != first.Fingerprint {
		t.Fatalf("shows %s", got)
	}
	second, err := certs.Make(filepath.Join(folder, "tls"), []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan os.Signal, 1) // here, too: one that came after central has stopped would end this process
	signal.Notify(told, syscall.SIGHUP)
	defer signal.Stop(told)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-told
	for shown() != second.Fingerprint { // the test's own time limit ends it
		continue
	}
}
