package dahua_test

import (
	"errors"
	"testing"
	"time"

	"gridgate/deploy/faults/peers/dahua"
	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/faults/peers/peertest"
	"gridgate/deploy/testkit/pipenet"
	protocol "gridgate/protocols/dahua"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// samples are events with made-up identities wherever firmware has some.
var samples = []vendortest.Sample{
	{Name: "heartbeat", Quiet: true, Payload: []byte("Heartbeat")},
	{Name: "noise", Quiet: true, Payload: []byte("Code=VideoMotionInfo;action=State;index=0"), Event: "VideoMotionInfo"},
	{
		Name: "motion", Payload: []byte("Code=VideoMotion;action=Start;index=3;data={\n  \"Id\" : [ 1 ],\n  \"RegionName\" : [ \"Qz Li's gate\" ]\n}"), Hides: []string{"Qz Li's gate", "Li's"},
		Says: []string{"active motion ch=3 #1"}, Event: "VideoMotion", Channel: "3",
	},
	{Name: "over", Payload: []byte("Code=VideoMotion;action=Stop;index=3;data={\n \"Id\" : [ 1 ]\n}"), Says: []string{"inactive motion ch=3 #1"}},
	{
		Name: "an object", Event: "CrossRegionDetection", Channel: "2", Time: time.Date(2023, 11, 14, 22, 13, 20, 250e6, time.UTC),
		Payload: []byte(`Code=CrossRegionDetection;action=Start;index=2;data={"Action":"Appear","RuleId":3,"Object":{"HumamID":52599,"ObjectType":"Human","Text":"QzB12345","Sex":"QzMan","Age":77123,"UpClothes":"Qzred","RelativeID":0},"Name":"Qzrule=b;c","UTC":1700000000.0,"UTCMS":250}`),
		Says:    []string{"active intrusion ch=2 #3"}, Hides: []string{"QzB12345", "QzMan", "77123", "Qzred", "Qzrule", "52599"},
	},
	{Name: "a moment", Payload: []byte("Code=CrossLineDetection;action=Pulse;index=0"), Says: []string{"momentary tripwire ch=0"}},
	{
		Name: "plate", Payload: []byte(`Code=TrafficJunction;action=Pulse;index=0;data={"TrafficCar":{"PlateNumber":"QzC98765","VehicleColor":"Qzgray","DriverName":"Qzdriver"},"WhiteList":{"MasterOfCar":"Qzmaster","PlateNumber":"QzC98765","TrustCar":true}}`),
		Says: []string{"momentary motion ch=0 vehicle"}, Event: "TrafficJunction", Hides: []string{"QzC98765", "Qzgray", "Qzdriver", "Qzmaster"},
	},
	{
		Name: "card", Payload: []byte(`Code=AccessControl;action=Pulse;index=0;data={"CardNo":"Qz0815","UserID":"Qz4711","CardName":"Qzanna","Password":"Qzpass","FingerPrintID":"Qzfinger","Method":1}`),
		Event: "AccessControl", Hides: []string{"Qz0815", "Qz4711", "Qzanna", "Qzpass", "Qzfinger"},
	},
	{
		Name: "face", Payload: []byte(`Code=FaceRecognition;action=Start;index=0;data={"Candidates":[{"Person":{"Name":"Qzli","ID":"Qz330106"}}],"Face":{"Age":77123,"Sex":"QzMan"}}`),
		Says: []string{"momentary presence ch=0"}, Hides: []string{"Qzli", "Qz330106", "77123", "QzMan"},
	},
	{Name: "unknown", Payload: []byte(`Code=Qzunheard;action=Start;index=0;data={"Name":"Qzname"}`), Hides: []string{"Qzname"}},
	{Name: "nothing", Payload: []byte("hello")},
}

func start(q dahua.Quirks) func(*testing.T, vendortest.Network) vendortest.Peer {
	return func(t *testing.T, n vendortest.Network) vendortest.Peer {
		c := &peertest.Camera{
			Device: dahua.New(q), Path: "/cgi-bin/eventManager.cgi?action=attach&codes=[All]",
			Refusing: func(cause error) peertest.Device { return dahua.New(refusing(q, cause)) },
		}
		return c.Start(t, n)
	}
}

func refusing(q dahua.Quirks, cause error) dahua.Quirks {
	switch {
	case errors.Is(cause, vendor.ErrAuth):
		q.Auth = httpauth.Forbidden
	case errors.Is(cause, vendor.ErrBlocked):
		q.Auth, q.LockedBy = httpauth.Digest, 1
	default:
		q.Missing = true
	}
	return q
}

// TestConformance holds the package to the contract of vendors, with each habit of firmware that leaves its messages whole.
func TestConformance(t *testing.T) {
	v := vendortest.Vendor{
		Name: protocol.Name, Dialect: protocol.Dialect{}, Kinds: protocol.Kinds(), Samples: samples, Start: start(dahua.Quirks{}),
		Network: func() vendortest.Network { return pipenet.New() }, Patience: 30 * time.Second, Password: httpauth.Password,
		Open: func(t *testing.T, n vendortest.Network, address string) vendor.Stream {
			s, err := protocol.NewStream(protocol.Options{URL: address, Client: vendor.Client{HTTP: vendortest.Client(t, n), Username: httpauth.User, Password: httpauth.Password, Basic: true}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
	vendortest.Run(t, v)
	for name, q := range map[string]dahua.Quirks{
		"digest": {Auth: httpauth.Digest}, "no algorithm": {Auth: httpauth.NoAlgorithm}, "no qop": {Auth: httpauth.NoQOP}, "both": {Auth: httpauth.Both}, "basic": {Auth: httpauth.Basic},
		"LF": {LF: true}, "no space": {NoSpace: true}, "no blank line": {NoBlank: true}, "split": {Split: 3}, "huge": {Huge: true}, "noise": {Noise: true},
	} {
		v.Start = start(q)
		t.Run(name, func(t *testing.T) { vendortest.Conversation(t, v) })
	}
	v.Late = 6 * time.Second // where the length is not told, or is wrong, only the next heartbeat shows the end
	for name, q := range map[string]dahua.Quirks{"no length": {NoLength: true}, "long length": {LongLength: true}} {
		v.Start = start(q)
		t.Run(name, func(t *testing.T) { vendortest.Conversation(t, v) })
	}
}
