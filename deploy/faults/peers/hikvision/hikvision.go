// Package hikvision is a simulator of Hikvision devices that misbehaves as real ones do: the events of a script over alertStream, with
// every quirk as a switch.
//
// In: a [Quirks] and what to tell. Out: an http.Handler. It never keeps more than a connection's own state, and its messages are made up.
package hikvision

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gridgate/deploy/faults/peers/endless"
	"gridgate/deploy/faults/peers/httpauth"
)

// Quirks are the switches. The zero value is a well-behaved camera without a password.
type Quirks struct {
	Auth     httpauth.Auth
	OldPath  bool // only /Event/notification/alertStream
	NewPath  bool // answers the old path with a page
	Page     bool // answers every path with a page to log in at
	Busy     bool // 503
	LockedBy int  // after so many refused passwords all are refused; 0: never

	Namespace  string // of the messages; "-": none
	Prefix     string // of the elements
	JSON       bool   // the newer form
	LF         bool   // lines end with LF
	NoSpace    bool   // Content-Length:9
	NoLength   bool
	LongLength bool // the length that is told is too large
	ShortBy    int  // by how much it is too small
	NoBlank    bool // no blank line after the headers
	Late       bool // the boundary comes with the next part only
	Split      int  // bytes sent at once; 0: a part
	Pictures   int  // bytes of a JPEG after each alert
	PictureLen bool // the JPEG tells its length
	Huge       bool // a message of 2 MiB before the first
	Preamble   string

	Heartbeat  time.Duration // 0: none
	JSONBeats  bool          // heartBeat in JSON
	Hang       bool          // says nothing more after the script, not even heartbeats, and keeps the connection
	HangAtOnce bool          // takes the request and does not answer
	Drop       bool          // ends the connection after the script
	DropWithin bool          // ends it within a message
}

// Alert is one message of the script.
type Alert struct {
	After   time.Duration // after the one before
	Type    string
	State   string
	Channel string
	More    string // XML before the end
}

// Device plays a script to everyone who connects.
type Device struct {
	endless.Orders

	q      Quirks
	guard  *httpauth.Guard
	script []Alert
}

// New returns a device.
func New(q Quirks, script ...Alert) *Device {
	return &Device{Orders: endless.NewOrders(), q: q, script: script, guard: httpauth.New(q.Auth, q.LockedBy, "<userCheck><statusValue>401</statusValue><lockStatus>lock</lockStatus><unlockTime>1799</unlockTime></userCheck>")}
}

const stream = "/Event/notification/alertStream"

// ServeHTTP plays the device.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch old := r.URL.Path == stream; {
	case d.q.HangAtOnce:
		<-r.Context().Done()
		return
	case d.q.Busy:
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	case d.q.Page, d.q.NewPath && old:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><html><body>log in</body></html>"))
		return
	case !old && r.URL.Path != "/ISAPI"+stream, d.q.OldPath && !old:
		http.NotFound(w, r)
		return
	}
	if !d.guard.Pass(w, r) {
		return
	}
	c := &conversation{Conversation: endless.Begin(d.Orders, w, r, "multipart/mixed; boundary=boundary"), q: d.q}
	c.Split, c.Every = d.q.Split, d.q.Heartbeat
	c.Say, c.Beat = c.say, c.beat
	c.play(d.script)
}

// conversation is one connection.
type conversation struct {
	*endless.Conversation

	q     Quirks
	begun bool
}

func (c *conversation) play(script []Alert) {
	c.Send([]byte(c.q.Preamble))
	if c.q.Huge {
		c.part("application/xml", []byte("<EventNotificationAlert><x>"+strings.Repeat("y", 2<<20)+"</x></EventNotificationAlert>"))
	}
	for _, a := range script {
		if !c.Rest(a.After) {
			return
		}
		c.alert(a)
	}
	switch {
	case c.q.DropWithin:
		c.Send([]byte("--boundary\r\nContent-Type: application/xml\r\nContent-Length: 500\r\n\r\n<EventNotificationAlert><chann"))
	case c.q.Drop:
	case c.q.Hang:
		c.Hang()
	default:
		c.GoOn()
	}
}

// say sends a message as one part.
func (c *conversation) say(message []byte) {
	if len(message) > 0 && message[0] == '{' {
		c.part("application/json", message)
		return
	}
	c.part(`application/xml; charset="UTF-8"`, message)
}

func (c *conversation) beat() {
	if c.q.JSONBeats {
		c.part("application/json", []byte(`{"dateTime":"`+now()+`","activePostCount":1,"eventType":"heartBeat","eventState":"active","eventDescription":"Heartbeat"}`))
		return
	}
	c.part(`application/xml; charset="UTF-8"`, c.xml(Alert{Type: "videoloss", State: "inactive", Channel: "1"}, 0))
}

func (c *conversation) alert(a Alert) {
	if c.q.JSON {
		c.part("application/json", fmt.Appendf(nil, `{"channelID":%q,"dateTime":%q,"activePostCount":1,"eventType":%q,"eventState":%q,"channelName":"made up"}`, a.Channel, now(), a.Type, a.State))
	} else {
		c.part(`application/xml; charset="UTF-8"`, c.xml(a, 1))
	}
	if c.q.Pictures > 0 {
		c.picture()
	}
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

func (c *conversation) xml(a Alert, posts int) []byte {
	space := c.q.Namespace
	if space == "" {
		space = "http://www.hikvision.com/ver20/XMLSchema"
	}
	attr := ` version="2.0" xmlns="` + space + `"`
	if space == "-" {
		attr = ""
	}
	s := fmt.Sprintf("<EventNotificationAlert%s>\n<channelID>%s</channelID>\n<dateTime>%s</dateTime>\n<activePostCount>%d</activePostCount>\n<eventType>%s</eventType>\n<eventState>%s</eventState>\n<channelName>made up</channelName>%s\n</EventNotificationAlert>",
		attr, a.Channel, now(), posts, a.Type, a.State, a.More)
	if c.q.Prefix != "" {
		s = strings.NewReplacer("</", "</"+c.q.Prefix+":", "<", "<"+c.q.Prefix+":").Replace(s)
	}
	return []byte(s)
}

func (c *conversation) picture() {
	jpeg := append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte("\n{\x00<"), c.q.Pictures/4)...)
	head := "--boundary\r\nContent-Disposition: form-data; name=\"picture\"\r\nContent-Type: image/jpeg\r\n"
	if c.q.PictureLen {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(jpeg))
	}
	c.Send(append(append([]byte(head+"\r\n"), jpeg...), "\r\n"...))
}

func (c *conversation) part(kind string, body []byte) {
	length := len(body) - c.q.ShortBy
	if c.q.LongLength {
		length += 7
	}
	head := "--boundary\r\nContent-Type: " + kind + "\r\n"
	if !c.q.NoLength {
		head += fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	if !c.q.NoBlank {
		head += "\r\n"
	}
	if c.q.NoSpace {
		head = strings.ReplaceAll(head, ": ", ":")
	}
	tail := "\r\n"
	if c.q.Late { // the end of the part comes with the next one
		if c.begun {
			head = tail + head
		}
		tail, c.begun = "", true
	}
	if c.q.LF {
		head, tail = strings.ReplaceAll(head, "\r\n", "\n"), strings.ReplaceAll(tail, "\r\n", "\n")
	}
	c.Send(append(append([]byte(head), body...), tail...))
}

// Refused is how many wrong passwords came.
func (d *Device) Refused() int { return d.guard.Refused() }
