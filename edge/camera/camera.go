// Package camera runs steps 1 to 4 for one camera: it keeps the source connected, decodes what the chooser picks, asks the
// detectors, hands what zones say to raise, and asks for the evidence of what was raised.
//
// In: access units of a [source.Source], and its zones and masks, which can be drawn anew while it runs ([Camera.Arrange]). Out: signals to
// a [Raiser], wants to an [Evidence], and a [Status]. Memory is bounded by the ring of coded pictures. What is too much is dropped and
// counted. A camera's trouble stays its own: nothing here fails because of what a camera sends. It never keeps a decoded picture, never
// writes a file, and never says who.
package camera

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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

// Evidence makes the pictures of alerts that were raised.
type Evidence interface {
	// Run works until ctx ends.
	Run(ctx context.Context) error
	// Want asks for the pictures around onset (edge clock). It never blocks: with too many to make there are none.
	Want(alerts []alert.Alert, onset time.Time, ring Ring)
}

// Ring gives the coded pictures of the last moments.
type Ring = interface {
	// Window returns the units from the last one at or before from on which decoding may begin, up to the newest. They are
	// shared and must not be changed.
	Window(from time.Time) []source.AccessUnit
}

// Options of one camera. Fields without a default are demanded; a zero value takes the default named beside it.
type Options struct {
	ID   string // device id, as in [alert.CameraSource]
	Edge string
	Grid string // grid code of the camera's place

	Source   source.Source
	Decoder  decode.Decoder
	Chooser  detect.Chooser
	Stages   []Stage // in the order of the cascade
	Raiser   Raiser
	Own      Own
	Evidence Evidence // nil: no pictures are made

	Zones []Zone         // those that the hooks know, default one without a name: the whole picture
	Masks []picture.Mask // until [Camera.Arrange]: never shown to a hook that looks closer

	SampleEvery time.Duration // of the chooser, for the uncertainty of an onset; default 1 s
	LossGrace   time.Duration // without a usable picture before video-loss is raised, default 30 s
	Keep        time.Duration // of coded pictures before the group under way, for evidence; 0: none
	MaxBytes    int           // of all coded pictures kept, default 8 MiB
	MaxUnits    int           // of the same, default 1500

	// OnChange is told each change of state, mode or cause, from the camera's own goroutines, one after the other. It must not block.
	OnChange func(Status)
	Log      *slog.Logger     // with the camera's name in it; default: discards
	Now      func() time.Time // default [time.Now]
}

func (o *Options) withDefaults() {
	if len(o.Zones) == 0 {
		o.Zones = []Zone{{Mode: Armed}}
	}
	o.Stages = slices.Clone(o.Stages)
	for i, stage := range o.Stages {
		if len(stage.Kinds) > 0 {
			o.Stages[i].Origin = cmp.Or(stage.Origin, string(stage.Kinds[0]))
		}
	}
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
	opt      Options
	status   *statusBoard
	zones    *zones
	ring     *ring
	closer   []closer // by stage; used for those that look closer
	masks    atomic.Pointer[[]picture.Mask]
	past     past
	own      own
	outcomes chan outcome

	// Owned by the detection loop.
	cursor     cursor
	lastSample time.Time // of the frame judged last
	misses     int       // samples in a row that could not be decoded
	lastGood   time.Time // when there was last a usable picture
	lost       lossState
}

// New checks the options. It starts nothing.
func New(opt Options) (*Camera, error) {
	if opt.ID == "" || opt.Source == nil || opt.Decoder == nil || opt.Chooser == nil || len(opt.Stages) == 0 || opt.Raiser == nil {
		return nil, errors.New("camera: ID, Source, Decoder, Chooser, Stages and Raiser are demanded")
	}
	if _, _, _, err := alert.ParseSource(alert.CameraSource(opt.Edge, opt.ID)); err != nil {
		return nil, fmt.Errorf("camera: %w", err)
	}
	opt.withDefaults()
	zones, err := newZones(opt)
	if err != nil {
		return nil, fmt.Errorf("camera %s: %w", opt.ID, err)
	}
	c := &Camera{opt: opt, zones: zones, ring: newRing(opt), outcomes: make(chan outcome), own: own{early: true}}
	c.masks.Store(&opt.Masks)
	for range opt.Stages {
		c.closer = append(c.closer, closer{glances: make(chan glance, 1), asks: true})
	}
	c.status = newStatusBoard(opt, c.ring, zones)
	return c, nil
}

// Run works until ctx ends, and returns nil then. Nothing that a camera does makes it return earlier.
func (c *Camera) Run(ctx context.Context) error {
	c.lastGood = c.opt.Now()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.detectLoop(ctx) })
	for i, stage := range c.opt.Stages {
		if stage.closer() {
			wg.Go(func() { c.closerLook(ctx, i, c.closer[i].glances) })
		}
	}
	if c.opt.Evidence != nil {
		wg.Go(func() { _ = c.opt.Evidence.Run(ctx) }) // it ends with ctx alone
	}
	c.connectLoop(ctx)
	return nil
}

// Status is a snapshot.
func (c *Camera) Status() Status { return c.status.snapshot() }

// Reports says whether the camera can tell that a situation is over.
func (c *Camera) Reports(zone string, kind alert.Kind) bool {
	p := place{zone: zone, kind: kind}
	return kind == alert.VideoLoss && zone == "" || c.zones.reports(p) || c.ownPlaces()[p]
}

// SetMode arms or disarms a zone, or starts its walk-test. What a disarmed zone had raised is cleared.
func (c *Camera) SetMode(zone string, mode Mode) error { return c.zones.setMode(zone, mode) }
