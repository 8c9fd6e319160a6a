// Package onvif is a camera of ONVIF Profile T on loopback that misbehaves as asked: each quirk of real firmware is a switch.
//
// In: [Quirks] and what happens in front of the camera ([Device.Tell]). Out: the web services of a device, and what a client did to
// them ([Device.Seen]). It plays no video and keeps nothing after Close. It is for tests.
package onvif

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Quirks are what the camera does wrong. The zero value is a good camera without a password.
type Quirks struct {
	Username, Password string
	Digest             string        // asks for HTTP Digest: MD5, SHA-256, none (no algorithm) or bare (no qop); empty: UsernameToken
	NonceForEach       bool          // a nonce is good for one path only, and using it for another locks the client out
	StaleNonce         bool          // a nonce is good for three requests
	BareSender         bool          // refuses credentials with no more than env:Sender
	Skew               time.Duration // of its clock
	Zone               time.Duration // of its local time
	LocalIsUTC         bool          // takes its local time for UTC when it looks at credentials
	NoClock            bool          // does not tell its clock

	NoGetServices  bool   // knows GetCapabilities only
	NoEvents       bool   // says that it has no event service, and has one
	NoPullPoint    bool   // has none
	Media2         bool   // tells of its streams by Media2 alone
	ForeignHost    string // that it says its services are at
	ForeignPoint   string // that it says its pull points are at
	NoPointAddress bool   // does not say where a pull point is
	Parameters     bool   // knows a pull point by a reference parameter
	LongLife       bool   // refuses a lifetime of a minute
	MaxPoints      int    // more are refused

	Life         time.Duration // of a pull point, default a minute
	PullExtends  bool          // a question extends it
	RenewFails   int           // answers Renew with this status
	RenewUnknown bool          // answers Renew with ResourceUnknownFault
	ForgetAfter  int           // pull points are gone after so many questions

	AtOnce          bool // answers with nothing at once, whatever the timeout
	NoInitialized   bool // does not tell what holds, unless it is asked for a synchronisation point
	NoSync          bool // knows no synchronisation point
	AllInitialized  bool // tells changes as Initialized
	NoNamespaces    bool // writes no prefixes at all
	Undeclared      bool // uses prefixes that it does not declare
	OtherPrefixes   bool // uses other prefixes than all others
	NoTime          bool // tells no UtcTime
	TimeWithoutZone bool
	HTML            bool // answers everything with a page
	Hangs           bool // does not answer questions for events
	Huge            bool // answers them with three million bytes
	Broken          bool // cuts the end of its answers to them
	Blocked         bool // has locked the client out
}

// Event is what happens: a topic with its sources and data, as "Name=Value" separated by spaces.
type Event struct {
	Topic, Source, Data string
	Operation           string // default Changed
	Raw                 string // instead: a whole notification
}

// Seen is what a client did.
type Seen struct {
	Calls    map[string]int // answered, by operation
	Refused  int            // for their credentials
	Points   int            // pull points that are there now
	Breaches []string       // of what the protocol asks of a client
}

// Device is the camera.
type Device struct {
	URL string

	q      Quirks
	server *httptest.Server
	gone   chan struct{}

	mu     sync.Mutex
	seen   Seen
	holds  map[string]Event // states by topic and source
	points map[string]*point
	next   int
	nonces map[string]*nonce
	locked bool // as Quirks.Blocked
}

type point struct {
	until time.Time
	asked int
	queue []Event
	woken chan struct{}
}

// New starts a camera. Close must be called.
func New(q Quirks) *Device {
	d := NewAt(q, "")
	d.server = httptest.NewServer(d)
	d.URL = d.server.URL
	return d
}

// NewAt is a camera that says its address is url, and is served by somebody else.
func NewAt(q Quirks, url string) *Device {
	return &Device{
		URL: url, q: q, gone: make(chan struct{}), holds: map[string]Event{}, points: map[string]*point{}, nonces: map[string]*nonce{},
		seen: Seen{Calls: map[string]int{}}, locked: q.Blocked,
	}
}

