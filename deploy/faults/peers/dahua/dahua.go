// Package dahua is a simulator of Dahua devices that misbehaves as real ones do: the events of a script over eventManager.cgi, with every
// quirk as a switch.
//
// In: a [Quirks] and what to tell. Out: an http.Handler. It never keeps more than a connection's own state, and its messages are made up.
package dahua

import (
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
	LockedBy int  // after so many refused passwords all are refused; 0: never
	Missing  bool // has no such page
	Page     bool // answers with a page to log in at

	LF         bool
	NoSpace    bool // Content-Length:9
	NoLength   bool
	LongLength bool
	ShortBy    int
	NoBlank    bool // no blank line after the headers
	Split      int  // bytes sent at once; 0: a part
	Huge       bool // an event of 2 MiB before the first
	Noise      bool // VideoMotionInfo;State around each event

	NoHeartbeat bool // although it was asked for
	Hang        bool // says nothing more after the script, and keeps the connection
	Drop        bool // ends the connection after the script
}

// Event is one message of the script.
type Event struct {
	After time.Duration // after the one before
	Body  string
}

// Device plays a script to everyone who attaches.
type Device struct {
	endless.Orders

	q      Quirks
	guard  *httpauth.Guard
	script []Event
}

// New returns a device.
func New(q Quirks, script ...Event) *Device {
	return &Device{Orders: endless.NewOrders(), q: q, script: script, guard: httpauth.New(q.Auth, q.LockedBy, "Error: the account is locked")}
}

// ServeHTTP plays the device.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.q.Missing || r.URL.Path != "/cgi-bin/eventManager.cgi":
		http.NotFound(w, r)
		return
	case !strings.Contains(r.URL.RawQuery, "codes=[All]"):
		http.Error(w, "Error\nBad Request!", http.StatusBadRequest)
		return
	case d.q.Page:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>log in</html>"))
		return
	}
	if !d.guard.Pass(w, r) {
		return
	}
	c := &conversation{Conversation: endless.Begin(d.Orders, w, r, "multipart/x-mixed-replace; boundary=myboundary"), q: d.q}
	c.Split = d.q.Split
	c.Say = func(message []byte) { c.part(string(message)) }
	c.Beat = func() { c.part("Heartbeat") }
	if seconds, err := time.ParseDuration(r.URL.Query().Get("heartbeat") + "s"); err == nil && !d.q.NoHeartbeat {
		c.Every = seconds
	}
	c.play(d.script)
}

// conversation is one connection.
type conversation struct {
	*endless.Conversation

	q Quirks
}

func (c *conversation) play(script []Event) {
	c.Flush() // the head of the answer
	if c.q.Huge {
		c.part("Code=VideoMotion;action=Start;index=9;data={\"x\":\"" + strings.Repeat("y", 2<<20) + "\"}")
	}
	for _, e := range script {
		if !c.Rest(e.After) {
			return
		}
		c.noise()
		c.part(e.Body)
		c.noise()
	}
	switch {
	case c.q.Drop:
	case c.q.Hang:
		c.Hang()
	default:
		c.GoOn()
	}
}

func (c *conversation) noise() {
	if c.q.Noise {
		c.part("Code=VideoMotionInfo;action=State;index=0")
	}
}

func (c *conversation) part(body string) {
	length := len(body) - c.q.ShortBy
	if c.q.LongLength {
		length += 9
	}
	head := "--myboundary\r\nContent-Type: text/plain\r\n"
	if !c.q.NoLength {
		head += fmt.Sprintf("Content-Length: %d\r\n", max(0, length))
	}
	if !c.q.NoBlank {
		head += "\r\n"
	}
	if c.q.NoSpace {
		head = strings.ReplaceAll(head, ": ", ":")
	}
	whole := head + body + "\r\n\r\n"
	if c.q.LF {
		whole = strings.ReplaceAll(whole, "\r\n", "\n")
	}
	c.Send([]byte(whole))
}
