package shelly

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"gridgate/protocols/sensors"
)

// factory is how devices are called unless somebody renames them.
var factory = regexp.MustCompile(`(?i)^(.*/)?shelly[a-z0-9]{1,24}(-[a-z0-9]{1,4})?-[0-9a-f]{6,12}$`)

// Recognise implements [sensors.Recogniser].
func (Dialect) Recognise(topic string, payload []byte) (sensors.Likeness, string) {
	if len(topic) > sensors.MaxTopic || !utf8.ValidString(topic) {
		return sensors.Unlike, ""
	}
	a := parse(topic)
	named := factory.MatchString(a.device)
	switch {
	case a.form == notified && bytes.Contains(payload, []byte(`"Notify`)):
		return sensors.Surely, "events/rpc with a notification"
	case a.form == flatten && named, a.form == status && named:
		return sensors.Surely, "the topic names a Shelly device"
	case a.form == flatten:
		return sensors.Likely, "the topic begins with shellies"
	case a.form == online && named:
		return sensors.Likely, "online below the name of a Shelly device"
	case a.form == online && strings.HasPrefix(topic, root+"/"):
		return sensors.Likely, "online below shellies"
	case a.form == status && strings.Contains(topic, ":") && bytes.HasPrefix(payload, []byte(`{"id":`)):
		return sensors.Likely, "the topic ends with status and a numbered component, and the message begins with its number"
	case a.form == status && bytes.HasPrefix(payload, []byte("{")):
		return sensors.Perhaps, "the topic ends with status and a component"
	case a.form == notified:
		return sensors.Perhaps, "the topic ends with events/rpc"
	}
	return sensors.Unlike, ""
}
