package gb28181

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtp"

	"gridgate/edge/source"
	"gridgate/protocols/gb28181/media"
	"gridgate/protocols/gb28181/ps"
	"gridgate/protocols/gb28181/sip"
)

// session turns what arrives into access units. Its methods are called by the goroutine that receives.
type session struct {
	emit  source.Emit
	stats *source.Meter
	watch *source.Watch
	stop  context.CancelCauseFunc

	packets *media.Unpacker
	units   *source.Assembler // nil until the coding is known
	codec   ps.Codec
	now     time.Time
}

var (
	errEnded   = fmt.Errorf("%w: it ended the session", source.ErrUnreachable)
	errChanged = fmt.Errorf("%w: its coding changed", source.ErrStalled)
	errCoding  = fmt.Errorf("%w: it sends neither H.264 nor H.265 (SVAC is not decoded)", source.ErrUnsupported)
)

// receive takes what the device sends until ctx ends or the stream fails.
func (s *Source) receive(ctx context.Context, d sip.Dialog, in *media.Receiver, ssrc string, emit source.Emit) error {
	answer, err := media.ParseAnswer(d.Answer())
	if err != nil {
		return fmt.Errorf("%w: %w", source.ErrUnsupported, err)
	}
	signalling, _ := netip.ParseAddr(d.RemoteAddr()) // without it the answered address counts alone
	offered, _ := strconv.ParseUint(ssrc, 10, 32)    // ten digits that begin with a zero
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o := s.opt
	ss := &session{emit: emit, stats: &s.stats, stop: stop, watch: source.NewWatch(source.WatchOptions{
		Stall: o.Stall, NoKeyframe: o.NoKeyframe, MaxRate: o.MaxRate, OnTrouble: o.OnTrouble,
	})}
	ss.packets = media.NewUnpacker(answer, in.Ordered(), ss.picture)
	ss.watch.Start()

	var wg sync.WaitGroup
	wg.Go(func() { stop(ss.watch.Run(ctx)) })
	wg.Go(func() {
		select {
		case <-d.Done():
			stop(errEnded)
		case <-ctx.Done():
		}
	})
	err = in.Run(ctx, media.PeerOf(answer, signalling, uint32(offered)), ss.packet)
	stop(ofMedia(err))
	wg.Wait()
	return explained(context.Cause(ctx), in)
}

// explained says of a stream that never came what to look at.
func explained(err error, in *media.Receiver) error {
	switch {
	case !errors.Is(err, source.ErrStalled) || in.Bytes() > 0:
		return err
	case in.Refused() > 0:
		return fmt.Errorf("%w: media comes from another address than the device's, and is refused", source.ErrStalled)
	}
	return fmt.Errorf("%w: no media came; look at media.address, media.ports and firewalls", source.ErrStalled)
}

// ofMedia names why media stopped.
func ofMedia(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, media.ErrFraming):
		return fmt.Errorf("%w: %w", source.ErrUnsupported, media.ErrFraming)
	}
	return fmt.Errorf("%w: %w", source.ErrUnreachable, err)
}

func (ss *session) packet(pkt *rtp.Packet) {
	ss.now = time.Now()
	ss.watch.Bytes.Add(uint64(len(pkt.Payload)))
	ss.packets.Add(pkt, ss.now)
	counts := ss.packets.Counts()
	ss.watch.Lost.Store(counts.Lost)
	ss.watch.Invalid.Store(counts.Invalid)
}

// picture takes one that the stream holds.
func (ss *session) picture(p media.Picture) {
	if !ss.known(p.Codec) {
		return
	}
	if p.Broken || p.After {
		ss.units.Wait(ss.now)
	}
	ss.units.Add(p.NALUs, !p.Broken, p.Stamp, ss.now)
}

// known begins with the stream's coding once it is told.
func (ss *session) known(c ps.Codec) bool {
	switch {
	case c == ps.Unknown:
		ss.watch.Note(source.Dropped) // it came before the first parameter sets
		return false
	case c == ps.Other:
		ss.stop(errCoding)
		return false
	case ss.units == nil:
		ss.codec = c
		ss.units = source.NewAssembler(source.AssemblerOptions{Codec: codecs[c], Out: ss.deliver})
	case c != ss.codec:
		ss.stop(errChanged)
		return false
	}
	return true
}

var codecs = map[ps.Codec]source.Codec{ps.H264: source.H264, ps.H265: source.H265}

func (ss *session) deliver(u source.AccessUnit, o source.Outcome) {
	ss.watch.Note(o)
	if o == source.Passed {
		ss.stats.Add(u)
		ss.emit(u)
	}
}
