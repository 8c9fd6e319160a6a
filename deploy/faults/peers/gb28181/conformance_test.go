package gb28181

import (
	"testing"
	"time"

	protocol "gridgate/protocols/gb28181"
	"gridgate/protocols/vendortest"
)

// told is an alarm with made-up names wherever a platform has some.
func told(inside string) []byte {
	return []byte(`<?xml version="1.0" encoding="GB2312"?><Notify><CmdType>Alarm</CmdType><SN>7</SN><DeviceID>` + cameraID + `</DeviceID><AlarmPriority>1</AlarmPriority>` + inside +
		`<AlarmTime>2026-03-01T08:00:05</AlarmTime><AlarmDescription>qzdescription</AlarmDescription><Longitude>120.7707077</Longitude><Latitude>30.7707077</Latitude></Notify>`)
}

var (
	hidden  = []string{"qzdescription", "120.7707077", "30.7707077"}
	at      = time.Date(2026, 3, 1, 0, 0, 5, 0, time.UTC)
	samples = []vendortest.Sample{
		{Name: "a sign of life", Quiet: true, Payload: []byte(`<?xml version="1.0" encoding="GB2312"?><Notify><CmdType>Keepalive</CmdType><SN>1</SN><DeviceID>` + deviceID + `</DeviceID><Status>OK</Status></Notify>`)},
		{Name: "intrusion", Payload: told("<AlarmMethod>5</AlarmMethod><Info><AlarmType>6</AlarmType></Info>"), Says: []string{"active intrusion ch=" + cameraID + " expires"}, Event: "5/6", Channel: cameraID, Time: at, Hides: hidden},
		{Name: "video loss", Payload: told("<AlarmMethod>2</AlarmMethod><Info><AlarmType>1</AlarmType></Info>"), Says: []string{"active video-loss ch=" + cameraID + " expires"}, Event: "2/1", Hides: hidden},
		{Name: "no type", Payload: told("<AlarmMethod>2</AlarmMethod>"), Says: []string{"active device-fault ch=" + cameraID + " expires"}, Event: "2", Hides: hidden},
		{
			Name: "a catalogue", Quiet: true, Hides: []string{"qzgate", "qzowner", "qzaddress"},
			Payload: []byte(`<Response><CmdType>Catalog</CmdType><SN>2</SN><DeviceID>` + deviceID + `</DeviceID><SumNum>1</SumNum><DeviceList Num="1"><Item><DeviceID>` + cameraID + `</DeviceID><Name>qzgate</Name><Owner>qzowner</Owner><Address>qzaddress</Address><Status>ON</Status></Item></DeviceList></Response>`),
		},
		{Name: "no XML", Payload: []byte("OK")},
	}
)

// TestConformance holds the dialect to the contract of vendors. Its devices call us: their connections are held to account by the other tests
// here.
func TestConformance(t *testing.T) {
	vendortest.Pure(t, vendortest.Vendor{Name: protocol.Name, Dialect: protocol.Dialect{Zone: time.FixedZone("", 8*3600)}, Kinds: protocol.Kinds, Samples: samples})
}
