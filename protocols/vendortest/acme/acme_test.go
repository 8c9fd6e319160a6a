package acme_test

import (
	"testing"
	"time"

	"gridgate/deploy/testkit/pipenet"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
	"gridgate/protocols/vendortest/acme"
)

// samples are the camera's lines and what they mean.
var samples = []vendortest.Sample{
	{Name: "heartbeat", Payload: []byte("PING"), Quiet: true},
	{
		Name:    "motion begins",
		Payload: []byte("EVENT motion ON channel=1 zone=2 at=2026-03-01T09:00:00+01:00 object=vehicle plate=B-XY-4711 owner=Anna.Lindqvist"),
		Says:    []string{"active motion ch=1 #2 vehicle"}, Event: "motion", Channel: "1", Time: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
		Hides: []string{"B-XY-4711", "Anna", "Lindqvist"},
	},
	{Name: "motion ends", Payload: []byte("EVENT motion OFF channel=1 zone=2"), Says: []string{"inactive motion ch=1 #2"}},
	{Name: "a fence", Payload: []byte("EVENT fence ON zone=3"), Says: []string{"active intrusion #3"}, Event: "fence"},
	{Name: "no end is sent", Payload: []byte("EVENT lens ON"), Says: []string{"active covered expires"}},
	{Name: "another event", Payload: []byte("EVENT access.granted ON card=0012345678"), Event: "access.granted", Hides: []string{"0012345678"}},
	{Name: "not ours", Payload: []byte("HTTP/1.1 200 OK")},
}

func TestConformance(t *testing.T) {
	vendortest.Run(t, vendortest.Vendor{
		Name: acme.Name, Dialect: acme.Dialect{}, Kinds: acme.Kinds, Samples: samples,
		Network: func() vendortest.Network { return pipenet.New() },
		Start:   acme.Simulate, Patience: acme.Patience, Password: acme.Password,
		Open: func(t *testing.T, n vendortest.Network, address string) vendor.Stream {
			return &acme.Stream{Client: vendor.Client{HTTP: vendortest.Client(t, n), Username: "admin", Password: acme.Password, Basic: true}, URL: address}
		},
	})
}

func FuzzTranslate(f *testing.F) {
	for _, s := range samples {
		f.Add(s.Payload)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		tr := acme.Dialect{}.Translate("", line, false)
		if len(tr.Observations) == 0 && tr.Ignored == "" {
			t.Error("nothing is told, and nothing says why")
		}
	})
}
