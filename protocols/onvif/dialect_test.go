package onvif_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gridgate/protocols/observation"
	"gridgate/protocols/onvif"
	"gridgate/protocols/sensors"
)

// said writes one notification as a camera would: op and at may be empty, source and data are "Name=Value" separated by spaces.
func said(topic, op, at, source, data string) string {
	attrs := ""
	if at != "" {
		attrs += fmt.Sprintf(" UtcTime=%q", at)
	}
	if op != "" {
		attrs += fmt.Sprintf(" PropertyOperation=%q", op)
	}
	return fmt.Sprintf(`<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">%s</wsnt:Topic>`+
		`<wsnt:Message><tt:Message%s><tt:Source>%s</tt:Source><tt:Data>%s</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`,
		topic, attrs, items(source), items(data))
}

func items(pairs string) (xml string) {
	for _, p := range strings.Fields(pairs) {
		name, value, _ := strings.Cut(p, "=")
		xml += fmt.Sprintf(`<tt:SimpleItem Name="%s" Value="%s"/>`, name, strings.ReplaceAll(value, "+", " "))
	}
	return xml
}

func pulled(notifications ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"` +
		` xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics"><s:Body>` +
		`<tev:PullMessagesResponse><tev:CurrentTime>2026-03-01T08:00:00Z</tev:CurrentTime>` + strings.Join(notifications, "") + `</tev:PullMessagesResponse></s:Body></s:Envelope>`
}

// brief writes a translation as "kind phase object @channel#zone", one for each observation, or why there is none.
func brief(t observation.Translation) string {
	var out []string
	for _, o := range t.Observations {
		s := string(o.Phase) + " " + string(o.Kind)
		if o.Object != "" {
			s += " " + string(o.Object)
		}
		s += " @" + o.Device
		if o.Zone != "" {
			s += "#" + o.Zone
		}
		if o.Retained {
			s += " retained"
		}
		if o.Count != nil {
			s += fmt.Sprint(" ", *o.Count)
		}
		out = append(out, s)
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, "; ")
	case t.Quiet:
		return "quiet"
	}
	return "ignored"
}

const at = "2026-03-01T08:00:00Z"

const video = "VideoSourceConfigurationToken=VideoSource_1 Rule=North+gate "

