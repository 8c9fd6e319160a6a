// Package peertest is what the tests of simulators of cameras share: a simulator as the suite of vendors plays with it, and what a stream
// told of one within a while.
//
// In: simulators and the streams that read them. Out: test results. It is never part of a simulator.
package peertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/testkit/pipenet"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// address is that of every simulator: their networks have no other.
const address = "http://camera.invalid"

// Device is a simulator of endless answers.
type Device interface {
	http.Handler
	Tell(ctx context.Context, message []byte) bool
	Silence(ctx context.Context) bool
	Drop(ctx context.Context) bool
}

// Camera is a simulator in the suite of vendors. It implements [vendortest.Peer].
type Camera struct {
	Device Device
	// Refusing makes the device that refuses with a cause of [vendor.Stream], once a wrong password was tried.
	Refusing func(cause error) Device
	Path     string // at which the wrong password is tried

	ctx context.Context //nolint:containedctx // that of the test
}

var _ vendortest.Peer = (*Camera)(nil)

// Start serves the camera until t ends.
func (c *Camera) Start(t *testing.T, n vendortest.Network) *Camera {
	c.ctx = t.Context()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.Device.ServeHTTP(w, r) })}
	served := make(chan error, 1)
	go func() { served <- server.Serve(n) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return c
}

// Address implements [vendortest.Peer].
func (c *Camera) Address() string { return address }

// Send implements [vendortest.Peer].
func (c *Camera) Send(ctx context.Context, message []byte) bool { return c.Device.Tell(ctx, message) }

// Silence implements [vendortest.Peer].
func (c *Camera) Silence() { c.Device.Silence(c.ctx) }

// Drop implements [vendortest.Peer].
func (c *Camera) Drop() { c.Device.Drop(c.ctx) }

// Refuse implements [vendortest.Peer]: another device takes the place of this one.
func (c *Camera) Refuse(cause error) bool {
	c.Device = c.Refusing(cause)
	wrong := httptest.NewRequest(http.MethodGet, c.Path, nil)
	wrong.SetBasicAuth("somebody", "else")
	c.Device.ServeHTTP(httptest.NewRecorder(), wrong)
	return true
}

// Told is what a run told, each with the second in which it came; quiet messages are counted.
type Told struct {
	Lines []string
	Quiet int
	Err   error
	Took  time.Duration
}

// During runs a stream, which open makes, against a device for a while. It belongs into a bubble of testing/synctest.
func During(t *testing.T, d time.Duration, device http.Handler, password string, open func(address string, client vendor.Client) (vendor.Stream, error)) (got Told) {
	t.Helper()
	network := pipenet.New()
	server := &http.Server{Handler: device}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	transport := &http.Transport{DialContext: network.Dial}
	s, err := open(address, vendor.Client{HTTP: &http.Client{Transport: transport}, Username: httpauth.User, Password: password, Basic: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	start := time.Now()
	got.Err = s.Run(ctx, func(tr observation.Translation) {
		if tr.Quiet {
			got.Quiet++
			return
		}
		at := fmt.Sprintf("%gs ", time.Since(start).Seconds())
		if tr.Ignored != "" {
			got.Lines = append(got.Lines, at+"ignored: "+tr.Ignored)
		}
		for _, o := range tr.Observations {
			got.Lines = append(got.Lines, strings.TrimSuffix(fmt.Sprintf("%s%s@%s %s %s", at, o.Kind, o.Device, o.Phase, o.Zone), " "))
		}
	})
	got.Took = time.Since(start)
	transport.CloseIdleConnections()
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	return got
}
