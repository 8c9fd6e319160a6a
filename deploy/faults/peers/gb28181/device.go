// Package gb28181 is a camera, recorder or platform of GB/T 28181 that behaves as real ones do, each bad habit a switch.
//
// In: the address of a server, and what a test makes it do. Out: SIP messages over UDP or TCP, written by hand so that no mistake is
// shared with the server's library, and media where there is a [Film]; what the server asked and answered.
package gb28181

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Quirks are the habits; the zero value is a device that keeps to the standard.
type Quirks struct {
	QOP           bool   // answers the challenge with qop=auth, although none was offered
	WrongSecret   bool   // gives a wrong password
	OldNonce      bool   // answers the first challenge for ever
	NoPort        bool   // no rport in Via, whose address is one behind a NAT
	MovePort      bool   // each sign of life comes from another port
	QueryAlive    bool   // sends signs of life as Query, with the status ON
	AliveInfo     bool   // lists faulty channels in them
	NoXML         bool   // sends something that is no XML before each
	Version       string // X-GB-Ver
	Charset       string // declared: empty is GB2312
	UTF8          bool   // the body is UTF-8, whatever is declared
	ByNotify      bool   // alarms come as NOTIFY
	TypeOnTop     bool   // AlarmType stands beside Info, not in it
	NoType        bool   // no AlarmType
	SmallInfo     bool   // info in place of Info
	SpaceTime     bool   // a space in AlarmTime
	PerMessage    int    // items of the catalogue in one message; 0: 1
	NumLies       bool   // Num is wrong
	Doubled       bool   // each message of the catalogue comes twice
	Missing       bool   // the last item never comes
	OwnNumber     bool   // answers carry numbers of their own
	NoSubscribe   bool   // refuses subscriptions
	NoCatalog     bool   // never answers for its catalogue
	Mute          bool   // answers no question at all, not even with 200
	InviteBusy    bool   // 486
	InviteSilent  bool   // rings and never answers
	InviteLate    bool   // answers 200 to what was cancelled
	InviteEmpty   bool   // 200 without SDP
	InviteRepeats int    // how often 200 is repeated although ACK came
	ReInvite      bool   // invites the server after ACK
}

// Seen counts what the server did.
type Seen struct {
	Registered, Alive, Confirmed, Asked, Subscribed, Invited, Acked, Cancelled, Ended atomic.Int64
}

// Device is a simulated device. Set its fields, then Run it.
type Device struct {
	ID, Secret, ServerID string
	Server               string // host:port
	Network              string // udp or tcp; empty: udp
	Realm                string // of its own address; empty: the first ten digits of ServerID
	Channels             []string
	Alive                time.Duration // between signs of life; 0: 60 s
	Expires              int           // seconds; 0: 3600
	Quirks               Quirks
	// Answer is asked for the answer to an INVITE of a Call-ID; nil: a description that sends nothing.
	Answer func(call string, offer []byte) []byte
	Seen   Seen

	mu      sync.Mutex
	at      link
	pending map[string]chan *packet
	dialog  *packet            // the last INVITE
	ringing map[string]*packet // INVITEs without a final answer, by Call-ID
	state   subscriptions
	number  atomic.Uint32
	nonce   string
	old     []link
	shows   showing
	replied replies
	wg      sync.WaitGroup
	ctx     context.Context
}

type subscriptions map[string]*packet // by event

// Errors of a device.
var (
	ErrRefused = errors.New("the server refused")
	ErrSilent  = errors.New("the server did not answer")
)

// Start connects and reads until ctx ends. Call Wait after that.
func (d *Device) Start(ctx context.Context) error {
	if d.Network == "" {
		d.Network = "udp"
	}
	if d.Realm == "" {
		d.Realm = d.ServerID[:10]
	}
	if d.Alive == 0 {
		d.Alive = time.Minute
	}
	if d.Expires == 0 {
		d.Expires = 3600
	}
	d.ctx, d.pending, d.state, d.replied = ctx, map[string]chan *packet{}, subscriptions{}, replies{last: map[string]*packet{}}
	d.ringing = map[string]*packet{}
	if err := d.connect(); err != nil {
		return err
	}
	d.wg.Go(func() {
		<-ctx.Done()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.at.close()
		for _, l := range d.old {
			l.close()
		}
	})
	return nil
}

