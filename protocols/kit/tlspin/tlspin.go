// Package tlspin says which certificate the other side of a TLS connection may show: one that an authority signed, or the one whose
// fingerprint is known.
//
// In: certificates of authorities, a fingerprint. Out: a client's [tls.Config]. It opens no connection, and there is no way to
// switch the check off.
package tlspin

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strings"
)

// Trust is what a certificate is checked against. The zero value trusts the system's authorities.
type Trust struct {
	roots *x509.CertPool // nil: the system's
	pin   []byte         // SHA-256 of the certificate, or nil
}

// New reads certificates of authorities in PEM form (none: the system's) and the SHA-256 of the other side's own certificate in hex,
// colons allowed (empty: none is known). With both, both must agree; with a fingerprint alone, host and dates do not count.
func New(authorities []byte, fingerprint string) (Trust, error) {
	var t Trust
	if len(authorities) > 0 {
		t.roots = x509.NewCertPool()
		if !t.roots.AppendCertsFromPEM(authorities) {
			return t, errors.New("there is no certificate in the CA that is given")
		}
	}
	if fingerprint != "" {
		pin, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
		if err != nil || len(pin) != sha256.Size {
			return t, errors.New("the fingerprint of the certificate is not 64 digits of hex")
		}
		t.pin = pin
	}
	return t, nil
}

// Config is fresh at each call, TLS 1.2 at least. The check of the chain is left out only where a fingerprint stands instead of it.
func (t Trust) Config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.roots, InsecureSkipVerify: t.roots == nil && t.pin != nil}
	if t.pin != nil {
		c.VerifyConnection = t.check
	}
	return c
}

// ErrFingerprint says that the certificate is not the one whose fingerprint is known.
var ErrFingerprint = errors.New("another certificate than the one that is known")

// check runs on every connection, resumed ones included.
func (t Trust) check(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return ErrFingerprint
	}
	if sum := sha256.Sum256(state.PeerCertificates[0].Raw); !bytes.Equal(sum[:], t.pin) {
		return ErrFingerprint
	}
	return nil
}

// IsCertificate says whether err is that of a certificate that is not trusted.
func IsCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.Is(err, ErrFingerprint) || errors.As(err, &verification)
}
