// Package gb28181 asks a GB/T 28181 device for the live video of one channel and makes access units of it.
//
// In: an inviter, which signals, the device's and the channel's codes, and limits. Out: access units through a [source.Emit], or one
// error that names the cause. Each run is one session: an INVITE, media over UDP or TCP, and a BYE on every way out. Only slices and
// parameter sets are passed on; sound and private streams end in the reader. It never decodes, never retries, keeps at most one
// picture and what waits for its turn, and no error text holds an address or what the device wrote.
package gb28181

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/sip"
)

// Inviter asks a registered device for media, and returns when it has answered. [sip.Server] is one.
type Inviter interface {
	Invite(ctx context.Context, r sip.InviteRequest) (sip.Dialog, error)
}

// Media is what all sessions of an edge share.
type Media struct {
	Code  string     // our code of 20 digits
	Host  netip.Addr // under which devices reach us
	Ports *media.Ports
	SSRCs *media.SSRCs
}

// Options of one stream. A zero value takes the default named beside it.
type Options struct {
	Inviter   Inviter
	Media     Media
	Device    string
	Channel   string
	Transport media.Transport // default UDP

	Connect    time.Duration // for the device's answer, default 15 s: it may ask its own camera first
	Stall      time.Duration // without an access unit, default 10 s: [source.ErrStalled]
	NoKeyframe time.Duration // with units but none at which decoding could begin, default 30 s: [source.ErrNoKeyframe]
	MaxRate    int           // bytes a second, default 8 MiB (67 Mbit/s)
	// OnTrouble is told at most once a second what went wrong since the last time. It must not block.
	OnTrouble func(source.Trouble)
}

// byeTimeout bounds the end of a session: the device may be gone.
const byeTimeout = 5 * time.Second

// Source is one stream. It may be run again after it returned, but not twice at once.
type Source struct {
	opt   Options
	stats source.Meter
}

var _ source.Source = (*Source)(nil)

// New checks the options. It opens nothing.
func New(o Options) (*Source, error) {
	switch {
	case o.Inviter == nil || o.Media.Ports == nil || o.Media.SSRCs == nil || !o.Media.Host.IsValid():
		return nil, errors.New("nothing signals, or nowhere may media arrive")
	case o.Device == "" || o.Channel == "":
		return nil, errors.New("a device and a channel are demanded")
	}
	o.Transport = cmp.Or(o.Transport, media.UDP)
	o.Connect = cmp.Or(o.Connect, 15*time.Second)
	o.Stall = cmp.Or(o.Stall, 10*time.Second)
	o.NoKeyframe = cmp.Or(o.NoKeyframe, 30*time.Second)
	o.MaxRate = cmp.Or(o.MaxRate, 8<<20)
	if o.OnTrouble == nil {
		o.OnTrouble = func(source.Trouble) {}
	}
	return &Source{opt: o}, nil
}

// Stats tells what the stream is like in this run; after it, what it was like. It may be called at any time.
func (s *Source) Stats() source.Stats { return s.stats.Stats() }

// Run implements [source.Source].
func (s *Source) Run(ctx context.Context, emit source.Emit) error {
	s.stats.Reset()
	err := s.run(ctx, emit)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Source) run(ctx context.Context, emit source.Emit) error {
	o := s.opt
	ssrc, ok := o.Media.SSRCs.Take()
	if !ok {
		return fmt.Errorf("%w: too many sessions", source.ErrUnreachable)
	}
	defer o.Media.SSRCs.Free(ssrc)
	in, err := o.Media.Ports.Open(o.Transport)
	if err != nil {
		return fmt.Errorf("%w: %w", source.ErrUnreachable, err)
	}
	defer in.Close()
	dialog, err := s.invite(ctx, ssrc, in.Port())
	if err != nil {
		return err
	}
	defer bye(ctx, dialog)
	return s.receive(ctx, dialog, in, ssrc, emit)
}

func (s *Source) invite(ctx context.Context, ssrc string, port int) (sip.Dialog, error) {
	o := s.opt
	offer := media.Offer{Code: o.Media.Code, Host: o.Media.Host, Port: port, Transport: o.Transport, SSRC: ssrc}
	ctx, cancel := context.WithTimeout(ctx, o.Connect)
	defer cancel()
	dialog, err := o.Inviter.Invite(ctx, sip.InviteRequest{Device: o.Device, Channel: o.Channel, Offer: offer.Marshal(), SSRC: ssrc})
	if err != nil {
		return nil, classify(err)
	}
	return dialog, nil
}

// bye ends a session, even when the run itself was told to end.
func bye(ctx context.Context, d sip.Dialog) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	_ = d.Bye(ctx) // a device that does not answer has stopped, or notices that nobody listens
}

// classify names the cause of a refusal in our own words.
func classify(err error) error {
	why := "it could not be asked for its video"
	switch {
	case errors.Is(err, sip.ErrOffline):
		why = "it is not registered"
	case errors.Is(err, sip.ErrUnknown):
		why = "it is not among the configured devices"
	case errors.Is(err, sip.ErrRefused):
		why = "it refused to send its video"
	case errors.Is(err, sip.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		why = "it did not answer the invitation in time"
	case errors.Is(err, sip.ErrBusy):
		why = "too many sessions are open"
	}
	return fmt.Errorf("%w: %s", source.ErrUnreachable, why)
}
