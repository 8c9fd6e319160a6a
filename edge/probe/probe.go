// Package probe looks at the streams of a camera for a few seconds and tells what they are, what they would cost on this
// machine, and which of them to detect on.
//
// In: one or two streams that are not configured yet, a decoder. Out: a [Report]. It raises nothing, stores nothing, and keeps
// one group of pictures in memory while it runs.
package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/source"
)

// Stream is one stream of the camera.
type Stream struct {
	Name    string // main or sub
	Source  source.Source
	Stats   func() source.Stats
	Chooser detect.Chooser
}

// Options of a probe.
type Options struct {
	Streams []Stream // probed one after the other, as they would run
	Decoder decode.Decoder
	// DecoderTime is the processor time that the decoder's workers have used so far, ReceiveTime that of this process.
	DecoderTime, ReceiveTime func() time.Duration
	For                      time.Duration // how long to look at each stream, default 15 s
	Heartbeat, Every         time.Duration // of the chooser, for the costs; default 15 s and 1 s
}

// Report is what a probe found.
type Report struct {
	Streams []StreamReport
	Detect  string   // name of the stream to detect on; empty if none will do
	Advice  []string // what to change on the camera or in the configuration, most important first
}

// StreamReport is one stream.
type StreamReport struct {
	Name     string
	Err      error // why it could not be looked at; nothing else is set then
	Stats    source.Stats
	Sampling detect.Sampling
	Gate     detect.Sight

	KeyframeTime time.Duration // processor time that decoding one keyframe takes; 0 if there are none
	alone        bool          // there are
	Costs        Costs
}

// Costs are shares of one core.
type Costs struct {
	Receive   float64 // taking the stream in, without looking at it
	Gated     float64 // looking at a keyframe at each heartbeat; with Receive, as the others
	Keyframes float64 // each keyframe, at most one a sampling interval
	Sequence  float64 // every picture
	Expected  float64 // that of the present sampling, when nothing happens
}

// Run probes. An error means that no stream could be looked at.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.For == 0 {
		o.For = 15 * time.Second
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	var report Report
	var errs []error
	for _, s := range o.Streams {
		r := look(ctx, o, s)
		if r.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, r.Err))
		}
		report.Streams = append(report.Streams, r)
	}
	if len(errs) == len(o.Streams) {
		return report, errors.Join(errs...)
	}
	report.advise()
	return report, nil
}

// look takes one stream in for a while, then decodes what is left of it.
func look(ctx context.Context, o Options, s Stream) StreamReport {
	r := StreamReport{Name: s.Name}
	tail := &tail{}
	begin, used := time.Now(), o.ReceiveTime()
	running, stop := context.WithTimeout(ctx, o.For)
	defer stop()
	err := s.Source.Run(running, func(u source.AccessUnit) {
		s.Chooser.Choose(u)
		tail.put(u)
	})
	switch {
	case ctx.Err() != nil:
		r.Err = ctx.Err()
	case err != nil:
		r.Err = err
	case len(tail.take()) == 0:
		r.Err = source.ErrNoKeyframe
	}
	if r.Err != nil {
		return r
	}
	r.Costs.Receive = float64(o.ReceiveTime()-used) / float64(time.Since(begin))
	r.Stats = s.Stats()
	r.Sampling, r.Gate = s.Chooser.Sampling()
	r.decode(ctx, o, tail.take())
	return r
}

// decode measures what a keyframe and the pictures after it cost.
func (r *StreamReport) decode(ctx context.Context, o Options, units []source.AccessUnit) {
	ctx = decode.WithStream(ctx, "probe "+r.Name)
	if _, _, err := o.Decoder.Sequence(ctx, "probe "+r.Name, units[:1]); err != nil { // the worker starts, the decoder warms
		r.Err = err
		return
	}
	before := o.DecoderTime()
	r.alone = true
	const times = 3
	for range times {
		if _, err := o.Decoder.Keyframe(ctx, units[0]); err != nil {
			r.alone = false // refreshed by slices: no picture stands alone
		}
	}
	if r.alone {
		r.KeyframeTime = (o.DecoderTime() - before) / times
	}
	before = o.DecoderTime()
	if _, _, err := o.Decoder.Sequence(ctx, "probe "+r.Name, units); err != nil {
		r.Err = err
		return
	}
	r.cost(o, (o.DecoderTime()-before)/time.Duration(len(units)))
}

// cost turns processor times into shares of a core.
func (r *StreamReport) cost(o Options, unit time.Duration) {
	gap := max(r.Stats.GOP, o.Every)
	r.Costs.Gated = r.Costs.Receive + float64(r.KeyframeTime)/float64(max(o.Heartbeat, gap))
	r.Costs.Keyframes = r.Costs.Receive + float64(r.KeyframeTime)/float64(gap)
	r.Costs.Sequence = r.Costs.Receive + unit.Seconds()*r.Stats.FPS
	if !r.alone {
		r.Costs.Gated, r.Costs.Keyframes = r.Costs.Sequence, r.Costs.Sequence
	}
	switch r.Sampling {
	case detect.Gated:
		r.Costs.Expected = r.Costs.Gated
	case detect.Sequence:
		r.Costs.Expected = r.Costs.Sequence
	default:
		r.Costs.Expected = r.Costs.Keyframes
	}
}

// The bounds of what is kept for decoding.
const (
	maxTailUnits = 256
	maxTailBytes = 16 << 20
)

// tail keeps the newest group of pictures that is complete, or as much as it may. Its methods may be called from any goroutine.
type tail struct {
	mu           sync.Mutex
	whole, units []source.AccessUnit
	bytes        int
}

func (t *tail) put(u source.AccessUnit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.Begins() {
		if len(t.units) > 0 {
			t.whole = t.units
		}
		t.units, t.bytes = nil, 0
	}
	if (len(t.units) == 0 && !u.Begins()) || len(t.units) >= maxTailUnits || t.bytes+u.Bytes() > maxTailBytes {
		return
	}
	t.units = append(t.units, u)
	t.bytes += u.Bytes()
}

// take returns the group; it begins where decoding may begin.
func (t *tail) take() []source.AccessUnit {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.whole) > 0 {
		return t.whole
	}
	return t.units
}
