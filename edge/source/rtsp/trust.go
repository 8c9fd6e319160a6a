package rtsp

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gridgate/edge/source"
)

const (
	plainScheme  = "rtsp"
	secureScheme = "rtsps"
)

// trust is what a camera's certificate is checked against.
type trust struct {
	roots *x509.CertPool // nil: the system's
	pin   []byte         // SHA-256 of the camera's own certificate, or nil
	chain bool           // the chain counts: there are roots, or there is no pin
}

func newTrust(opt Options, secure bool) (trust, error) {
	t := trust{chain: len(opt.CA) > 0 || opt.Fingerprint == ""}
	if !secure {
		if len(opt.CA) > 0 || opt.Fingerprint != "" {
			return t, errors.New("a certificate is named for an address that does not use TLS: it must begin with rtsps")
		}
		return t, nil
	}
	if len(opt.CA) > 0 {
		t.roots = x509.NewCertPool()
		if !t.roots.AppendCertsFromPEM(opt.CA) {
			return t, errors.New("there is no certificate in the CA that is given")
		}
	}
	if opt.Fingerprint != "" {
		pin, err := hex.DecodeString(strings.ReplaceAll(opt.Fingerprint, ":", ""))
		if err != nil || len(pin) != sha256.Size {
			return t, errors.New("the fingerprint of the certificate is not 64 digits of hex")
		}
		t.pin = pin
	}
	return t, nil
}

// config is fresh at each call: the library writes the host into it. The library's own check of the chain is left out only
// where a fingerprint stands instead of it.
func (t trust) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.roots, InsecureSkipVerify: !t.chain}
	if t.pin != nil {
		c.VerifyConnection = t.check
	}
	return c
}

var errFingerprint = errors.New("another certificate than the one that is known")

// check runs on every connection, resumed ones included.
func (t trust) check(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errFingerprint
	}
	if sum := sha256.Sum256(state.PeerCertificates[0].Raw); !bytes.Equal(sum[:], t.pin) {
		return errFingerprint
	}
	return nil
}

func isCertificate(err error) bool {
	return errors.Is(err, errFingerprint) || is[*tls.CertificateVerificationError](err)
}

// ofCertificate says what was wrong with it, in our words: the library's repeat what is in the certificate.
func ofCertificate(err error) error {
	why := "it leads to no authority that is known"
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, errFingerprint):
		why = errFingerprint.Error()
	case is[x509.HostnameError](err):
		why = "it is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		why = "it is out of date, or a clock is wrong"
	}
	return fmt.Errorf("%w: %s", source.ErrCertificate, why)
}
