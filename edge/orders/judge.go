// Package orders judges what central wants of this edge, keeps what holds, and answers what was asked.
//
// In: [ingest.Orders] as a sync brought them, what the edge has ([Known]), central's clock. Out: arrangements and modes that hold, which
// survive a restart in one small file; pictures of looks and results of trials, through functions that were given; and for each device
// why something is not followed. Judging is pure. Orders can ask for less than the edge's own file allows: what they add to it is
// bounded, and nothing in them reaches an address, a credential or a program. It never looks at a picture, never raises an alert and
// never acts on what it could not judge.
package orders

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"gridgate/edge/detect"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Camera is what an edge has of one camera.
type Camera struct {
	Zones      []string // of the file
	Masks      int      // of the file
	Pictures   bool     // it may be looked at
	LifeSafety bool     // a detector of it tells of hazards to life: it is never disarmed
}

// Known is what an edge has. It is not changed.
type Known struct {
	Cameras map[string]Camera
	Sensors map[string]bool
	// Fits says whether the detector of a camera takes an arrangement, with what the file says beside it; nil: always.
	Fits func(camera string, a ingest.Arrangement) error
}

// Held is what holds until central says otherwise.
type Held struct {
	Arrangements map[string]ingest.Arrangement `json:"arrangements,omitempty"` // by camera
	Modes        []ingest.ModeOrder            `json:"modes,omitempty"`        // the later of two counts
}

// Judged is what orders come to.
type Judged struct {
	Held
	Looks       []ingest.Look
	Trials      []ingest.Trial
	Discoveries []ingest.Discovery
	Spoilt      map[string]string // trials that cannot be made, by id, and why
	// Refused says by device what is not followed and why, in one line. What belongs to no device of this edge stands under "".
	Refused map[string]string
}

// Bounds beside those of the contract.
const (
	maxMasks    = 32 // of a camera, those of the file among them
	maxRefusals = 4  // that are told of one device
	maxTold     = 300
	minWidth    = 64 // pixels of a picture of a look
)

// taskID is what may stand in a path.
var taskID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)

// judge is one judging.
type judge struct {
	known Known
	now   time.Time
	out   Judged
	told  map[string]int
}

// Judge says what of o can be followed as of now (central's clock). Before is what held until now: a camera whose new arrangement is
// refused keeps the one it has. What is judged again comes to the same.
func Judge(o ingest.Orders, before Held, known Known, now time.Time) Judged {
	j := judge{known: known, now: now, told: map[string]int{}}
	j.out.Arrangements, j.out.Spoilt, j.out.Refused = map[string]ingest.Arrangement{}, map[string]string{}, map[string]string{}
	for _, a := range most(&j, o.Cameras, ingest.MaxArrangements, "arrangements") {
		j.arrangement(a, before)
	}
	for _, m := range most(&j, o.Modes, ingest.MaxModeOrders, "modes") {
		j.mode(m)
	}
	for _, l := range most(&j, o.Looks, ingest.MaxLooks, "looks") {
		j.look(l)
	}
	for _, t := range most(&j, o.Trials, ingest.MaxTrials, "trials") {
		j.trial(t)
	}
	for _, d := range most(&j, o.Discoveries, ingest.MaxDiscoveries, "searches for cameras") {
		j.discovery(d)
	}
	return j.out
}

// most is what there may be of a list.
func most[T any](j *judge, list []T, n int, what string) []T {
	if len(list) > n {
		j.refuse("", "%d %s, at most %d are followed", len(list), what, n)
	}
	return list[:min(len(list), n)]
}

func (j *judge) refuse(device, format string, args ...any) {
	_, camera := j.known.Cameras[device]
	if !camera && !j.known.Sensors[device] {
		device = ""
	}
	if j.told[device]++; j.told[device] > maxRefusals {
		return
	}
	text := fmt.Sprintf(format, args...)
	if old := j.out.Refused[device]; old != "" {
		text = old + "; " + text
	}
	if runes := []rune(text); len(runes) > maxTold {
		text = string(runes[:maxTold-1]) + "…"
	}
	j.out.Refused[device] = text
}

func (j *judge) arrangement(a ingest.Arrangement, before Held) {
	camera, known := j.known.Cameras[a.Camera]
	if !known {
		j.refuse(a.Camera, "an arrangement is for a camera that this edge does not have")
		return
	}
	if _, twice := j.out.Arrangements[a.Camera]; twice {
		j.refuse(a.Camera, "it is arranged twice")
		return
	}
	old, held := before.Arrangements[a.Camera]
	if err := j.fits(camera, a); err != nil {
		j.refuse(a.Camera, "arrangement %d is not followed: %v", a.Version, err)
		if held {
			j.out.Arrangements[a.Camera] = old
		}
		return
	}
	j.out.Arrangements[a.Camera] = a
}

// fits says what is wrong with an arrangement.
func (j *judge) fits(camera Camera, a ingest.Arrangement) error {
	if a.Version < 1 {
		return fmt.Errorf("its version is not 1 or more")
	}
	if err := checkZones(a.Zones); err != nil {
		return err
	}
	if err := checkMasks(a.Masks, camera.Masks); err != nil {
		return err
	}
	if j.known.Fits == nil {
		return nil
	}
	return j.known.Fits(a.Camera, a)
}

