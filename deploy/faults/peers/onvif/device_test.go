package onvif_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	peer "gridgate/deploy/faults/peers/onvif"
	"gridgate/protocols/onvif"
)

func TestDescribe(t *testing.T) {
	for name, q := range map[string]peer.Quirks{
		"Media1": {}, "Media2": {Media2: true}, "elsewhere": {ForeignHost: "http://192.0.2.7"}, "password": {Username: "a", Password: "b", Digest: "MD5", NonceForEach: true},
		"no GetServices": {NoGetServices: true},
	} {
		t.Run(name, func(t *testing.T) {
			camera := peer.New(q)
			defer camera.Close()
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			device, err := onvif.NewDevice(onvif.Options{URL: camera.URL, Username: q.Username, Password: q.Password, Client: client, AnswerTimeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			got, err := device.Describe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			main, sub := got.Streams("")
			if got.Manufacturer != "Acme" || got.Model != "C-1" || len(got.Profiles) != 3 || main == nil || sub == nil || main.Token != "main" || sub.Token != "sub" {
				t.Fatalf("%+v", got)
			}
			if !strings.HasPrefix(main.Stream, "rtsp://127.0.0.1") || !strings.HasSuffix(main.Stream, "/live/main") || main.Columns != 1920 || main.Source != "vs0" {
				t.Errorf("main: %+v", main)
			}
			if want := map[bool]string{false: "H264", true: "H265"}[q.Media2]; main.Encoding != want {
				t.Errorf("%s, want %s", main.Encoding, want)
			}
			if !strings.HasPrefix(main.Snapshot, "http://127.0.0.1") || !main.Secret {
				t.Errorf("snapshot: %+v", main)
			}
			if offset, ok := device.ClockOffset(); !ok || offset.Abs() > patience {
				t.Errorf("clock %v %v", offset, ok)
			}
			if seen := camera.Seen(); len(seen.Breaches) > 0 {
				t.Errorf("%+v", seen)
			}
		})
	}
}

func TestDiscover(t *testing.T) {
	r, err := peer.NewResponder(peer.Discovery{
		XAddrs: "http://169.254.3.4/onvif/device_service http://%h:8000/onvif/device_service", Scopes: "onvif://www.onvif.org/hardware/C-1 onvif://www.onvif.org/name/Zhang%20San",
		Times: 3, Junk: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var found []onvif.Found
	for wait := 300 * time.Millisecond; len(found) == 0 && err == nil && wait < patience; wait *= 2 { // the answer may come late on a busy machine
		found, err = onvif.Discover(t.Context(), onvif.Search{For: wait, At: []netip.AddrPort{r.Addr}})
	}
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v %v", found, err)
	}
	if a := found[0].Addresses; len(a) != 3 || a[1] != "http://127.0.0.1:8000/onvif/device_service" || found[0].Model != "C-1" {
		t.Errorf("%+v", found[0])
	}
	if !strings.Contains(r.Last(), "uuid:") || !strings.Contains(r.Last(), "/discovery/Probe") {
		t.Errorf("asked %s", r.Last())
	}
}

func TestDiscoverByMulticastAsksOrSaysWhy(t *testing.T) {
	found, err := onvif.Discover(t.Context(), onvif.Search{For: 50 * time.Millisecond})
	if err == nil && found == nil {
		t.Error("neither a list nor a reason")
	}
}
