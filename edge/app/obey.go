package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/edge/camera"
	"gridgate/edge/config"
	"gridgate/edge/orders"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// obey makes cameras be as central and their file want them. What is so already is left alone.
func (cs *cameraSet) obey(held orders.Held, now time.Time) map[string]error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.held, cs.now = held, now
	failed := map[string]error{}
	for id, w := range cs.byID {
		if err := w.obey(held, now); err != nil {
			failed[id] = err
		}
	}
	return failed
}

// setFileMode says how the file arms a zone from now on. A mode that central wants for a while goes before it, and a zone that central drew
// away has none.
func (cs *cameraSet) setFileMode(id, zone string, mode camera.Mode) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	w := cs.byID[id]
	if w == nil {
		return fmt.Errorf("camera %s: not configured", id)
	}
	i := slices.IndexFunc(w.file.Zones, func(z config.Zone) bool { return z.Name == zone })
	if i < 0 {
		return fmt.Errorf("camera %s: %w", id, camera.ErrNoZone)
	}
	w.file.Zones[i].Mode = string(mode)
	return w.obey(cs.held, cs.now)
}

// arrangement is the version of the one in force, 0 for the file's own zones.
func (cs *cameraSet) arrangement(id string) int64 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.byID[id].arrangement.Version
}

// fileOf is a camera as its file has it now.
func (cs *cameraSet) fileOf(w *watched) config.Camera {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := w.file
	c.Zones = slices.Clone(c.Zones)
	return c
}

func (w *watched) obey(held orders.Held, now time.Time) error {
	if a := held.Arrangements[w.file.ID]; !sameArrangement(a, w.arrangement) {
		return w.arrange(a, held, now)
	}
	for _, z := range arranged(w.file, w.arrangement).Zones {
		if err := w.SetMode(z.Name, modeOf(w.file.ID, z, held, now)); err != nil {
			return err
		}
	}
	return nil
}

// arrange divides the picture anew. Nothing is shown any more with fewer masks than are in force.
func (w *watched) arrange(a ingest.Arrangement, held orders.Held, now time.Time) error {
	c := arranged(w.file, a)
	zones, err := armedZones(w.cfg, c)
	if err != nil {
		return err
	}
	for i, z := range c.Zones {
		zones[i].Mode = modeOf(w.file.ID, z, held, now)
	}
	if err := w.Arrange(camera.Arrangement{Zones: zones, Areas: zonesOf(c), Hidden: polygonsOf(c.Masks), Masks: masksOf(c)}); err != nil {
		return err
	}
	if w.maker != nil {
		w.maker.SetMasks(masksOf(c))
	}
	w.arrangement = a
	return nil
}

// modeOf is how a zone shall be armed.
func modeOf(id string, z config.Zone, held orders.Held, now time.Time) camera.Mode {
	if mode, ordered := held.Mode(id, z.Name, now); ordered {
		return camera.Mode(mode)
	}
	return camera.Mode(z.Mode)
}

// shoot makes a redacted picture of a camera as it is now.
func (cs *cameraSet) shoot(ctx context.Context, id string, width int) ([]byte, error) {
	w := cs.byID[id]
	if w == nil || w.maker == nil {
		return nil, errors.New("the edge gives no pictures of this camera")
	}
	if s := w.Status(); s.State != source.Streaming {
		return nil, fmt.Errorf("the camera is %s", s.State)
	}
	p, err := w.maker.Look(ctx, w.Ring(), width)
	return p.JPEG, err
}

// try tells what an arrangement would have raised over what was seen of a camera last.
func (cs *cameraSet) try(t ingest.Trial) (r ingest.TrialResult) {
	w := cs.byID[t.Camera]
	c := arranged(cs.fileOf(w), ingest.Arrangement{Zones: t.Zones, Masks: t.Masks})
	since := time.Now().Add(-time.Duration(t.LastSec) * time.Second)
	seen, err := w.memory.Try(zonesOf(c), polygonsOf(c.Masks), since)
	switch {
	case err != nil:
		return ingest.TrialResult{Why: err.Error()}
	case seen.Samples == 0:
		return ingest.TrialResult{Why: "nothing was looked at in that time with the zones that are in force; the camera is " + string(w.Status().State)}
	}
	r = ingest.TrialResult{From: seen.From, To: seen.To, Samples: int64(seen.Samples), Why: seen.Why()}
	for _, e := range seen.Events {
		r.Would = append(r.Would, ingest.TrialEvent{Zone: e.Zone, Kind: string(alert.Motion), From: e.From, To: e.To})
	}
	for _, s := range w.Raised(seen.From) {
		if s.To.IsZero() {
			s.To = seen.To
		}
		if s.Zone != "" && s.From.Before(seen.To.Add(time.Millisecond)) { // the memory knows no smaller time
			r.Did = append(r.Did, ingest.TrialEvent{Zone: s.Zone, Kind: string(s.Kind), From: s.From.UTC(), To: s.To.UTC()})
		}
	}
	return r
}
