package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/detect/motion"
	"gridgate/edge/outbox"
	"gridgate/edge/source/rtsp"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/picture"
)

// cameraSet is steps 1 to 4 for video.
type cameraSet struct {
	list  []*camera.Camera
	byID  map[string]*camera.Camera
	grids map[string]string // by camera id
}

func newCameras(cfg *config.Config, decoder decode.Decoder, raiser camera.Raiser, box *outbox.Outbox, notify func(), log *slog.Logger) (*cameraSet, error) {
	cs := &cameraSet{byID: map[string]*camera.Camera{}, grids: map[string]string{}}
	for _, c := range cfg.Cameras {
		cam, err := newCamera(cfg, c, decoder, raiser, box, notify, log.With("camera", c.ID))
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", c.ID, err)
		}
		cs.list = append(cs.list, cam)
		cs.byID[c.ID], cs.grids[c.ID] = cam, c.Place.Grid
	}
	return cs, nil
}

func newCamera(cfg *config.Config, c config.Camera, decoder decode.Decoder, raiser camera.Raiser, box *outbox.Outbox, notify func(), log *slog.Logger) (*camera.Camera, error) {
	var password string
	if c.Password.Set() {
		var err error
		if password, err = cfg.Secret(c.Password); err != nil {
			return nil, err
		}
	}
	src, err := rtsp.New(rtsp.Options{
		URL: c.URL, Username: c.Username, Password: password, Transport: transports[c.Transport],
		OnTrouble: (&troubleLog{log: log}).add,
	})
	if err != nil {
		return nil, err
	}
	detector, err := motion.New(motion.Options{Zones: zonesOf(c), Masks: polygonsOf(c.Masks)})
	if err != nil {
		return nil, err
	}
	zones := make([]camera.Zone, len(c.Zones))
	for i, z := range c.Zones {
		zones[i] = camera.Zone{Name: z.Name, Mode: camera.Mode(z.Mode)}
	}
	return camera.New(camera.Options{
		ID: c.ID, Edge: cfg.Edge, Grid: c.Place.Grid,
		Source: src, Decoder: decoder, Hook: detector, Raiser: raiser, Evidence: evidence{box},
		Zones: zones, Masks: masksOf(c), SampleEvery: c.Sample, OnChange: func(camera.Status) { notify() }, Log: log,
	})
}

// masksOf are a camera's masks as a picture must cover them.
func masksOf(c config.Camera) []picture.Mask {
	masks := make([]picture.Mask, len(c.Masks))
	for i, m := range c.Masks {
		for _, p := range m {
			masks[i] = append(masks[i], picture.Point{X: p[0], Y: p[1]})
		}
	}
	return masks
}

// transports by their names in the configuration.
var transports = map[string]rtsp.Transport{"auto": rtsp.Auto, "tcp": rtsp.TCP, "udp": rtsp.UDP}

// evidence hands redacted pictures to the outbox.
type evidence struct{ box *outbox.Outbox }

func (e evidence) Put(ctx context.Context, event alert.Evidence, jpeg []byte) error {
	return e.box.PutEvidence(ctx, event, jpeg)
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
			ID: s.ID, Family: alert.Cameras, Grid: cs.grids[s.ID], State: string(s.State), Why: s.Why, Since: s.Since.UTC().Truncate(time.Millisecond),
			LastSeen: s.LastFrame.UTC().Truncate(time.Millisecond),
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

// statuses are the cameras' own words, for the status page.
func (cs *cameraSet) statuses() []camera.Status {
	out := make([]camera.Status, len(cs.list))
	for i, c := range cs.list {
		out[i] = c.Status()
	}
	return out
}

// troubleEvery is how often a damaged stream may fill a line of the log.
const troubleEvery = time.Minute

// troubleLog sums what is wrong with a stream. It is told from one goroutine at a time.
type troubleLog struct {
	log  *slog.Logger
	sum  rtsp.Trouble
	last time.Time
}

func (l *troubleLog) add(t rtsp.Trouble) {
	l.sum.Lost += t.Lost
	l.sum.Invalid += t.Invalid
	l.sum.Dropped += t.Dropped
	if time.Since(l.last) < troubleEvery {
		return
	}
	l.log.Warn("the stream is damaged", "lost", l.sum.Lost, "invalid", l.sum.Invalid, "dropped", l.sum.Dropped)
	l.sum, l.last = rtsp.Trouble{}, time.Now()
}
