// Package vendortest is what every package of a vendor must hold, as a test suite: [Pure] for its dialect, [Connection] for its
// stream, [Run] for both. An integrator runs it for a vendor of his own; protocols/vendortest/acme is a worked example.
//
// In: a [Vendor]: its dialect, samples with their meaning, its stream and a simulator. Out: test results. It knows no vendor, and
// prints nothing of a sample but its name: samples hold made-up identities that must come out nowhere.
package vendortest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
)

// Dialect is the pure half of a vendor's package.
type Dialect interface {
	sensors.Dialect
	sensors.Recogniser
}

// Vendor is what the suite is run on.
type Vendor struct {
	Name    string
	Dialect Dialect
	Kinds   []alert.Kind // all that its devices may tell
	Samples []Sample

	// Open returns a client of the device at a base URL, with the right credentials, which dials by the network. nil: there is no stream
	// to be held to account.
	Open func(t *testing.T, n Network, address string) vendor.Stream
	// Start serves a simulator on the network, until t.Cleanup.
	Start func(t *testing.T, n Network) Peer
	// Network returns an empty network in memory: the tests of connections then take no time (testing/synctest). nil: loopback.
	Network func() Network
	// Patience is the most that the client of Open allows a silent device before [vendor.ErrSilent].
	Patience time.Duration
	Late     time.Duration // how long after it was sent an event may be told; 0: a second
	Password string        // of the device, which stands in no error
}

// Network is where a simulator listens and clients dial.
type Network interface {
	net.Listener
	// Dial has the form of [net.Dialer.DialContext].
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Sample is one message and what it means.
type Sample struct {
	Name     string
	Payload  []byte
	Retained bool

	// Says is the meaning, a [Line] for each observation. Empty: nothing, and then Quiet says whether it was understood.
	Says    []string
	Quiet   bool
	Event   string    // the vendor's own name of the event (Meta.Topic); empty: not looked at
	Channel string    // empty: not looked at
	Time    time.Time // the device's own; zero: not looked at
	// Hides are made-up identities that stand in Payload and must come out nowhere.
	Hides []string
}

// Peer is a simulator of one device. Its methods are for one goroutine at a time.
type Peer interface {
	Address() string // base URL
	// Send tells one message in the vendor's own frame, once a client listens. It returns false if ctx ends before.
	Send(ctx context.Context, payload []byte) bool
	Silence() // says nothing any more, heartbeats included, and keeps the connection
	Drop()    // ends the connections that there are
	// Refuse makes the peer answer new connections so that the client must say err ([vendor.ErrAuth], [vendor.ErrBlocked],
	// [vendor.ErrUnsupported]). It returns false for what this vendor's devices never say.
	Refuse(err error) bool
}

// Run holds a vendor's package to all of the contract.
func Run(t *testing.T, v Vendor) {
	t.Helper()
	t.Run("pure", func(t *testing.T) { Pure(t, v) })
	t.Run("connection", func(t *testing.T) { Connection(t, v) })
}

// Line writes an observation in a form that is easily compared: phase, kind, then channel, #region, object, value, "retained" and "expires",
// each where it is told.
func Line(o observation.Observation) string {
	words := []string{string(o.Phase), string(o.Kind)}
	add := func(told bool, word string) {
		if told {
			words = append(words, word)
		}
	}
	add(o.Device != "", "ch="+o.Device)
	add(o.Zone != "", "#"+o.Zone)
	add(o.Object != "", string(o.Object))
	if o.Value != nil {
		add(true, fmt.Sprint(*o.Value))
	}
	add(o.Retained, "retained")
	add(o.Expires > 0, "expires")
	return strings.Join(words, " ")
}

// lines is the meaning of a translation.
func lines(tr observation.Translation) []string {
	var out []string
	for _, o := range tr.Observations {
		out = append(out, Line(o))
	}
	return out
}
