package app

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"gridgate/edge/config"
	"gridgate/edge/discover"
	"gridgate/protocols/ingest"
	"gridgate/protocols/onvif"
)

// What goes up is what central takes: no account, within the bounds; the file of the edge may say no.
func TestFinderTellsWhatCentralTakes(t *testing.T) {
	f := &finder{log: slog.New(slog.DiscardHandler), ask: func(context.Context, string) (discover.Described, error) {
		d := discover.Described{Manufacturer: "Dahua", Model: "NVR5464-16P-4KS2"}
		for range 100 {
			d.Channels = append(d.Channels, discover.Channel{Main: "rtsp://192.0.2.1/" + strings.Repeat("x", 300)})
		}
		return d, nil
	}, announce: func(_ context.Context, found func(discover.Announced)) error {
		found(discover.Announced{From: netip.MustParseAddr("192.0.2.1")})
		return nil
	}}
	r := f.find(t.Context(), ingest.Discovery{ForSec: 1})
	if r.Why != "" || len(r.Found) != 1 || r.Found[0].Manufacturer != "Dahua" || r.Found[0].Model == "" {
		t.Fatalf("found %+v", r)
	}
	if got := r.Found[0]; got.Proposal != "" || !strings.Contains(strings.Join(got.Notes, "; "), "too long to be sent") || len(got.Notes) > ingest.MaxFoundNotes {
		t.Errorf("a recorder of many channels: %d bytes, %q", len(got.Proposal), got.Notes)
	}
	f.announce = func(context.Context, func(discover.Announced)) error { return errors.New("no network at 192.0.2.1") }
	if r := f.find(t.Context(), ingest.Discovery{ForSec: 1}); r.Why == "" || strings.Contains(r.Why, "192.0.2.1") {
		t.Errorf("without a network: %+v", r)
	}
	f, err := newFinder(&config.Config{Discovery: config.Discovery{Orders: "off"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if r := f.find(t.Context(), ingest.Discovery{ForSec: 1}); !strings.Contains(r.Why, "discovery.orders: off") || len(r.Found) != 0 {
		t.Errorf("turned off: %+v", r)
	}
}

// A recorder's video sources are channels: each with its largest picture and a smaller one.
func TestChannelsOfARecorder(t *testing.T) {
	d := describedBy(onvif.Description{Manufacturer: "HIKVISION", Model: "DS-7608NI-K2", Profiles: []onvif.Profile{
		{Source: "v1", Encoding: "H264", Columns: 1920, Rows: 1080, Stream: "rtsp://192.0.2.1/101"}, {Source: "v1", Encoding: "H264", Columns: 640, Rows: 360, Stream: "rtsp://192.0.2.1/102"},
		{Source: "v2", Encoding: "JPEG", Columns: 1920, Rows: 1080, Stream: "rtsp://192.0.2.1/201"},
		{Source: "v3", Encoding: "H265", Columns: 1920, Rows: 1080, Stream: "rtsp://192.0.2.1/301"},
	}})
	want := []discover.Channel{{Number: "1", Main: "rtsp://192.0.2.1/101", Sub: "rtsp://192.0.2.1/102"}, {Number: "3", Main: "rtsp://192.0.2.1/301"}}
	if len(d.Channels) != 2 || d.Channels[0] != want[0] || d.Channels[1] != want[1] {
		t.Errorf("channels %+v", d.Channels)
	}
	for address, from := range map[string]string{"http://192.0.2.1:8080/x": "192.0.2.1", "http://[fe80::1%25eth0]/x": "fe80::1%eth0", "http://camera.example/": "invalid IP", "": "invalid IP"} {
		if got := answeredFrom([]string{address}); got.String() != from {
			t.Errorf("%s: %s", address, got)
		}
	}
}
