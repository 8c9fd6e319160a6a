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
	q      Quirks
	guard  *httpauth.Guard
	script []Event
	live   chan order
}

// New returns a device.
func New(q Quirks, script ...Event) *Device {
	return &Device{q: q, script: script, live: make(chan order), guard: httpauth.New(q.Auth, q.LockedBy, "Error: the account is locked")}
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
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=myboundary")
	w.WriteHeader(http.StatusOK)
	c := &conversation{q: d.q, out: w, rc: http.NewResponseController(w), done: r.Context().Done(), live: d.live}
	if seconds, err := time.ParseDuration(r.URL.Query().Get("heartbeat") + "s"); err == nil && !d.q.NoHeartbeat {
		c.every = seconds
	}
	c.play(d.script)
}

// conversation is one connection.
type conversation struct {
	q     Quirks
	out   http.ResponseWriter
	rc    *http.ResponseController
	done  <-chan struct{}
	live  <-chan order
	every time.Duration // 0: no heartbeats
}

func (c *conversation) play(script []Event) {
	c.send(nil) // the head of the answer
	if c.q.Huge {
		c.part("Code=VideoMotion;action=Start;index=9;data={\"x\":\"" + strings.Repeat("y", 2<<20) + "\"}")
	}
	for _, e := range script {
		if !c.rest(e.After) {
			return
		}
		c.noise()
		c.part(e.Body)
		c.noise()
	}
	switch {
	case c.q.Drop:
	case c.q.Hang:
		<-c.done
	default:
		c.rest(1 << 62)
	}
}

func (c *conversation) noise() {
	if c.q.Noise {
		c.part("Code=VideoMotionInfo;action=State;index=0")
	}
}

// rest lets time pass, with heartbeats; false: the client is gone.
func (c *conversation) rest(d time.Duration) bool {
	end := time.NewTimer(d)
	defer end.Stop()
	every := c.every
	if every <= 0 {
		every = 1 << 62
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		select {
		case <-end.C:
			return true
		case <-c.done:
			return false
		case do := <-c.live:
			if !do(c) {
				return false
			}
		case <-beat.C:
			c.part("Heartbeat")
		}
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
	c.send([]byte(whole))
}

// send writes in pieces as large as the quirk says.
func (c *conversation) send(b []byte) {
	size := c.q.Split
	if size <= 0 {
		size = max(1, len(b))
	}
	for first := true; first || len(b) > 0; first = false {
		n := min(size, len(b))
		if _, err := c.out.Write(b[:n]); err != nil {
			return
		}
		_ = c.rc.Flush() // a client that is gone ends the conversation by its context
		b = b[n:]
	}
}
