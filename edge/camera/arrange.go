package camera

import (
	"fmt"
	"sync"
	"time"

	"gridgate/edge/detect"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
	"gridgate/protocols/picture"
)

// Arrangement is how a camera's picture is divided: its zones as they are armed and as the detectors see them, and what nobody looks at,
// as the detectors and as pictures have it.
type Arrangement struct {
	Zones  []Zone
	Areas  []detect.Zone
	Hidden []detect.Polygon
	Masks  []picture.Mask
}

// Arrange divides the picture anew while the camera runs, without another connection and without anything being learnt anew. It may be
// called from any goroutine. What is open in a zone that is gone is cleared at once; what is open in one that has kept its name goes on
// while the place of it is within the new outline. On an error nothing has changed.
func (c *Camera) Arrange(a Arrangement) error {
	if len(a.Zones) == 0 {
		a.Zones = []Zone{{Mode: Armed}}
	}
	d, err := c.zones.divide(a.Zones)
	if err != nil {
		return fmt.Errorf("arrange camera %s: %w", c.opt.ID, err)
	}
	for _, stage := range c.opt.Stages { // the pixel step comes first: it is the one that may refuse
		hook, ok := stage.Hook.(detect.Arranger)
		if !ok {
			continue
		}
		if err := hook.Arrange(a.Areas, a.Hidden); err != nil {
			return fmt.Errorf("arrange camera %s: %w", c.opt.ID, err)
		}
	}
	c.masks.Store(&a.Masks)
	c.zones.rearrange(d)
	return nil
}

// Ring gives the coded pictures of the last moments.
func (c *Camera) Ring() Ring { return c.ring }

// Situation is what a zone of the camera raised. To is zero while it goes on.
type Situation struct {
	Zone     string
	Kind     alert.Kind
	From, To time.Time // edge clock
}

// maxPast bounds the situations of a camera that are remembered.
const maxPast = 64

// past remembers the last situations that this process raised.
type past struct {
	mu   sync.Mutex
	list []Situation // oldest first
}

// note takes in what is on stable storage.
func (p *past) note(findings []finding, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range findings {
		last := p.going(f.place)
		switch active := f.phase == observation.Active; {
		case active && last == nil:
			if len(p.list) == maxPast {
				p.list = append(p.list[:0], p.list[1:]...)
			}
			p.list = append(p.list, Situation{Zone: f.zone, Kind: f.kind, From: at})
		case !active && last != nil:
			last.To = at
		}
	}
}

// going is the situation of a place that goes on, nil without one.
func (p *past) going(at place) *Situation {
	for i := range p.list {
		if s := &p.list[i]; s.To.IsZero() && s.Zone == at.zone && s.Kind == at.kind {
			return s
		}
	}
	return nil
}

// Raised are the last situations that were raised and were not over by since, oldest first: at most 64, and none from before this process.
func (c *Camera) Raised(since time.Time) (out []Situation) {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	for _, s := range c.past.list {
		if s.To.IsZero() || !s.To.Before(since) {
			out = append(out, s)
		}
	}
	return out
}