// Wait returns when everything that Start began has ended.
func (d *Device) Wait() { d.wg.Wait() }

func (d *Device) connect() error {
	at, err := dial(d.Network, d.Server)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at != nil {
		d.old = append(d.old, d.at)
	}
	d.at = at
	d.wg.Go(func() { d.read(at) })
	return nil
}

func (d *Device) read(at link) {
	for {
		p, err := at.receive()
		if err != nil {
			return
		}
		if p.status() > 0 {
			d.deliver(p)
			continue
		}
		if !d.repeated(at, p) {
			d.serve(at, p)
		}
	}
}

func (d *Device) deliver(p *packet) {
	d.mu.Lock()
	wait := d.pending[p.get("Call-ID")+p.get("CSeq")]
	d.mu.Unlock()
	if wait != nil {
		select {
		case wait <- p:
		default:
		}
	}
}

// Run starts, registers and gives signs of life until ctx ends.
func (d *Device) Run(ctx context.Context) error {
	if err := d.Start(ctx); err != nil {
		return err
	}
	defer d.Wait()
	for d.Register(ctx) != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d.Alive):
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(d.Alive):
		}
		if err := d.KeepAlive(ctx); errors.Is(err, ErrRefused) {
			_ = d.Register(ctx)
		}
	}
}

func (d *Device) request(method, target string) *packet {
	n := d.number.Add(1)
	d.mu.Lock()
	local := d.at.local()
	d.mu.Unlock()
	port := ";rport"
	if d.Quirks.NoPort {
		local, port = "192.0.2.77:5060", ""
	}
	p := &packet{first: fmt.Sprintf("%s sip:%s@%s SIP/2.0", method, target, d.Realm)}
	p.add("Via", fmt.Sprintf("SIP/2.0/%s %s%s;branch=z9hG4bK%s%d", strings.ToUpper(d.Network), local, port, d.ID, n))
	p.add("From", fmt.Sprintf("<sip:%s@%s>;tag=%d", d.ID, d.Realm, n))
	p.add("To", fmt.Sprintf("<sip:%s@%s>", target, d.Realm))
	p.add("Call-ID", fmt.Sprintf("%s-%d", d.ID, n))
	p.add("CSeq", fmt.Sprintf("%d %s", n, method))
	p.add("Contact", fmt.Sprintf("<sip:%s@%s>", d.ID, local))
	p.add("Max-Forwards", "70")
	if d.Quirks.Version != "" {
		p.add("X-GB-Ver", d.Quirks.Version)
	}
	return p
}

// How often a request is sent again over UDP, and for how long an answer is waited for (RFC 3261, 17.1.2.2).
const (
	firstAgain = 500 * time.Millisecond
	mostAgain  = 4 * time.Second
	noAnswer   = 64 * firstAgain
)