var topics = []struct{ topic, op, source, data, want string }{
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Changed", video, "IsMotion=true", "active motion @VideoSource_1"},
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Initialized", video, "IsMotion=true", "active motion @VideoSource_1 retained"},
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Deleted", video, "", "inactive motion @VideoSource_1"},
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Changed", video, "", "ignored"},
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Changed", "Rule=3", "IsMotion=0", "inactive motion @#3"},
	{"tns1:VideoSource/MotionAlarm", "", "Source=000", "State=true", "active motion @000"},
	{"tns1:VideoSource/MotionAlarm//.", "", "VideoSource=1", "State=ON", "active motion @1"},
	{"tns1:RuleEngine/MotionRegionDetector/Motion", "Changed", "VideoSource=0", "State=000", "inactive motion @0"},
	{"tns1:RuleEngine/MyRuleDetector/PeopleDetect", "Changed", "Source=000", "State=true", "active presence person @000"},
	{"tns1:RuleEngine/MyRuleDetector/VehicleDetect", "Changed", "Source=000", "State=false", "inactive motion vehicle @000"},
	{"tns1:RuleEngine/MyRuleDetector/DogCatDetect", "Changed", "Source=000", "State=true", "active motion animal @000"},
	{"tns1:RuleEngine/MyRuleDetector/FaceDetect", "Changed", "Source=000", "State=true", "active presence person @000"},
	{"tns1:RuleEngine/MyRuleDetector/Visitor", "Changed", "Source=000", "State=true", "active presence person @000"},
	{"tns1:RuleEngine/MyRuleDetector/Package", "Changed", "Source=000", "State=true", "active left-object @000"},
	{"tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", "Changed", "VideoSourceConfigurationToken=vsconf", "IsVehicle=true", "active motion vehicle @vsconf"},
	{"tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", "Changed", "VideoSourceConfigurationToken=vsconf", "IsPeople=true IsPet=false", "active presence person @vsconf; inactive motion animal @vsconf"},
	{"tns1:RuleEngine/PeopleDetector/People", "Changed", "VideoSourceConfigurationToken=vsconf", "IsPeople=false", "inactive presence person @vsconf"},
	{"tns1:RuleEngine/CellMotionDetector/LineCross", "Changed", "", "IsLineCross=true", "active tripwire @"},
	{"tns1:RuleEngine/CellMotionDetector/Intrusion", "Changed", "", "IsIntrusion=true", "active intrusion @"},
	{"tns1:RuleEngine/CellMotionDetector/Tamper", "Changed", "", "IsTamper=true", "active tamper @"},
	{"tns1:RuleEngine/CellMotionDetector/Baby", "Changed", "", "IsBabyCry=true", "ignored"},
	{"tns1:RuleEngine/LineDetector/Crossed", "Changed", video, "ObjectId=17", "momentary tripwire @VideoSource_1"},
	{"tns1:RuleEngine/LineDetector/Crossed", "Initialized", video, "ObjectId=0", "quiet"},
	{"tns1:RuleEngine/LineDetector/Crossed", "", video, "IsCrossed=true", "active tripwire @VideoSource_1"},
	{"tns1:RuleEngine/FieldDetector/ObjectsInside", "Changed", video + "RegionID=2", "IsInside=true", "active intrusion @VideoSource_1#2"},
	{"tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering", "Changed", video, "State=true", "active intrusion @VideoSource_1"},
	{"tns1:RuleEngine/ObjectDetection/Object", "Changed", "VideoSourceToken=vs0", "ClassTypes=Human+Animal", "active presence person @vs0; active motion animal @vs0"},
	{"tns1:RuleEngine/ObjectDetection/Object", "Changed", "VideoSourceToken=vs0", "ClassTypes=", "inactive presence person @vs0; inactive motion @vs0"},
	{"tns1:RuleEngine/ObjectDetection/Object", "Initialized", "VideoSourceToken=vs0", "ClassTypes=Vehical", "inactive presence person @vs0 retained; active motion vehicle @vs0 retained"},
	{"tns1:RuleEngine/ObjectDetection/Object", "Deleted", "VideoSourceToken=vs0", "ClassTypes=Human", "inactive presence person @vs0; inactive motion @vs0"},
	{"tns1:RuleEngine/UnattendedObjectDetection/State", "Changed", "", "State=true", "active left-object @"},
	{"tns1:RuleEngine/AbandonedItem", "Changed", "", "", "momentary left-object @"},
	{"tns1:RuleEngine/TamperDetector/Tamper", "Changed", video, "IsTamper=1", "active tamper @VideoSource_1"},
	{"tns1:VideoSource/ImageTooDark/ImagingService", "Changed", "Source=1", "State=true", "active black @1"},
	{"tns1:VideoSource/ImageTooBlurry/AnalyticsService", "Changed", "Source=1", "State=true", "active defocused @1"},
	{"tns1:VideoSource/ImageTooBright/ImagingService", "Changed", "Source=1", "State=true", "active other @1"},
	{"tns1:VideoSource/GlobalSceneChange/ImagingService", "Changed", "Source=1", "State=true", "active tamper @1"},
	{"tns1:VideoSource/SignalLoss", "Changed", "Source=1", "State=true", "active video-loss @1"},
	{"tns1:VideoSource/SignalLost", "Changed", "Source=1", "State=false", "inactive video-loss @1"},
	{"tns1:AudioAnalytics/Audio/DetectedSound", "Changed", "", "IsSoundDetected=true", "ignored"},
	{"tns1:Device/HardwareFailure/StorageFailure", "Changed", "Token=SD_DISK_1", "Failed=true", "active storage-fault @#1"},
	{"tns1:Device/HardwareFailure/FanFailure", "Changed", "Token=fan", "Failed=true", "active device-fault @"},
	{"tns1:Device/HardwareFailure/PowerSupplyFailure", "Changed", "Token=psu", "Failed=false", "inactive device-fault @"},
	{"tns1:Device/HardwareFailure/TemperatureCritical", "Changed", "", "Critical=true", "active device-fault @"},
	{"tns1:Device/Trigger/Relay", "Changed", "RelayToken=1", "LogicalState=active", "quiet"},
	{"tns1:Device/Trigger/DigitalInput", "Changed", "InputToken=DI_2", "LogicalState=true", "active other @#2"},
	{"tns1:Device/Trigger/tnshik:AlarmIn", "Changed", "AlarmInToken=AlarmIn_1", "State=true", "active other @#1"},
	{"tns1:Device/tnsaxis:Sensor/PIR", "Changed", "sensor=0", "state=1", "active motion @#0"},
	{"tns1:Device/tnsaxis:Casing/Open", "Changed", "Name=SideCover", "Open=1", "active tamper @"},
	{"tns1:Device/tnsaxis:IO/Port", "Changed", "port=1", "state=1", "active other @#1"},
	{"tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1", "Changed", "areaid=0 channel=1", "active=1", "active motion @1#0"},
	{"tnsaxis:CameraApplicationPlatform/VMD/Camera1Profile2", "Changed", "", "active=1", "active motion @1#2"},
	{"tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY", "Changed", "", "active=0", "inactive motion @1"},
	{"tnsaxis:CameraApplicationPlatform/FenceGuard/Camera1Profile1", "Changed", "", "active=1", "active tripwire @1#1"},
	{"tnsaxis:CameraApplicationPlatform/LoiteringGuard/Camera1Profile1", "Changed", "", "active=1", "active intrusion @1#1"},
	{"tnsaxis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario3", "Changed", "", "active=1 classTypes=human objectId=7", "active motion person @1#3"},
	{"tnsaxis:Storage/Alert", "Changed", "disk_id=SD_DISK", "alert=1 wear=3 temperature=-3", "active storage-fault @"},
	{"tns1:UserAlarm/IVA/HumanShapeDetect", "Changed", "VideoSource=0", "State=true", "active presence person @0"},
	{"tns1:RuleEngine/Recognition/LicensePlate", "Changed", "VideoSource=0", "Plate=AB123 Likelihood=0.9", "ignored"},
	{"tns1:RuleEngine/Recognition/Face", "Changed", "VideoSource=0", "State=true Name=Somebody", "active presence person @0"},
	{"tns1:AccessControl/AccessGranted/Credential", "", "", "CredentialToken=4711", "ignored"},
	{"tns1:Door/State/DoorAlarm", "Changed", "DoorToken=1", "State=DoorForcedOpen", "ignored"},
	{"tns1:Monitoring/ProcessorUsage", "Changed", "Token=1", "Value=17.5", "quiet"},
	{"tns1:RuleEngine/CountAggregation/Counter", "Changed", "", "Count=17", "ignored"},
	{"tns1:IVA/EnteringField/Hof_Schmidt", "Changed", "Source=1", "State=true", "active intrusion @1"},
	{"tns1:UserAlarm/IVA/CrossingLine/Schmidt", "Changed", "Source=1", "State=true", "active tripwire @1"},
	{"tnsaxis:CameraApplicationPlatform/ALPV.Blocklist", "Changed", "", "active=1", "active motion vehicle @"},
	{"tns1:VideoAnalytics/tnsaxis:MotionDetection", "Changed", "window=0", "motion=1", "active motion @#0"},
	{"tns1:Device/Trigger/MotionDetector", "Changed", "Source=0", "State=true", "active motion @0"},
	{"tns1:Device/tns1:Trigger/CallRequest", "Changed", "SourceToken=CallRequest-1", "State=true", "active presence person @"},
	{"tns1:VideoSource/MotionAlarm", "Changed", "VideoSourceConfigurationToken=00200 DetectWindow=0", "State=1", "active motion @00200#0"},
	{"tns1:RuleEngine/CounterDetector/Counter", "Initialized", "Rule=r", "IsCounter=true", "ignored"},
	{"tns1:RuleEngine/CellMotionDetector/Motion", "Changed", "VideoSourceConfigurationToken=000 Rule=000", "IsMotion=true", "active motion @000"},
	{"tns1:VehicleAlarm/IVB/VehicleDetect", "Changed", "VideoSource=V_SRC_000", "State=true", "active motion vehicle @V_SRC_000"},
	{"tns1:VideoAnalytics/tns1:Field/tns1:Entered", "Changed", "VideoSource=0", "State=true", "active intrusion @0"},
	{"tns1:RuleEngine/FieldDetector/Outside", "Changed", "VideoSource=0", "ObjectId=3", "momentary motion @0"},
	{"tnssamsung:IVA/EarlyFireDetection", "Changed", "VideoSource=0", "State=true", "active fire @0"},
	{"tns1:VideoSource/tns1:GlobalSceneChange/tns1:ImageTooBlurry", "Changed", "VideoSource=0", "State=true", "active defocused @0"},
	{"tns1:UserAlarm/tnsaxis:Recurring/Interval", "Changed", "id=com.axis.schedules.after_hours", "active=1", "quiet"},
	{"tns1:RuleEngine/BodyTemperature/Alarm", "Changed", "VideoSource=0", "State=true", "ignored"},
	{"tnsaxis:Call/StateChange", "Changed", "", "CallerID=13800138000 state=1", "quiet"},
	{"tns1:RuleEngine/LineCrossDetector/LineCross", "Initialized", "VideoSourceConfigurationToken=vsconf", "IsLineCross=true", "active tripwire @vsconf retained"},
	{"tns1:RuleEngine/ObjectDetector/Object", "Changed", "VideoSource=0", "ObjectType=Human Likelihood=0.9", "momentary presence person @0"},
	{"tns1:RuleEngine/ObjectDetector/Object", "Initialized", "VideoSource=0", "ObjectType=Human Likelihood=0.9", "quiet"},
	{"tns1:RuleEngine/ObjectDetector/Object", "Changed", "VideoSource=0", "Type=Vehicle State=false", "inactive presence person @0; inactive motion @0"},
	{"tns1:RuleEngine/VehicleDetector/tnshik:Vehicle", "Changed", "VideoSourceConfigurationToken=VideoSourceToken", "IsVehicle=true", "active motion vehicle @VideoSourceToken"},
	{"tnsacme:Something/Else", "Changed", "", "State=true", "ignored"},
	{"", "Changed", "", "State=true", "ignored"},
}

