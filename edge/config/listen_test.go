package config

import (
	"net"
	"testing"

	"gridgate/protocols/kit/loopback"
)

// TestNothingIsPublicByDefault: the status page is on loopback and there is no broker, unless somebody writes an address.
func TestNothingIsPublicByDefault(t *testing.T) {
	c := Defaults()
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !loopback.Host(host) {
		t.Errorf("the edge listens on %s, %v", c.Listen, err)
	}
	if c.MQTT.Broker.Listen != "" {
		t.Errorf("the broker listens on %s", c.MQTT.Broker.Listen)
	}
}
