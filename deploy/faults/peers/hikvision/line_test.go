package hikvision_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/faults/peers/hikvision"
	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/testkit/pipenet"
	edge "gridgate/edge/vendor"
	protocol "gridgate/protocols/hikvision"
	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// camera notes what it is told.
type camera struct {
	mu    sync.Mutex
	start time.Time
	told  []string
}

func (c *camera) Tell(_ context.Context, told []observation.Observation, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range told {
		c.told = append(c.told, fmt.Sprintf("%ds %s %s", int(time.Since(c.start).Seconds()), o.Kind, o.Phase))
	}
	return nil
}

func (c *camera) Settle(context.Context) error { return nil }

// supervised runs a line to a device for a while, in a bubble.
func supervised(t *testing.T, d time.Duration, device http.Handler, password string, c *camera) edge.Status {
	t.Helper()
	network := pipenet.New()
	server := &http.Server{Handler: device}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	transport := &http.Transport{DialContext: network.Dial}
	s, err := protocol.NewStream(protocol.Options{URL: "http://camera.invalid", Client: vendor.Client{HTTP: &http.Client{Transport: transport}, Username: httpauth.User, Password: password}})
	if err != nil {
		t.Fatal(err)
	}
	c.start = time.Now()
	line, err := edge.New(edge.Options{Name: "gate", Stream: s, Targets: []edge.Target{{Teller: c, Channel: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := line.Run(ctx); err != nil {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	return line.Status()
}

// TestAnEventThatHasNoEnd: what repeats is one state, and is over when it has not been repeated for a while.
func TestAnEventThatHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var script []hikvision.Alert
		for range 8 {
			script = append(script, hikvision.Alert{After: time.Second, Type: "linedetection", State: "active", Channel: "1"}, hikvision.Alert{Type: "linedetection", State: "active", Channel: "2"})
		}
		c := &camera{}
		status := supervised(t, time.Minute, hikvision.New(hikvision.Quirks{Auth: httpauth.Digest, Heartbeat: 10 * time.Second}, script...), httpauth.Password, c)
		if want := []string{"1s tripwire active", "13s tripwire inactive"}; !slices.Equal(c.told, want) {
			t.Errorf("told %q, want %q", c.told, want)
		}
		if status.State != edge.Connected || status.Ignored != 0 {
			t.Errorf("status %+v", status)
		}
	})
}

// TestAWrongPasswordDoesNotLockUsOut: devices count refused passwords, commonly seven in half an hour.
func TestAWrongPasswordDoesNotLockUsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := hikvision.New(hikvision.Quirks{Auth: httpauth.Digest, LockedBy: 7})
		status := supervised(t, 30*time.Minute, device, "wrong", &camera{})
		if n := device.Refused(); n < 2 || n > 6 || status.State != edge.AuthFailed {
			t.Errorf("%d refused passwords, status %+v", n, status)
		}
	})
}