func TestTopics(t *testing.T) {
	for _, c := range topics {
		got := onvif.Dialect{}.Translate("", []byte(pulled(said(c.topic, c.op, at, c.source, c.data))), false)
		if brief(got) != c.want {
			t.Errorf("%s %s %s %s: got %q (%s), want %q", c.topic, c.op, c.source, c.data, brief(got), got.Ignored, c.want)
		}
		if strings.Contains(got.Meta.Topic, "Schmidt") || strings.Contains(got.Meta.Topic, "Blocklist") {
			t.Errorf("%s: a name is shown", c.topic)
		}
		if got.Observations == nil || got.Readings == nil || got.Dropped == nil {
			t.Errorf("%s: a list is nil", c.topic)
		}
	}
}

func TestTopicsByNamespace(t *testing.T) {
	n := said("ns7:RuleEngine/CellMotionDetector/Motion", "Changed", at, "VideoSourceToken=1", "IsMotion=true")
	for name, doc := range map[string]string{
		"another prefix":    `<x:Notify xmlns:ns7="http://www.onvif.org/ver10/topics">` + n + `</x:Notify>`,
		"declared inside":   strings.Replace(n, "<wsnt:Topic ", `<wsnt:Topic xmlns:ns7="http://www.onvif.org/ver10/topics" `, 1),
		"default namespace": strings.NewReplacer("<wsnt:NotificationMessage>", `<NotificationMessage xmlns="urn:x" xmlns:ns7="http://www.onvif.org/ver10/topics">`, "wsnt:", "", "tt:", "").Replace(n),
	} {
		got := onvif.Dialect{}.Translate("", []byte(doc), false)
		if brief(got) != "active motion @1" || got.Meta.Topic != "tns1:RuleEngine/CellMotionDetector/Motion" || got.Meta.Channel != "1" {
			t.Errorf("%s: %s, %+v %s", name, brief(got), got.Meta, got.Ignored)
		}
	}
	bare := strings.ReplaceAll(n, "ns7:", "")
	got := onvif.Dialect{}.Translate("", []byte("POST /event HTTP/1.1\r\nHost: x\r\n\r\n"+bare), false)
	if brief(got) != "active motion @1" || got.Meta.Topic != "RuleEngine/CellMotionDetector/Motion" {
		t.Errorf("no prefix: %s, %+v", brief(got), got.Meta)
	}
}

