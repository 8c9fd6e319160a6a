package camera_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/camera"
	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
	"gridgate/protocols/picture"
)

func TestMain(m *testing.M) { leak.Main(m) }

// fakeSource runs a script; each run is told its number, from 0.
type fakeSource struct {
	play func(ctx context.Context, run int, emit source.Emit) error
	mu   sync.Mutex
	runs []time.Time
}

func (f *fakeSource) Run(ctx context.Context, emit source.Emit) error {
	f.mu.Lock()
	run := len(f.runs)
	f.runs = append(f.runs, time.Now())
	f.mu.Unlock()
	return f.play(ctx, run, emit)
}

// stream sends 10 pictures a second for n pictures, or for ever if n is 0, with a keyframe every gop of them.
func stream(ctx context.Context, n, gop int, emit source.Emit) {
	for i := 0; n == 0 || i < n; i++ {
		emit(source.AccessUnit{Codec: source.H264, NALUs: [][]byte{{byte(i)}}, Key: i%gop == 0, PTS: time.Duration(i) * 100 * time.Millisecond, At: time.Now()})
		if !backoff.Wait(ctx, 100*time.Millisecond) {
			return
		}
	}
}

func steady(gop int) *fakeSource {
	return &fakeSource{play: func(ctx context.Context, _ int, emit source.Emit) error {
		stream(ctx, 0, gop, emit)
		return nil
	}}
}

// fakeDecoder returns a frame that carries the time of its unit. It notes what it was asked.
type fakeDecoder struct {
	err   error
	takes time.Duration // how long a decoding lasts
	lets  bool          // it let go of the decoder of a sequence, until that begins again

	mu       sync.Mutex
	keys     int
	batches  [][]source.AccessUnit
	pictures [][]source.AccessUnit
	masks    []picture.Mask // of the last picture or search for faces
	faces    []decode.Face
}

func (f *fakeDecoder) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeDecoder) Keyframe(ctx context.Context, u source.AccessUnit) (decode.Frame, error) {
	backoff.Wait(ctx, f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys++
	return decode.Frame{PTS: u.PTS, At: u.At}, f.err
}

func (f *fakeDecoder) Sequence(ctx context.Context, _ string, units []source.AccessUnit) (decode.Frame, bool, error) {
	backoff.Wait(ctx, f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lets = f.lets && !units[0].Begins(); f.lets {
		return decode.Frame{}, false, decode.ErrForgotten
	}
	f.batches = append(f.batches, slices.Clone(units))
	last := units[len(units)-1]
	return decode.Frame{PTS: last.PTS, At: last.At}, f.err == nil, f.err
}

func (f *fakeDecoder) Pictures(ctx context.Context, q decode.PictureRequest) ([]decode.Picture, error) {
	backoff.Wait(ctx, f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pictures, f.masks = append(f.pictures, slices.Clone(q.Units)), q.Masks
	return []decode.Picture{{JPEG: []byte("jpeg"), At: q.Units[len(q.Units)-1].At}}, nil
}

func (f *fakeDecoder) Faces(_ context.Context, _ []source.AccessUnit, masks []picture.Mask) ([]decode.Face, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.masks = masks
	return f.faces, nil
}

// hookFunc is a detector made of one function.
type hookFunc func(f decode.Frame) detect.Verdict

func (h hookFunc) Detect(_ context.Context, in detect.Input) (detect.Verdict, error) {
	return h(in.Frame), nil
}

func quiet(decode.Frame) detect.Verdict { return detect.Verdict{Judged: true} }

// between sees motion in the zones while the media time lies in [from, to).
func between(from, to time.Duration, zones ...string) hookFunc {
	return func(f decode.Frame) detect.Verdict {
		v := detect.Verdict{Judged: true}
		if f.PTS >= from && f.PTS < to {
			for _, z := range zones {
				v.Detections = append(v.Detections, detect.Detection{Kind: alert.Motion, Zone: z, Score: 0.8, Boxes: make([]detect.Box, 2), Object: alert.UnknownObject})
			}
		}
		return v
	}
}

// fakeRaiser pairs raised and cleared as the real one does, without its log.
type fakeRaiser struct {
	mu      sync.Mutex
	err     error
	signals []raise.Signal
	alerts  []alert.Alert
	open    map[string]bool
}

func (f *fakeRaiser) Raise(_ context.Context, _ string, signals []raise.Signal, _ []alert.Reading) ([]alert.Alert, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if f.open == nil {
		f.open = make(map[string]bool)
	}
	var out []alert.Alert
	for _, s := range signals {
		f.signals = append(f.signals, s)
		key := alert.KeyOf(s.Edge, s.Device, s.Zone, s.Kind)
		active := s.Phase == observation.Active
		if active == f.open[key] {
			continue
		}
		f.open[key] = active
		a := alert.Alert{ID: alert.NewID(), Source: s.Source, Kind: s.Kind, Zone: s.Zone, State: alert.Raised, OccurredAt: s.At, Exercise: s.Exercise, Key: key}
		if !active {
			a.State = alert.Cleared
		}
		out = append(out, a)
	}
	f.alerts = append(f.alerts, out...)
	return out, nil
}

func (f *fakeRaiser) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// lines tells the alerts as "kind zone state".
func (f *fakeRaiser) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, a := range f.alerts {
		line := string(a.Kind) + " " + a.Zone + " " + string(a.State)
		if a.Exercise {
			line += " exercise"
		}
		out = append(out, line)
	}
	return out
}

func (f *fakeRaiser) list() []alert.Alert {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.alerts)
}

func (f *fakeRaiser) heard() []raise.Signal {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.signals)
}

