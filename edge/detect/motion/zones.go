package motion

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gridgate/edge/detect"
	"gridgate/protocols/alert"
)

// How the state of a zone follows its frames.
const (
	defaultArea = 0.004                  // share of the picture of the smallest region that counts
	confirm     = 350 * time.Millisecond // for which regions must be seen before a zone is active
	sparseStep  = 800 * time.Millisecond // between frames, above which one frame is enough
	forget      = 1500 * time.Millisecond
	linger      = 1500 * time.Millisecond // a zone stays active for this long after the last region,
	lasting     = 15 * time.Second        // and where regions were there for so long
	lastShare   = 5                       // for this share of that time,
	maxLinger   = 6 * time.Second         // but not for longer
	again       = 3 * time.Second         // what is active so soon after it was is what it was
	maxBoxes    = 16
)

// The bounds of the options.
const (
	maxZones  = 32
	maxMasks  = 32
	maxPoints = 64

	maxDuration = time.Minute
)

// run is a stretch of pixels, in reading order: from, and before to.
type run struct{ from, to int }

// area knows which pixels belong to which zone.
type area struct {
	zones    []zone
	visible  []run // not masked, and in a zone
	count    int   // visible pixels
	smallest int   // pixels of the smallest region that counts anywhere
}

// zone is a part of the picture and its state. It is active from a confirmed region on until linger after the last one, so
// that a person who passes is one situation, and longer after what lasted: a place where people come and go is one, too, though
// one sample in ten shows nobody.
type zone struct {
	name     string
	smallest int           // pixels
	enough   time.Duration // for which a region must be there
	demanded bool          // enough was asked for, not the default
	runs     []run

	active      bool
	since       time.Duration // it is active, or was
	ended       time.Duration // it is not active since
	known       bool          // since and ended hold something
	first, last time.Duration // of the regions that made or keep it active
	seen        bool          // first and last hold something
	fresh       bool          // a region was seen in this frame
	boxes       []detect.Box
	score       float64
}

func newArea(o Options) (*area, error) {
	if len(o.Zones) > maxZones || len(o.Masks) > maxMasks {
		return nil, fmt.Errorf("motion: %d zones and %d masks, at most %d and %d", len(o.Zones), len(o.Masks), maxZones, maxMasks)
	}
	if len(o.Zones) == 0 {
		o.Zones = []detect.Zone{{}}
	}
	hidden, visible := make([]bool, pixels), make([]bool, pixels)
	for i, m := range o.Masks {
		if err := checkPolygon(m, false); err != nil {
			return nil, fmt.Errorf("motion: mask %d: %w", i, err)
		}
		paint(m, func(p int) { hidden[p] = true })
	}
	a := &area{smallest: pixels}
	for _, z := range o.Zones {
		if err := checkZone(z); err != nil {
			return nil, fmt.Errorf("motion: zone %q: %w", z.Name, err)
		}
		a.add(z, hidden, visible)
	}
	a.visible = runsOf(visible)
	for _, r := range a.visible {
		a.count += r.to - r.from
	}
	if a.count == 0 {
		return nil, fmt.Errorf("motion: the masks leave nothing of the zones")
	}
	return a, nil
}

func (a *area) add(z detect.Zone, hidden, visible []bool) {
	smallest := max(1, int(cmp.Or(z.MinArea, defaultArea)*pixels))
	a.smallest = min(a.smallest, smallest)
	in := make([]bool, pixels)
	paint(z.Polygon, func(p int) {
		if !hidden[p] {
			in[p], visible[p] = true, true
		}
	})
	a.zones = append(a.zones, zone{
		name: z.Name, smallest: smallest, enough: cmp.Or(z.MinDuration, confirm), demanded: z.MinDuration > 0, runs: runsOf(in),
	})
}

// runsOf are the stretches in which in is true.
func runsOf(in []bool) []run {
	var out []run
	for i := 0; i < len(in); i++ {
		if !in[i] {
			continue
		}
		from := i
		for i < len(in) && in[i] {
			i++
		}
		out = append(out, run{from: from, to: i})
	}
	return slices.Clip(out)
}

func checkZone(z detect.Zone) error {
	if !(z.MinArea >= 0 && z.MinArea < 1) {
		return fmt.Errorf("smallest area %v is not a share of the picture", z.MinArea)
	}
	if z.MinDuration < 0 || z.MinDuration > maxDuration {
		return fmt.Errorf("smallest duration %v is not between 0 and %v", z.MinDuration, maxDuration)
	}
	return checkPolygon(z.Polygon, true)
}

