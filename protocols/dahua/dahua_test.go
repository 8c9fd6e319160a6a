package dahua_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/dahua"
	"gridgate/protocols/sensors"
	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

const (
	person = "the event is about a person or an identity, not about a place"
	itself = "quiet: the device tells of itself"
)

var cases = []struct{ name, payload, want string }{
	{"a state begins", "Code=VideoMotion;action=Start;index=0\r\n\r\n", "VideoMotion@0: motion/active"},
	{"and ends, with LF", "Code=VideoMotion;action=Stop;index=0\n", "VideoMotion@0: motion/inactive"},
	{"no index", "Code=VideoBlind;action=Start", "VideoBlind@: covered/active"},
	{"a whole part", "--myboundary\r\nContent-Type: text/plain\r\nContent-Length:37\r\n\r\nCode=VideoLoss;action=Start;index=11\r\n\r\n", "VideoLoss@11: video-loss/active"},
	{"heartbeat", "--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n\r\n", "@: quiet: a heartbeat"},
	{"windows and the class of an object", "Code=SmartMotionHuman;action=Start;index=0;data={\n \"RegionName\" : [ \"Mrs Li's gate\" ],\n \"WindowId\" : [ 0, 2 ],\n \"object\" : [ { \"HumamID\" : 52599, \"Rect\" : [ 1, 2, 3, 4 ] } ]\n}\n",
		"SmartMotionHuman@0: motion/active/0/person motion/active/2/person"},
	{"rule and time", `Code=CrossRegionDetection;action=Start;index=2;data={"Action":"Appear","RuleId":3,"Object":{"ObjectType":"Human","Text":"B12345"},"UTC":1700000000.0,"UTCMS":250,"Name":"a=b;c"}`,
		"CrossRegionDetection@2 2023-11-14T22:13:20.25Z: intrusion/active/3"},
	{"the right UTC", `Code=CrossLineDetection;action=Pulse;index=0;data={"RealUTC":1700000000,"UTC":1700028800,"LocaleTime":"2023-11-15 06:13:20"}`, "CrossLineDetection@0 2023-11-14T22:13:20Z: tripwire/momentary"},
	{"local UTC, place known", `Code=VideoMotion;action=Start;index=0;data={"LocaleTime":"2023-11-15 06:13:20","UTC":1700028800}`, "VideoMotion@0 2023-11-14T22:13:20Z: motion/active"},
	{"data that is no JSON", "Code=AlarmLocal;action=Start;index=1;data=key=value;x\r\nCode=AlarmLocal;action=Stop;index=1;data={broken", "AlarmLocal@1: other/active other/inactive"},
	{"motion of a vehicle", `Code=VideoMotion;action=Start;index=0;data={"Objects":[{"ObjectType":"Vehicle"}],"Id":[1]}`, "VideoMotion@0: motion/active/1/vehicle"},
	{"noise", "Code=VideoMotionInfo;action=State;index=0", "VideoMotionInfo@0: quiet: noise beside the states of motion"},
	{"clock", `Code=TimeChange;action=Pulse;index=0;data={"BeforeModifyTime":"05-09-2023 11:32:22"}`, "TimeChange@0: " + itself},
	{"left", "Code=LeftDetection;action=Start;index=0", "LeftDetection@0: left-object/active"},
	{"taken", "Code=TakenAwayDetection;action=Start;index=0", "TakenAwayDetection@0: other/active"},
	{"scene", "Code=SceneChange;action=Start;index=0", "SceneChange@0: turned/active"},
	{"abnormal, known type", `Code=VideoAbnormalDetection;action=Start;index=0;data={"Type":"Freeze"}`, "VideoAbnormalDetection@0: frozen/active"},
	{"abnormal, other type", "Code=VideoAbnormalDetection;action=Start;index=0", "VideoAbnormalDetection@0: device-fault/active"},
	{"storage", "Code=StorageFailure;action=Start;index=0", "StorageFailure@0: storage-fault/active"},
	{"fire", "Code=FireWarning;action=Start;index=1", "FireWarning@1: fire/active"},
	{"a face is a presence", `Code=FaceRecognition;action=Start;index=0;data={"Candidates":[{"Person":{"Name":"Li"}}]}`, "FaceRecognition@0: presence/momentary"},
	{"and has no end", "Code=FaceDetection;action=Stop;index=0", "FaceDetection@0: quiet: the end of a moment"},
	{"a plate is a vehicle", `Code=TrafficJunction;action=Pulse;index=0;data={"TrafficCar":{"PlateNumber":"B12345"}}`, "TrafficJunction@0: motion/momentary//vehicle"},
	{"a card is nothing", `Code=AccessControl;action=Pulse;index=0;data={"CardNo":"0815","UserID":"7"}`, "AccessControl@0: ignored: " + person},
	{"a door", `Code=DoorStatus;action=Pulse;index=0;data={"Status":"Open"}`, "DoorStatus@0: door/active"},
	{"unknown code", "Code=Xyz;action=Start;index=0", "Xyz@0: ignored: the code is not in the table"},
	{"unknown action", "Code=VideoMotion;action=Dance;index=0", "VideoMotion@0: ignored: the action is none of Start, Stop, Pulse and State"},
	{"newer API", `{"id":8,"method":"client.notifyEventStream","params":{"SID":513,"eventList":[{"Action":"Start","Code":"VideoMotion","Data":{"LocaleTime":"2020-03-02 20:44:28","UTC":1583174668},"Index":0}]}}`, "VideoMotion@0 2020-03-02T18:44:28Z: motion/active"},
	{"a bridge", `{"event_type":"dahua_event_received","data":{"Code":"CrossLineDetection","action":"Start","index":"0","data":{"RuleID":1,"Object":{"ObjectType":"Vehicle"}},"name":"Li's"}}`, "CrossLineDetection@0: tripwire/active/1"},
	{"picture events", "Events[0].EventBaseInfo.Code=CrossLineDetection\r\nEvents[0].EventBaseInfo.Action=Pulse\r\nEvents[0].EventBaseInfo.Index=0\r\nEvents[0].RuleID=4\r\nEvents[0].UTC=1700000000\r\nEvents[0].TrafficCar.PlateNumber=B12345\r\n", "CrossLineDetection@0 2023-11-14T22:13:20Z: tripwire/momentary/4"},
	{"picture event without action", "Events[0].EventBaseInfo.Code=TrafficCarMeasurement\nEvents[0].TrafficCar.PlateNumber=B12345\n", "TrafficCarMeasurement@: motion/momentary//vehicle"},
	{"the index of a called flat", "Code=CallNoAnswered;action=Start;index=9902", "CallNoAnswered@: ignored: " + person},
	{"nothing", "hello", "@: ignored: no event: neither Code=…;action=… nor its JSON form"},
}