// ask sends a request, again and again over UDP, until the final answer.
func (d *Device) ask(ctx context.Context, p *packet) (*packet, error) {
	key := p.get("Call-ID") + p.get("CSeq")
	wait := make(chan *packet, 4)
	d.mu.Lock()
	d.pending[key] = wait
	at := d.at
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.pending, key)
		d.mu.Unlock()
	}()
	late := time.NewTimer(noAnswer)
	defer late.Stop()
	_ = at.send(p) // the server may not be there yet
	for again := firstAgain; ; again = min(2*again, mostAgain) {
		select {
		case answer := <-wait:
			if answer.status() >= 200 {
				return answer, nil
			}
		case <-time.After(again):
			if d.Network == "udp" {
				_ = at.send(p)
			}
		case <-late.C:
			return nil, ErrSilent
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Register registers; [Device.Logout] with expiry 0 lets go.
func (d *Device) Register(ctx context.Context) error { return d.register(ctx, d.Expires) }

// Logout ends the registration.
func (d *Device) Logout(ctx context.Context) error { return d.register(ctx, 0) }

func (d *Device) register(ctx context.Context, expires int) error {
	first := d.request("REGISTER", d.ServerID)
	first.add("Expires", fmt.Sprint(expires))
	if d.Quirks.OldNonce && d.nonce != "" {
		d.authorize(first, d.nonce)
	}
	answer, err := d.ask(ctx, first)
	if err != nil {
		return err
	}
	if answer.status() == 401 {
		challenge := answer.get("WWW-Authenticate")
		if !d.Quirks.OldNonce || d.nonce == "" || strings.Contains(challenge, "stale") {
			d.nonce = challenge
		}
		again := d.request("REGISTER", d.ServerID)
		again.add("Expires", fmt.Sprint(expires))
		d.authorize(again, challenge)
		if answer, err = d.ask(ctx, again); err != nil {
			return err
		}
	}
	if answer.status() != 200 {
		return fmt.Errorf("%w: %d", ErrRefused, answer.status())
	}
	d.Seen.Registered.Add(1)
	return nil
}

func (d *Device) authorize(p *packet, challenge string) {
	secret := d.Secret
	if d.Quirks.WrongSecret {
		secret += "?"
	}
	p.add("Authorization", digest(challenge, "REGISTER", "sip:"+d.ServerID+"@"+d.Realm, d.ID, secret, d.Quirks.QOP))
}

// KeepAlive gives a sign of life.
func (d *Device) KeepAlive(ctx context.Context) error {
	if d.Quirks.NoXML {
		_ = d.message(ctx, "no XML at all")
	}
	if d.Quirks.MovePort {
		if err := d.connect(); err != nil {
			return err
		}
	}
	root, status, info := "Notify", "OK", ""
	if d.Quirks.QueryAlive {
		root, status = "Query", "ON"
	}
	if d.Quirks.AliveInfo {
		info = "<Info>\r\n<DeviceID>" + d.ID + "</DeviceID>\r\n</Info>\r\n"
	}
	err := d.message(ctx, fmt.Sprintf("<%s>\r\n<CmdType>Keepalive</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n<Status>%s</Status>\r\n%s</%s>\r\n",
		root, d.number.Add(1), d.ID, status, info, root))
	if err == nil {
		d.Seen.Alive.Add(1)
	}
	return err
}

// message sends a MANSCDP body, in the charset that the device has.
func (d *Device) message(ctx context.Context, xml string) error {
	p := d.request("MESSAGE", d.ServerID)
	p.add("Content-Type", "Application/MANSCDP+xml")
	p.body = d.encode(xml)
	return d.expect200(ctx, p)
}

func (d *Device) expect200(ctx context.Context, p *packet) error {
	answer, err := d.ask(ctx, p)
	if err != nil {
		return err
	}
	if answer.status() != 200 {
		return fmt.Errorf("%w: %d", ErrRefused, answer.status())
	}
	return nil
}

func (d *Device) encode(xml string) []byte {
	charset := d.Quirks.Charset
	if charset == "" {
		charset = "GB2312"
	}
	xml = fmt.Sprintf("<?xml version=\"1.0\" encoding=\"%s\"?>\r\n%s", charset, xml)
	if d.Quirks.UTF8 {
		return []byte(xml)
	}
	out, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(xml))
	if err != nil {
		return []byte(xml)
	}
	return out
}

// Alarm tells an alarm of a channel.
func (d *Device) Alarm(ctx context.Context, channel, method, kind string, at time.Time) error {
	form := "2006-01-02T15:04:05"
	if d.Quirks.SpaceTime {
		form = "2006-01-02 15:04:05"
	}
	inside := "<AlarmType>" + kind + "</AlarmType>\r\n"
	info := "Info"
	if d.Quirks.SmallInfo {
		info = "info"
	}
	switch {
	case d.Quirks.NoType:
		inside = ""
	case !d.Quirks.TypeOnTop:
		inside = "<" + info + ">\r\n" + inside + "</" + info + ">\r\n"
	}
	xml := fmt.Sprintf("<Notify>\r\n<CmdType>Alarm</CmdType>\r\n<SN>%d</SN>\r\n<DeviceID>%s</DeviceID>\r\n<AlarmPriority>4</AlarmPriority>\r\n<AlarmMethod>%s</AlarmMethod>\r\n<AlarmTime>%s</AlarmTime>\r\n<AlarmDescription>门口有人</AlarmDescription>\r\n%s</Notify>\r\n",
		d.number.Add(1), channel, method, at.Format(form), inside)
	d.mu.Lock()
	sub := d.state["alarm"]
	d.mu.Unlock()
	if !d.Quirks.ByNotify || sub == nil {
		return d.message(ctx, xml)
	}
	return d.expect200(ctx, d.notify(sub, xml))
}
