package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// ReplayOptions say what to replay and how; the zero value of everything but File is usable.
type ReplayOptions struct {
	File     string
	FPS      float64 // frame rate of a raw stream; 0 means what the stream tells, or else 25
	Rate     float64 // pictures looked at per second of media time; 0 means [DefaultReplayRate]
	Live     bool    // look at what a running edge would look at instead
	Zones    []detect.Zone
	Masks    []detect.Polygon
	CameraID string // default "replay"
	Edge     string // default "replay"
	Grid     string // default twelve zeros
	Pool     decode.PoolOptions
}

// DefaultReplayRate is how many pictures per second of media time replay looks at.
const DefaultReplayRate = 4

func (o ReplayOptions) withDefaults(stderr io.Writer) ReplayOptions {
	if o.Rate == 0 {
		o.Rate = DefaultReplayRate
	}
	if o.CameraID == "" {
		o.CameraID = "replay"
	}
	if o.Edge == "" {
		o.Edge = "replay"
	}
	if o.Grid == "" {
		o.Grid = "000000000000"
	}
	if o.Pool.Log == nil {
		o.Pool.Log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	return o
}

// replayLine is what replay prints for an alert.
type replayLine struct {
	At     float64      `json:"at"` // s of media time
	Kind   alert.Kind   `json:"kind"`
	State  alert.State  `json:"state"`
	Zone   string       `json:"zone,omitempty"`
	Object alert.Object `json:"object,omitempty"`
	Score  *float64     `json:"score,omitempty"`
	Count  string       `json:"countBucket,omitempty"`
}

// Replay runs detection and raise over a recording as fast as it goes, by media time, and prints a JSON line for each alert.
// At the end of the recording nothing is invented: what is still on stays on. Reasons go to stderr.
func Replay(ctx context.Context, o ReplayOptions, stdout, stderr io.Writer) int {
	if o.File == "" || !(o.Rate >= 0 && o.Rate <= 60) || !(o.FPS >= 0 && o.FPS <= 240) {
		fmt.Fprintln(stderr, "replay: a file is demanded, and rates of 0 to 60 pictures (--rate) and 0 to 240 frames (--fps) a second")
		return ExitUsage
	}
	o = o.withDefaults(stderr)
	r, err := newReplayer(ctx, o, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return ExitUsage
	}
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(stderr, "replay:", err)
		return ExitFailed
	}
	return ExitOK
}

// replayer is one replay.
type replayer struct {
	options ReplayOptions
	pool    *decode.Pool
	chooser detect.Chooser
	stages  []camera.Stage
	raiser  *raise.Raiser
	out     *json.Encoder
	start   time.Time // the edge's time of media time 0
	now     time.Time

	batch  []source.AccessUnit // since where decoding may begin, or since the last catching up
	keys   uint64
	frames int
	bad    int                            // batches that could not be decoded
	active map[situation]detect.Detection // what was told to raise
	err    error
}

// situation is what an alert of a replay is about.
type situation struct {
	zone string
	kind alert.Kind
}

// maxReplayBatch bounds the units that wait for one picture, as a camera's ring does.
const maxReplayBatch = 1500

func newReplayer(ctx context.Context, o ReplayOptions, stdout io.Writer) (*replayer, error) {
	stages, err := pixelStages(o.Zones, o.Masks)
	if err != nil {
		return nil, err
	}
	pool, err := decode.NewPool(o.Pool)
	if err != nil {
		return nil, err
	}
	r := &replayer{
		options: o, pool: pool, stages: stages.stages, out: json.NewEncoder(stdout),
		chooser: &steady{every: time.Duration(float64(time.Second) / o.Rate), next: math.MinInt64},
		start:   time.Unix(0, 0).UTC(), active: map[situation]detect.Detection{},
	}
	if o.Live {
		r.chooser = newChooser(config.Camera{Sample: time.Second})
	}
	r.now = r.start
	r.raiser, err = raise.New(ctx, raise.Options{Log: &raise.Memory{}, Now: func() time.Time { return r.now }})
	return r, err
}

// run plays the whole recording.
func (r *replayer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.pool.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	s := recording.Source{Path: r.options.File, FPS: r.options.FPS, Start: r.start}
	readErr := s.Run(ctx, func(u source.AccessUnit) {
		if r.err == nil {
			r.err = r.take(ctx, u)
		}
		if r.err != nil {
			cancel()
		}
	})
	if r.err == nil && !r.options.Live {
		r.err = r.catchUp(ctx)
	}
	switch err := errors.Join(r.err, readErr); {
	case err != nil:
		return err
	case r.frames == 0:
		return fmt.Errorf("%w: no picture of the recording could be decoded", decode.ErrBadStream)
	}
	return nil
}

// take gathers units and decodes what the chooser picks.
func (r *replayer) take(ctx context.Context, u source.AccessUnit) error {
	if u.Begins() || len(r.batch) >= maxReplayBatch {
		r.batch = r.batch[:0]
	}
	if u.Key {
		r.keys++
	}
	r.batch = append(r.batch, u)
	switch r.chooser.Choose(u) {
	case detect.Alone:
		f, err := r.pool.Keyframe(ctx, u)
		return r.look(ctx, f, err == nil, err)
	case detect.CatchUp:
		return r.catchUp(ctx)
	}
	return nil
}

