// Package certs makes central's certificate and shows it to clients.
//
// In: the names of this machine, or two PEM files. Out: a private authority with a server certificate that it signed; the pair that
// the next client is shown, read again when its files change. It fetches nothing, and it never sends a key anywhere.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gridgate/protocols/kit/durable"
)

// Files that [Make] writes into its folder. Keys have mode 0600, and so has only the owner.
const (
	AuthorityFile    = "ca.pem"          // for edges: central.ca
	AuthorityKeyFile = "ca-key.pem"      // to sign the next certificate; central itself never reads it
	CertificateFile  = "central.pem"     // the server's, and the authority's behind it: tls.cert
	KeyFile          = "central-key.pem" // tls.key
)

// Life of an authority and of a server's certificate. 825 days is the longest that Apple's systems accept of a private authority.
const (
	AuthorityLife   = 10 * 365 * 24 * time.Hour
	CertificateLife = 825 * 24 * time.Hour
	// early is how far back validity begins: clocks differ.
	early = 24 * time.Hour
)

// MaxHosts is how many names one certificate may have.
const MaxHosts = 100

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Made tells what [Make] wrote.
type Made struct {
	Fingerprint  string // of the server's certificate, see [Fingerprint]
	Expires      time.Time
	NewAuthority bool // else the one in the folder signed
}

// Make writes a server certificate for hosts (DNS names and IP addresses) into dir, signed by the authority in dir, which is made if
// there is none. Made again, it replaces the server's pair and leaves the authority: who trusts that goes on.
func Make(dir string, hosts []string, now time.Time) (Made, error) {
	leaf, err := leafFor(hosts, now)
	if err != nil {
		return Made{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Made{}, fmt.Errorf("make the certificates' folder: %w", err)
	}
	a, err := openAuthority(dir, now)
	if err != nil {
		return Made{}, err
	}
	if leaf.NotAfter.After(a.cert.NotAfter) {
		leaf.NotAfter = a.cert.NotAfter
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Made{}, fmt.Errorf("make a key: %w", err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, key.Public(), a.key)
	if err != nil {
		return Made{}, fmt.Errorf("sign the certificate: %w", err)
	}
	if err := writeKey(filepath.Join(dir, KeyFile), key); err != nil {
		return Made{}, err
	}
	if err := writeCertificates(filepath.Join(dir, CertificateFile), raw, a.cert.Raw); err != nil {
		return Made{}, err
	}
	return Made{Fingerprint: Fingerprint(raw), Expires: leaf.NotAfter, NewAuthority: a.fresh}, nil
}

// Fingerprint is the SHA-256 of a certificate (DER) in capital hex with colons.
func Fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// template is what authority and server have in common (RFC 5280, section 4.1).
func template(name string, now time.Time, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	from := now.Add(-early).UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: from.Add(life), BasicConstraintsValid: true,
	}, nil
}

func leafFor(hosts []string, now time.Time) (*x509.Certificate, error) {
	if len(hosts) == 0 || len(hosts) > MaxHosts {
		return nil, fmt.Errorf("a certificate needs 1 to %d host names or addresses", MaxHosts)
	}
	c, err := template("gridgate-central", now, CertificateLife)
	if err != nil {
		return nil, err
	}
	c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		name := strings.ToLower(host)
		switch ip := net.ParseIP(host); {
		case ip != nil:
			c.IPAddresses = append(c.IPAddresses, ip)
		case len(name) <= 253 && hostName.MatchString(name):
			c.DNSNames = append(c.DNSNames, name)
		default:
			return nil, fmt.Errorf("%q is neither a host name nor an IP address", host)
		}
	}
	return c, nil
}

// authority signs.
type authority struct {
	cert  *x509.Certificate
	key   crypto.Signer
	fresh bool
}

// openAuthority reads the authority of a folder, or makes it.
func openAuthority(dir string, now time.Time) (authority, error) {
	certFile, keyFile := filepath.Join(dir, AuthorityFile), filepath.Join(dir, AuthorityKeyFile)
	_, certErr := os.Stat(certFile)
	_, keyErr := os.Stat(keyFile)
	switch {
	case errors.Is(certErr, fs.ErrNotExist): // a key alone is what an interrupted start left behind: nobody trusts it yet
		return newAuthority(certFile, keyFile, now)
	case errors.Is(keyErr, fs.ErrNotExist):
		return authority{}, fmt.Errorf("%s has no key beside it: bring %s back, or name another folder for a new authority", certFile, AuthorityKeyFile)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return authority{}, fmt.Errorf("read the authority: %w", err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA || !now.Before(pair.Leaf.NotAfter) {
		return authority{}, fmt.Errorf("%s is no authority that can sign, or has run out", certFile)
	}
	return authority{cert: pair.Leaf, key: signer}, nil
}

func newAuthority(certFile, keyFile string, now time.Time) (authority, error) {
	c, err := template("Gridgate central authority", now, AuthorityLife)
	if err != nil {
		return authority{}, err
	}
	c.IsCA, c.MaxPathLenZero, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make a key: %w", err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("sign the authority: %w", err)
	}
	if err := writeKey(keyFile, key); err != nil {
		return authority{}, err
	}
	if err := writeCertificates(certFile, raw); err != nil {
		return authority{}, err
	}
	signed, err := x509.ParseCertificate(raw)
	return authority{cert: signed, key: key, fresh: true}, err
}

func writeKey(path string, key crypto.Signer) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode a key: %w", err)
	}
	return durable.Write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)
}

func writeCertificates(path string, chain ...[]byte) error {
	var text []byte
	for _, raw := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	}
	return durable.Write(path, text, 0o644)
}