func TestTranslate(t *testing.T) {
	d := dahua.Dialect{Location: time.FixedZone("", 8*3600)}
	for _, c := range cases {
		if got := vendortest.Brief(d.Translate("", []byte(c.payload), false)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestSeveralEventsOfOneCapture(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "--myboundary\r\nContent-Length: 9\r\n\r\nCode=VideoMotion;action=Start;index=%d;data={\r\n \"Id\" : [ 0 ]\r\n}\r\n\r\n--myboundary\r\n\r\nHeartbeat\r\n\r\n", i)
	}
	got := dahua.Dialect{}.Translate("", []byte(b.String()), false)
	if len(got.Observations) != 64 || got.Observations[63].Device != "63" || got.Dropped[0] != "*" {
		t.Errorf("%d observations, dropped %v", len(got.Observations), got.Dropped)
	}
}

func TestTheCodeMayBeInTheTopic(t *testing.T) {
	got := dahua.Dialect{}.Translate("DahuaVTO/VideoMotion/Event", []byte(`{"Action":"Start","Data":{"UTC":1583174668}}`), false)
	if vendortest.Brief(got) != "VideoMotion@ 2020-03-02T18:44:28Z: motion/active" {
		t.Error(vendortest.Brief(got))
	}
	if got = (dahua.Dialect{}).Translate("", []byte("Code=CrossLineDetection;action=Pulse;index=0"), true); len(got.Observations) != 0 {
		t.Error("a moment that was retained is over")
	}
}

// identity are fields that devices send and nobody here may see.
const identity = `{"PlateNumber":"ID-plate","Object":{"Text":"ID-text","ObjectType":"Human","Age":33,"Sex":"ID-sex"},"WhiteList":{"Name":"ID-white"},"CardNo":"ID-card","UserID":"ID-user","Password":"ID-pass",
"FingerPrintID":"ID-finger","Name":"ID-name","RegionName":["ID-region"],"Candidates":[{"Person":{"Name":"ID-person"}}],"UserName":"ID-login","Address":"ID-address","ID-key":1,"RuleID":"ID-rule","Type":"ID-type","Status":"ID-status","ObjectType":"ID-class","LocaleTime":"ID-time"}`

func TestNoIdentityComesOut(t *testing.T) {
	for _, code := range []string{"VideoMotion", "SmartMotionHuman", "CrossLineDetection", "FaceRecognition", "FaceDetection", "TrafficJunction", "AccessControl", "DoorStatus", "VideoAbnormalDetection", "HumanTrait", "LoginFailure", "Unknown"} {
		for _, payload := range []string{"Code=" + code + ";action=Start;index=0;data=" + identity, `{"Code":"` + code + `","Action":"Pulse","Index":0,"Data":` + identity + `}`, "Code=" + code + ";action=Pulse;index=0;data=" + identity[:300]} {
			out, err := json.Marshal(dahua.Dialect{}.Translate("", []byte(payload), false))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out), "ID-") {
				t.Errorf("%s: %s", code, out)
			}
		}
	}
}

func TestRecognise(t *testing.T) {
	for payload, want := range map[string]sensors.Likeness{
		"--myboundary\r\n\r\nCode=VideoMotion;action=Start;index=0": sensors.Surely, `{"Code":"VideoMotion","Action":"Start","Index":0}`: sensors.Likely, `{"code":1}`: sensors.Unlike, "Heartbeat": sensors.Unlike,
	} {
		if got, _ := (dahua.Dialect{}).Recognise("", []byte(payload)); got != want {
			t.Errorf("%s: %v", payload, got)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.payload))
	}
	f.Add([]byte(identity))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := vendortest.Sound(t, dahua.Dialect{Location: time.UTC}, dahua.Kinds(), payload)
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
