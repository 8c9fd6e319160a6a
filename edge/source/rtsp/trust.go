package rtsp

import (
	"crypto/x509"
	"errors"
	"fmt"

	"gridgate/edge/source"
	"gridgate/protocols/kit/tlspin"
)

const (
	plainScheme  = "rtsp"
	secureScheme = "rtsps"
)

// newTrust says which certificate a camera may show.
func newTrust(opt Options, secure bool) (tlspin.Trust, error) {
	if !secure && (len(opt.CA) > 0 || opt.Fingerprint != "") {
		return tlspin.Trust{}, errors.New("a certificate is named for an address that does not use TLS: it must begin with rtsps")
	}
	return tlspin.New(opt.CA, opt.Fingerprint)
}

// ofCertificate says what was wrong with it, in our words: the library's repeat what is in the certificate.
func ofCertificate(err error) error {
	why := "it leads to no authority that is known"
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, tlspin.ErrFingerprint):
		why = tlspin.ErrFingerprint.Error()
	case is[x509.HostnameError](err):
		why = "it is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		why = "it is out of date, or a clock is wrong"
	}
	return fmt.Errorf("%w: %s", source.ErrCertificate, why)
}
