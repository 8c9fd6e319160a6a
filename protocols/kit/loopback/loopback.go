// Package loopback says what counts as this machine, for every rule that lets something go without TLS only if it stays here.
//
// In: a host name as it stands in an address. Out: yes or no. It asks no resolver: a name other than localhost may lead anywhere.
package loopback

import "net"

// Host says whether host is localhost or a loopback address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
func Host(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Address says whether an address to listen on, host:port, is reached from this machine only.
func Address(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && Host(host)
}
