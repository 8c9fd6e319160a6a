package onvif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/icholy/digest"

	"gridgate/protocols/vendor"
)

// Options are what a [Device] and a [Stream] need. URL is demanded.
type Options struct {
	URL                string // http://host[:port][/path of the device service]
	Username, Password string // empty: the device asks for none
	// Client checks the device's certificate. Its own limit of time, if any, must be longer than PullTimeout.
	Client *http.Client
	Now    func() time.Time
	// PullTimeout is how long the device may keep a question for events open, default 20 s.
	PullTimeout time.Duration
	// AnswerTimeout is how long the device has for any other answer, default 10 s.
	AnswerTimeout time.Duration
}

func (o *Options) fill() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("onvif: the address is not http://host[:port]")
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PullTimeout == 0 {
		o.PullTimeout = 20 * time.Second
	}
	if o.AnswerTimeout == 0 {
		o.AnswerTimeout = 10 * time.Second
	}
	return nil
}

// Device asks one device. It is for one goroutine at a time.
type Device struct {
	o      Options
	base   *url.URL
	clock  clocks
	way    way // that worked last
	worked bool
	tired  bool              // all ways were refused: from now on one at a time
	nonces map[string]*nonce // by address: a nonce is not used for two
}

// nonce is a challenge and how often it was answered.
type nonce struct {
	challenge *digest.Challenge
	count     int
}

// maxNonces bounds the addresses of one device.
const maxNonces = 32

// clocks are the device's clock, as far as it told it: what to add to ours.
type clocks struct {
	told       bool
	utc, local time.Duration
}

// way is how to prove who asks.
type way int

const (
	byToken      way = iota // UsernameToken, dated by the device's UTC
	byDigest                // HTTP Digest
	byOwnClock              // UsernameToken, dated by our clock
	byLocalClock            // UsernameToken, dated by the device's local time, which some firmware takes for UTC
	ways
)

// NewDevice checks o.
func NewDevice(o Options) (*Device, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("onvif: the address is not http://host[:port]")
	}
	base.User, base.RawQuery, base.Fragment = nil, "", ""
	if base.Path == "" || base.Path == "/" {
		base.Path = "/onvif/device_service"
	}
	return &Device{o: o, base: base, nonces: map[string]*nonce{}}, nil
}

// syncClock asks for the device's clock without credentials (ONVIF Core, 8.3.5). A device that does not tell it is no failure; one
// that cannot be reached is.
func (d *Device) syncClock(ctx context.Context) error {
	d.clock = clocks{}
	body, err := d.ask(ctx, call{to: d.base, open: true, body: `<GetSystemDateAndTime xmlns="` + nsDevice + `"/>`})
	if errors.Is(err, vendor.ErrUnreachable) || errors.Is(err, vendor.ErrCertificate) || errors.Is(err, vendor.ErrSilent) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		return nil
	}
	told := body.first("SystemDateAndTime")
	utc, ok := readDateTime(told.child("UTCDateTime"))
	local, hasLocal := readDateTime(told.child("LocalDateTime"))
	now := d.o.Now()
	if ok {
		d.clock = clocks{told: true, utc: utc.Sub(now)}
		d.clock.local = d.clock.utc
	}
	if hasLocal {
		if d.clock.local = local.Sub(now); !ok {
			d.clock.told, d.clock.utc = true, d.clock.local
		}
	}
	return nil
}

// ClockOffset is what the device's clock is ahead of ours; ok is false as long as it told none.
func (d *Device) ClockOffset() (offset time.Duration, ok bool) { return d.clock.utc, d.clock.told }

func readDateTime(e *element) (time.Time, bool) {
	date, clock := e.child("Date"), e.child("Time")
	parts := [6]int{}
	for i, part := range []*element{date.child("Year"), date.child("Month"), date.child("Day"), clock.child("Hour"), clock.child("Minute"), clock.child("Second")} {
		n, err := strconv.Atoi(part.value())
		if err != nil || n < 0 || n > 9999 {
			return time.Time{}, false
		}
		parts[i] = n
	}
	return time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC), true
}

// ask asks once, within the time for an answer.
func (d *Device) ask(ctx context.Context, c call) (*element, error) {
	return d.askFor(ctx, c, d.o.AnswerTimeout)
}

func (d *Device) askFor(ctx context.Context, c call, limit time.Duration) (*element, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if c.open || d.o.Username == "" {
		body, _, err := post(ctx, d.o.Client, c, c.envelope(""), "")
		return body, err
	}
	return d.prove(ctx, c)
}

// prove asks in the way that worked last, and on a refusal in the others. Each is tried once: devices lock out whoever fails often.
func (d *Device) prove(ctx context.Context, c call) (*element, error) {
	body, err := d.try(ctx, c, d.way)
	if !refused(err) {
		if err == nil {
			d.worked, d.tired = true, false
		}
		return body, err
	}
	if d.worked { // a device that was started again has another clock
		if syncErr := d.syncClock(ctx); syncErr != nil {
			return nil, syncErr
		}
		if body, err = d.try(ctx, c, d.way); !errors.Is(err, vendor.ErrAuth) {
			return body, err
		}
	}
	if d.tired {
		d.nextWay()
		return nil, err
	}
	return d.tryOthers(ctx, c, err)
}

