package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// Discovery is what a search for cameras may do that the centre asks for.
type Discovery struct {
	Orders string `yaml:"orders"` // on, or off: the centre may not ask for one; empty: on
	// At are asked directly instead of by multicast, where that does not pass: IP addresses, with a port if it is not 3702.
	At []string `yaml:"at"`
}

// maxDiscoveryAt bounds the addresses that are asked.
const maxDiscoveryAt = 256

// Addresses are those of At; a port of 0 is the usual one.
func (d Discovery) Addresses() ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, text := range d.At {
		at, err := netip.ParseAddrPort(text)
		if err != nil {
			a, plain := netip.ParseAddr(text)
			if plain != nil {
				return nil, fmt.Errorf("%q is not an IP address, with or without a port", text)
			}
			at = netip.AddrPortFrom(a, 0)
		}
		out = append(out, at)
	}
	return out, nil
}

func (j *judge) discovery(d Discovery) {
	j.demand(slices.Contains([]string{"", "on", "off"}, d.Orders), "discovery.orders", "neither on nor off", "write on or off")
	j.demand(len(d.At) <= maxDiscoveryAt, "discovery.at", "too many addresses", fmt.Sprintf("at most %d", maxDiscoveryAt))
	_, err := d.Addresses()
	j.demand(err == nil, "discovery.at", "not an IP address", "write 192.0.2.10 or 192.0.2.10:3702")
}
