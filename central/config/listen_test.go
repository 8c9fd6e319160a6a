package config

import (
	"net"
	"testing"

	"gridgate/protocols/kit/loopback"
)

// TestNothingIsPublicByDefault: only who writes an address is reachable from other machines, and then only with TLS (bad/listen-without-tls).
func TestNothingIsPublicByDefault(t *testing.T) {
	c, err := Load(write(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !loopback.Host(host) {
		t.Errorf("central listens on %s, %v", c.Listen, err)
	}
}
