package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/detect/motion"
	"gridgate/edge/evidence"
	"gridgate/edge/orders"
	"gridgate/edge/outbox"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// cameraSet is steps 1 to 4 for video.
type cameraSet struct {
	list []*watched
	byID map[string]*watched

	mu   sync.Mutex // of what changes while cameras run: how each is arranged and armed
	held orders.Held
	now  time.Time // as of when held was done
}

// watched is a camera and what shows how it is doing.
type watched struct {
	*camera.Camera
	grid     string
	lane     alert.Lane // the most urgent in which its alerts travel
	stream   func() source.Stats
	masked   func() float64 // share of the picture that is ignored because it always sways
	evidence func() evidence.Counters
	maker    *evidence.Maker // nil: it gives no pictures
	memory   *motion.Memory

	cfg         *config.Config
	file        config.Camera      // as its file has it, with its zones as the file arms them now
	arrangement ingest.Arrangement // in force; of version 0: the file's own zones
}

func newCameras(cfg *config.Config, gb *gbServer, wanted map[string]ingest.Arrangement, detectors detectorSet, decoder decode.Decoder, raiser camera.Raiser, box *outbox.Outbox, notify func(), log *slog.Logger) (*cameraSet, error) {
	cs := &cameraSet{byID: map[string]*watched{}}
	for _, c := range cfg.Cameras {
		cam, err := newCamera(cfg, gb, c, wanted[c.ID], detectors, decoder, raiser, box, notify, log.With("camera", c.ID))
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", c.ID, err)
		}
		cs.list = append(cs.list, cam)
		cs.byID[c.ID] = cam
	}
	return cs, nil
}

// newCamera wires one camera in the order of the pipeline, as it is arranged.
func newCamera(cfg *config.Config, gb *gbServer, file config.Camera, a ingest.Arrangement, detectors detectorSet, decoder decode.Decoder, raiser camera.Raiser, box *outbox.Outbox, notify func(), log *slog.Logger) (*watched, error) {
	c := arranged(file, a)
	streams, err := newStreams(cfg, gb, c, log)
	if err != nil {
		return nil, err
	}
	cascade, err := newCascade(file, c, cfg, detectors)
	if err != nil {
		return nil, err
	}
	shown, err := newEvidence(file, streams, decoder, box, log)
	if err != nil {
		return nil, err
	}
	zones, err := armedZones(cfg, c)
	if err != nil {
		return nil, err
	}
	o := camera.Options{
		ID: c.ID, Edge: cfg.Edge, Grid: c.Place.Grid,
		Source: streams.detect, Decoder: decoder, Chooser: newChooser(c), Stages: cascade.stages, Raiser: raiser,
		Zones: zones, Masks: masksOf(c), SampleEvery: c.Sample, Keep: keepOf(c), MaxBytes: c.Ring.MiB << 20,
		OnChange: func(camera.Status) { notify() }, Log: log,
	}
	w := &watched{
		grid: c.Place.Grid, lane: laneOf(cfg, c), maker: shown, memory: cascade.memory, cfg: cfg, file: file, arrangement: a, stream: streams.detect.Stats, masked: cascade.filter.Masked,
		evidence: func() (none evidence.Counters) { return none },
	}
	w.file.Zones = slices.Clone(file.Zones)
	if c.Events != nil {
		o.Own = camera.Own{Origin: c.Events.Protocol, Kinds: protocols()[c.Events.Protocol].kinds, Zones: c.Events.Zones}
	}
	if shown != nil {
		shown.SetMasks(masksOf(c))
		o.Evidence, w.evidence = shown, shown.Counters
	}
	if w.Camera, err = camera.New(o); err != nil {
		return nil, err
	}
	return w, nil
}

// keepOf is how much of the past a camera keeps: what a clip begins with, if that is longer.
func keepOf(c config.Camera) time.Duration {
	if c.Clip == nil {
		return c.Ring.Keep
	}
	return max(c.Ring.Keep, c.Clip.Before)
}

// armedZones are a camera's zones with their modes and schedules.
func armedZones(cfg *config.Config, c config.Camera) ([]camera.Zone, error) {
	zones := make([]camera.Zone, len(c.Zones))
	for i, z := range c.Zones {
		zones[i] = camera.Zone{Name: z.Name, Mode: camera.Mode(z.Mode)}
		if len(z.Schedule) == 0 {
			continue
		}
		s, err := cfg.Schedule(z.Schedule)
		if err != nil {
			return nil, err
		}
		zones[i].Asleep = s.Asleep
	}
	return zones, nil
}

func (cs *cameraSet) start(ctx context.Context, parts *errgroup.Group) {
	for _, c := range cs.list {
		parts.Go(func() error { return c.Run(ctx) })
	}
}

// devices is what central is told of each camera.
func (cs *cameraSet) devices() []ingest.DeviceState {
	out := make([]ingest.DeviceState, 0, len(cs.list))
	for _, c := range cs.list {
		s := c.Status()
		d := ingest.DeviceState{
			ID: s.ID, Family: alert.Cameras, Grid: c.grid, State: string(s.State), Why: s.Why, Since: s.Since.UTC().Truncate(time.Millisecond),
			LastSeen: s.LastFrame.UTC().Truncate(time.Millisecond), Lane: c.lane, Arrangement: cs.arrangement(s.ID), Register: registerOf(cs.fileOf(c)),
		}
		if d.Why == "" {
			d.Why = s.Trouble
		}
		for _, z := range s.Zones {
			d.Zones = append(d.Zones, ingest.Zone{Name: z.Name, Mode: string(z.Mode)})
		}
		out = append(out, d)
	}
	return out
}

// cameraView is a camera on the status page: its own words and those of its parts.
type cameraView struct {
	camera.Status
	Stream streamView `json:"stream"`
	Masked float64    `json:"masked"` // share of the picture that is ignored because it always sways
	// Arrangement is the version of zones and masks that central drew; absent: they are those of the file.
	Arrangement int64             `json:"arrangement,omitzero"`
	Evidence    evidence.Counters `json:"evidence"`
}

// views are the cameras for the status page.
func (cs *cameraSet) views() []cameraView {
	out := make([]cameraView, len(cs.list))
	for i, c := range cs.list {
		s := c.Status()
		out[i] = cameraView{Status: s, Arrangement: cs.arrangement(s.ID), Stream: viewOf(c.stream()), Masked: c.masked(), Evidence: c.evidence()}
	}
	return out
}

// troubleEvery is how often a damaged stream may fill a line of the log.
const troubleEvery = time.Minute

// troubleLog sums what is wrong with a stream. It is told from one goroutine at a time.
type troubleLog struct {
	log  *slog.Logger
	sum  source.Trouble
	last time.Time
}

func (l *troubleLog) add(t source.Trouble) {
	l.sum.Lost += t.Lost
	l.sum.Invalid += t.Invalid
	l.sum.Dropped += t.Dropped
	if time.Since(l.last) < troubleEvery {
		return
	}
	l.log.Warn("the stream is damaged", "lost", l.sum.Lost, "invalid", l.sum.Invalid, "dropped", l.sum.Dropped)
	l.sum, l.last = source.Trouble{}, time.Now()
}
