package gb28181

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gridgate/protocols/gb28181/sip"
)

var offer = sip.InviteRequest{
	Device: deviceID, Channel: cameraID, SSRC: "0106000001",
	Offer: []byte("v=0\r\no=33010600002000000001 0 0 IN IP4 127.0.0.1\r\ns=Play\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 30000 RTP/AVP 96\r\na=recvonly\r\na=rtpmap:96 PS/90000\r\ny=0106000001\r\nf=v/2/5/25/1/4000a///\r\n"),
}

func TestInvite(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := start(t, network, Quirks{InviteRepeats: 2}, nil)
			w.register()
			d, err := w.server.Invite(w.ctx, offer)
			if err != nil {
				t.Fatal(err)
			}
			subject, sdp := w.device.Offer()
			if subject != cameraID+":0106000001,"+serverID+":0" || string(sdp) != string(offer.Offer) {
				t.Errorf("%s\n%s", subject, sdp)
			}
			if !strings.Contains(string(d.Answer()), "m=video") || d.RemoteAddr() != "127.0.0.1" {
				t.Errorf("%s from %s", d.Answer(), d.RemoteAddr())
			}
			w.until("each answer is acknowledged", func() bool { return w.device.Seen.Acked.Load() >= 1 })
			if err := d.Bye(w.ctx); err != nil || w.device.Seen.Ended.Load() != 1 {
				t.Errorf("%v", err)
			}
			<-d.Done()
			if err := d.Bye(w.ctx); err != nil || w.device.Seen.Ended.Load() != 1 {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestASessionEnds(t *testing.T) {
	for name, end := range map[string]func(w *world) error{
		"by the device":  func(w *world) error { return w.device.HangUp() },
		"by MediaStatus": func(w *world) error { return w.device.Over(cameraID) },
		"by its logout":  func(w *world) error { return w.device.Logout(w.ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, "udp", Quirks{}, nil)
			w.register()
			d, err := w.server.Invite(w.ctx, offer)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			<-d.Done()
		})
	}
}

func TestAnInviteThatFailsLeavesNothing(t *testing.T) {
	t.Run("busy", func(t *testing.T) {
		w := start(t, "udp", Quirks{InviteBusy: true}, nil)
		w.register()
		if _, err := w.server.Invite(w.ctx, offer); !errors.Is(err, sip.ErrRefused) {
			t.Errorf("%v", err)
		}
	})
	t.Run("offline", func(t *testing.T) {
		w := start(t, "udp", Quirks{}, nil)
		if _, err := w.server.Invite(w.ctx, offer); !errors.Is(err, sip.ErrOffline) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no SDP", func(t *testing.T) {
		w := start(t, "udp", Quirks{InviteEmpty: true}, nil)
		w.register()
		if _, err := w.server.Invite(w.ctx, offer); !errors.Is(err, sip.ErrProtocol) {
			t.Errorf("%v", err)
		}
		w.until("BYE", func() bool { return w.device.Seen.Ended.Load() == 1 && w.device.Seen.Acked.Load() >= 1 })
	})
	for name, q := range map[string]Quirks{"cancelled": {InviteSilent: true}, "cancelled too late": {InviteLate: true}} {
		t.Run(name, func(t *testing.T) {
			w := start(t, "udp", q, nil)
			w.register()
			ctx, cancel := context.WithCancel(w.ctx)
			defer cancel()
			failed := w.inviting(ctx)
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			w.until("CANCEL", func() bool { return w.device.Seen.Cancelled.Load() >= 1 })
			if q.InviteLate {
				w.until("BYE", func() bool { return w.device.Seen.Ended.Load() == 1 })
			}
		})
	}
	t.Run("over before it was answered", func(t *testing.T) {
		w := start(t, "udp", Quirks{InviteLate: true}, nil)
		w.register()
		failed := w.inviting(w.ctx)
		if err := w.device.Over(cameraID); err != nil { // of the session before, and late
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, sip.ErrOffline) {
			t.Errorf("%v", err)
		}
		w.until("BYE", func() bool { return w.device.Seen.Cancelled.Load() == 1 && w.device.Seen.Ended.Load() == 1 })
	})
	t.Run("invited back", func(t *testing.T) {
		w := start(t, "udp", Quirks{ReInvite: true}, nil)
		w.register()
		d, err := w.server.Invite(w.ctx, offer)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Bye(w.ctx); err != nil {
			t.Error(err)
		}
	})
}

// inviting invites the device and returns once it has the INVITE. failed tells later how that ended.
func (w *world) inviting(ctx context.Context) (failed <-chan error) {
	w.t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := w.server.Invite(ctx, offer)
		ended <- err
	}()
	w.until("INVITE", func() bool { return w.device.Seen.Invited.Load() == 1 })
	return ended
}

// TestTheServerEndsWhatIsOpen when it stops.
func TestTheServerEndsWhatIsOpen(t *testing.T) {
	w := start(t, "udp", Quirks{}, nil)
	w.register()
	d, err := w.server.Invite(w.ctx, offer)
	if err != nil {
		t.Fatal(err)
	}
	w.stop()
	<-d.Done()
	w.until("BYE", func() bool { return w.device.Seen.Ended.Load() == 1 })
	if _, err := w.server.Invite(w.ctx, offer); !errors.Is(err, sip.ErrBusy) && !errors.Is(err, sip.ErrTimeout) {
		t.Errorf("after the end: %v", err)
	}
}

// TestTheServerCancelsWhatIsUnderWay when it stops.
func TestTheServerCancelsWhatIsUnderWay(t *testing.T) {
	w := start(t, "udp", Quirks{InviteSilent: true}, nil)
	w.register()
	failed := w.inviting(w.ctx)
	w.stop()
	if err := <-failed; err == nil {
		t.Error("agreed")
	}
	w.until("CANCEL", func() bool { return w.device.Seen.Cancelled.Load() >= 1 })
}