// catchUp decodes the units that wait and shows the newest picture to the detectors.
func (r *replayer) catchUp(ctx context.Context) error {
	for len(r.batch) > 0 {
		part := r.batch[:min(len(r.batch), maxReplayPart)]
		f, ok, err := r.pool.Sequence(ctx, r.options.CameraID, part)
		r.batch = r.batch[len(part):]
		if err := r.look(ctx, f, ok, err); err != nil {
			return err
		}
	}
	return nil
}

// maxReplayPart bounds the units of one request to the decoder.
const maxReplayPart = 250

// look shows a picture to the detectors.
func (r *replayer) look(ctx context.Context, f decode.Frame, ok bool, err error) error {
	switch {
	case errors.Is(err, decode.ErrBadStream):
		r.bad++
		return nil // a damaged part; the next keyframe may be whole
	case err != nil:
		return err
	case !ok:
		return nil
	}
	r.frames++
	r.now = f.At
	showed := detect.Still
	for _, stage := range r.stages {
		v, err := stage.Hook.Detect(ctx, detect.Input{Frame: f, Keyframes: r.keys})
		if err != nil {
			return err
		}
		if !stage.Camera {
			showed = max(showed, camera.Showed(v))
		}
		if v.Judged {
			if err := r.tell(ctx, stage, v); err != nil {
				return err
			}
		}
	}
	if showed == detect.Movement && r.settled() {
		showed = detect.Settled
	}
	r.chooser.Saw(f.PTS, showed)
	return nil
}

// settled says whether motion is raised in every zone.
func (r *replayer) settled() bool {
	for _, z := range r.options.Zones {
		if _, on := r.active[situation{zone: z.Name, kind: alert.Motion}]; !on {
			return false
		}
	}
	_, whole := r.active[situation{kind: alert.Motion}]
	return whole || len(r.options.Zones) > 0
}

// tell raises what begins and clears what ends with a verdict.
func (r *replayer) tell(ctx context.Context, stage camera.Stage, v detect.Verdict) error {
	var signals []raise.Signal
	on := map[situation]bool{}
	for _, d := range v.Detections {
		at := situation{zone: d.Zone, kind: d.Kind}
		on[at] = true
		if _, known := r.active[at]; !known {
			r.active[at] = d
			signals = append(signals, r.signal(d, stage.Origin, observation.Active))
		}
	}
	for at, d := range r.active {
		if !on[at] && slices.Contains(stage.Kinds, at.kind) {
			delete(r.active, at)
			signals = append(signals, r.signal(detect.Detection{Kind: at.kind, Zone: at.zone, Object: d.Object}, stage.Origin, observation.Inactive))
		}
	}
	alerts, err := r.raiser.Raise(ctx, "", signals, nil)
	if err != nil {
		return err
	}
	return r.print(alerts)
}

func (r *replayer) signal(d detect.Detection, origin string, p observation.Phase) raise.Signal {
	s := raise.Signal{
		Observation: observation.Observation{
			Device: r.options.CameraID, Kind: d.Kind, Phase: p, At: r.now, Zone: d.Zone, Object: d.Object,
		},
		Source: alert.CameraSource(r.options.Edge, r.options.CameraID), Edge: r.options.Edge, Grid: r.options.Grid,
		Origin: cmp.Or(origin, string(d.Kind)), Clock: alert.EdgeClock,
	}
	if p == observation.Active {
		s.Score = &d.Score
		if n := len(d.Boxes); n > 0 {
			s.Count = &n
		}
	}
	return s
}

func (r *replayer) print(alerts []alert.Alert) error {
	for _, a := range alerts {
		at := math.Round(a.OccurredAt.Sub(r.start).Seconds()*1000) / 1000
		line := replayLine{At: at, Kind: a.Kind, State: a.State, Zone: a.Zone, Object: a.Object, Score: a.Score, Count: a.CountBucket}
		if err := r.out.Encode(line); err != nil {
			return fmt.Errorf("print an alert: %w", err)
		}
	}
	return nil
}

// steady is a [detect.Chooser] that wants a picture at a steady rate, however the recording is coded.
type steady struct {
	every, next time.Duration
}

// Choose implements [detect.Chooser].
func (s *steady) Choose(u source.AccessUnit) detect.Choice {
	if u.PTS < s.next {
		return detect.Skip
	}
	s.next = max(s.next, u.PTS) + s.every
	return detect.CatchUp
}

// Saw implements [detect.Chooser]: what was seen changes nothing.
func (*steady) Saw(time.Duration, detect.Showed) {}

// Restart implements [detect.Chooser].
func (s *steady) Restart() { s.next = math.MinInt64 }

// Sampling implements [detect.Chooser].
func (*steady) Sampling() (detect.Sampling, detect.Sight) { return detect.Sequence, detect.NoGate }