func checkZones(zones []ingest.OrderZone) error {
	if len(zones) > ingest.MaxOrderZones {
		return fmt.Errorf("%d zones, at most %d", len(zones), ingest.MaxOrderZones)
	}
	seen := map[string]bool{}
	for i, z := range zones {
		longest := ingest.MaxMinDuration.Milliseconds()
		switch {
		case !alert.ValidZone(z.Name):
			return fmt.Errorf("the name of zone %d is not letters and digits, at most 64", i)
		case seen[z.Name]:
			return fmt.Errorf("two zones are called %q", z.Name)
		case !(z.MinArea >= 0 && z.MinArea < 1):
			return fmt.Errorf("zone %q: the smallest region is not a share of the picture", z.Name)
		case z.MinDurationMs < 0 || z.MinDurationMs > longest:
			return fmt.Errorf("zone %q: the least duration is not 0 to %d ms", z.Name, longest)
		}
		seen[z.Name] = true
		if len(z.Outline) == 0 {
			continue
		}
		if err := checkOutline(z.Outline); err != nil {
			return fmt.Errorf("zone %q: %w", z.Name, err)
		}
	}
	return nil
}

func checkMasks(masks []ingest.Outline, ofFile int) error {
	if len(masks) > ingest.MaxOrderMasks || len(masks)+ofFile > maxMasks {
		return fmt.Errorf("%d masks beside %d of the edge's file, at most %d and %d in all", len(masks), ofFile, ingest.MaxOrderMasks, maxMasks)
	}
	for i, m := range masks {
		if err := checkOutline(m); err != nil {
			return fmt.Errorf("mask %d: %w", i, err)
		}
	}
	return nil
}

func checkOutline(o ingest.Outline) error {
	if len(o) < 3 || len(o) > ingest.MaxOutlinePoints {
		return fmt.Errorf("%d points, 3 to %d make an outline", len(o), ingest.MaxOutlinePoints)
	}
	for _, p := range o {
		if !(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1) {
			return fmt.Errorf("a point is outside of the picture, which goes from 0 to 1")
		}
	}
	if !Polygon(o).Covers() {
		return fmt.Errorf("the outline holds nothing")
	}
	return nil
}

// Polygon is an outline as the detectors have it.
func Polygon(o ingest.Outline) detect.Polygon {
	out := make(detect.Polygon, len(o))
	for i, p := range o {
		out[i] = detect.Point{X: p[0], Y: p[1]}
	}
	return out
}

// mode keeps what is not over.
func (j *judge) mode(m ingest.ModeOrder) {
	camera, isCamera := j.known.Cameras[m.Device]
	switch {
	case !isCamera && !j.known.Sensors[m.Device]:
		j.refuse(m.Device, "a mode is for a device that this edge does not have")
	case !slices.Contains([]string{Armed, Disarmed, WalkTest}, m.Mode):
		j.refuse(m.Device, "a mode is not armed, disarmed or walk-test")
	case !isCamera && m.Zone != "" || isCamera && m.Zone != "" && !slices.Contains(j.zones(m.Device, camera), m.Zone):
		j.refuse(m.Device, "a mode is for a zone that it does not have")
	case m.Mode == Disarmed && camera.LifeSafety:
		j.refuse(m.Device, "it tells of hazards to life and is not disarmed")
	case !validTime(m.Until):
		j.refuse(m.Device, "a mode has no end")
	case m.Until.After(j.now):
		j.out.Modes = append(j.out.Modes, m)
	}
}

// zones are those of a camera that are in force by what was judged so far.
func (j *judge) zones(id string, c Camera) []string {
	a, arranged := j.out.Arrangements[id]
	if !arranged || len(a.Zones) == 0 {
		return c.Zones
	}
	names := make([]string, len(a.Zones))
	for i, z := range a.Zones {
		names[i] = z.Name
	}
	return names
}

// validTime says whether t is one that a file can hold and that is not absurd.
func validTime(t time.Time) bool { return t.Year() >= 2000 && t.Year() <= 9999 }

func (j *judge) look(l ingest.Look) {
	camera, known := j.known.Cameras[l.Camera]
	switch {
	case !taskID.MatchString(l.ID) || strings.Contains(l.ID, ".."):
		j.refuse(l.Camera, "a look has an id that cannot stand in an address")
	case slices.ContainsFunc(j.out.Looks, func(o ingest.Look) bool { return o.ID == l.ID }):
		j.refuse(l.Camera, "two looks have one id")
	case !known:
		j.refuse(l.Camera, "a look is for a camera that this edge does not have")
	case !camera.Pictures:
		j.refuse(l.Camera, "no look: the edge is told to give no pictures of this camera")
	case l.Count < 0 || l.MaxSide < 0 || !validTime(l.Until):
		j.refuse(l.Camera, "a look has a negative number, or no end")
	case l.Until.After(j.now):
		l.EveryMs = min(max(l.EveryMs, ingest.MinLookEvery.Milliseconds()), ingest.MaxLookFor.Milliseconds())
		if latest := j.now.Add(ingest.MaxLookFor); l.Until.After(latest) {
			l.Until = latest
		}
		if l.MaxSide > 0 {
			l.MaxSide = max(l.MaxSide, minWidth)
		}
		j.out.Looks = append(j.out.Looks, l)
	}
}

func (j *judge) trial(t ingest.Trial) {
	camera, known := j.known.Cameras[t.Camera]
	if !taskID.MatchString(t.ID) || strings.Contains(t.ID, "..") {
		j.refuse(t.Camera, "a trial has an id that cannot stand in an address")
		return
	}
	if _, twice := j.out.Spoilt[t.ID]; twice || slices.ContainsFunc(j.out.Trials, func(o ingest.Trial) bool { return o.ID == t.ID }) {
		return
	}
	if !known {
		j.out.Spoilt[t.ID] = "the edge does not have this camera"
		return
	}
	if err := j.fits(camera, ingest.Arrangement{Camera: t.Camera, Version: 1, Zones: t.Zones, Masks: t.Masks}); err != nil {
		j.out.Spoilt[t.ID] = err.Error()
		return
	}
	t.LastSec = min(max(t.LastSec, 1), math.MaxInt32)
	j.out.Trials = append(j.out.Trials, t)
}
