package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"golang.org/x/net/netutil"

	"gridgate/protocols/gb28181"
	"gridgate/protocols/kit/lockout"
	"gridgate/protocols/vendor"
)

// Options are what a [Server] needs. ID, Devices and one of UDP and TCP are demanded.
type Options struct {
	ID      string // ours, 18 to 20 digits
	Realm   string // 8 or 10 digits; empty: the first ten of ID
	Devices []Device

	UDP net.PacketConn // bound; closed when Run ends
	TCP net.Listener   // the same
	// Advertise is the host under which devices reach us, for Contact and Via; empty: the address from which a packet to the
	// device would leave.
	Advertise string
	// SHA256 challenges with SHA-256 in place of MD5; answers of both are believed either way.
	SHA256 bool

	Keepalive time.Duration // how often devices are told to send one; 0: 60 s
	Missed    int           // how many may be missing; 0: 3
	Subscribe time.Duration // how long a subscription lasts before it is renewed; 0: an hour
	Patience  time.Duration // how long a device may take for an answer; 0: 10 s

	// OnChange is told that the state or the channels of a device changed. It must not block.
	OnChange func(device string)
	Log      *slog.Logger
	Now      func() time.Time
}

// Counts are of what was refused since the start.
type Counts struct {
	Unknown    uint64 // requests of devices that are not configured, or are not registered
	Refused    uint64 // wrong answers to the challenge
	Flooded    uint64 // packets above the rate of their source
	Unreadable uint64 // bodies that are no MANSCDP
	Dropped    uint64 // what a device told while nobody took it for too long
}

type counters struct{ unknown, refused, flooded, unreadable, dropped atomic.Uint64 }

// Bounds.
const (
	maxDialogs     = 512
	maxQuestions   = 256       // open at once
	maxChannels    = 10_000    // of one device
	maxConnections = 4096      // TCP
	maxBody        = 256 << 10 // of a message over TCP; one over UDP has at most 32 KiB
	greeters       = 32        // devices that are asked for their channels at once
)

// Server is a SIP server for devices of GB/T 28181. It is safe for concurrent use; Run is called once.
type Server struct {
	o       Options
	devices map[string]*device
	nonces  nonces
	lock    lockout.Table
	limits  *limits
	counts  counters

	ua     *sipgo.UserAgent
	server *sipgo.Server
	client *sipgo.Client

	ctx       context.Context // of Run
	wg        sync.WaitGroup
	greeting  chan struct{}
	questions chan struct{}
	sn        atomic.Uint32
	closing   atomic.Bool

	mu      sync.Mutex
	dialogs map[string]*dialog // by Call-ID
	stopped bool
}

var (
	_ Inviter       = (*Server)(nil)
	_ vendor.Stream = (*stream)(nil)
)

// New checks o and prepares a server.
func New(o Options) (*Server, error) {
	if gb28181.ID(o.ID) == "" {
		return nil, errors.New("gb28181: the server's identifier must have 18 to 20 digits")
	}
	if o.UDP == nil && o.TCP == nil {
		return nil, errors.New("gb28181: neither UDP nor TCP to listen on")
	}
	o.fill()
	if len(o.Realm) != 8 && len(o.Realm) != 10 {
		return nil, errors.New("gb28181: the realm must have 8 or 10 digits")
	}
	s := &Server{
		o: o, devices: map[string]*device{}, dialogs: map[string]*dialog{}, limits: newLimits(o.Now),
		greeting: make(chan struct{}, greeters), questions: make(chan struct{}, maxQuestions),
	}
	for _, cfg := range o.Devices {
		if gb28181.ID(cfg.ID) == "" || s.devices[cfg.ID] != nil || cfg.ID == o.ID {
			return nil, errors.New("gb28181: a device's identifier must have 18 to 20 digits and stand once")
		}
		s.devices[cfg.ID] = newDevice(cfg)
	}
	if _, err := rand.Read(s.nonces.key[:]); err != nil {
		return nil, fmt.Errorf("gb28181: make a key: %w", err)
	}
	return s, s.prepare()
}

func (o *Options) fill() {
	if o.Realm == "" {
		o.Realm = o.ID[:10]
	}
	orDuration(&o.Keepalive, time.Minute)
	orDuration(&o.Subscribe, time.Hour)
	orDuration(&o.Patience, 10*time.Second)
	if o.Missed <= 0 {
		o.Missed = 3
	}
	if o.OnChange == nil {
		o.OnChange = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func orDuration(d *time.Duration, usual time.Duration) {
	if *d <= 0 {
		*d = usual
	}
}

// quiet silences the library once for the process: it logs packets that it cannot read.
var quiet sync.Once

func (s *Server) prepare() (err error) {
	none := slog.New(slog.DiscardHandler)
	quiet.Do(func() { sip.SetDefaultLogger(none) })
	parser := sip.NewParser()
	parser.MaxMessageLength = maxBody
	s.ua, err = sipgo.NewUA(sipgo.WithUserAgent("Gridgate"), sipgo.WithUserAgentHostname(s.o.Realm), sipgo.WithUserAgentParser(parser),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(none), sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {})),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(none)))
	if err != nil {
		return fmt.Errorf("gb28181: prepare SIP: %w", err)
	}
	if s.server, err = sipgo.NewServer(s.ua, sipgo.WithServerLogger(none)); err != nil {
		return fmt.Errorf("gb28181: prepare SIP: %w", err)
	}
	if s.client, err = sipgo.NewClient(s.ua, sipgo.WithClientLogger(none)); err != nil {
		return fmt.Errorf("gb28181: prepare SIP: %w", err)
	}
	s.server.OnRegister(s.guarded(s.onRegister))
	s.server.OnMessage(s.guarded(s.onMessage))
	s.server.OnNotify(s.guarded(s.onNotify))
	s.server.OnBye(s.guarded(s.onBye))
	s.server.OnInvite(s.guarded(refuse(488, "Not Acceptable Here")))
	s.server.OnOptions(s.guarded(s.onOptions))
	s.server.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	s.server.OnNoRoute(s.guarded(refuse(405, "Method Not Allowed")))
	return nil
}

