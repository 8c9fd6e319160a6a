package gb28181_test

import (
	"testing"
	"time"

	"gridgate/protocols/gb28181"
	"gridgate/protocols/vendortest"
)

// message is a MANSCDP message with made-up identities wherever firmware has some.
func message(root, command, inside string) []byte {
	return []byte("<?xml version=\"1.0\" encoding=\"GB2312\"?>\r\n<" + root + ">\r\n<CmdType>" + command + "</CmdType>\r\n<SN>7</SN>\r\n<DeviceID>33010600001320000007</DeviceID>\r\n" + inside + "</" + root + ">\r\n")
}

const person = "<AlarmDescription>Qzanna at the gate</AlarmDescription><Longitude>120.7654</Longitude><Qzname>Qzbert</Qzname>"

var hidden = []string{"Qzanna", "120.7654", "Qzname", "Qzbert"}

// TestConformance holds the dialect to the suite of vendors. Its connections are tried in deploy/faults/peers/gb28181: devices call
// the server there.
func TestConformance(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC)
	const when = "<AlarmTime>2026-03-01T08:00:05</AlarmTime>"
	alarm := func(name, inside, event string, says ...string) vendortest.Sample {
		return vendortest.Sample{
			Name: name, Payload: message("Notify", "Alarm", inside+when+person), Says: says, Event: event, Channel: "33010600001320000007", Time: at, Hides: hidden,
		}
	}
	vendortest.Pure(t, vendortest.Vendor{
		Name: gb28181.Name, Dialect: gb28181.Dialect{}, Kinds: gb28181.Kinds,
		Samples: []vendortest.Sample{
			{Name: "keepalive", Payload: message("Notify", "Keepalive", "<Status>OK</Status>"), Quiet: true, Event: "Keepalive"},
			alarm("motion", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>2</AlarmType></Info>", "5/2", "active motion ch=33010600001320000007 expires"),
			alarm("line", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>5</AlarmType></Info>", "5/5", "momentary tripwire ch=33010600001320000007"),
			alarm("two methods", "<AlarmMethod>12</AlarmMethod>", "12", "active other ch=33010600001320000007 expires", "active device-fault ch=33010600001320000007 expires"),
			alarm("position", "<AlarmMethod>4</AlarmMethod>", "4"),
			{
				Name: "catalogue", Quiet: true, Event: "Catalog", Hides: []string{"Qzgate", "Qzowner", "Qzroad", "192.0.2.77"},
				Payload: message("Response", "Catalog", "<SumNum>1</SumNum><DeviceList Num=\"1\"><Item><DeviceID>33010600001320000008</DeviceID><Name>Qzgate</Name><Owner>Qzowner</Owner><Address>Qzroad</Address><IPAddress>192.0.2.77</IPAddress></Item></DeviceList>"),
			},
			{Name: "carried", Payload: message("Notify", "MobilePosition", "<Longitude>120.7654</Longitude>"), Event: "MobilePosition", Hides: []string{"120.7654"}},
			{Name: "unknown", Payload: message("Notify", "QzCommand", ""), Hides: []string{"QzCommand"}},
			{Name: "in its SIP message", Quiet: true, Event: "Keepalive", Hides: []string{"Qzdisplay"}, Payload: append([]byte("MESSAGE sip:33010600002000000001@3301060000 SIP/2.0\r\nFrom: \"Qzdisplay\" <sip:a@b>\r\n\r\n"), message("Notify", "Keepalive", "")...)},
			{Name: "no XML", Payload: []byte("SIP has no body")},
		},
	})
}
