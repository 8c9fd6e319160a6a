// Package mosquitto holds what a centre sets in a Mosquitto that stands between sensors and edges.
//
// In: nothing. Out: the text of gridgate.conf, which the tests and the figures use as it is. It never runs a broker.
package mosquitto

import _ "embed"

// Settings is gridgate.conf: settings of Mosquitto 2.0 without addresses, users and paths.
//
//go:embed gridgate.conf
var Settings string