// guarded keeps requests without the headers of RFC 3261, 8.1.1 from a handler.
func (s *Server) guarded(handle sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		if req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil || req.Via() == nil {
			refuse(400, "Bad Request")(req, tx)
			return
		}
		handle(req, tx)
	}
}

func refuse(status int, reason string) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) { answer(req, tx, status, reason) }
}

// answer sends a response. What cannot be sent is asked for again by the device.
func answer(req *sip.Request, tx sip.ServerTransaction, status int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(req, status, reason, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	_ = tx.Respond(res)
}

// Run serves until ctx ends (nil) or a listener fails. It ends the dialogs that are open.
func (s *Server) Run(ctx context.Context) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // it outlasts ctx by what it takes to end dialogs
	defer end()
	s.mu.Lock()
	s.ctx = life
	s.mu.Unlock()
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	if s.o.UDP != nil {
		serving.Go(func() { failed <- s.serveUDP(life) })
	}
	if s.o.TCP != nil {
		serving.Go(func() { failed <- s.serveTCP(life) })
	}
	s.wg.Go(func() { s.watch(life) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.stop(life)
	s.mu.Lock()
	end() // nothing enters any more
	s.mu.Unlock()
	s.wg.Wait()
	s.close(&serving)
	return err
}

// stop lets nothing new begin and ends what is open.
func (s *Server) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s.mu.Lock()
	s.stopped = true
	var open []*dialog
	for _, d := range s.dialogs {
		open = append(open, d)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, d := range open {
		wg.Go(func() { d.quit(ctx) })
	}
	wg.Wait()
}

// enter lets a caller send. Its context ends with the server, which waits for leave; ok is false if it does not run.
func (s *Server) enter(ctx context.Context) (within context.Context, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.ctx.Err() != nil {
		return nil, nil, false
	}
	within, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(s.ctx, cancel)
	s.wg.Add(1)
	return within, func() { unlink(); cancel(); s.wg.Done() }, true
}

// close ends the listeners first and the library then: it would open sockets of its own for what is to be answered after.
func (s *Server) close(serving *sync.WaitGroup) {
	s.closing.Store(true)
	if s.o.UDP != nil {
		_ = s.o.UDP.SetReadDeadline(time.Unix(1, 0))
	}
	if s.o.TCP != nil {
		s.o.TCP.Close()
	}
	serving.Wait()
	s.ua.Close()
	if s.o.UDP != nil {
		s.o.UDP.Close()
	}
}

// spawn runs f beside the server, if that still runs.
func (s *Server) spawn(f func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.ctx.Err() != nil {
		return
	}
	ctx := s.ctx
	s.wg.Go(func() { f(ctx) })
}

func (s *Server) serveTCP(ctx context.Context) error {
	err := s.ua.TransportLayer().ServeTCP(patient{netutil.LimitListener(s.o.TCP, maxConnections), s.silence()})
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("gb28181: serve TCP: %w", err)
}

// silence is how long a device may say nothing.
func (s *Server) silence() time.Duration { return time.Duration(s.o.Missed) * s.o.Keepalive }

// watch finds devices that fell silent, and renews subscriptions.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(max(10*time.Millisecond, min(s.o.Keepalive/4, 5*time.Second)))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.o.Now()
		for _, d := range s.devices {
			if d.lapsed(now, s.silence()) {
				s.lost(d, vendor.ErrSilent)
				continue
			}
			s.renew(d, now)
		}
	}
}

// lost notes that a device is gone.
func (s *Server) lost(d *device, why error) {
	if !d.leave(why, s.o.Now(), s.limits) {
		return
	}
	s.o.Log.Warn("a GB/T 28181 device is offline", "device", d.cfg.ID, "why", why)
	s.endDialogs(func(open *dialog) bool { return open.device == d })
	s.o.OnChange(d.cfg.ID)
}

// Counts returns what was refused since the start.
func (s *Server) Counts() Counts {
	c := &s.counts
	return Counts{c.unknown.Load(), c.refused.Load(), c.flooded.Load(), c.unreadable.Load(), c.dropped.Load()}
}

// State returns how a device is; false for one that is not configured.
func (s *Server) State(id string) (State, bool) {
	d := s.devices[id]
	if d == nil {
		return State{}, false
	}
	return d.state(), true
}

// Channels returns what is known of a device's channels, by identifier.
func (s *Server) Channels(id string) []Channel {
	if d := s.devices[id]; d != nil {
		return d.list()
	}
	return nil
}

// Stream returns what a device tells. Its Run waits until the device registers: one returns [vendor.ErrUnreachable] or
// [vendor.ErrAuth] once if that takes too long, and [vendor.ErrSilent] when it is lost.
func (s *Server) Stream(id string) (vendor.Stream, error) {
	d := s.devices[id]
	if d == nil {
		return nil, ErrUnknown
	}
	d.mu.Lock()
	d.read = true
	d.mu.Unlock()
	return &stream{device: d, patience: s.silence()}, nil
}
