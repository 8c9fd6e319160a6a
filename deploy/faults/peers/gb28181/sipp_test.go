package gb28181

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/gb28181/sip"
)

// TestAnIndependentStack runs the scenarios of SIPp, another SIP stack, against the server.
func TestAnIndependentStack(t *testing.T) {
	for _, network := range []string{"u1", "t1"} {
		t.Run(network, func(t *testing.T) {
			kind := map[string]string{"u1": "udp", "t1": "tcp"}[network]
			var w *world
			for stays := time.Second; stays <= 64*time.Second; stays *= 4 { // the server may not have asked it for everything before it left
				w = start(t, kind, Quirks{}, func(o *sip.Options, d *Device) {
					o.Devices = append(o.Devices, sip.Device{ID: deviceID[:19] + "9", Secret: "other"})
				})
				sipp(t, w, network, stays)
				if s := w.state(); s.Maker != "" && s.Channels == 2 {
					break
				}
			}
			w.until("the alarm is told", func() bool { return len(w.observed()) > 0 })
			o := w.observed()
			if len(o) != 1 || o[0].Kind != alert.Intrusion || o[0].Device != cameraID || !o[0].At.Equal(time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC)) {
				t.Errorf("%+v", o)
			}
			s := w.state()
			if s.Online || s.Maker != "SIPp" || s.Keepalives != 1 || s.Channels != 2 || s.Alarms != 1 {
				t.Errorf("%+v", s)
			}
			c := w.server.Channels(deviceID)
			if len(c) != 2 || !c[0].Online || c[1].Online {
				t.Errorf("%+v", c)
			}
		})
	}
}

// sipp runs device.xml as the device of w, which stays for a while after it has told what it has to tell.
func sipp(t *testing.T, w *world, transport string, stays time.Duration) {
	t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		t.Fatalf("SIPp is missing (Debian sip-tester): run deploy/setup/install.sh test: %v", err)
	}
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, w.device.Server, "-sf", "sipp/device.xml", "-oocsf", "sipp/asked.xml", "-t", transport,
		"-i", "127.0.0.1", "-p", port, "-m", "1", "-d", strconv.FormatInt(stays.Milliseconds(), 10), "-au", deviceID, "-ap", secret, "-nostdin", "-timeout", "90s", "-timeout_error",
		"-key", "id", deviceID, "-key", "server", serverID, "-key", "realm", serverID[:10])
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sipp: %v\n%s", err, out[max(0, len(out)-3000):])
	}
}
