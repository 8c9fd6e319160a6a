package motion

import (
	"fmt"
	"math"
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
	linger      = 1500 * time.Millisecond // a zone stays active for this long after the last region
	maxBoxes    = 16
)

// The bounds of the options.
const (
	maxZones  = 32
	maxMasks  = 32
	maxPoints = 64
)

// area knows which pixels belong to which zone.
type area struct {
	zones    []zone
	in       []uint32 // for each pixel, a bit for each zone
	visible  []bool   // not masked, and in a zone
	count    int      // visible pixels
	smallest int      // pixels of the smallest region that counts anywhere
	hits     [maxZones]int
}

// zone is a part of the picture and its state. It is active from a confirmed region on until linger after the last one, so
// that a person who passes is one situation.
type zone struct {
	name     string
	smallest int // pixels

	active      bool
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
	a := &area{in: make([]uint32, pixels), visible: make([]bool, pixels), smallest: pixels}
	for i, z := range o.Zones {
		if err := checkPolygon(z.Polygon, true); err != nil {
			return nil, fmt.Errorf("motion: zone %q: %w", z.Name, err)
		}
		if !(z.MinArea >= 0 && z.MinArea < 1) {
			return nil, fmt.Errorf("motion: zone %q: smallest area %v is not a share of the picture", z.Name, z.MinArea)
		}
		a.add(i, z)
	}
	for i, m := range o.Masks {
		if err := checkPolygon(m, false); err != nil {
			return nil, fmt.Errorf("motion: mask %d: %w", i, err)
		}
		paint(m, func(p int) { a.in[p] = 0 })
	}
	for p, bits := range a.in {
		if a.visible[p] = bits != 0; bits != 0 {
			a.count++
		}
	}
	if a.count == 0 {
		return nil, fmt.Errorf("motion: the masks leave nothing of the zones")
	}
	return a, nil
}

func (a *area) add(i int, z detect.Zone) {
	share := z.MinArea
	if share == 0 {
		share = defaultArea
	}
	smallest := max(1, int(share*pixels))
	a.smallest = min(a.smallest, smallest)
	a.zones = append(a.zones, zone{name: z.Name, smallest: smallest})
	paint(z.Polygon, func(p int) { a.in[p] |= 1 << i })
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
	return nil
}

// paint calls set for each pixel whose middle lies in p (even-odd rule); an empty polygon is the whole picture.
func paint(p detect.Polygon, set func(pixel int)) {
	for y := range height {
		for x := range width {
			if len(p) == 0 || inside(p, (float64(x)+0.5)/width, (float64(y)+0.5)/height) {
				set(y*width + x)
			}
		}
	}
}

func inside(p detect.Polygon, x, y float64) bool {
	in := false
	for i, a := range p {
		b := p[(i+1)%len(p)]
		if (a.Y > y) != (b.Y > y) && x < (b.X-a.X)*(y-a.Y)/(b.Y-a.Y)+a.X {
			in = !in
		}
	}
	return in
}

func (a *area) reset() {
	for i := range a.zones {
		z := &a.zones[i]
		z.active, z.seen = false, false
	}
}

// verdict takes the regions of the frame at now into the zones' states and returns what is active.
func (a *area) verdict(found []region, labels []int32, now, step time.Duration) []detect.Detection {
	for i := range a.zones {
		a.zones[i].fresh = false
	}
	for i := range found {
		a.assign(&found[i], labels, now)
	}
	var out []detect.Detection
	for i := range a.zones {
		if z := &a.zones[i]; z.settle(now, step) {
			out = append(out, detect.Detection{
				Kind: alert.Motion, Zone: z.name, Boxes: append([]detect.Box(nil), z.boxes...), Score: z.score, Object: alert.UnknownObject,
			})
		}
	}
	return out
}

// assign tells each zone that holds enough of r.
func (a *area) assign(r *region, labels []int32, now time.Duration) {
	clear(a.hits[:])
	for y := r.top; y <= r.low; y++ {
		for x := r.left; x <= r.right; x++ {
			p := y*width + x
			if labels[p] != r.label {
				continue
			}
			for i, bits := 0, a.in[p]; bits != 0; i, bits = i+1, bits>>1 {
				a.hits[i] += int(bits & 1)
			}
		}
	}
	for i := range a.zones {
		if z := &a.zones[i]; a.hits[i] >= z.smallest {
			z.hit(r, now)
		}
	}
}

// hit notes that r was seen.
func (z *zone) hit(r *region, now time.Duration) {
	if !z.fresh {
		z.fresh, z.boxes, z.score = true, z.boxes[:0], 0
		if !z.seen || now-z.last > forget {
			z.first = now
		}
		z.seen, z.last = true, now
	}
	if len(z.boxes) < maxBoxes {
		z.boxes = append(z.boxes, r.box())
	}
	z.score = max(z.score, r.score(z.smallest))
}

// settle brings the state up to now.
func (z *zone) settle(now, step time.Duration) bool {
	switch {
	case z.active && now-z.last >= linger:
		z.active = false
	case !z.active && z.fresh && (now-z.first >= confirm || step > sparseStep):
		z.active = true
	}
	return z.active
}

func (r *region) box() detect.Box {
	return detect.Box{
		X: float64(r.left) / width, Y: float64(r.top) / height,
		W: float64(r.right-r.left+1) / width, H: float64(r.low-r.top+1) / height,
	}
}

// score grows with the size of a region over the smallest that counts, from 0.5 to 1.
func (r *region) score(smallest int) float64 {
	return 1 - 0.5*math.Pow(float64(smallest)/float64(r.area), 0.5)
}
