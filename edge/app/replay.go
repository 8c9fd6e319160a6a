package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/detect/motion"
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
	options  ReplayOptions
	pool     *decode.Pool
	detector detect.Hook
	raiser   *raise.Raiser
	out      *json.Encoder
	start    time.Time // the edge's time of media time 0
	now      time.Time

	batch  []source.AccessUnit
	next   time.Duration // media time of the next picture to look at
	frames int
	bad    int                // batches that could not be decoded
	active map[string]float64 // zones that were told to raise
	err    error
}

// replayBatch bounds how many units wait for one picture.
const replayBatch = 128

func newReplayer(ctx context.Context, o ReplayOptions, stdout io.Writer) (*replayer, error) {
	detector, err := motion.New(motion.Options{Zones: o.Zones, Masks: o.Masks})
	if err != nil {
		return nil, err
	}
	pool, err := decode.NewPool(o.Pool)
	if err != nil {
		return nil, err
	}
	r := &replayer{
		options: o, pool: pool, detector: detector, out: json.NewEncoder(stdout),
		start: time.Unix(0, 0).UTC(), next: math.MinInt64, active: map[string]float64{},
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
	if r.err == nil {
		r.err = r.look(ctx)
	}
	switch err := errors.Join(r.err, readErr); {
	case err != nil:
		return err
	case r.frames == 0:
		return fmt.Errorf("%w: no picture of the recording could be decoded", decode.ErrBadStream)
	}
	return nil
}

// take gathers units until a picture is due.
func (r *replayer) take(ctx context.Context, u source.AccessUnit) error {
	r.batch = append(r.batch, u)
	if u.PTS < r.next && len(r.batch) < replayBatch {
		return nil
	}
	r.next = max(r.next, u.PTS) + time.Duration(float64(time.Second)/r.options.Rate)
	return r.look(ctx)
}

// look decodes the units that wait and shows the newest picture to the detector.
func (r *replayer) look(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	f, ok, err := r.pool.Sequence(ctx, r.options.CameraID, r.batch)
	r.batch = r.batch[:0]
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
	v, err := r.detector.Detect(ctx, detect.Input{Frame: f})
	if err != nil {
		return err
	}
	if !v.Judged {
		return nil
	}
	r.now = f.At
	alerts, err := r.raiser.Raise(ctx, "", r.signals(v, f.At), nil)
	if err != nil {
		return err
	}
	return r.print(alerts)
}

// signals tells what begins and what ends with v.
func (r *replayer) signals(v detect.Verdict, at time.Time) []raise.Signal {
	var out []raise.Signal
	on := map[string]bool{}
	for _, d := range v.Detections {
		on[d.Zone] = true
		if _, known := r.active[d.Zone]; !known {
			r.active[d.Zone] = d.Score
			out = append(out, r.signal(d, observation.Active, at))
		}
	}
	for zone := range r.active {
		if !on[zone] {
			delete(r.active, zone)
			out = append(out, r.signal(detect.Detection{Kind: alert.Motion, Zone: zone, Object: alert.UnknownObject}, observation.Inactive, at))
		}
	}
	return out
}

func (r *replayer) signal(d detect.Detection, p observation.Phase, at time.Time) raise.Signal {
	s := raise.Signal{
		Observation: observation.Observation{
			Device: r.options.CameraID, Kind: d.Kind, Phase: p, At: at, Zone: d.Zone, Object: d.Object,
		},
		Source: alert.CameraSource(r.options.Edge, r.options.CameraID), Edge: r.options.Edge, Grid: r.options.Grid,
		Origin: "motion", Clock: alert.EdgeClock,
	}
	if p == observation.Active {
		n := len(d.Boxes)
		s.Score, s.Count = &d.Score, &n
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
