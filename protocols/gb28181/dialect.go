// Package gb28181 understands the messages of cameras, recorders and platforms of GB/T 28181-2016 and 2022 (MANSCDP, annex A).
//
// In: the XML body of a SIP message, or the whole SIP message, by [Read] and [Dialect]. Out: observations of the known methods and types of alarm
// with the channel's code and the device's own time; items of a catalogue without names ([Catalog]). It does no I/O. It never lets
// through a description, the name of a device or a channel, an owner, an address, a position or a credential: such elements are
// not looked at, and nothing of a message stands in an error.
package gb28181

import (
	"bytes"
	"strings"
	"time"

	"gridgate/protocols/observation"
	"gridgate/protocols/sensors"
)

// Name is the protocol's name in configuration and in alerts.
const Name = "gb28181"

// Dialect implements [sensors.Dialect] for one message. It is pure.
type Dialect struct {
	// Zone is that of the device's clock; nil: Asia/Shanghai. The standard's times name none.
	Zone *time.Location
}

var (
	_ sensors.Dialect    = Dialect{}
	_ sensors.Recogniser = Dialect{}
)

// shanghai is the time of China, which has one zone and no summer time.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Translate implements [sensors.Dialect]. The topic is not looked at: the message has its own.
func (d Dialect) Translate(_ string, payload []byte, retained bool) observation.Translation {
	method, body := split(payload)
	if len(bytes.TrimSpace(body)) == 0 && method != "" {
		t := sensors.Learnt(method, "a SIP message without a body")
		return t
	}
	m, err := Read(body)
	if err != nil {
		return sensors.Ignored(method, err.Error())
	}
	return d.Message(m, retained)
}

// Message says what a message meant that was read already.
func (d Dialect) Message(m Message, retained bool) observation.Translation {
	if d.Zone == nil {
		d.Zone = shanghai
	}
	if m.Root == "Notify" && strings.EqualFold(m.Command, "Alarm") {
		return translateAlarm(m, d.Zone, retained)
	}
	t := quiet(m)
	t.Meta.Channel = m.Device
	return t
}

// quiet explains what is no alarm.
func quiet(m Message) observation.Translation {
	topic, known := commandOf(m.Command)
	switch {
	case m.Keepalive():
		return sensors.Learnt("Keepalive", "a sign of life")
	case !known:
		return sensors.Ignored("", "no command of this name is known")
	case topic == "MobilePosition":
		return sensors.Ignored(topic, "positions are not told: a device may be carried by somebody")
	case strings.HasPrefix(topic, "Vehicle"), strings.HasPrefix(topic, "Person"):
		return sensors.Ignored(topic, "what names somebody is never read")
	case m.Root == "Query", m.Root == "Control":
		return sensors.Learnt(topic, "a question or a command, not an event")
	}
	return sensors.Learnt(topic, "an answer or a state that is no alarm")
}

// commands are those of the standard, 2022 included; whoever sends another is not quoted.
var commands = strings.Fields(`Keepalive Catalog Alarm MobilePosition MediaStatus DeviceStatus DeviceInfo RecordInfo DeviceControl DeviceConfig
	ConfigDownload PresetQuery Broadcast HomePositionQuery CruiseTrackListQuery CruiseTrackQuery PTZPosition PTZPrecisePosition
	SDCardStatus StorageCardStatusQuery PTZPreciseStatusQuery AlarmStatus UploadSnapShotFinished VideoUploadNotify DeviceUpgradeResult`)

func commandOf(command string) (string, bool) {
	for _, known := range commands {
		if strings.EqualFold(known, command) {
			return known, true
		}
	}
	return "", false
}

// Keepalive says whether m is a sign of life. Firmware is seen that sends it as Query, with the status ON.
func (m Message) Keepalive() bool {
	return strings.EqualFold(m.Command, "Keepalive") && (m.Root == "Notify" || m.Root == "Query")
}

// alarmKeys are the elements of an alarm that are known by name: true for those that are read.
var alarmKeys = map[string]bool{
	"cmdtype": true, "sn": true, "deviceid": true, "alarmmethod": true, "alarmtime": true, "alarmtype": true, "alarmtypeparam": true,
	"eventtype": true, "info": true, "alarmpriority": false, "alarmdescription": false, "longitude": false, "latitude": false, "alarminfo": false,
}

// spelt are the names of known elements that are not read.
var spelt = map[string]string{
	"alarmpriority": "AlarmPriority", "alarmdescription": "AlarmDescription", "longitude": "Longitude", "latitude": "Latitude", "alarminfo": "AlarmInfo",
}

// drop names what was not read.
func drop(b *sensors.Builder, e *element, known map[string]bool) {
	for _, c := range e.children {
		read, ok := known[c.name]
		switch {
		case !ok:
			b.Drop("*")
		case !read:
			b.Drop(spelt[c.name])
		default:
			drop(b, c, known)
		}
	}
}

// split cuts a SIP message into its method and its body; a payload that is none is all body.
func split(payload []byte) (method string, body []byte) {
	line, _, _ := bytes.Cut(payload[:min(len(payload), 1024)], []byte("\n"))
	text := strings.TrimSpace(string(line))
	if !strings.HasSuffix(text, "SIP/2.0") && !strings.HasPrefix(text, "SIP/2.0") {
		return "", payload
	}
	method, _, _ = strings.Cut(text, " ")
	if method == "SIP/2.0" {
		method = "answer"
	}
	if word(method) == "" {
		method = "unknown"
	}
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if _, rest, ok := bytes.Cut(payload, []byte(end)); ok {
			return method, rest
		}
	}
	return method, nil
}

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(_ string, payload []byte) (sensors.Likeness, string) {
	head := strings.ToLower(string(payload[:min(len(payload), 4<<10)]))
	switch {
	case strings.Contains(head, "manscdp"):
		return sensors.Surely, "content of type MANSCDP"
	case strings.Contains(head, "<cmdtype>") && strings.Contains(head, "<sn>"):
		return sensors.Surely, "CmdType and SN, as in GB/T 28181"
	case strings.Contains(head, "<cmdtype>"):
		return sensors.Likely, "CmdType, as in GB/T 28181"
	case strings.Contains(head, "sip/2.0"):
		return sensors.Perhaps, "a SIP message"
	}
	return sensors.Unlike, ""
}