func TestTimes(t *testing.T) {
	for told, want := range map[string]string{
		"2026-03-01T08:00:00Z": "2026-03-01T08:00:00Z", "2026-03-01T08:00:00.1Z": "2026-03-01T08:00:00.1Z", "2026-03-01T08:00:00.123456Z": "2026-03-01T08:00:00.123456Z",
		"2026-03-01T08:00:00": "2026-03-01T08:00:00Z", "2026-03-01T08:00:00.250": "2026-03-01T08:00:00.25Z", "2026-03-01T16:00:00+08:00": "2026-03-01T08:00:00Z",
		"2026-03-01T16:00:00+0800": "2026-03-01T08:00:00Z", "2026-3-1T8:0:0Z": "2026-03-01T08:00:00Z", "2026-03-01 08:00:00": "2026-03-01T08:00:00Z",
		"": "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z": "0001-01-01T00:00:00Z", "1970-01-01T00:00:05Z": "0001-01-01T00:00:00Z", "yesterday": "0001-01-01T00:00:00Z",
	} {
		got := onvif.Dialect{}.Translate("", []byte(pulled(said("tns1:VideoSource/MotionAlarm", "Changed", told, "Source=1", "State=true"))), false)
		if len(got.Observations) != 1 {
			t.Fatalf("%q: %+v", told, got)
		}
		if text := got.Meta.Time.Format("2006-01-02T15:04:05.999999999Z07:00"); text != want || !got.Observations[0].At.Equal(got.Meta.Time) {
			t.Errorf("%q: got %s, want %s", told, text, want)
		}
	}
}

