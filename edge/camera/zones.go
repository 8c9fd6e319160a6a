package camera

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"gridgate/edge/detect"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// Mode says what a zone's detections lead to.
type Mode string

// The modes: alerts, nothing, or alerts that are marked as an exercise.
const (
	Armed    Mode = "armed"
	Disarmed Mode = "disarmed"
	WalkTest Mode = "walk-test"
)

func (m Mode) valid() bool { return m == Armed || m == Disarmed || m == WalkTest }

// Zone is a zone of the detector and its mode.
type Zone struct {
	Name string `json:"name"`
	Mode Mode   `json:"mode"` // default [Armed]
}

// ErrNoZone says that a camera has no zone of that name.
var ErrNoZone = errors.New("no such zone")

// place is what a situation of this camera belongs to.
type place struct {
	zone string
	kind alert.Kind
}

// zones knows the modes, and what may be open in them. The modes are for anyone, the rest for the detection loop.
type zones struct {
	changed chan struct{} // a mode was set; capacity 1
	names   []string      // in the order of the configuration

	mu    sync.Mutex
	modes map[string]Mode

	open map[place]bool // raised as far as this process knows, or left over from an earlier one
}

// newZones takes everything as possibly open: a situation that was raised before a restart is cleared if it is over.
func newZones(opt Options) (*zones, error) {
	z := &zones{changed: make(chan struct{}, 1), modes: make(map[string]Mode), open: make(map[place]bool)}
	for _, zone := range opt.Zones {
		mode := cmp.Or(zone.Mode, Armed)
		if _, twice := z.modes[zone.Name]; twice || !mode.valid() {
			return nil, fmt.Errorf("zone %q: given twice, or its mode is not armed, disarmed or walk-test", zone.Name)
		}
		z.modes[zone.Name] = mode
		z.names = append(z.names, zone.Name)
		for _, kind := range opt.Kinds {
			z.open[place{zone: zone.Name, kind: kind}] = true
		}
	}
	return z, nil
}

func (z *zones) setMode(zone string, mode Mode) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if _, ok := z.modes[zone]; !ok {
		return fmt.Errorf("set mode of %q: %w", zone, ErrNoZone)
	}
	if !mode.valid() {
		return fmt.Errorf("set mode of %q: %q is not armed, disarmed or walk-test", zone, string(mode))
	}
	z.modes[zone] = mode
	select {
	case z.changed <- struct{}{}:
	default:
	}
	return nil
}

func (z *zones) list() []Zone {
	z.mu.Lock()
	defer z.mu.Unlock()
	out := make([]Zone, len(z.names))
	for i, name := range z.names {
		out[i] = Zone{Name: name, Mode: z.modes[name]}
	}
	return out
}

// snapshot returns the modes; a zone that is not configured has none.
func (z *zones) snapshot() map[string]Mode {
	z.mu.Lock()
	defer z.mu.Unlock()
	return maps.Clone(z.modes)
}

// finding is what a zone has to say.
type finding struct {
	place
	phase     observation.Phase
	detection detect.Detection // of an active one
	exercise  bool
}

// judge turns a verdict into findings: active for what is detected in a zone that is not disarmed, inactive for what was
// open and is over. An unjudged verdict leaves everything as it was.
func (z *zones) judge(v detect.Verdict) []finding {
	if !v.Judged {
		return nil
	}
	modes := z.snapshot()
	found := make(map[place]finding)
	for _, d := range v.Detections {
		mode, ok := modes[d.Zone]
		if !ok || mode == Disarmed {
			continue
		}
		p := place{zone: d.Zone, kind: d.Kind}
		if before, ok := found[p]; ok && before.detection.Score >= d.Score {
			continue
		}
		found[p] = finding{place: p, phase: observation.Active, detection: d, exercise: mode == WalkTest}
	}
	for p := range z.open {
		if _, ok := found[p]; !ok {
			found[p] = over(p, modes)
		}
	}
	return sorted(found)
}

// disarm returns what must be cleared because its zone was disarmed.
func (z *zones) disarm() []finding {
	modes := z.snapshot()
	found := make(map[place]finding)
	for p := range z.open {
		if modes[p.zone] == Disarmed {
			found[p] = over(p, modes)
		}
	}
	return sorted(found)
}

func over(p place, modes map[string]Mode) finding {
	return finding{place: p, phase: observation.Inactive, exercise: modes[p.zone] == WalkTest}
}

// settle notes findings that are on stable storage.
func (z *zones) settle(findings []finding) {
	for _, f := range findings {
		if f.phase == observation.Active {
			z.open[f.place] = true
		} else {
			delete(z.open, f.place)
		}
	}
}

func sorted(found map[place]finding) []finding {
	out := slices.Collect(maps.Values(found))
	slices.SortFunc(out, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.zone, b.zone), strings.Compare(string(a.kind), string(b.kind)))
	})
	return out
}
