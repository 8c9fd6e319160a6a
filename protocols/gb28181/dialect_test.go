package gb28181

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

const channel = "33010600001320000007"

// notify is an alarm with the elements of inside.
func notify(inside string) string {
	return `<?xml version="1.0" encoding="GB2312"?><Notify><CmdType>Alarm</CmdType><SN>7</SN><DeviceID>` + channel + `</DeviceID>` + inside + `</Notify>`
}

func TestAlarms(t *testing.T) {
	for _, tc := range []struct {
		name, inside, topic string
		kinds               []alert.Kind
	}{
		{"video loss", "<AlarmMethod>2</AlarmMethod><Info><AlarmType>1</AlarmType></Info>", "2/1", []alert.Kind{alert.VideoLoss}},
		{"tamper", "<AlarmMethod>2</AlarmMethod><AlarmType>2</AlarmType>", "2/2", []alert.Kind{alert.Tamper}},
		{"disk full", "<AlarmMethod>2</AlarmMethod><Info><AlarmType>3</AlarmType></Info>", "2/3", []alert.Kind{alert.StorageFault}},
		{"hot", "<AlarmMethod>2</AlarmMethod><Info><AlarmType>4</AlarmType></Info>", "2/4", []alert.Kind{alert.Temperature}},
		{"cold", "<AlarmMethod>2</AlarmMethod><Info><AlarmType>5</AlarmType></Info>", "2/5", []alert.Kind{alert.Temperature}},
		{"a device, no type", "<AlarmMethod>2</AlarmMethod>", "2", []alert.Kind{alert.DeviceFault}},
		{"by hand", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>1</AlarmType></Info>", "5/1", []alert.Kind{alert.Other}},
		{"motion", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>2</AlarmType></Info>", "5/2", []alert.Kind{alert.Motion}},
		{"info wins", "<AlarmMethod>5</AlarmMethod><AlarmType>2</AlarmType><Info><AlarmType>6</AlarmType></Info>", "5/6", []alert.Kind{alert.Intrusion}},
		{"info in small letters", "<AlarmMethod>5</AlarmMethod><info><AlarmType>5</AlarmType></info>", "5/5", []alert.Kind{alert.Tripwire}},
		{"empty type in info", "<AlarmMethod>5</AlarmMethod><AlarmType>3</AlarmType><Info><AlarmType/></Info>", "5/3", []alert.Kind{alert.LeftObject}},
		{"removed", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>4</AlarmType></Info>", "5/4", []alert.Kind{alert.Other}},
		{"wrong way", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>7</AlarmType></Info>", "5/7", []alert.Kind{alert.Other}},
		{"loitering", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>8</AlarmType></Info>", "5/8", []alert.Kind{alert.Intrusion}},
		{"flow", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>9</AlarmType></Info>", "5/9", []alert.Kind{alert.Other}},
		{"density", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>10</AlarmType></Info>", "5/10", []alert.Kind{alert.Other}},
		{"abnormal video", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>11</AlarmType></Info>", "5/11", []alert.Kind{alert.VideoLoss}},
		{"fast", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>12</AlarmType></Info>", "5/12", []alert.Kind{alert.Motion}},
		{"covered, 2022", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>13</AlarmType></Info>", "5/13", []alert.Kind{alert.Covered}},
		{"entered", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>6</AlarmType><AlarmTypeParam><EventType>1</EventType></AlarmTypeParam></Info>", "5/6", []alert.Kind{alert.Intrusion}},
		{"left", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>6</AlarmType><AlarmTypeParam><EventType>2</EventType></AlarmTypeParam></Info>", "5/6", []alert.Kind{alert.Motion}},
		{"a picture, no type", "<AlarmMethod>5</AlarmMethod>", "5", []alert.Kind{alert.Other}},
		{"a type of tomorrow", "<AlarmMethod>5</AlarmMethod><Info><AlarmType>77</AlarmType></Info>", "5/77", []alert.Kind{alert.Other}},
		{"disk", "<AlarmMethod>6</AlarmMethod><Info><AlarmType>1</AlarmType></Info>", "6/1", []alert.Kind{alert.StorageFault}},
		{"fan", "<AlarmMethod>6</AlarmMethod><Info><AlarmType>2</AlarmType></Info>", "6/2", []alert.Kind{alert.DeviceFault}},
		{"telephone", "<AlarmMethod>1</AlarmMethod>", "1", []alert.Kind{alert.Other}},
		{"else", "<AlarmMethod>7</AlarmMethod>", "7", []alert.Kind{alert.Other}},
		{"position", "<AlarmMethod>4</AlarmMethod><Longitude>120.1</Longitude>", "4", nil},
		{"joined, no type", "<AlarmMethod>12</AlarmMethod>", "12", []alert.Kind{alert.Other, alert.DeviceFault}},
		{"joined, the type of one", "<AlarmMethod>25</AlarmMethod><Info><AlarmType>8</AlarmType></Info>", "25/8", []alert.Kind{alert.Intrusion}},
		{"joined by a slash", "<AlarmMethod>1/6</AlarmMethod><Info><AlarmType>1</AlarmType></Info>", "16/1", []alert.Kind{alert.StorageFault}},
		{"no method", "<AlarmPriority>1</AlarmPriority>", "Alarm", nil},
		{"all methods", "<AlarmMethod>0</AlarmMethod>", "Alarm", nil},
	} {
		got := Dialect{}.Translate("", []byte(notify(tc.inside)), false)
		var kinds []alert.Kind
		for _, o := range got.Observations {
			kinds = append(kinds, o.Kind)
			if o.Device != channel || (o.Phase == observation.Active) != (o.Expires == Hold) || o.Phase == observation.Inactive {
				t.Errorf("%s: %+v", tc.name, o)
			}
		}
		if !sameKinds(kinds, tc.kinds) || got.Meta.Topic != tc.topic || got.Meta.Channel != channel || (len(kinds) == 0) != (got.Ignored != "") {
			t.Errorf("%s: %v, ignored %q, meta %+v", tc.name, kinds, got.Ignored, got.Meta)
		}
	}
}

func sameKinds(a, b []alert.Kind) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTimesAreOfTheDevicesZone(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-01T08:00:05": "2026-03-01T00:00:05Z", "2026-03-01 08:00:05": "2026-03-01T00:00:05Z", "2026-03-01T08:00:05.123": "2026-03-01T00:00:05.123Z",
		"2026-03-01T08:00:05Z": "2026-03-01T08:00:05Z", "2026-03-01T08:00:05+08:00": "2026-03-01T00:00:05Z", "1970-01-01T08:00:00": "", "2026-3-1T8:0:5": "2026-03-01T00:00:05Z",
		"yesterday": "", "2026-02-30T08:00:00": "",
	} {
		got := Dialect{}.Translate("", []byte(notify("<AlarmMethod>2</AlarmMethod><AlarmTime>"+text+"</AlarmTime>")), false)
		at := ""
		if !got.Meta.Time.IsZero() {
			at = got.Meta.Time.Format(time.RFC3339Nano)
		}
		if at != want || !got.Observations[0].At.Equal(got.Meta.Time) {
			t.Errorf("%s: %s, want %s", text, at, want)
		}
	}
	elsewhere := Dialect{Zone: time.UTC}.Translate("", []byte(notify("<AlarmMethod>2</AlarmMethod><AlarmTime>2026-03-01T08:00:05</AlarmTime>")), false)
	if elsewhere.Meta.Time.Hour() != 8 {
		t.Errorf("the zone handed in: %v", elsewhere.Meta.Time)
	}
}

func TestWhatIsNoAlarm(t *testing.T) {
	sip := func(body string) string {
		return "MESSAGE sip:33010600002000000001@3301060000 SIP/2.0\r\nContent-Type: Application/MANSCDP+xml\r\n\r\n" + body
	}
	for name, tc := range map[string]struct {
		payload, topic string
		quiet          bool
	}{
		"keepalive":          {"<Notify><CmdType>Keepalive</CmdType><SN>1</SN><DeviceID>" + channel + "</DeviceID><Status>OK</Status><Info><DeviceID>1</DeviceID></Info></Notify>", "Keepalive", true},
		"keepalive as query": {"<Query><CmdType>Keepalive</CmdType><Status>ON</Status></Query>", "Keepalive", true},
		"in its SIP message": {sip("<Notify><CmdType>Keepalive</CmdType></Notify>"), "Keepalive", true},
		"catalogue":          {"<Response><CmdType>Catalog</CmdType><SumNum>0</SumNum></Response>", "Catalog", true},
		"question":           {"<Query><CmdType>Catalog</CmdType></Query>", "Catalog", true},
		"answer to alarm":    {"<Response><CmdType>Alarm</CmdType><Result>OK</Result></Response>", "Alarm", true},
		"end of playback":    {"<Notify><CmdType>MediaStatus</CmdType><NotifyType>121</NotifyType></Notify>", "MediaStatus", true},
		"position":           {"<Notify><CmdType>MobilePosition</CmdType><Longitude>120</Longitude></Notify>", "MobilePosition", false},
		"unknown":            {"<Notify><CmdType>FaceOfSomebody</CmdType></Notify>", "", false},
		"register":           {"REGISTER sip:33010600002000000001@3301060000 SIP/2.0\r\nContent-Length: 0\r\n\r\n", "REGISTER", true},
		"no XML":             {"hello", "", false},
		"empty":              {"", "", false},
		"HTML":               {"<html><body>x</body></html>", "", false},
		"cut":                {"<Notify><CmdType>Alarm</CmdType>", "", false},
		"deep":               {strings.Repeat("<a>", 40), "", false},
		"long":               {"<" + strings.Repeat("a", MaxMessage), "", false},
	} {
		got := Dialect{}.Translate("", []byte(tc.payload), false)
		if len(got.Observations) != 0 || got.Ignored == "" || got.Quiet != tc.quiet || got.Meta.Topic != tc.topic {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheCharsetIsLookedAtNotBelieved(t *testing.T) {
	text := `<?xml version="1.0" encoding="%"?><Notify><CmdType>Alarm</CmdType><DeviceID>` + channel + `</DeviceID><AlarmMethod>5</AlarmMethod><AlarmDescription>移动侦测</AlarmDescription><Info><AlarmType>2</AlarmType></Info></Notify>`
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{text, gb} {
		for _, declared := range []string{"GB2312", "UTF-8", "gb18030", "nonsense"} {
			got := Dialect{}.Translate("", []byte(strings.Replace(body, "%", declared, 1)), false)
			if len(got.Observations) != 1 || got.Observations[0].Kind != alert.Motion {
				t.Errorf("declared as %s: %+v", declared, got)
			}
		}
	}
}

func TestNoIdentityComesOut(t *testing.T) {
	const secret = "Zhang-San-13800138000"
	fields := strings.Fields("AlarmDescription Longitude Latitude Name Owner Address PlateNo FaceID AlarmInfo Secret UserName Password")
	inside := "<AlarmMethod>5</AlarmMethod><" + secret + ">1</" + secret + "><Info><AlarmType>2</AlarmType><" + secret + "/>"
	for _, f := range fields {
		inside += "<" + f + ">" + secret + "</" + f + ">"
	}
	inside += "</Info>"
	for _, f := range fields {
		inside += "<" + f + ">" + secret + "</" + f + ">"
	}
	for _, payload := range []string{
		notify(inside), notify("<AlarmMethod>" + secret + "</AlarmMethod><AlarmTime>" + secret + "</AlarmTime>"),
		strings.ReplaceAll(notify(inside), channel, secret), strings.ReplaceAll(notify(inside), "Alarm<", secret+"<"),
		secret + " sip:x SIP/2.0\r\n\r\n" + notify(inside), secret, "<" + secret + ">" + secret, notify(inside)[:200] + secret,
	} {
		got, err := json.Marshal(Dialect{}.Translate(secret, []byte(payload), false))
		if err != nil || strings.Contains(strings.ToLower(string(got)), "zhang") || strings.Contains(string(got), "138001") {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestRecognise(t *testing.T) {
	for payload, want := range map[string]sensors.Likeness{
		notify("<AlarmMethod>5</AlarmMethod>"): sensors.Surely, "<Notify><CmdType>Keepalive</CmdType></Notify>": sensors.Likely,
		"REGISTER sip:a SIP/2.0\r\n": sensors.Perhaps, `{"a":1}`: sensors.Unlike,
	} {
		if got, _ := (Dialect{}).Recognise("", []byte(payload)); got != want {
			t.Errorf("%q: %d, want %d", payload, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(notify("<AlarmMethod>25</AlarmMethod><AlarmTime>2026-03-01 08:00:05</AlarmTime><Info><AlarmType>6</AlarmType></Info>")))
	f.Add([]byte("MESSAGE sip:a SIP/2.0\r\n\r\n<Query><CmdType>Keepalive</CmdType></Query>"))
	f.Add([]byte("<Response><CmdType>Catalog</CmdType><SumNum>2</SumNum><DeviceList Num='9'><Item><DeviceID>" + channel + "</DeviceID></Item></DeviceList></Response>"))
	f.Add([]byte("<Response><CmdType>RecordInfo</CmdType><RecordList><Item><StartTime>2026-03-01T08:00:05</StartTime></Item></RecordList></Response>"))
	f.Add([]byte("<a>\xc4\xe3</a>"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := Dialect{}.Translate("", payload, false)
		if len(got.Observations) == 0 && got.Ignored == "" || got.Observations == nil || len(got.Meta.Topic) > 64 {
			t.Fatalf("%+v", got)
		}
		_, body := split(payload)
		if m, err := Read(body); err == nil {
			c := m.Catalog()
			m.Recordings(time.UTC)
			if m.Info(); len(c.Items) > maxElements || c.Total < 0 || m.Status(time.UTC).Clock.Year() > 2286 {
				t.Fatalf("%+v", c)
			}
		}
	})
}
