package camera

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

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

// Zone is a zone of the detectors and its mode.
type Zone struct {
	Name string `json:"name"`
	Mode Mode   `json:"mode"` // default [Armed]
	// Asleep says whether the schedule disarms the zone at a time, whatever its mode; nil: never.
	Asleep func(time.Time) bool `json:"-"`
}

// ErrNoZone says that a camera has no zone of that name.
var ErrNoZone = errors.New("no such zone")

// place is what a situation of this camera belongs to.
type place struct {
	zone string
	kind alert.Kind
}

// zones knows the modes, and what may be open in them. The modes and schedules are for anyone, the rest for the detection loop.
type zones struct {
	changed chan struct{} // a mode was set; capacity 1
	names   []string      // in the order of the configuration

	asleep map[string]func(time.Time) bool

	mu    sync.Mutex
	modes map[string]Mode

	camera map[alert.Kind]bool // kinds that are about the camera itself
	places map[place]bool      // all that may be open
	open   map[place]bool      // raised as far as this process knows, or left over from an earlier one
}

// newZones takes everything as possibly open: a situation that was raised before a restart is cleared if it is over.
func newZones(opt Options) (*zones, error) {
	z := &zones{
		changed: make(chan struct{}, 1), asleep: make(map[string]func(time.Time) bool), modes: make(map[string]Mode),
		places: make(map[place]bool), camera: make(map[alert.Kind]bool),
	}
	for _, zone := range opt.Zones {
		mode := cmp.Or(zone.Mode, Armed)
		if _, twice := z.modes[zone.Name]; twice || !mode.valid() {
			return nil, fmt.Errorf("zone %q: given twice, or its mode is not armed, disarmed or walk-test", zone.Name)
		}
		z.modes[zone.Name] = mode
		z.names = append(z.names, zone.Name)
		if zone.Asleep != nil {
			z.asleep[zone.Name] = zone.Asleep
		}
	}
	for _, stage := range opt.Stages {
		for _, kind := range stage.Kinds {
			if stage.Camera {
				z.camera[kind] = true
				z.places[place{kind: kind}] = true
				continue
			}
			for _, name := range z.names {
				z.places[place{zone: name, kind: kind}] = true
			}
		}
	}
	z.open = maps.Clone(z.places)
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

func (z *zones) reports(p place) bool { return z.places[p] }

func (z *zones) list() []Zone {
	z.mu.Lock()
	defer z.mu.Unlock()
	out := make([]Zone, len(z.names))
	for i, name := range z.names {
		out[i] = Zone{Name: name, Mode: z.modes[name]}
	}
	return out
}

// snapshot returns the modes that hold at a time; a zone that is not configured has none.
func (z *zones) snapshot(now time.Time) map[string]Mode {
	z.mu.Lock()
	modes := maps.Clone(z.modes)
	z.mu.Unlock()
	for name, asleep := range z.asleep {
		if asleep(now) {
			modes[name] = Disarmed
		}
	}
	return modes
}

// awake says whether any zone is not disarmed.
func (z *zones) awake(now time.Time) bool {
	for _, mode := range z.snapshot(now) {
		if mode != Disarmed {
			return true
		}
	}
	return false
}

// mayBeOpen says whether anything of the stage's is open as far as is known.
func (z *zones) mayBeOpen(stage Stage) bool {
	for p := range z.open {
		if stage.owns(p.kind) {
			return true
		}
	}
	return false
}

// settled says whether all that may be raised at a time is raised, what is about the camera itself aside.
func (z *zones) settled(now time.Time) bool {
	modes := z.snapshot(now)
	for p := range z.places {
		mode, zoned := modes[p.zone]
		if zoned && mode != Disarmed && !z.camera[p.kind] && !z.open[p] {
			return false
		}
	}
	return true
}

// finding is what a zone has to say.
type finding struct {
	place
	phase     observation.Phase
	detection detect.Detection // of an active one
	exercise  bool
}

// judge turns a stage's verdict into findings: active for what is detected in a zone that is not disarmed, inactive for what
// was open and is over. An unjudged verdict leaves everything as it was. Kinds that are not the stage's are left out.
func (z *zones) judge(stage Stage, v detect.Verdict, now time.Time) []finding {
	if !v.Judged {
		return nil
	}
	modes := z.snapshot(now)
	if stage.Camera {
		modes = map[string]Mode{"": Armed}
	}
	found := make(map[place]finding)
	for _, d := range v.Detections {
		mode, ok := modes[d.Zone]
		if !ok || mode == Disarmed || !stage.owns(d.Kind) {
			continue
		}
		p := place{zone: d.Zone, kind: d.Kind}
		if before, ok := found[p]; ok && before.detection.Score >= d.Score {
			continue
		}
		found[p] = finding{place: p, phase: observation.Active, detection: d, exercise: mode == WalkTest}
	}
	for p := range z.open {
		if _, ok := found[p]; !ok && stage.owns(p.kind) {
			found[p] = over(p, modes)
		}
	}
	return sorted(found)
}

// disarm returns what must be cleared because its zone is disarmed.
func (z *zones) disarm(now time.Time) []finding {
	modes := z.snapshot(now)
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
