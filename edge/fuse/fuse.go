// Package fuse stands before step 4 for cameras: what the camera itself tells and what our own detectors find on the same zone within
// seconds is one situation, and its alert names both origins.
//
// In: the signals of cameras. Out: fewer signals, to a [Raiser]. Motion is the least that can be said: while something more
// telling (intrusion, a line crossed, a thing left behind) is known of the zone, motion there is part of it. A source that is not trusted alone
// is believed once another one saw something on the same zone.
//
// It remembers only who holds what now, in memory: after a restart the situations of step 4 go on, and their ends pass. It never
// joins two cameras, two zones or two moments further apart than the window, and never says who.
package fuse

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Raiser turns signals into alerts. [raise.Raiser] is one; so is a [Fuser].
type Raiser interface {
	Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error)
}

var _ Raiser = (*Fuser)(nil)

// Trust says what a source's word is worth.
type Trust string

// The degrees: a source raises alone; only with another one on the same zone within the window; or not at all.
const (
	Alone   Trust = "alone"
	Confirm Trust = "confirm"
	Off     Trust = "off"
)

// Trusts is how a camera's two kinds of sources are trusted for what they see. What a source says of the camera itself is always believed.
type Trusts struct {
	Events    Trust // what the camera tells; empty: Alone
	Detectors Trust // what we find; empty: Alone
}

// Options are what a [Fuser] needs. Next is demanded.
type Options struct {
	Next   Raiser
	Window time.Duration     // default [Window]
	Trust  map[string]Trusts // by camera that tells by itself; the signals of others pass untouched
	// Events says whether an origin is the camera's own telling; nil: none is.
	Events func(origin string) bool
	Now    func() time.Time
}

// Window is how far apart two sources may tell the same thing: a camera thinks for a second or two, a gated detector as long.
const Window = 10 * time.Second

// seen are the kinds that are seen in a zone; the others are about the camera itself.
var seen = []alert.Kind{alert.Motion, alert.Presence, alert.Tripwire, alert.Intrusion, alert.LeftObject}

// Fuser joins the signals of the sources of each camera. It is safe for concurrent use; signals of one camera follow each other.
type Fuser struct {
	o Options

	mu      sync.Mutex
	cameras map[string]*camera
}

// New checks o.
func New(o Options) (*Fuser, error) {
	if o.Next == nil {
		return nil, errors.New("fuse: Next must be set")
	}
	if o.Window <= 0 {
		o.Window = Window
	}
	if o.Events == nil {
		o.Events = func(string) bool { return false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Fuser{o: o, cameras: map[string]*camera{}}, nil
}

// Raise takes the signals of one camera (those of sensors, and of several cameras at once, pass untouched), and returns the alerts
// that were raised of them now. What was seen is cleared a window after its last source ended it. On an error nothing has changed.
func (f *Fuser) Raise(ctx context.Context, message string, signals []raise.Signal, readings []alert.Reading) ([]alert.Alert, error) {
	device, ok := ofOneCamera(signals)
	if _, fused := f.o.Trust[device]; !ok || !fused {
		return f.o.Next.Raise(ctx, message, signals, readings)
	}
	c := f.camera(device)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := plan{f: f, now: f.o.Now(), claims: c.copy(), waiting: slices.Clone(c.waiting)}
	p.forget()
	for _, s := range signals {
		p.take(s)
	}
	var alerts []alert.Alert
	if len(p.out) > 0 || message != "" || len(readings) > 0 {
		var err error
		if alerts, err = f.o.Next.Raise(ctx, message, p.out, readings); err != nil {
			return nil, err
		}
	}
	c.claims, c.waiting = p.claims, p.waiting
	return alerts, nil
}

func ofOneCamera(signals []raise.Signal) (device string, ok bool) {
	for _, s := range signals {
		_, family, _, err := alert.ParseSource(s.Source)
		if err != nil || family != alert.Cameras || device != "" && s.Device != device {
			return "", false
		}
		device = s.Device
	}
	return device, device != ""
}

func (f *Fuser) camera(device string) *camera {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cameras[device] == nil {
		f.cameras[device] = &camera{}
	}
	return f.cameras[device]
}

// camera is what is held of one camera. Places and origins are few: configured zones, closed kinds, detectors and one vendor.
type camera struct {
	mu      sync.Mutex
	claims  map[place]claim
	waiting []raise.Signal // of sources that are not trusted alone; at most maxWaiting
}

// maxWaiting bounds what waits for a second source.
const maxWaiting = 16

type place struct {
	zone string
	kind alert.Kind
}

// claim is what sources say of one place.
type claim struct {
	holders map[string]bool // origins that say it now
	origins []string        // all that took part, in alphabetical order
	part    bool            // of something more telling: nothing was raised of it, or what was is ended
	drill   bool            // raised as an exercise
	last    time.Time       // when it was last said, or ended
}

func (c *camera) copy() map[place]claim {
	out := make(map[place]claim, len(c.claims)+1)
	for p, cl := range c.claims {
		cl.holders = maps.Clone(cl.holders)
		out[p] = cl
	}
	return out
}

func (c claim) held() bool { return len(c.holders) > 0 }

func (c *claim) hold(origin string) {
	if c.holders == nil {
		c.holders = map[string]bool{}
	}
	c.holders[origin] = true
}

func (c *claim) join(origins ...string) {
	c.origins = slices.Clone(c.origins)
	for _, name := range origins {
		for part := range strings.SplitSeq(name, "+") {
			if i, found := slices.BinarySearch(c.origins, part); !found {
				c.origins = slices.Insert(c.origins, i, part)
			}
		}
	}
}

// name is all origins as an alert names them; where they are too many or too long, the first that fit.
func (c claim) name() string {
	name := ""
	for _, o := range c.origins {
		if longer := strings.TrimPrefix(name+"+"+o, "+"); alert.ValidOrigin(longer) {
			name = longer
		}
	}
	return name
}

// telling says whether a is at least as much as motion at b, and so motion at b is part of it.
func (a place) telling(b place) bool {
	return b.kind == alert.Motion && a != b && slices.Contains(seen, a.kind) && a.kind != alert.Presence &&
		(b.zone == a.zone && a.kind != alert.Motion || b.zone == "" && a.zone != "")
}

func phaseIs(s raise.Signal, p observation.Phase) bool { return s.Phase == p }
