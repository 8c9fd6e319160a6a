package hikvision_test

import (
	"errors"
	"testing"
	"time"

	"gridgate/deploy/faults/peers/hikvision"
	"gridgate/deploy/faults/peers/httpauth"
	"gridgate/deploy/faults/peers/peertest"
	"gridgate/deploy/testkit/pipenet"
	protocol "gridgate/protocols/hikvision"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// message is an alert with made-up identities wherever firmware has some.
func message(kind, state, more string) []byte {
	return []byte(`<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>192.0.2.77</ipAddress><macAddress>02:00:5e:77:00:07</macAddress><channelID>1</channelID><channelName>Qzgatekeeper</channelName>
<dateTime>2026-03-01T08:00:00+08:00</dateTime><activePostCount>1</activePostCount>
<eventType>` + kind + `</eventType><eventState>` + state + `</eventState><eventDescription>Qzdescription</eventDescription>` + more + `</EventNotificationAlert>`)
}

var (
	hidden  = []string{"192.0.2.77", "02:00:5e:77:00:07", "Qzgatekeeper", "Qzdescription"}
	at      = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	samples = []vendortest.Sample{
		{Name: "heartbeat", Quiet: true, Payload: []byte(`<EventNotificationAlert version="1.0" xmlns="urn:psialliance-org"><channelID>1</channelID><dateTime>2026-03-01T08:00:00Z</dateTime><activePostCount>0</activePostCount><eventType>videoloss</eventType><eventState>inactive</eventState></EventNotificationAlert>`)},
		{Name: "motion", Payload: message("VMD", "active", ""), Says: []string{"active motion ch=1 expires"}, Event: "VMD", Channel: "1", Time: at, Hides: hidden},
		{
			Name: "regions", Event: "fielddetection", Channel: "1", Hides: append([]string{"Qzregion"}, hidden...),
			Payload: message("fielddetection", "active", `<DetectionRegionList><DetectionRegionEntry><regionID>2</regionID><regionName>Qzregion</regionName></DetectionRegionEntry><DetectionRegionEntry><regionID>3</regionID></DetectionRegionEntry></DetectionRegionList>`),
			Says:    []string{"active intrusion ch=1 #2 expires", "active intrusion ch=1 #3 expires"},
		},
		{Name: "over", Payload: message("VMD", "inactive", ""), Says: []string{"inactive motion ch=1"}},
		{
			Name: "plate", Event: "ANPR", Hides: append([]string{"QzA12345", "QzB54321", "Qzresidents", "Qzsilver"}, hidden...),
			Payload: message("ANPR", "active", `<ANPR><licensePlate>QzA12345</licensePlate><originalLicensePlate>QzB54321</originalLicensePlate><plateCharBelieve>99,98,97</plateCharBelieve><vehicleListName>Qzresidents</vehicleListName><vehicleInfo><color>Qzsilver</color></vehicleInfo></ANPR>`),
			Says:    []string{"momentary motion ch=1 vehicle"},
		},
		{
			Name: "card", Event: "AccessControllerEvent", Hides: []string{"Qzanna", "Qz0815", "Qz4711", "Qzbadge"},
			Payload: []byte(`{"ipAddress":"192.0.2.77","channelID":1,"dateTime":"2026-03-01T08:00:00+08:00","activePostCount":1,"eventType":"AccessControllerEvent","eventState":"active","AccessControllerEvent":{"name":"Qzanna","employeeNoString":"Qz0815","cardNo":"Qz4711","label":"Qzbadge","majorEventType":5,"subEventType":75}}`),
		},
		{
			Name: "a face is a presence", Event: "faceSnap", Hides: append([]string{"Qzfemale", "Qzhat"}, hidden...),
			Payload: message("faceSnap", "active", `<Faces><Face><age>34</age><gender>Qzfemale</gender><hat>Qzhat</hat></Face></Faces>`), Says: []string{"momentary presence ch=1"},
		},
		{Name: "unknown", Payload: message("Qzunheard", "active", ""), Hides: hidden},
		{Name: "no XML", Payload: []byte("HTTP/1.1 200 OK")},
	}
)

func start(q hikvision.Quirks) func(*testing.T, vendortest.Network) vendortest.Peer {
	return func(t *testing.T, n vendortest.Network) vendortest.Peer {
		c := &peertest.Camera{
			Device: hikvision.New(q), Path: "/ISAPI/Event/notification/alertStream",
			Refusing: func(cause error) peertest.Device { return hikvision.New(refusing(q, cause)) },
		}
		return c.Start(t, n)
	}
}

func refusing(q hikvision.Quirks, cause error) hikvision.Quirks {
	switch {
	case errors.Is(cause, vendor.ErrAuth):
		q.Auth = httpauth.Forbidden
	case errors.Is(cause, vendor.ErrBlocked):
		q.Auth, q.LockedBy = httpauth.Digest, 1
	default:
		q.Page = true
	}
	return q
}

// TestConformance holds the package to the contract of vendors with each habit of firmware that leaves its messages whole.
func TestConformance(t *testing.T) {
	v := vendortest.Vendor{
		Name: protocol.Name, Dialect: protocol.Dialect{}, Kinds: protocol.Kinds(), Samples: samples,
		Network: func() vendortest.Network { return pipenet.New() }, Patience: 5 * time.Minute, Password: httpauth.Password,
		Open: func(t *testing.T, n vendortest.Network, address string) vendor.Stream {
			s, err := protocol.NewStream(protocol.Options{URL: address, Client: vendor.Client{HTTP: vendortest.Client(t, n), Username: httpauth.User, Password: httpauth.Password, Basic: true}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
	v.Start = start(hikvision.Quirks{Heartbeat: 10 * time.Second})
	vendortest.Run(t, v)
	beat := 10 * time.Second
	for name, q := range map[string]hikvision.Quirks{
		"good": {Heartbeat: beat, Auth: httpauth.Digest}, "basic": {Heartbeat: beat, Auth: httpauth.Basic}, "no algorithm": {Heartbeat: beat, Auth: httpauth.NoAlgorithm}, "SHA-256": {Heartbeat: beat, Auth: httpauth.SHA256},
		"old path": {Heartbeat: beat, OldPath: true}, "quick heartbeat": {Heartbeat: 300 * time.Millisecond}, "no heartbeat": {}, "JSON heartbeat": {Heartbeat: beat, JSONBeats: true},
		"LF": {Heartbeat: beat, LF: true}, "no space": {Heartbeat: beat, NoSpace: true}, "no length": {Heartbeat: beat, NoLength: true}, "long length": {Heartbeat: beat, LongLength: true},
		"short length": {Heartbeat: beat, ShortBy: 9}, "no blank line": {Heartbeat: beat, NoBlank: true}, "split": {Heartbeat: beat, Split: 7}, "late boundary": {Heartbeat: beat, Late: true},
		"preamble": {Heartbeat: beat, Preamble: "\r\nwelcome\r\n"}, "huge": {Heartbeat: beat, Huge: true},
	} {
		v.Start = start(q)
		t.Run(name, func(t *testing.T) { vendortest.Conversation(t, v) })
	}
}
