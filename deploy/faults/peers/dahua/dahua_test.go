package dahua_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/faults/peers/dahua"
	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/faults/peers/peertest"
	"gridgate/deploy/testkit/leak"
	protocol "gridgate/protocols/dahua"
	"gridgate/protocols/vendor"
)

func TestMain(m *testing.M) { leak.Main(m) }

// during runs the stream against a device for a while, in a bubble.
func during(t *testing.T, d time.Duration, q dahua.Quirks, password string, script ...dahua.Event) peertest.Told {
	t.Helper()
	return peertest.During(t, d, dahua.New(q, script...), password, func(address string, client vendor.Client) (vendor.Stream, error) {
		return protocol.NewStream(protocol.Options{URL: address, Client: client})
	})
}

var script = []dahua.Event{
	{After: time.Second, Body: "Code=VideoMotion;action=Start;index=0;data={\n   \"Id\" : [ 0 ],\n   \"RegionName\" : [ \"a=b;c\" ]\n}\n"},
	{After: time.Second, Body: "Code=CrossLineDetection;action=Pulse;index=3"},
	{After: time.Second, Body: "Code=VideoMotion;action=Stop;index=0"},
}

// all: the end names no window, and ends the one in which the motion began.
var all = []string{"1s motion@0 active 0", "2s tripwire@3 momentary", "3s motion@0 inactive 0", "3s motion@0 inactive"}

// TestEveryQuirk: whatever a device does to the form, each event is told in the second in which it was sent.
func TestEveryQuirk(t *testing.T) {
	for name, q := range map[string]dahua.Quirks{
		"none": {}, "digest": {Auth: httpauth.Digest}, "digest without algorithm": {Auth: httpauth.NoAlgorithm}, "digest without qop": {Auth: httpauth.NoQOP}, "SHA-256": {Auth: httpauth.SHA256},
		"basic": {Auth: httpauth.Basic}, "LF": {LF: true}, "no space": {NoSpace: true}, "no space, LF": {NoSpace: true, LF: true}, "no blank line": {NoBlank: true},
		"byte by byte": {Split: 1}, "five bytes": {Split: 5}, "huge event": {Huge: true}, "huge event without length": {Huge: true, NoLength: true, Noise: true}, "noise": {Noise: true},
		"no length, noise behind": {NoLength: true, Noise: true}, "length too large, noise behind": {LongLength: true, Noise: true}, "length too large, LF": {LongLength: true, Noise: true, LF: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := during(t, 30*time.Second, q, httpauth.Password, script...)
				if got.Err != nil || !slices.Equal(got.Lines, all) {
					t.Errorf("told %q, error %v", got.Lines, got.Err)
				}
				if got.Quiet < 5 {
					t.Errorf("%d quiet messages", got.Quiet)
				}
			})
		})
	}
}

// TestTooSmallLengths: data is cut off, and so has no window; the event counts.
func TestTooSmallLengths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := during(t, 4*time.Second, dahua.Quirks{ShortBy: 2}, "", script[0])
		if got.Err != nil || !slices.Equal(got.Lines, []string{"1s motion@0 active"}) {
			t.Errorf("told %q, error %v", got.Lines, got.Err)
		}
	})
}

// TestWithoutLengths: where neither length nor boundary is there, an event comes with the next heartbeat.
func TestWithoutLengths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := during(t, 30*time.Second, dahua.Quirks{NoLength: true}, "", dahua.Event{After: 2 * time.Second, Body: "Code=VideoBlind;action=Start;index=0"})
		if got.Err != nil || !slices.Equal(got.Lines, []string{"7s covered@0 active"}) {
			t.Errorf("told %q, error %v", got.Lines, got.Err)
		}
	})
}

func TestWhyItFails(t *testing.T) {
	for name, c := range map[string]struct {
		quirks   dahua.Quirks
		password string
		want     error
		after    time.Duration
	}{
		"wrong password": {dahua.Quirks{Auth: httpauth.NoAlgorithm}, "wrong", vendor.ErrAuth, 0},
		"locked out":     {dahua.Quirks{Auth: httpauth.Digest, LockedBy: 1}, "wrong", vendor.ErrBlocked, 0},
		"no such page":   {dahua.Quirks{Missing: true}, "secret", vendor.ErrUnsupported, 0},
		"a page":         {dahua.Quirks{Page: true}, "secret", vendor.ErrUnsupported, 0},
		"it hangs":       {dahua.Quirks{Hang: true}, "secret", vendor.ErrSilent, 18 * time.Second},
		"no heartbeat":   {dahua.Quirks{NoHeartbeat: true}, "secret", vendor.ErrSilent, 18 * time.Second},
		"it ends":        {dahua.Quirks{Drop: true}, "secret", vendor.ErrUnreachable, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := during(t, 10*time.Minute, c.quirks, c.password, script...)
				if !errors.Is(got.Err, c.want) || got.Took != c.after {
					t.Errorf("after %v: %v", got.Took, got.Err)
				}
			})
		})
	}
}

// TestHours: a device that only sends heartbeats is there, for as long as it does.
func TestHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := during(t, 5*time.Hour, dahua.Quirks{Auth: httpauth.Digest}, "secret")
		if got.Err != nil || got.Quiet != 3599 && got.Quiet != 3600 || len(got.Lines) != 0 {
			t.Errorf("%d heartbeats, %q: %v", got.Quiet, got.Lines, got.Err)
		}
	})
}