func TestSeveralNotificationsKeepTheirOrder(t *testing.T) {
	on := said("tns1:VideoSource/MotionAlarm", "Changed", at, "Source=1", "State=true")
	off := said("tns1:VideoSource/MotionAlarm", "Changed", "2026-03-01T08:00:09Z", "Source=1", "State=false")
	quiet := said("tns1:Monitoring/ProcessorUsage", "Changed", at, "Token=1", "Value=3")
	got := onvif.Dialect{}.Translate("", []byte(pulled(quiet, on, off)), false)
	if brief(got) != "active motion @1; inactive motion @1" || got.Meta.Topic != "tns1:VideoSource/MotionAlarm" || got.Ignored != "" {
		t.Errorf("%s %+v", brief(got), got)
	}
	if got := (onvif.Dialect{}).Translate("", []byte(pulled()), false); !got.Quiet {
		t.Errorf("an empty pull: %+v", got)
	}
	cut := pulled(on, off)
	got = onvif.Dialect{}.Translate("", []byte(cut[:len(cut)-200]), false)
	if brief(got) != "active motion @1" || len(got.Dropped) == 0 {
		t.Errorf("what was whole is told: %s %+v", brief(got), got)
	}
}

func TestMetadata(t *testing.T) {
	object := func(class string) string {
		return `<tt:Object ObjectId="4711"><tt:Appearance><tt:Shape><tt:BoundingBox left="-0.1"/></tt:Shape><tt:Class>` + class +
			`</tt:Class><tt:HumanFace><tt:Gender>x</tt:Gender></tt:HumanFace></tt:Appearance></tt:Object>`
	}
	frame := func(objects string) string {
		return `<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics><tt:Frame UtcTime="` + at + `" Source="Gate">` + objects +
			`</tt:Frame></tt:VideoAnalytics></tt:MetadataStream>`
	}
	human := object(`<tt:Type Likelihood="0.8">Human</tt:Type><tt:Type Likelihood="0.1">Vehicle</tt:Type>`)
	old := object(`<tt:ClassCandidate><tt:Type>Vehical</tt:Type><tt:Likelihood>0.7</tt:Likelihood></tt:ClassCandidate>`)
	for name, c := range map[string]struct{ doc, want string }{
		"two people and a car": {frame(human + human + old), "active presence person @ 2; active motion vehicle @ 1"},
		"nothing known":        {frame(object("")), "active motion unknown @ 1"},
		"a head of somebody":   {frame(strings.Replace(object("<tt:Type>Head</tt:Type>"), "<tt:Object ", `<tt:Object Parent="1" `, 1) + human), "active presence person @ 1"},
		"empty":                {frame(""), "quiet"},
		"no frame":             {`<tt:MetadataStream xmlns:tt="x"/>`, "quiet"},
		"a plate":              {frame(object(`<tt:Type>LicensePlate</tt:Type>`)), "active motion vehicle @ 1"},
		"an event beside it":   {strings.Replace(frame(human), "</tt:MetadataStream>", "<tt:Event>"+said("tns1:VideoSource/MotionAlarm", "", at, "", "State=1")+"</tt:Event></tt:MetadataStream>", 1), "active motion @; active presence person @ 1"},
	} {
		got := onvif.Dialect{}.Translate("", []byte(c.doc), false)
		if brief(got) != c.want {
			t.Errorf("%s: got %q, want %q", name, brief(got), c.want)
		}
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	const secret = "Zhang+San+13800138000"
	name := strings.ReplaceAll(secret, "+", " ")
	for _, topic := range []string{
		"tns1:RuleEngine/Recognition/Face", "tns1:RuleEngine/LicensePlate/Read", "tns1:AccessControl/AccessGranted/Credential",
		"tns1:RuleEngine/CellMotionDetector/Motion", "tns1:RuleEngine/ObjectDetection/Object", "tns1:Unknown/" + name, "tns1:RuleEngine/FieldDetector/ObjectsInside",
	} {
		for _, field := range []string{"Rule", "Name", "PlateNumber", "LicensePlate", "CredentialHolderName", "CardNo", "PersonName", "VideoSourceToken", "RegionID", "State", secret} {
			doc := pulled(said(topic, "Changed", at, field+"="+secret+" "+field+"="+secret, "State=true "+field+"="+secret))
			leaks(t, topic+" "+field, doc, "Zhang", "13800138000")
		}
	}
	for _, doc := range []string{"<a>" + name, name, "<" + name + ">", pulled(name), `<tt:MetadataStream><tt:Frame UtcTime="` + name + `"><tt:Object ObjectId="` + name +
		`"><tt:Appearance><tt:Class><tt:Type>` + name + `</tt:Type></tt:Class><tt:LicensePlateInfo><tt:PlateNumber>` + name + `</tt:PlateNumber></tt:LicensePlateInfo></tt:Appearance></tt:Object></tt:Frame></tt:MetadataStream>`} {
		leaks(t, "document", doc, "Zhang", "13800138000")
	}
}

func leaks(t *testing.T, what, doc string, words ...string) {
	t.Helper()
	got, err := json.Marshal(onvif.Dialect{}.Translate("", []byte(doc), false))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if strings.Contains(string(got), w) {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestBounds(t *testing.T) {
	for name, c := range map[string]struct{ doc, why string }{
		"deep":     {strings.Repeat("<a>", 100), "nested too deep"},
		"many":     {"<a>" + strings.Repeat("<b/>", 30_000), "too many elements"},
		"long":     {"<a>" + strings.Repeat(" ", 2<<20), "longer"},
		"no XML":   {"hello", "no XML"},
		"broken":   {"<a><b", "well-formed"},
		"entities": {`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "neither"},
		"fault":    {`<s:Envelope><s:Body><s:Fault/></s:Body></s:Envelope>`, "fault"},
	} {
		got := onvif.Dialect{}.Translate("", []byte(c.doc), false)
		if !strings.Contains(got.Ignored, c.why) {
			t.Errorf("%s: %q", name, got.Ignored)
		}
	}
	one := said("tns1:VideoSource/MotionAlarm", "", at, "", "State=1")
	if got := (onvif.Dialect{}).Translate("", []byte(pulled(strings.Repeat(one, 1000))), false); len(got.Observations) != 256 {
		t.Errorf("%d observations", len(got.Observations))
	}
}

func TestRecognise(t *testing.T) {
	for doc, want := range map[string]sensors.Likeness{
		pulled(): sensors.Surely, "<NotificationMessage/>": sensors.Likely, "{}": sensors.Unlike, "<EventNotificationAlert/>": sensors.Unlike,
		`<Message PropertyOperation="Changed"/>`: sensors.Perhaps,
	} {
		if like, because := (onvif.Dialect{}).Recognise("", []byte(doc)); like != want || like > sensors.Unlike && because == "" {
			t.Errorf("%.60s: %v %s", doc, like, because)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add([]byte(pulled(said("tns1:VideoSource/MotionAlarm", "Changed", at, "Source=1", "State=true"))), false)
	f.Add([]byte(`<tt:MetadataStream><tt:Frame UtcTime="2026-03-01T08:00:00"><tt:Object><tt:Appearance><tt:Class><tt:Type Likelihood="1">Human</tt:Type></tt:Class></tt:Appearance></tt:Object></tt:Frame></tt:MetadataStream>`), true)
	f.Add([]byte(said("tns1:RuleEngine/ObjectDetection/Object", "Initialized", "", "VideoSourceToken=a1", "ClassTypes=Human,Vehicle")), false)
	f.Fuzz(func(t *testing.T, payload []byte, retained bool) {
		got := onvif.Dialect{}.Translate("", payload, retained)
		if got.Observations == nil || got.Readings == nil || got.Dropped == nil || (got.Ignored == "") != (len(got.Observations) > 0) {
			t.Fatalf("%+v", got)
		}
		for _, o := range got.Observations {
			if !o.Kind.Valid() || o.Retained && o.Phase == observation.Momentary || retained && !o.Retained {
				t.Fatalf("%+v", o)
			}
		}
	})
}
