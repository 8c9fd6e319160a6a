package hikvision_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/faults/peers/hikvision"
	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/faults/peers/peertest"
	"gridgate/deploy/testkit/leak"
	protocol "gridgate/protocols/hikvision"
	"gridgate/protocols/vendor"
)

func TestMain(m *testing.M) { leak.Main(m) }

// during runs the stream against a device for a while, in a bubble.
func during(t *testing.T, d time.Duration, q hikvision.Quirks, password string, script ...hikvision.Alert) peertest.Told {
	t.Helper()
	return peertest.During(t, d, hikvision.New(q, script...), password, func(address string, client vendor.Client) (vendor.Stream, error) {
		return protocol.NewStream(protocol.Options{URL: address, Client: client})
	})
}

var script = []hikvision.Alert{
	{After: time.Second, Type: "VMD", State: "active", Channel: "1"},
	{After: time.Second, Type: "linedetection", State: "active", Channel: "2"},
	{After: time.Second, Type: "VMD", State: "inactive", Channel: "1"},
}

var all = []string{"1s motion@1 active", "2s tripwire@2 active", "3s motion@1 inactive"}

// TestEveryQuirk: whatever a device does to the form, each alert is told in the second in which it was sent.
func TestEveryQuirk(t *testing.T) {
	for name, q := range map[string]hikvision.Quirks{
		"none": {}, "old path": {OldPath: true}, "new path": {NewPath: true}, "digest": {Auth: httpauth.Digest}, "digest without algorithm": {Auth: httpauth.NoAlgorithm},
		"digest without qop": {Auth: httpauth.NoQOP}, "SHA-256": {Auth: httpauth.SHA256}, "basic": {Auth: httpauth.Basic}, "basic and digest": {Auth: httpauth.Both},
		"old path with digest": {OldPath: true, Auth: httpauth.NoAlgorithm},
		"no namespace":         {Namespace: "-"}, "PSIA": {Namespace: "urn:psialliance-org"}, "std-cgi": {Namespace: "http://www.std-cgi.com/ver20/XMLSchema"}, "isapi.org": {Namespace: "http://www.isapi.org/ver20/XMLSchema"},
		"ver10": {Namespace: "http://www.hikvision.com/ver10/XMLSchema"}, "prefix": {Prefix: "hik"}, "JSON": {JSON: true, JSONBeats: true, Heartbeat: time.Second / 2},
		"LF": {LF: true}, "no space": {NoSpace: true}, "no length": {NoLength: true}, "no length, boundary late": {NoLength: true, Late: true}, "length too large": {LongLength: true, Late: true}, "length too small": {ShortBy: 9},
		"no blank line": {NoBlank: true}, "boundary late": {Late: true}, "byte by byte": {Split: 1}, "seven bytes": {Split: 7, LF: true}, "pictures": {Pictures: 100 << 10, PictureLen: true}, "pictures without length": {Pictures: 100 << 10},
		"large pictures": {Pictures: 3 << 20, PictureLen: true}, "huge message": {Huge: true}, "huge message without length": {Huge: true, NoLength: true}, "preamble": {Preamble: "\r\n\r\nhello\r\n"}, "BOM": {Preamble: "\ufeff"},
		"frequent heartbeats": {Heartbeat: 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := during(t, 10*time.Second, q, httpauth.Password, script...)
				if got.Err != nil || !slices.Equal(got.Lines, all) {
					t.Errorf("told %q, error %v", got.Lines, got.Err)
				}
				if q.Heartbeat > 0 && got.Quiet < 15 {
					t.Errorf("%d heartbeats", got.Quiet)
				}
			})
		})
	}
}

func TestWhyItFails(t *testing.T) {
	for name, c := range map[string]struct {
		quirks   hikvision.Quirks
		password string
		want     error
		within   time.Duration
	}{
		"wrong password":           {hikvision.Quirks{Auth: httpauth.Digest}, "wrong", vendor.ErrAuth, time.Second},
		"wrong password for basic": {hikvision.Quirks{Auth: httpauth.Basic}, "wrong", vendor.ErrAuth, time.Second},
		"not permitted":            {hikvision.Quirks{Auth: httpauth.Forbidden}, "secret", vendor.ErrAuth, time.Second},
		"locked out":               {hikvision.Quirks{Auth: httpauth.Digest, LockedBy: 1}, "wrong", vendor.ErrBlocked, time.Second},
		"no such path":             {hikvision.Quirks{OldPath: true, NewPath: true}, "secret", vendor.ErrUnsupported, time.Second},
		"a page":                   {hikvision.Quirks{Page: true}, "secret", vendor.ErrUnsupported, time.Second},
		"busy":                     {hikvision.Quirks{Busy: true}, "secret", vendor.ErrUnreachable, time.Second},
		"no answer":                {hikvision.Quirks{HangAtOnce: true}, "secret", vendor.ErrUnreachable, 31 * time.Second},
		"it hangs":                 {hikvision.Quirks{Hang: true}, "secret", vendor.ErrSilent, 304 * time.Second},
		"it ends":                  {hikvision.Quirks{Drop: true}, "secret", vendor.ErrUnreachable, 4 * time.Second},
		"it ends within a message": {hikvision.Quirks{DropWithin: true}, "secret", vendor.ErrUnreachable, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := during(t, 10*time.Minute, c.quirks, c.password, script...)
				if !errors.Is(got.Err, c.want) || got.Took > c.within {
					t.Errorf("after %v: %v", got.Took, got.Err)
				}
			})
		})
	}
}

// TestSilence: a device whose heartbeat stops is gone sooner than one that never had any, and an event that repeats instead of the heartbeat
// is a sign of life.
func TestSilence(t *testing.T) {
	slow := []hikvision.Alert{{After: 2 * time.Minute, Type: "VMD", State: "active", Channel: "1"}}
	synctest.Test(t, func(t *testing.T) {
		got := during(t, time.Hour, hikvision.Quirks{Heartbeat: 10 * time.Second, Hang: true}, "", slow...)
		if !errors.Is(got.Err, vendor.ErrSilent) || got.Took < 150*time.Second || got.Took > 200*time.Second || got.Quiet != 11 && got.Quiet != 12 {
			t.Errorf("after %v, %d heartbeats: %v", got.Took, got.Quiet, got.Err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var burst []hikvision.Alert
		for range 100 {
			burst = append(burst, hikvision.Alert{After: time.Second, Type: "VMD", State: "active", Channel: "1"})
		}
		burst = append(burst, hikvision.Alert{After: 4 * time.Minute, Type: "VMD", State: "active", Channel: "1"})
		got := during(t, 6*time.Minute, hikvision.Quirks{}, "", burst...)
		if got.Err != nil || len(got.Lines) != 101 {
			t.Errorf("after %v, %d alerts: %v", got.Took, len(got.Lines), got.Err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if got := during(t, time.Hour, hikvision.Quirks{Heartbeat: 60 * time.Second}, "", script...); got.Err != nil || got.Quiet < 55 {
			t.Errorf("after %v, %d heartbeats: %v", got.Took, got.Quiet, got.Err)
		}
	})
}
