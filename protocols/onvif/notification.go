package onvif

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/protocols/observation"
)

// operation is what a message says of a property (ONVIF Core, 9.4.3).
type operation string

const (
	initialized operation = "Initialized"
	changed     operation = "Changed"
	deleted     operation = "Deleted"
)

// item is a SimpleItem: a name and a value, both as the device wrote them.
type item struct{ name, value string }

// notification is one wsnt:NotificationMessage, not yet reduced. It never leaves this package.
type notification struct {
	topic             string // as it may be shown; empty: it has no harmless form
	path              []string
	operation         operation
	at                time.Time
	source, key, data []item
	empty             bool   // there is no message in it: it is damaged
	part              string // which of several states of one message; empty: the only one
}

// Namespaces of topics that have a usual prefix (ONVIF Core, 9.4.6; Axis' own).
var usualPrefix = map[string]string{
	"http://www.onvif.org/ver10/topics":     "tns1",
	"http://www.axis.com/2009/event/topics": "tnsaxis",
}

// maxItems bounds the items of one message.
const maxItems = 64

func readNotification(e *element) notification {
	var n notification
	if topic := e.child("Topic"); topic != nil {
		n.topic, n.path = readTopic(topic)
	}
	m := messageOf(e)
	n.empty = m == nil
	n.operation = readOperation(m)
	n.at = readTime(m.attr("utctime"))
	n.source, n.key, n.data = readItems(m.child("Source")), readItems(m.child("Key")), readItems(m.child("Data"))
	return n
}

// readOperation: a message that tells none is a change, as in devices without properties. One that is not understood, or that stands
// under a name that is not, is no alarm: it may have been Initialized.
func readOperation(m *element) operation {
	if m == nil {
		return initialized
	}
	told, ok := m.attrs["propertyoperation"]
	for _, op := range []operation{initialized, changed, deleted} {
		if strings.EqualFold(told, string(op)) {
			return op
		}
	}
	for name := range m.attrs {
		if !ok && name != "utctime" {
			return initialized
		}
	}
	if told != "" {
		return initialized
	}
	return changed
}

// messageOf is the innermost message: devices wrap tt:Message in wsnt:Message, or leave one of them out. nil: both.
func messageOf(e *element) *element {
	m := e.child("Message")
	for inner := m.child("Message"); inner != nil; inner = m.child("Message") {
		m = inner
	}
	return m
}

func readItems(e *element) (items []item) {
	for _, i := range e.all("SimpleItem") {
		if len(items) < maxItems {
			items = append(items, item{i.attr("name"), i.attr("value")})
		}
	}
	return items
}

// harmless is the form of a topic that may be shown.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_.:/-]{1,128}$`)

// readTopic returns a topic with the usual prefixes of known namespaces, and its path of local names in lower case.
func readTopic(e *element) (shown string, path []string) {
	text := strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(e.text), "//."), "/")
	if text == "" {
		return "", nil
	}
	segments := withoutNames(strings.Split(text, "/"))
	for i, s := range segments {
		prefix, local, prefixed := strings.Cut(s, ":")
		if !prefixed {
			path = append(path, strings.ToLower(s))
			continue
		}
		path = append(path, strings.ToLower(local))
		if usual, known := usualPrefix[e.namespace(prefix)]; known {
			segments[i] = usual + ":" + local
		}
	}
	if shown = strings.Join(segments, "/"); !harmless.MatchString(shown) {
		shown = ""
	}
	return shown, path
}

// withoutNames cuts what users name: Bosch ends topics of its analysis with the name of the rule, and an application of Axis with that
// of a list of plates.
func withoutNames(segments []string) []string {
	for i, s := range segments {
		switch _, local, _ := strings.Cut(s, ":"); {
		case (s == "IVA" || local == "IVA") && len(segments) > i+2:
			return segments[:i+2]
		case strings.HasPrefix(s, "ALPV."):
			return append(slices.Clone(segments[:i]), "ALPV")
		}
	}
	return segments
}

// clock is xs:dateTime as devices write it: any number of fraction digits, with or without a zone, sometimes with a space or
// with digits missing.
var clock = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,9})?)(Z|[+-]\d{2}:?\d{2})?$`)

// readTime reads UtcTime; without a zone it is UTC, as its name says. Zero: none, or the clock of a device that was never set.
func readTime(s string) time.Time {
	m := clock.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}
	}
	zone := strings.Replace(m[3], ":", "", 1)
	if zone == "" {
		zone = "Z"
	}
	t, err := time.Parse("2006-1-2T15:4:5Z0700", m[1]+"T"+m[2]+zone)
	if err != nil || t.Year() < 2001 || t.Year() > 2286 {
		return time.Time{}
	}
	return t.UTC()
}

// channelItems name the video source, the surest first. Their values are tokens of the device.
var channelItems = []string{
	"videosourcetoken", "videosource", "videosourceconfigurationtoken", "videosourceconfiguration", "source", "channel", "channelid", "videochannel",
}

// regionItems name a region or a rule; only a number is taken, since names are free text.
var regionItems = []string{
	"regionid", "region", "areaid", "zoneid", "lineid", "ruleid", "ruleindex", "rule", "profile", "scenario",
	"inputtoken", "alarmintoken", "token", "port", "input", "sensor", "window", "detectwindow",
}

var (
	token       = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	number      = regexp.MustCompile(`^\d{1,8}$`)
	endsInDigit = regexp.MustCompile(`\d$`)
	// axisTail is how Axis numbers the views and profiles of its applications in topics.
	axisTail = regexp.MustCompile(`^(?:camera|device|channel_?)(\d{1,3})(?:(?:profile|scenario)(\d{1,3})?(?:any)?)?$`)
)

// shortToken is how long a token may be that does not end in a digit.
const shortToken = 16

// channel is the video source as the device calls it; empty: it told none.
func (n notification) channel() string {
	for _, name := range channelItems {
		for _, i := range n.source {
			if strings.EqualFold(i.name, name) && token.MatchString(i.value) && (endsInDigit.MatchString(i.value) || len(i.value) <= shortToken) {
				return i.value
			}
		}
	}
	if m := n.tail(); m != nil {
		return m[1]
	}
	return ""
}

// region is a number of a region, rule or input; empty: it told none.
func (n notification) region() string {
	for _, name := range regionItems {
		for _, i := range n.source {
			if strings.EqualFold(i.name, name) {
				if name == "rule" && strings.Trim(i.value, "0") == "" {
					continue // the only rule there is
				}
				if digits := trailing.FindString(i.value); number.MatchString(i.value) || digits != "" && strings.HasSuffix(name, "token") {
					return digits
				}
			}
		}
	}
	if m := n.tail(); m != nil {
		return m[2]
	}
	return ""
}

var trailing = regexp.MustCompile(`\d{1,8}$`)

func (n notification) tail() []string {
	if len(n.path) == 0 {
		return nil
	}
	return axisTail.FindStringSubmatch(n.path[len(n.path)-1])
}

// retained says that the message tells what was so before we asked.
func (n notification) retained() bool { return n.operation == initialized }

// meta is where and when, as far as it may be told.
func (n notification) meta() observation.Meta {
	return observation.Meta{Topic: n.topic, Channel: n.channel(), Time: n.at}
}
