package rtsp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/rtspcam"
	"gridgate/edge/source"
	"gridgate/edge/source/rtsp"
)

func TestCertificates(t *testing.T) {
	cam := camera(t, rtspcam.Options{TLS: true, User: "operator", Password: "s3cret"})
	other := camera(t, rtspcam.Options{TLS: true}).Server()
	own := cam.Server()
	byName := strings.Replace(cam.URL(), "127.0.0.1", "localhost", 1)
	away := camera(t, rtspcam.Options{TLS: true, Listen: "127.0.0.2:0"}) // its certificate is for 127.0.0.1
	for _, c := range []struct {
		name        string
		url         string
		ca          []byte
		fingerprint string
		want        error
	}{
		{name: "authority", ca: own.Certificate()},
		{name: "authority and name", url: byName, ca: own.Certificate()},
		{name: "fingerprint", fingerprint: own.Fingerprint()},
		{name: "fingerprint with colons", fingerprint: colons(own.Fingerprint())},
		{name: "both", ca: own.Certificate(), fingerprint: own.Fingerprint()},
		{name: "system roots", want: source.ErrCertificate},
		{name: "another authority", ca: other.Certificate(), want: source.ErrCertificate},
		{name: "another fingerprint", fingerprint: other.Fingerprint(), want: source.ErrCertificate},
		{name: "authority right, fingerprint wrong", ca: own.Certificate(), fingerprint: other.Fingerprint(), want: source.ErrCertificate},
		{name: "authority wrong, fingerprint right", ca: other.Certificate(), fingerprint: own.Fingerprint(), want: source.ErrCertificate},
		{name: "for another host", url: away.URL(), ca: away.Server().Certificate(), want: source.ErrCertificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.url == "" {
				c.url = cam.URL()
			}
			units, err := pull(t, rtsp.Options{
				URL: c.url, Username: "operator", Password: "s3cret", CA: c.ca, Fingerprint: c.fingerprint,
			}, keyframes(1))
			if !errors.Is(err, c.want) || (c.want == nil) != (len(units) > 0) {
				t.Fatalf("%d units, %v; want %v", len(units), err, c.want)
			}
			if c.want != nil && source.StateOf(err) != source.Unreachable {
				t.Errorf("state %s", source.StateOf(err))
			}
			checkText(t, err)
		})
	}
}

func colons(hex string) string {
	var parts []string
	for ; len(hex) > 0; hex = hex[2:] {
		parts = append(parts, strings.ToUpper(hex[:2]))
	}
	return strings.Join(parts, ":")
}

func TestPlainAndSecureAreNotMixedUp(t *testing.T) {
	plain := camera(t, rtspcam.Options{})
	secure := camera(t, rtspcam.Options{TLS: true})
	for _, address := range []string{
		strings.Replace(plain.URL(), "rtsp:", "rtsps:", 1),
		strings.Replace(secure.URL(), "rtsps:", "rtsp:", 1),
	} {
		_, err := pull(t, rtsp.Options{URL: address, Connect: time.Second}, never)
		if !errors.Is(err, source.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		checkText(t, err)
	}
}

func TestCertificateOptionsThatAreRefused(t *testing.T) {
	for name, opt := range map[string]rtsp.Options{
		"no TLS to check":   {URL: "rtsp://host/", Fingerprint: strings.Repeat("ab", 32)},
		"not hex":           {URL: "rtsps://host/", Fingerprint: strings.Repeat("xy", 32)},
		"too short":         {URL: "rtsps://host/", Fingerprint: "abcd"},
		"not a certificate": {URL: "rtsps://host/", CA: []byte("-----BEGIN NOTHING-----")},
	} {
		if _, err := rtsp.New(opt); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}