// Close ends all connections.
func (d *Device) Close() {
	close(d.gone)
	if d.server != nil {
		d.server.CloseClientConnections()
		d.server.Close()
	}
}

// Tell makes something happen.
func (d *Device) Tell(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Operation == "" {
		e.Operation = "Changed"
	}
	key := e.Topic + "\x00" + e.Source
	if d.holds[key] = e; e.Operation == "Deleted" || e.Raw != "" {
		delete(d.holds, key)
	}
	if d.q.AllInitialized {
		e.Operation = "Initialized"
	}
	for _, p := range d.points {
		p.put(e)
	}
}

// Reboot forgets pull points and nonces, and moves the clock.
func (d *Device) Reboot(skew time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, p := range d.points {
		p.wake()
		delete(d.points, id)
	}
	clear(d.nonces)
	d.q.Skew = skew
}

// Seen is a snapshot.
func (d *Device) Seen() Seen {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.seen
	s.Calls, s.Points = map[string]int{}, len(d.points)
	for op, n := range d.seen.Calls {
		s.Calls[op] = n
	}
	s.Breaches = append([]string(nil), d.seen.Breaches...)
	return s
}

func (d *Device) breach(format string, args ...any) {
	if len(d.seen.Breaches) < 16 {
		d.seen.Breaches = append(d.seen.Breaches, fmt.Sprintf(format, args...))
	}
}

func (p *point) put(e Event) {
	if len(p.queue) < 1024 {
		p.queue = append(p.queue, e)
	}
	p.wake()
}

func (p *point) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// operations are what the camera knows, by the first word of a body.
var operations = []string{
	"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetDeviceInformation", "GetProfiles", "GetStreamUri", "GetSnapshotUri",
	"CreatePullPointSubscription", "PullMessages", "SetSynchronizationPoint", "Renew", "Unsubscribe",
}

// ServeHTTP answers what is asked of the web services.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	body := string(raw)
	op := ""
	if _, inside, ok := strings.Cut(body, "Body>"); ok {
		for _, o := range operations {
			if strings.HasPrefix(inside, "<"+o+" ") || strings.HasPrefix(inside, "<"+o+">") || strings.HasPrefix(inside, "<"+o+"/") {
				op = o
			}
		}
	}
	switch {
	case err != nil:
		return
	case d.q.HTML:
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html><body>Welcome</body></html>")
	case op == "GetSystemDateAndTime" && d.q.NoClock:
		d.fault(w, http.StatusUnauthorized, "ter:NotAuthorized")
	case op != "GetSystemDateAndTime" && d.blocked():
		d.fault(w, http.StatusBadRequest, "ter:AccountLocked")
	case op != "GetSystemDateAndTime" && !d.admits(w, r, body):
	default:
		d.count(op)
		d.answer(w, r, op, body)
	}
}

func (d *Device) blocked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.locked
}

func (d *Device) count(op string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen.Calls[op]++
}

func (d *Device) answer(w http.ResponseWriter, r *http.Request, op, body string) {
	switch op {
	case "GetSystemDateAndTime":
		d.reply(w, d.clock())
	case "GetServices":
		d.services(w)
	case "GetCapabilities":
		d.reply(w, d.capabilities())
	case "CreatePullPointSubscription":
		d.create(w, r, body)
	case "PullMessages", "SetSynchronizationPoint", "Renew", "Unsubscribe":
		d.ofPoint(w, r, op, body)
	default:
		d.describe(w, r, op, body)
	}
}

// reply writes an envelope.
func (d *Device) reply(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	fmt.Fprint(w, d.envelope(body))
}

// fault writes a SOAP 1.2 fault.
func (d *Device) fault(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	sub := ""
	if code != "" {
		sub = `<env:Subcode><env:Value>` + code + `</env:Value></env:Subcode>`
	}
	fmt.Fprint(w, d.envelope(`<env:Fault><env:Code><env:Value>env:Sender</env:Value>`+sub+
		`</env:Code><env:Reason><env:Text xml:lang="en">Zhang San 13800138000</env:Text></env:Reason></env:Fault>`))
}

func (d *Device) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.q.Skew).UTC()
}
