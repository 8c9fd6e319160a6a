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

// zones knows the modes, and what may be open in them. All but open is for anyone.
type zones struct {
	changed chan struct{}       // a mode was set, or the zones are others; capacity 1
	stages  []Stage             // which say what there may be
	camera  map[alert.Kind]bool // kinds that are about the camera itself

	mu sync.Mutex
	division

	// open is for the detection loop: raised as far as this process knows, or left over from an earlier one.
	open map[place]bool
}

// division is what changes when zones are drawn anew. Its maps but modes are never changed.
type division struct {
	names  []string // in the order of the configuration
	asleep map[string]func(time.Time) bool
	modes  map[string]Mode
	places map[place]bool // all that may be open
}

// newZones takes everything as possibly open: a situation that was raised before a restart is cleared if it is over.
func newZones(opt Options) (*zones, error) {
	z := &zones{changed: make(chan struct{}, 1), stages: opt.Stages, camera: make(map[alert.Kind]bool)}
	for _, stage := range opt.Stages {
		for _, kind := range stage.Kinds {
			if stage.Camera {
				z.camera[kind] = true
			}
		}
	}
	var err error
	if z.division, err = z.divide(opt.Zones); err != nil {
		return nil, err
	}
	z.open = maps.Clone(z.places)
	return z, nil
}

// divide works out what zones mean.
func (z *zones) divide(list []Zone) (division, error) {
	d := division{asleep: make(map[string]func(time.Time) bool), modes: make(map[string]Mode), places: make(map[place]bool)}
	for _, zone := range list {
		mode := cmp.Or(zone.Mode, Armed)
		if _, twice := d.modes[zone.Name]; twice || !mode.valid() {
			return d, fmt.Errorf("zone %q: given twice, or its mode is not armed, disarmed or walk-test", zone.Name)
		}
		d.modes[zone.Name] = mode
		d.names = append(d.names, zone.Name)
		if zone.Asleep != nil {
			d.asleep[zone.Name] = zone.Asleep
		}
	}
	for _, stage := range z.stages {
		for _, kind := range stage.Kinds {
			if stage.Camera {
				d.places[place{kind: kind}] = true
				continue
			}
			for _, name := range d.names {
				d.places[place{zone: name, kind: kind}] = true
			}
		}
	}
	return d, nil
}

// rearrange puts other zones in the place of those there were. What is open in one that is gone is cleared by [zones.disarm]; one that has
// kept its name goes on.
func (z *zones) rearrange(d division) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.division = d
	z.stir()
}

func (z *zones) stir() {
	select {
	case z.changed <- struct{}{}:
	default:
	}
}

func (z *zones) setMode(zone string, mode Mode) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	was, ok := z.modes[zone]
	if !ok {
		return fmt.Errorf("set mode of %q: %w", zone, ErrNoZone)
	}
	if !mode.valid() {
		return fmt.Errorf("set mode of %q: %q is not armed, disarmed or walk-test", zone, string(mode))
	}
	if was != mode {
		z.modes[zone] = mode
		z.stir()
	}
	return nil
}

func (z *zones) reports(p place) bool { return z.now().places[p] }

// now is how it is divided, without the modes, which may change.
func (z *zones) now() division {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.division
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

// snapshot returns the modes that hold at a time; a zone that is not configured has none.
func (z *zones) snapshot(now time.Time) map[string]Mode {
	z.mu.Lock()
	modes, schedules := maps.Clone(z.modes), z.asleep
	z.mu.Unlock()
	for name, asleep := range schedules {
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
	for p := range z.now().places {
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

// disarm returns what must be cleared because its zone is disarmed or no more.
func (z *zones) disarm(now time.Time) []finding {
	modes, places := z.snapshot(now), z.now().places
	found := make(map[place]finding)
	for p := range z.open {
		if modes[p.zone] == Disarmed && !z.camera[p.kind] || !places[p] {
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
	slices.SortFunc(out, func(a, b finding) int { return comparePlaces(a.place, b.place) })
	return out
}

func comparePlaces(a, b place) int {
	return cmp.Or(strings.Compare(a.zone, b.zone), strings.Compare(string(a.kind), string(b.kind)))
}