// nextWay is for the next time.
func (d *Device) nextWay() {
	for d.way = (d.way + 1) % ways; !d.differs(d.way); {
		d.way = (d.way + 1) % ways
	}
}

// tryOthers tries the ways that did not work last. err is why that one did not.
func (d *Device) tryOthers(ctx context.Context, c call, err error) (*element, error) {
	last := d.way
	d.worked = false
	for w := range ways {
		if w == last || !d.differs(w) {
			continue
		}
		body, otherErr := d.try(ctx, c, w)
		if otherErr == nil {
			d.way, d.worked, d.tired = w, true, false
			return body, nil
		}
		if !refused(otherErr) {
			return nil, otherErr
		}
	}
	d.tired = true
	if errors.Is(err, errSender) {
		err = fmt.Errorf("%w, or something else that was asked", vendor.ErrAuth)
	}
	return nil, err
}

func refused(err error) bool { return errors.Is(err, vendor.ErrAuth) || errors.Is(err, errSender) }

// sameClock is a difference of clocks that no device minds.
const sameClock = 5 * time.Second

// differs says whether a way is another one than those before it.
func (d *Device) differs(w way) bool {
	switch w {
	case byOwnClock:
		return d.clock.told && d.clock.utc.Abs() > sameClock
	case byLocalClock:
		return d.clock.told && (d.clock.local-d.clock.utc).Abs() > sameClock && d.clock.local.Abs() > sameClock
	}
	return true
}

func (d *Device) try(ctx context.Context, c call, w way) (*element, error) {
	if w == byDigest {
		return d.digest(ctx, c)
	}
	created := d.o.Now()
	switch w {
	case byToken:
		created = created.Add(d.clock.utc)
	case byLocalClock:
		created = created.Add(d.clock.local)
	}
	body, head, err := post(ctx, d.o.Client, c, c.envelope(usernameToken(d.o.Username, d.o.Password, created)), "")
	d.remember(c.to, head)
	return body, err
}

// digest asks with HTTP Digest (RFC 7616, and RFC 2069 without qop), with a nonce of this address alone.
func (d *Device) digest(ctx context.Context, c call) (*element, error) {
	if d.nonceOf(c.to) == nil {
		body, head, err := post(ctx, d.o.Client, c, c.envelope(""), "")
		if d.remember(c.to, head); !refused(err) || d.nonceOf(c.to) == nil {
			return body, err
		}
	}
	body, err := d.withNonce(ctx, c)
	if refused(err) && d.nonceOf(c.to).count == 0 { // it has another nonce for us: the last was too old
		return d.withNonce(ctx, c)
	}
	return body, err
}

func (d *Device) withNonce(ctx context.Context, c call) (*element, error) {
	n := d.nonceOf(c.to)
	n.count++
	used, count, envelope := n.challenge.Nonce, n.count, c.envelope("")
	credentials, err := digest.Digest(n.challenge, digest.Options{
		Method: http.MethodPost, URI: c.to.RequestURI(), Count: count, Username: d.o.Username, Password: d.o.Password,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(envelope)), nil },
	})
	if err != nil {
		return nil, fmt.Errorf("%w: its kind of digest is not known", vendor.ErrUnsupported)
	}
	body, head, err := post(ctx, d.o.Client, c, envelope, credentials.String())
	if refused(err) {
		d.remember(c.to, head)
		if fresh := d.nonceOf(c.to); fresh.challenge.Nonce == used || count == 1 && !fresh.challenge.Stale {
			fresh.count = max(fresh.count, 1) // the same again would be refused again
		}
	}
	return body, err
}

// remember keeps the challenge of an answer for its address.
func (d *Device) remember(to *url.URL, head http.Header) {
	challenge, err := digest.FindChallenge(head)
	if err != nil || !digest.CanDigest(challenge) {
		return
	}
	if before := d.nonces[to.String()]; before != nil && before.challenge.Nonce == challenge.Nonce {
		return
	}
	if len(d.nonces) >= maxNonces {
		clear(d.nonces)
	}
	d.nonces[to.String()] = &nonce{challenge: challenge}
}

func (d *Device) nonceOf(to *url.URL) *nonce { return d.nonces[to.String()] }

// addresses are where a service may be that the device says to be at told: never at another host, since devices tell the address
// that they had in another network.
func (d *Device) addresses(told string) []*url.URL {
	u, err := url.Parse(strings.TrimSpace(told))
	if err != nil || u.Path == "" || !strings.HasPrefix(u.Path, "/") {
		return nil
	}
	own := *d.base
	own.Path, own.RawPath, own.RawQuery = u.Path, u.RawPath, u.RawQuery
	theirs := own
	theirs.Scheme, theirs.Host = u.Scheme, hostPort(d.base.Hostname(), u.Port())
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || theirs == own:
		return []*url.URL{&own}
	case u.Hostname() == d.base.Hostname() && u.Scheme == d.base.Scheme:
		return []*url.URL{&theirs, &own}
	}
	return []*url.URL{&own, &theirs}
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}
