package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// look is how often the files' times are looked at, at most.
const look = time.Second

// soon is how long before its end a certificate is complained of.
const soon = 30 * 24 * time.Hour

// Pair is the certificate that clients are shown. It is read again when its files changed; while they do not fit each other,
// as between the replacing of one and of the other, the one before stays. It is safe for concurrent use.
type Pair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	cert   *tls.Certificate
	files  stamps
	looked time.Time
}

// stamps tell whether files changed.
type stamps [2]struct {
	modified time.Time
	size     int64
}

// Open reads a certificate (its chain behind it) and its key, both PEM.
func Open(certFile, keyFile string, log *slog.Logger) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, log: log}
	return p, p.Reload()
}

// Reload reads the files now. On an error the pair stays as it was.
func (p *Pair) Reload() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked = time.Now()
	files, err := p.stat()
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	return p.read(files)
}

// GetCertificate is that of [tls.Config].
func (p *Pair) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.looked) >= look {
		p.looked = now
		if files, err := p.stat(); err == nil && files != p.files {
			if err := p.read(files); err != nil {
				p.log.Error("the certificate changed and cannot be read; the one before stays in use", "error", err)
			}
		}
	}
	return p.cert, nil
}

// Leaf is the server's own certificate.
func (p *Pair) Leaf() *x509.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cert.Leaf
}

func (p *Pair) stat() (files stamps, err error) {
	for i, name := range []string{p.certFile, p.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return files, err
		}
		files[i].modified, files[i].size = info.ModTime(), info.Size()
	}
	return files, nil
}

// read takes the files as they are, which were stamped before: a change meanwhile is seen at the next look. p.mu is held.
func (p *Pair) read(files stamps) error {
	p.files = files // also if they are bad: they are complained of once
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	if p.cert != nil {
		p.log.Info("the certificate was read again", "fingerprint", Fingerprint(pair.Leaf.Raw), "expires", pair.Leaf.NotAfter)
	}
	if time.Until(pair.Leaf.NotAfter) < soon {
		p.log.Warn("the certificate ends soon or has ended: make another", "expires", pair.Leaf.NotAfter)
	}
	p.cert = &pair
	return nil
}
