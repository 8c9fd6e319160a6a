// Package presence tells that a face is visible in a zone where, at this hour, nobody should be.
//
// In: samples in which something moves, and where faces are on them, found inside the decoder's worker. Out: a detection of kind
// presence for each zone, with boxes that the alert reduces to a count bucket. It says that a face is there, never whose: it gets
// positions and scores and nothing else, compares nothing with anything, and remembers for a moment only that a zone was not empty.
package presence

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// Options say where to look.
type Options struct {
	Zones []detect.Zone // those in which presence counts
	// MinScore of a face, default 0.2: presence wants few false alarms, unlike redaction, which wants every face.
	MinScore float64
	// Linger is how long a zone stays occupied without a face, default 5 s of media time: people turn away for a moment.
	Linger time.Duration
}

// Detector is a [detect.Hook] for one stream. It is for one goroutine.
type Detector struct {
	opt   Options
	zones atomic.Pointer[[]detect.Zone]
	last  map[string]seen // by zone
}

// seen is what a zone showed last.
type seen struct {
	at        time.Duration // media time
	detection detect.Detection
}

var _ detect.Arranger = (*Detector)(nil)

// New returns a detector that has seen nothing.
func New(o Options) *Detector {
	if o.MinScore == 0 {
		o.MinScore = 0.2
	}
	if o.Linger == 0 {
		o.Linger = 5 * time.Second
	}
	d := &Detector{opt: o, last: map[string]seen{}}
	d.zones.Store(&o.Zones)
	return d
}

// Arrange implements [detect.Arranger]: presence counts in those zones that say so. Masks are the decoder's concern.
func (d *Detector) Arrange(zones []detect.Zone, _ []detect.Polygon) error {
	counts := slices.DeleteFunc(slices.Clone(zones), func(z detect.Zone) bool { return !z.Presence })
	d.zones.Store(&counts)
	return nil
}

// Detect implements [detect.Hook]. It asks for faces once; without an answer there is no verdict.
func (d *Detector) Detect(ctx context.Context, in detect.Input) (detect.Verdict, error) {
	if len(*d.zones.Load()) == 0 {
		return detect.Verdict{Judged: true}, nil
	}
	faces, err := in.Look.Faces(ctx)
	if err != nil {
		return detect.Verdict{}, err
	}
	v := detect.Verdict{Judged: true}
	for _, zone := range *d.zones.Load() {
		if found, ok := d.judge(zone, faces, in.Frame.PTS); ok {
			v.Detections = append(v.Detections, found)
		}
	}
	return v, nil
}

// judge says whether zone is occupied.
func (d *Detector) judge(zone detect.Zone, faces []decode.Face, now time.Duration) (detect.Detection, bool) {
	found := detect.Detection{Kind: alert.Presence, Zone: zone.Name, Object: alert.Person}
	for _, f := range faces {
		if f.Score < d.opt.MinScore || !zone.Polygon.Contains(detect.Point{X: f.X + f.W/2, Y: f.Y + f.H/2}) {
			continue
		}
		found.Boxes = append(found.Boxes, detect.Box{X: f.X, Y: f.Y, W: f.W, H: f.H})
		found.Score = max(found.Score, min(f.Score, 1))
	}
	if len(found.Boxes) > 0 {
		d.last[zone.Name] = seen{at: now, detection: found}
		return found, true
	}
	before, ok := d.last[zone.Name]
	if age := now - before.at; !ok || age < 0 || age > d.opt.Linger {
		delete(d.last, zone.Name)
		return detect.Detection{}, false
	}
	return before.detection, true
}
