package hikvision_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/hikvision"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// alert is a message of a camera; more stands before its end.
func alert(kind, state, more string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>192.0.2.7</ipAddress><portNo>80</portNo><protocol>HTTP</protocol><macAddress>02:00:5e:00:00:07</macAddress>
<channelID>1</channelID><dateTime>2026-03-01T08:00:00+08:00</dateTime><activePostCount>1</activePostCount>
<eventType>` + kind + `</eventType><eventState>` + state + `</eventState><eventDescription>an alarm</eventDescription>` + more + `
</EventNotificationAlert>
`
}

const (
	regions = `<DetectionRegionList><DetectionRegionEntry><regionID>2</regionID><sensitivityLevel>50</sensitivityLevel><RegionCoordinatesList><RegionCoordinates><positionX>1</positionX></RegionCoordinates></RegionCoordinatesList><detectionTarget>human</detectionTarget></DetectionRegionEntry>
<DetectionRegionEntry><regionID>3</regionID><detectionTarget>vehicle</detectionTarget></DetectionRegionEntry></DetectionRegionList>`
	beat   = `<EventNotificationAlert version="1.0" xmlns="urn:psialliance-org"><channelID>1</channelID><dateTime>2026-03-01T08:00:00Z</dateTime><activePostCount>0</activePostCount><eventType>videoloss</eventType><eventState>inactive</eventState></EventNotificationAlert>`
	person = "the event is about a person or an identity, not about a place"
)

func bare(fields string) string {
	return "<EventNotificationAlert>" + fields + "</EventNotificationAlert>"
}

var cases = []struct{ name, payload, want string }{
	{"motion", alert("VMD", "active", ""), "VMD@1 2026-03-01T00:00:00Z: motion/active"},
	{"motion is over", alert("VMD", "inactive", ""), "VMD@1 2026-03-01T00:00:00Z: motion/inactive"},
	{"whose motion", alert("VMD", "active", "<targetType>human</targetType>"), "VMD@1 2026-03-01T00:00:00Z: motion/active//person"},
	{"several targets", alert("VMD", "active", "<targetType>human, vehicle</targetType>"), "VMD@1 2026-03-01T00:00:00Z: motion/active"},
	{"an alarm panel", alert("cidEvent", "active", "<CIDEvent><code>1120</code><name>Li</name><type>zoneAlarm</type></CIDEvent>"), "cidEvent@1 2026-03-01T00:00:00Z: sos/active"},
	{"an alarm panel, over", alert("cidEvent", "active", "<CIDEvent><code>3301</code></CIDEvent>"), "cidEvent@1 2026-03-01T00:00:00Z: power/inactive"},
	{"who disarmed", alert("cidEvent", "active", "<CIDEvent><code>1401</code><name>Li</name></CIDEvent>"), "cidEvent@1 2026-03-01T00:00:00Z: ignored: " + person},
	{"regions", alert("fielddetection", "active", regions), "fielddetection@1 2026-03-01T00:00:00Z: intrusion/active/2 intrusion/active/3"},
	{"regions of motion", alert("VMD", "active", regions), "VMD@1 2026-03-01T00:00:00Z: motion/active/2/person motion/active/3/vehicle"},
	{"other case", alert("LineDetection", "Active", ""), "LineDetection@1 2026-03-01T00:00:00Z: tripwire/active"},
	{"heartbeat", beat, "videoloss@1 2026-03-01T08:00:00Z: quiet: a heartbeat"},
	{"video loss is over", alert("videoloss", "inactive", ""), "videoloss@1 2026-03-01T00:00:00Z: video-loss/inactive"},
	{"video loss", alert("videoloss", "active", ""), "videoloss@1 2026-03-01T00:00:00Z: video-loss/active"},
	{"a heartbeat beside an alarm", beat + alert("shelteralarm", "active", "") + beat, "shelteralarm@1 2026-03-01T00:00:00Z: covered/active"},
	{"duration", alert("duration", "active", "<DurationList><Duration><relationEvent>linedetection</relationEvent></Duration><Duration><relationEvent>VMD</relationEvent></Duration></DurationList>"),
		"linedetection@1 2026-03-01T00:00:00Z: tripwire/active motion/active"},
	{"duration of nothing", alert("duration", "active", ""), "duration@1 2026-03-01T00:00:00Z: ignored: the event type is not in the table"},
	{"a prefix, no namespace declared", `<h:EventNotificationAlert><h:channelID>33</h:channelID><h:eventType>scenechangedetection</h:eventType><h:eventState>active</h:eventState></h:EventNotificationAlert>`, "scenechangedetection@33: turned/active"},
	{"dynamic channel", bare("<channelID></channelID><dynChannelID>7</dynChannelID><eventType>PIR</eventType><eventState>active</eventState>"), "PIR@7: motion/active"},
	{"alarm input", bare("<inputIOPortID>2</inputIOPortID><eventType>IO</eventType><eventState>active</eventState>"), "IO@2: other/active"},
	{"no channel", bare("<eventType>diskfull</eventType><eventState>active</eventState>"), "diskfull@: storage-fault/active"},
	{"milliseconds", bare("<dateTime>2026-03-01T08:00:00.125-05:00</dateTime><eventType>VMD</eventType><eventState>active</eventState>"), "VMD@ 2026-03-01T13:00:00.125Z: motion/active"},
	{"no zone", bare("<dateTime>2026-03-01T08:00:00</dateTime><eventType>VMD</eventType><eventState>active</eventState>"), "VMD@ 2026-03-01T00:00:00Z: motion/active"},
	{"lost sign", bare("<dateTime>2024-01-22T11:47:0500:00</dateTime><eventType>VMD</eventType><eventState>active</eventState>"), "VMD@ 2024-01-22T11:47:05Z: motion/active"},
	{"broken time", bare("<dateTime>yesterday</dateTime><eventType>VMD</eventType><eventState>active</eventState>"), "VMD@: motion/active"},
	{"a face is a presence", alert("faceSnap", "active", "<Faces><FaceRect/></Faces>"), "faceSnap@1 2026-03-01T00:00:00Z: presence/momentary"},
	{"a plate is a vehicle", alert("ANPR", "active", "<ANPR><licensePlate>B12345</licensePlate></ANPR>"), "ANPR@1 2026-03-01T00:00:00Z: motion/momentary//vehicle"},
	{"a card is nothing", `{"ipAddress":"192.0.2.7","channelID":1,"dateTime":"2026-03-01T08:00:00+08:00","eventType":"AccessControllerEvent","eventState":"active","AccessControllerEvent":{"employeeNoString":"7","name":"Li"}}`, "AccessControllerEvent@1 2026-03-01T00:00:00Z: ignored: " + person},
	{"JSON", `{"channelID":"2","dateTime":"2026-03-01T08:00:00+08:00","activePostCount":1,"eventType":"regionEntrance","eventState":"active","DetectionRegionList":[{"DetectionRegionEntry":{"regionID":"4"}}]}`, "regionEntrance@2 2026-03-01T00:00:00Z: intrusion/active/4"},
	{"JSON in a wrapper", `{"EventNotificationAlert":{"channelID":"1","eventType":"unattendedBaggage","eventState":"active"}}`, "unattendedBaggage@1: left-object/active"},
	{"JSON heartbeat", `{"eventType":"heartBeat","eventState":"active","dateTime":"2026-03-01T08:00:00+08:00"}`, "heartBeat@ 2026-03-01T00:00:00Z: quiet: a heartbeat"},
	{"log-in", alert("illaccess", "active", ""), "illaccess@1 2026-03-01T00:00:00Z: ignored: somebody's log-in is no event of a place"},
	{"network", alert("nicbroken", "active", ""), "nicbroken@1 2026-03-01T00:00:00Z: device-fault/active"},
	{"fire", alert("fireDetection", "active", ""), "fireDetection@1 2026-03-01T00:00:00Z: fire/active"},
	{"heat of a place", alert("TMA", "active", "<TMA><ruleID>1</ruleID><ruleName>boiler</ruleName></TMA>"), "TMA@1 2026-03-01T00:00:00Z: temperature/active"},
	{"unknown type", alert("teaTime", "active", ""), "teaTime@1 2026-03-01T00:00:00Z: ignored: the event type is not in the table"},
	{"a type that is no name", alert("Li was here", "active", ""), "@1 2026-03-01T00:00:00Z: ignored: the event type is not in the table"},
	{"no state", bare("<triggerTime>2026-02-20T08:05:00</triggerTime><eventType>regionEntrance</eventType>"), "regionEntrance@ 2026-02-20T00:05:00Z: intrusion/active"},
	{"heartbeat without count", bare("<activePostCount/><eventType>videoloss</eventType><eventState>inactive</eventState>"), "videoloss@: quiet: a heartbeat"},
	{"no known state", bare("<eventType>VMD</eventType><eventState>perhaps</eventState>"), "VMD@: ignored: the event state is neither active nor inactive"},
	{"a document that breaks off", "<EventNotificationAlert><channelID>1</channelID><eventType>VMD</eventType><eventState>active</eventState><chann", "VMD@1: motion/active"},
	{"bytes that are no UTF-8", bare("<channelName>\xc3\xc5\xbf\xda</channelName><eventType>VMD</eventType><eventState>active</eventState>"), "VMD@: motion/active"},
	{"another document", "<ResponseStatus><statusCode>4</statusCode></ResponseStatus>", "@: ignored: no EventNotificationAlert"},
	{"no type", bare(""), "@: ignored: an EventNotificationAlert that is not valid XML or has no eventType"},
}

func TestTranslate(t *testing.T) {
	d := hikvision.Dialect{Location: time.FixedZone("", 8*3600)}
	for _, c := range cases {
		part := "--boundary\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\nContent-Length: " + fmt.Sprint(len(c.payload)) + "\r\n\r\n" + c.payload + "\r\n--boundary--\r\n"
		for _, payload := range []string{c.payload, part} {
			if got := vendortest.Brief(d.Translate("", []byte(payload), false)); got != c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
			}
		}
	}
}

func TestExpiry(t *testing.T) {
	on := hikvision.Dialect{}.Translate("", []byte(alert("VMD", "active", "")), false).Observations[0]
	off := hikvision.Dialect{}.Translate("", []byte(alert("VMD", "inactive", "")), false).Observations[0]
	if on.Expires != 5*time.Second || off.Expires != 0 || on.Device != "1" {
		t.Errorf("%+v, %+v", on, off)
	}
	if got := (hikvision.Dialect{}).Translate("", []byte(alert("ANPR", "active", "")), true); len(got.Observations) != 0 {
		t.Error("a moment that was retained is over")
	}
}

func TestSeveralAlertsAndPicturesOfOneCapture(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "--boundary\r\nContent-Type: application/xml\r\n\r\n%s\r\n--boundary\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\x00\n{\n[\n\x00\r\n", bare(fmt.Sprintf("<channelID>%d</channelID><eventType>VMD</eventType><eventState>active</eventState>", i+1)))
	}
	got := hikvision.Dialect{}.Translate("", []byte(b.String()), false)
	if len(got.Observations) < 40 || len(got.Observations) > 64 || got.Observations[39].Device != "40" {
		t.Errorf("%d observations", len(got.Observations))
	}
}

// identity are fields that devices send and nobody here may see.
const identity = `<licensePlate>ID-plate</licensePlate><ANPR><plateCharBelieve>ID-9</plateCharBelieve><vehicleListName>ID-list</vehicleListName></ANPR><name>ID-name</name><employeeNoString>ID-no</employeeNoString><cardNo>ID-card</cardNo>
<ID-element>1</ID-element><channelName>ID-channel</channelName><targetType>ID-target</targetType><regionID>ID-region</regionID><DetectionRegionList><DetectionRegionEntry><regionID>ID-r</regionID><detectionTarget>ID-t</detectionTarget></DetectionRegionEntry></DetectionRegionList>
<Extensions><serialNumber>ID-serial</serialNumber><eventPush>ID-push</eventPush></Extensions><dateTime>ID-time</dateTime><dynChannelID>ID-dyn</dynChannelID><FaceList><Face><age>ID-age</age><gender>ID-gender</gender></Face></FaceList><temperature>ID-36.6</temperature>`

func TestNoIdentityComesOut(t *testing.T) {
	for _, kind := range []string{"VMD", "linedetection", "faceSnap", "ANPR", "vehicleDetection", "AccessControllerEvent", "mixedTargetDetection", "illaccess", "duration", "alarmResult", "unknown", "ID one"} {
		for _, state := range []string{"active", "inactive", "ID-state"} {
			out, err := json.Marshal(hikvision.Dialect{}.Translate("ID-topic", []byte(alert(kind, state, identity)), false))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out), "ID-") || strings.Contains(string(out), "ID one") {
				t.Errorf("%s: %s", kind, out)
			}
		}
	}
}

func TestRecognise(t *testing.T) {
	for payload, want := range map[string]sensors.Likeness{
		alert("VMD", "active", ""): sensors.Surely, `{"eventType":"VMD","eventState":"active","dateTime":""}`: sensors.Likely, `{"eventType":"x"}`: sensors.Unlike, "<a/>": sensors.Unlike,
	} {
		if got, _ := (hikvision.Dialect{}).Recognise("", []byte(payload)); got != want {
			t.Errorf("%s: %v", payload, got)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := vendortest.Sound(t, hikvision.Dialect{Location: time.UTC}, hikvision.Kinds(), payload)
		if len(got.Observations) > vendor.MaxObservations {
			t.Errorf("%d observations", len(got.Observations))
		}
		for _, o := range got.Observations {
			if len(o.Zone) > 5 || len(o.Device) > 5 {
				t.Errorf("%+v", o)
			}
		}
	})
}