// fakeEvidence notes what was wanted and how the ring looked then.
type fakeEvidence struct {
	mu      sync.Mutex
	wants   []alert.Alert
	onsets  []time.Time
	windows [][]source.AccessUnit // from a second before the onset
}

func (f *fakeEvidence) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (f *fakeEvidence) Want(alerts []alert.Alert, onset time.Time, ring camera.Ring) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wants = append(f.wants, alerts...)
	f.onsets = append(f.onsets, onset)
	f.windows = append(f.windows, ring.Window(onset.Add(-time.Second)))
}

func (f *fakeEvidence) list() []alert.Alert {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.wants)
}

// fakeChooser wants each keyframe, or everything, once in an interval.
type fakeChooser struct {
	sequence bool
	last     time.Time
	saw      []detect.Showed // by sample
	restarts int
}

func (f *fakeChooser) Choose(u source.AccessUnit) detect.Choice {
	if !f.last.IsZero() && u.At.Sub(f.last) < time.Second || !f.sequence && !u.Key {
		return detect.Skip
	}
	f.last = u.At
	if f.sequence {
		return detect.CatchUp
	}
	return detect.Alone
}

func (f *fakeChooser) Saw(_ time.Duration, what detect.Showed) { f.saw = append(f.saw, what) }
func (f *fakeChooser) Restart()                                { f.restarts++; f.last = time.Time{} }

func (f *fakeChooser) Sampling() (detect.Sampling, detect.Sight) {
	if f.sequence {
		return detect.Sequence, detect.NoGate
	}
	return detect.Keyframes, detect.NoGate
}

// rig is a camera with its fakes.
type rig struct {
	*camera.Camera
	decoder  *fakeDecoder
	chooser  *fakeChooser
	raiser   *fakeRaiser
	evidence *fakeEvidence
	changes  chan camera.Status
}

// motionBy is a cascade of one stage.
func motionBy(hook detect.Hook) []camera.Stage {
	return []camera.Stage{{Hook: hook, Kinds: []alert.Kind{alert.Motion}}}
}

func newRig(t *testing.T, src source.Source, hook detect.Hook, edits ...func(*camera.Options)) *rig {
	t.Helper()
	r := &rig{decoder: &fakeDecoder{}, chooser: &fakeChooser{}, raiser: &fakeRaiser{}, evidence: &fakeEvidence{}, changes: make(chan camera.Status, 1000)}
	opt := camera.Options{
		ID: "gate", Edge: "east", Grid: "110105001001", Source: src, Decoder: r.decoder, Chooser: r.chooser, Raiser: r.raiser, Evidence: r.evidence,
		Stages:   motionBy(hook),
		Zones:    []camera.Zone{{Name: "door"}, {Name: "yard", Mode: camera.Disarmed}, {Name: "lane", Mode: camera.WalkTest}},
		OnChange: func(s camera.Status) { r.changes <- s },
	}
	for _, edit := range edits {
		if edit != nil {
			edit(&opt)
		}
	}
	var err error
	if r.Camera, err = camera.New(opt); err != nil {
		t.Fatal(err)
	}
	return r
}

// script runs the camera in fake time while steps act on it, and ends it after them.
func (r *rig) script(t *testing.T, steps func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	steps()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// after lets fake time pass until everybody is idle again.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (r *rig) states() []source.State {
	var out []source.State
	for len(r.changes) > 0 {
		if s := <-r.changes; len(out) == 0 || out[len(out)-1] != s.State {
			out = append(out, s.State)
		}
	}
	return out
}
