package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shown makes a TLS connection in memory and returns the chain that the client accepted.
func shown(t *testing.T, p *Pair, client *tls.Config) ([]*x509.Certificate, error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	served := make(chan error, 1)
	go func() {
		defer far.Close()
		served <- tls.Server(far, &tls.Config{GetCertificate: p.GetCertificate}).HandshakeContext(t.Context())
	}()
	c := tls.Client(near, client)
	err := c.HandshakeContext(t.Context())
	near.Close()
	<-served
	return c.ConnectionState().PeerCertificates, err
}

func authorities(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("the authority is no certificate")
	}
	return pool
}

func open(t *testing.T, dir string, log *bytes.Buffer) *Pair {
	t.Helper()
	p, err := Open(filepath.Join(dir, CertificateFile), filepath.Join(dir, KeyFile), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	made, err := Make(dir, []string{"Central.Example", "127.0.0.1", "::1"}, time.Now())
	if err != nil || !made.NewAuthority {
		t.Fatalf("%+v, %v", made, err)
	}
	for name, mode := range map[string]os.FileMode{AuthorityKeyFile: 0o600, KeyFile: 0o600, AuthorityFile: 0o644, CertificateFile: 0o644, ".": 0o700} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, want mode %o", name, err, mode)
		}
	}
	var log bytes.Buffer
	p := open(t, dir, &log)
	for _, name := range []string{"central.example", "127.0.0.1", "::1"} {
		chain, err := shown(t, p, &tls.Config{RootCAs: authorities(t, dir), ServerName: name})
		if err != nil || len(chain) != 2 || Fingerprint(chain[0].Raw) != made.Fingerprint {
			t.Errorf("%s: %d certificates, %v", name, len(chain), err)
		}
	}
	if _, err := shown(t, p, &tls.Config{RootCAs: authorities(t, dir), ServerName: "other.example"}); err == nil {
		t.Error("another host is accepted")
	}
	leaf, ca := p.Leaf(), p.cert
	if leaf.IsCA || !leaf.NotAfter.Equal(made.Expires) || leaf.NotAfter.Sub(leaf.NotBefore) != CertificateLife || len(ca.Certificate) != 2 {
		t.Errorf("leaf from %s to %s", leaf.NotBefore, leaf.NotAfter)
	}
	root, err := x509.ParseCertificate(ca.Certificate[1])
	if err != nil || !root.IsCA || !root.MaxPathLenZero || root.NotAfter.Sub(root.NotBefore) != AuthorityLife || root.KeyUsage&x509.KeyUsageCertSign == 0 {
		t.Errorf("authority %+v, %v", root, err)
	}
	if log.Len() != 0 {
		t.Errorf("the log: %s", &log)
	}
}

// TestMakeAgain keeps the authority, so that edges go on.
func TestMakeAgain(t *testing.T) {
	dir := t.TempDir()
	first, err := Make(dir, []string{"a"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	trusted := authorities(t, dir)
	second, err := Make(dir, []string{"b"}, time.Now())
	if err != nil || second.NewAuthority || second.Fingerprint == first.Fingerprint {
		t.Fatalf("%+v, %v", second, err)
	}
	var log bytes.Buffer
	if _, err := shown(t, open(t, dir, &log), &tls.Config{RootCAs: trusted, ServerName: "b"}); err != nil {
		t.Error(err)
	}
	if late, err := Make(dir, []string{"c"}, time.Now().Add(AuthorityLife-50*time.Hour)); err != nil || late.Expires.After(time.Now().Add(AuthorityLife)) {
		t.Errorf("one that outlives its authority: %+v, %v", late, err)
	}
	if _, err := Make(dir, []string{"d"}, time.Now().Add(AuthorityLife)); err == nil {
		t.Error("an authority that has run out signs")
	}
	if err := os.Remove(filepath.Join(dir, AuthorityKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(dir, []string{"d"}, time.Now()); err == nil || !strings.Contains(err.Error(), "bring ca-key.pem back") {
		t.Errorf("an authority without its key: %v", err)
	}
}

func TestBadHosts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	for _, hosts := range [][]string{nil, {""}, {"a b"}, {"*.example"}, {"https://central.example"}, {"central.example:8443"}, {"-a"}, make([]string, MaxHosts+1)} {
		if _, err := Make(dir, hosts, time.Now()); err == nil {
			t.Errorf("%q is taken", hosts)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused command made a folder")
	}
}

// TestChangedFilesAreShown replaces the files under a running server, first in a way that does not fit.
func TestChangedFilesAreShown(t *testing.T) {
	dir := t.TempDir()
	if _, err := Make(dir, []string{"a"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := open(t, dir, &log)
		first := p.Leaf()
		good, err := os.ReadFile(filepath.Join(dir, CertificateFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, CertificateFile), good[:len(good)/4], 0o644); err != nil {
			t.Fatal(err)
		}
		get := func() *x509.Certificate {
			c, err := p.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			return c.Leaf
		}
		for range 3 {
			time.Sleep(look)
			if get() != first {
				t.Fatal("half a file is shown")
			}
		}
		if n := strings.Count(log.String(), "stays in use"); n != 1 {
			t.Errorf("complained %d times: %s", n, &log)
		}
		if err := p.Reload(); err == nil {
			t.Error("half a file was read")
		}
		again, err := Make(dir, []string{"a"}, time.Now().Add(AuthorityLife/2))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(look)
		if leaf := get(); leaf == first || Fingerprint(leaf.Raw) != again.Fingerprint || p.Leaf() != leaf {
			t.Error("the new certificate is not shown")
		}
	})
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "a"), filepath.Join(dir, "b"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("nothing was opened")
	}
}

func TestEndingCertificateIsToldOf(t *testing.T) {
	dir := t.TempDir()
	if _, err := Make(dir, []string{"a"}, time.Now().Add(-CertificateLife+soon)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	open(t, dir, &log)
	if !strings.Contains(log.String(), "ends soon") {
		t.Errorf("the log: %s", &log)
	}
}
