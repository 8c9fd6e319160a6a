// Package rtsp pulls one H.264, H.265 or MJPEG stream from a camera by RTSP (RFC 2326), over TLS where the address says rtsps,
// and RTP (RFC 6184, RFC 7798, RFC 2435).
//
// In: an address, credentials and limits. Out: access units through a [source.Emit], or one error that names the cause.
// What a camera sends is never trusted: sizes, rates and counts are capped, only slices and parameter sets are passed on (so
// that a vendor's own data, which can hold an identity, ends here), and trouble with packets is counted, not logged one by one.
// It never decodes, never retries, never follows a redirect to another host, never goes on with a certificate that failed its
// check, and no error text holds the address or a secret.
package rtsp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"gridgate/edge/source"
	"gridgate/protocols/kit/tlspin"
)

// Transport is how RTP travels.
type Transport string

// The transports. Auto, the zero value, is TCP, and UDP only where the camera refuses TCP: a keyframe is a hundred packets
// and more, and one that UDP loses costs the whole group of pictures.
const (
	Auto Transport = ""
	TCP  Transport = "tcp"
	UDP  Transport = "udp"
)

// Options of one stream. A zero value takes the default named beside it.
type Options struct {
	URL       string // rtsp[s]://host[:port]/path; user and password may stand in it
	Username  string // goes before the one in URL
	Password  string
	Transport Transport

	// CA and Fingerprint say which certificate a camera with an rtsps address may show; with neither it must be one that the
	// system trusts, for the host of the address. If both are given, both must hold.
	CA          []byte // PEM; the certificate must be for the host of the address and lead to one of these
	Fingerprint string // SHA-256 of the camera's own certificate in hex, colons allowed; its host and dates do not count then

	Connect    time.Duration // for everything up to PLAY, default 10 s
	Stall      time.Duration // without an access unit, default 10 s: [source.ErrStalled]
	NoKeyframe time.Duration // with units but none at which decoding could begin, default 30 s: [source.ErrNoKeyframe]
	MaxUnit    int           // bytes of an access unit, default 4 MiB; a larger one is dropped
	MaxRate    int           // bytes a second, default 8 MiB (67 Mbit/s); see [Source.Run]

	// OnTrouble is told at most once a second what went wrong since the last time. It must not block.
	OnTrouble func(Trouble)
}

// Trouble counts what was wrong with the packets of a stream.
type Trouble = source.Trouble

// Source is one stream. It may be run again after it returned, but not twice at once.
type Source struct {
	opt   Options
	url   *base.URL // with credentials
	tls   tlspin.Trust
	stats *source.Meter
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
}

var _ source.Source = (*Source)(nil)

// ErrAddress says that the address is not usable. Its text does not repeat it.
var ErrAddress = errors.New("the address is not of the form rtsp://host[:port]/path or rtsps://host[:port]/path")

// New checks the options. It opens nothing.
func New(opt Options) (*Source, error) {
	u, err := base.ParseURL(opt.URL)
	if err != nil || (u.Scheme != plainScheme && u.Scheme != secureScheme) || u.Hostname() == "" {
		return nil, ErrAddress // not wrapped: a parser's error repeats the address
	}
	trusted, err := newTrust(opt, u.Scheme == secureScheme)
	if err != nil {
		return nil, err
	}
	switch opt.Transport {
	case Auto, TCP, UDP:
	default:
		return nil, errors.New("transport is not auto, tcp or udp")
	}
	opt.withDefaults()
	return &Source{
		opt: opt, url: withCredentials(u, opt.Username, opt.Password), tls: trusted, stats: &source.Meter{},
		dial: (&net.Dialer{Timeout: opt.Connect}).DialContext,
	}, nil
}

// Stats tells what the stream is like in this run; after it, what it was like. It may be called at any time.
func (s *Source) Stats() source.Stats { return s.stats.Stats() }

func (o *Options) withDefaults() {
	o.Connect = cmp.Or(o.Connect, 10*time.Second)
	o.Stall = cmp.Or(o.Stall, 10*time.Second)
	o.NoKeyframe = cmp.Or(o.NoKeyframe, 30*time.Second)
	o.MaxUnit = cmp.Or(o.MaxUnit, 4<<20)
	o.MaxRate = cmp.Or(o.MaxRate, 8<<20)
	if o.OnTrouble == nil {
		o.OnTrouble = func(Trouble) {}
	}
}

// Run implements [source.Source]. A camera that floods, with more than MaxRate bytes or 240 pictures a second for three
// seconds on end, is cut off with [source.ErrUnsupported]: reconnecting then bounds what it costs.
func (s *Source) Run(ctx context.Context, emit source.Emit) error {
	transport := s.opt.Transport
	if transport == Auto {
		transport = TCP
	}
	s.stats.Reset()
	err := s.runOnce(ctx, transport, emit)
	if s.opt.Transport == Auto && errors.Is(err, errTransport) {
		err = s.runOnce(ctx, UDP, emit)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Source) runOnce(ctx context.Context, transport Transport, emit source.Emit) error {
	return newSession(s, transport, emit).run(ctx)
}