func checkPolygon(p detect.Polygon, mayBeEmpty bool) error {
	if len(p) == 0 && mayBeEmpty {
		return nil
	}
	if len(p) < 3 || len(p) > maxPoints {
		return fmt.Errorf("%d points, 3 to %d make an outline", len(p), maxPoints)
	}
	for _, q := range p {
		if !(q.X >= 0 && q.X <= 1 && q.Y >= 0 && q.Y <= 1) {
			return fmt.Errorf("point (%v, %v) is outside of the picture, which goes from 0 to 1", q.X, q.Y)
		}
	}
	if !p.Covers() {
		return errors.New("the outline holds nothing: its points lie on a line, or it goes back over itself")
	}
	return nil
}

// paint calls set for each pixel whose middle lies in p (even-odd rule); an empty polygon is the whole picture.
func paint(p detect.Polygon, set func(pixel int)) {
	for y := range height {
		for x := range width {
			if p.Contains(detect.Point{X: (float64(x) + 0.5) / width, Y: (float64(y) + 0.5) / height}) {
				set(y*width + x)
			}
		}
	}
}

func (a *area) reset() {
	for i := range a.zones {
		z := &a.zones[i]
		z.active, z.seen, z.known = false, false, false
	}
}

// verdict takes the regions of the frame at now into the zones' states and returns what is active. It judges nothing while the
// only thing to tell is not yet certain.
func (a *area) verdict(found []detect.Blob, labels []int32, now, step time.Duration) detect.Verdict {
	var v detect.Verdict
	pending := false
	for i := range a.zones {
		z := &a.zones[i]
		z.fresh = false
		for j := range found {
			if z.holds(&found[j], labels) {
				z.hit(&found[j], now, step)
			}
		}
		if z.settle(now, step) {
			v.Detections = append(v.Detections, detect.Detection{
				Kind: alert.Motion, Zone: z.name, Boxes: slices.Clone(z.boxes), Score: z.score, Object: alert.UnknownObject,
			})
		}
		pending = pending || z.fresh && !z.active
	}
	v.Judged = len(v.Detections) > 0 || !pending
	return v
}

// holds says whether enough of b lies in the zone.
//
//go:norace
func (z *zone) holds(b *detect.Blob, labels []int32) bool {
	n, last := 0, (b.Low+1)*width
	from, _ := slices.BinarySearchFunc(z.runs, b.Top*width, func(r run, p int) int { return cmp.Compare(r.to, p+1) })
	for _, r := range z.runs[from:] {
		if r.from >= last {
			break
		}
		for _, l := range labels[max(r.from, b.Top*width):min(r.to, last)] {
			if l == b.Label {
				n++
			}
		}
	}
	return n >= z.smallest
}

// hit notes that r was seen.
func (z *zone) hit(b *detect.Blob, now, step time.Duration) {
	if !z.fresh {
		z.fresh, z.boxes, z.score = true, z.boxes[:0], 0
		if !z.seen || now-z.last > max(forget, step+step/2) {
			z.first = now
		}
		z.seen, z.last = true, now
	}
	if len(z.boxes) < maxBoxes {
		z.boxes = append(z.boxes, boxOf(b))
	}
	z.score = max(z.score, scoreOf(b, z.smallest))
}

// settle brings the state up to now.
func (z *zone) settle(now, step time.Duration) bool {
	switch {
	case z.active && now-z.last >= z.linger():
		z.active, z.ended = false, now
	case !z.active && z.fresh && (now-z.first >= z.enough || !z.demanded && step > sparseStep):
		z.begin(now)
	}
	return z.active
}

func (z *zone) begin(now time.Duration) {
	if !z.known || now-z.ended > again {
		z.since = now
	}
	z.active, z.known = true, true
}

// linger is how long the zone stays active after the last region.
func (z *zone) linger() time.Duration {
	if lasted := z.last - z.since; lasted >= lasting {
		return min(maxLinger, max(linger, lasted/lastShare))
	}
	return linger
}

func boxOf(b *detect.Blob) detect.Box {
	return detect.Box{
		X: float64(b.Left) / width, Y: float64(b.Top) / height,
		W: float64(b.Right-b.Left+1) / width, H: float64(b.Low-b.Top+1) / height,
	}
}

// scoreOf grows with the size of a region over the smallest that counts, from 0.5 to 1.
func scoreOf(b *detect.Blob, smallest int) float64 {
	return 1 - 0.5*math.Sqrt(float64(smallest)/float64(b.Area))
}
