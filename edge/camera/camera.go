// Package camera runs steps 1 to 4 for one camera: it keeps the source connected, samples and decodes what comes, asks the
// detector, and hands what zones say to raise; afterwards it makes the picture that belongs to an alert.
//
// In: access units of a [source.Source]. Out: signals to a [Raiser], redacted pictures to an [Evidence], and a [Status].
// Memory is bounded by the buffer of one group of pictures and a queue of four pictures to make. What is too much is dropped and
// counted. A camera's trouble stays its own: nothing here fails because of what a camera sends. It never keeps a picture, never
// writes a file, and never says who.
package camera

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/edge/raise"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/picture"
)

// Raiser turns signals into alerts. It returns those that are now on stable storage; on an error nothing has changed.
type Raiser interface {
	Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error)
}

// Evidence keeps a redacted picture and the event that announces it. It returns nil once both are on stable storage.
type Evidence interface {
	Put(ctx context.Context, e alert.Evidence, jpeg []byte) error
}

// Options of one camera. Fields without a default are demanded; a zero value takes the default named beside it.
type Options struct {
	ID   string // device id, as in [alert.CameraSource]
	Edge string
	Grid string // grid code of the camera's place

	Source   source.Source
	Decoder  decode.Decoder
	Hook     detect.Hook
	Raiser   Raiser
	Evidence Evidence // nil: no pictures are made

	Zones  []Zone         // those that the hook knows, default one without a name: the whole picture
	Masks  []picture.Mask // covered in every picture
	Kinds  []alert.Kind   // what the hook can detect, default motion and presence; closed after a restart where they are over
	Origin string         // name of the detector in alerts, default "motion"

	SampleEvery time.Duration // default 1 s
	LossGrace   time.Duration // without a usable picture before video-loss is raised, default 30 s
	MaxBytes    int           // of the buffered group of pictures, default 8 MiB
	MaxUnits    int           // of the same, default 1500

	// OnChange is told each change of state, mode or cause, from the camera's own goroutines. It must not block.
	OnChange func(Status)
	Log      *slog.Logger     // with the camera's name in it; default: discards
	Now      func() time.Time // default [time.Now]
}

func (o *Options) withDefaults() {
	if len(o.Kinds) == 0 {
		o.Kinds = []alert.Kind{alert.Motion, alert.Presence}
	}
	if len(o.Zones) == 0 {
		o.Zones = []Zone{{Mode: Armed}}
	}
	o.Origin = cmp.Or(o.Origin, "motion")
	o.SampleEvery = cmp.Or(o.SampleEvery, time.Second)
	o.LossGrace = cmp.Or(o.LossGrace, 30*time.Second)
	o.MaxBytes = cmp.Or(o.MaxBytes, 8<<20)
	o.MaxUnits = cmp.Or(o.MaxUnits, 1500)
	if o.OnChange == nil {
		o.OnChange = func(Status) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Camera is one supervised camera. Its methods are safe for concurrent use; Run is called once.
type Camera struct {
	opt    Options
	status *statusBoard
	zones  *zones
	buffer *buffer
	jobs   chan pictureJob

	// Owned by the detection loop.
	cursor     cursor
	lastSample time.Time // of the frame judged last
	misses     int       // samples in a row that could not be decoded
	lastGood   time.Time // when there was last a usable picture
	lost       lossState
}

// New checks the options. It starts nothing.
func New(opt Options) (*Camera, error) {
	if opt.ID == "" || opt.Source == nil || opt.Decoder == nil || opt.Hook == nil || opt.Raiser == nil {
		return nil, errors.New("camera: ID, Source, Decoder, Hook and Raiser are demanded")
	}
	if _, _, _, err := alert.ParseSource(alert.CameraSource(opt.Edge, opt.ID)); err != nil {
		return nil, fmt.Errorf("camera: %w", err)
	}
	opt.withDefaults()
	zones, err := newZones(opt)
	if err != nil {
		return nil, fmt.Errorf("camera %s: %w", opt.ID, err)
	}
	c := &Camera{opt: opt, zones: zones, buffer: newBuffer(opt), jobs: make(chan pictureJob, maxPictureJobs)}
	c.status = newStatusBoard(opt, c.buffer, zones)
	return c, nil
}

// Run works until ctx ends, and returns nil then. Nothing that a camera does makes it return earlier.
func (c *Camera) Run(ctx context.Context) error {
	c.lastGood = c.opt.Now()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.detectLoop(ctx) })
	wg.Go(func() { c.pictureLoop(ctx) })
	c.connectLoop(ctx)
	return nil
}

// Status is a snapshot.
func (c *Camera) Status() Status { return c.status.snapshot() }

// SetMode arms or disarms a zone, or starts its walk-test. What a disarmed zone had raised is cleared.
func (c *Camera) SetMode(zone string, mode Mode) error { return c.zones.setMode(zone, mode) }
