package gb28181

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/deploy/testkit/gbmedia"
	"gridgate/edge/source"
	edge "gridgate/edge/source/gb28181"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
)

// source makes a source of live video on the world's server.
func (w *world) source(t *testing.T, transport media.Transport, connect, stall time.Duration) *edge.Source {
	t.Helper()
	ports, err := media.NewPorts(netip.MustParseAddr("127.0.0.1"), 42000, 43998)
	if err != nil {
		t.Fatal(err)
	}
	ssrcs, err := media.NewSSRCs(serverID)
	if err != nil {
		t.Fatal(err)
	}
	src, err := edge.New(edge.Options{
		Inviter: w.server, Device: deviceID, Channel: cameraID, Transport: transport, Connect: connect, Stall: stall,
		Media: edge.Media{Code: serverID, Host: netip.MustParseAddr("127.0.0.1"), Ports: ports, SSRCs: ssrcs},
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func film(t *testing.T) Film {
	t.Helper()
	clip, err := gbmedia.Load(footage.H264(t, footage.Clip{Seconds: 2, FPS: 25, GOP: 10}))
	if err != nil {
		t.Fatal(err)
	}
	return Film{Clip: clip, FPS: 50}
}

// TestLiveVideo goes from the invitation to access units and back, over each transport, from wherever NAT lets a device send.
func TestLiveVideo(t *testing.T) {
	for name, c := range map[string]struct {
		network   string
		transport media.Transport
		change    func(*Film)
	}{
		"UDP":                          {"udp", media.UDP, func(*Film) {}},
		"UDP, signalled by TCP":        {"tcp", media.UDP, func(*Film) {}},
		"TCP passive":                  {"udp", media.TCPPassive, func(*Film) {}},
		"TCP active":                   {"tcp", media.TCPActive, func(*Film) {}},
		"an answer from behind NAT":    {"udp", media.UDP, func(f *Film) { f.Answered = "10.1.2.3" }},
		"media from the answered host": {"udp", media.UDP, func(f *Film) { f.Answered, f.Local = "127.0.0.9", "127.0.0.9" }},
		"a bad line":                   {"udp", media.UDP, func(f *Film) { f.Quirks = gbmedia.Quirks{LoseEvery: 50, SwapEvery: 7, OtherSSRC: true} }},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.network, Quirks{}, func(_ *sip.Options, d *Device) {
				f := film(t)
				c.change(&f)
				d.Show(f)
			})
			w.register()
			src := w.source(t, c.transport, patience, patience)
			for round := int64(1); round <= 2; round++ {
				units := 0
				ctx, cancel := context.WithCancel(t.Context())
				err := src.Run(ctx, func(source.AccessUnit) {
					if units++; units == 15 {
						cancel()
					}
				})
				cancel()
				if err != nil || units < 15 || w.device.Seen.Invited.Load() != round {
					t.Fatalf("round %d: %d units, %v, %d invitations", round, units, err, w.device.Seen.Invited.Load())
				}
				w.until("the session is over", func() bool { return w.device.Seen.Ended.Load() >= round })
				if n := w.device.Seen.Ended.Load(); n != round {
					t.Fatalf("round %d: %d ends", round, n)
				}
			}
		})
	}
}

// TestLiveVideoThatFails: whatever goes wrong, no session stays open at the device.
func TestLiveVideoThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		quirks         Quirks
		change         func(*Film)
		connect, stall time.Duration // short where it is to end by that
		want           error
		ends           int64
	}{
		"busy":             {Quirks{InviteBusy: true}, func(*Film) {}, patience, patience, source.ErrUnreachable, 0},
		"no description":   {Quirks{InviteEmpty: true}, func(*Film) {}, patience, patience, nil, 1},
		"from a stranger":  {Quirks{}, func(f *Film) { f.Local = "127.0.0.9" }, patience, time.Second, source.ErrStalled, 1},
		"SVAC":             {Quirks{}, func(f *Film) { f.Quirks.Mux.StreamType = 0x80 }, patience, patience, source.ErrUnsupported, 1},
		"nothing at all":   {Quirks{}, func(f *Film) { f.Quirks.LoseEvery = 1 }, patience, time.Second, source.ErrStalled, 1},
		"it never answers": {Quirks{InviteSilent: true}, func(*Film) {}, time.Second, patience, source.ErrUnreachable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, "udp", c.quirks, func(_ *sip.Options, d *Device) {
				f := film(t)
				c.change(&f)
				d.Show(f)
			})
			w.register()
			for round := int64(1); ; round, c.stall = round+1, 2*c.stall {
				err := w.source(t, media.UDP, c.connect, c.stall).Run(t.Context(), func(source.AccessUnit) {})
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				w.until("the session is over", func() bool { return w.device.Seen.Ended.Load() == round*c.ends })
				if name != "from a stranger" || strings.Contains(err.Error(), "another address") {
					break
				}
				if c.stall > patience { // until then its first packet may not have come in time for the error to say where from
					t.Fatal(err)
				}
			}
		})
	}
	t.Run("nobody registered", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, nil)
		if err := w.source(t, media.UDP, patience, patience).Run(t.Context(), func(source.AccessUnit) {}); !errors.Is(err, source.ErrUnreachable) {
			t.Error(err)
		}
	})
	t.Run("it hangs up", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, func(_ *sip.Options, d *Device) { d.Show(film(t)) })
		w.register()
		units := 0
		var hanging sync.WaitGroup
		err := w.source(t, media.UDP, patience, patience).Run(t.Context(), func(source.AccessUnit) {
			if units++; units == 5 {
				hanging.Go(func() { _ = w.device.HangUp() })
			}
		})
		hanging.Wait()
		if !errors.Is(err, source.ErrUnreachable) {
			t.Error(err)
		}
	})
}
