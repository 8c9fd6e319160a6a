// Package overview is what colours a map: the cases that are not closed and the devices, counted by area, and the outlines of the areas.
//
// In: the case log, what edges reported, the map of the grids, and which grids whoever asks may see. Out: counts of everything, and lists
// of bounded length. It holds the cases that are not closed in memory and brings them up to date when somebody asks: while nobody looks
// at a map it reads nothing. It changes nothing, and it knows no person: a case is at a place.
package overview

import (
	"cmp"
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/grid"
	"gridgate/protocols/alert"
)

// MaxPoints is how many cases, and how many devices, are listed; beyond it there are counts alone.
const MaxPoints = 10_000

// AreaCount is how an area stands. Drills and cases that are part of another one are in none of the numbers but Exercises.
type AreaCount struct {
	Code         string         `json:"code" doc:"of the area; of a grid that lies in none of the level, its own"`
	Open         int            `json:"open"`
	Acknowledged int            `json:"acknowledged"`
	Severity     alert.Severity `json:"severity,omitempty" enum:"info,minor,major,critical" doc:"the gravest"`
	Yellow       int            `json:"yellow" doc:"cases with a deadline that is near, and none that passed"`
	Red          int            `json:"red" doc:"cases with a deadline that passed"`
	Exercises    int            `json:"exercises" doc:"drills that are not over"`
	Devices      int            `json:"devices"`
	Faults       int            `json:"faults" doc:"devices that do not work, or whose edge is out of touch"`
}

// CasePoint is a case on the map.
type CasePoint struct {
	ID       string         `json:"id"`
	In       string         `json:"in" doc:"the area in which it is counted"`
	Grid     string         `json:"grid"`
	Kind     alert.Kind     `json:"kind"`
	Class    string         `json:"class"`
	Severity alert.Severity `json:"severity" enum:"info,minor,major,critical"`
	State    cases.State    `json:"state" enum:"open,acknowledged"`
	OpenedAt time.Time      `json:"openedAt"`
	Stage    cases.Stage    `json:"stage,omitempty" enum:"yellow,red" doc:"of the deadline that is nearest to be missed"`
	Due      time.Time      `json:"due,omitzero" doc:"the next deadline"`
	Exercise bool           `json:"exercise,omitempty"`
	Place    *cases.LonLat  `json:"place,omitempty" doc:"where exactly, if somebody said so"`
}

// DevicePoint is a device on the map. No device has a place of its own: it is somewhere in its grid.
type DevicePoint struct {
	Edge   string    `json:"edge"`
	ID     string    `json:"id"`
	In     string    `json:"in" doc:"the area in which it is counted"`
	Grid   string    `json:"grid"`
	Family string    `json:"family" enum:"cameras,sensors"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Stale  bool      `json:"stale,omitempty" doc:"its edge is out of touch: the state is the last that is known"`
}

// Standing is how things stand.
type Standing struct {
	Level       grid.Level    `json:"level,omitempty" enum:"city,district,township,community,grid,micro-grid" doc:"of the areas; absent where no grid has a shape"`
	Grids       []AreaCount   `json:"grids" nullable:"false" doc:"areas in which there is something, by code"`
	Cases       []CasePoint   `json:"cases" nullable:"false" doc:"the most urgent ones first, at most 10,000"`
	Devices     []DevicePoint `json:"devices" nullable:"false" doc:"those in trouble first, at most 10,000"`
	MoreCases   int           `json:"moreCases" doc:"how many were counted and not listed"`
	MoreDevices int           `json:"moreDevices"`
	Capped      bool          `json:"capped,omitempty" doc:"there are more cases than central counts here"`
}

// Query says what part of the whole is asked for.
type Query struct {
	Level  grid.Level
	Prefix string                 // of the codes of grids
	Sees   func(grid string) bool // which grids whoever asks may see
}

// wants says whether a grid belongs to the answer.
func (q Query) wants(code string) bool {
	return len(code) >= len(q.Prefix) && code[:len(q.Prefix)] == q.Prefix && q.Sees(code)
}

// area is the code under which a grid is counted at a level: its own if it lies in none. Known holds what was found before.
func area(code string, level grid.Level, known map[string]string) string {
	if found, ok := known[code]; ok {
		return found
	}
	known[code] = code
	for at := code; at != ""; at = grid.ParentOf(at) {
		if l, err := grid.LevelOf(at); err != nil {
			break
		} else if l == level {
			known[code] = at
			break
		}
	}
	return known[code]
}

// tally counts by area.
type tally struct {
	q      Query
	areas  map[string]string
	counts map[string]*AreaCount
}

func newTally(q Query) *tally {
	return &tally{q: q, areas: map[string]string{}, counts: map[string]*AreaCount{}}
}

func (t *tally) at(code string) *AreaCount {
	in := area(code, t.q.Level, t.areas)
	if t.counts[in] == nil {
		t.counts[in] = &AreaCount{Code: in}
	}
	return t.counts[in]
}

func (t *tally) addCase(p *held, stage cases.Stage) {
	c := t.at(p.Grid)
	if p.Exercise {
		c.Exercises++
		return
	}
	if p.State == cases.Open {
		c.Open++
	} else {
		c.Acknowledged++
	}
	if c.Severity == "" || p.Severity.Rank() > c.Severity.Rank() {
		c.Severity = p.Severity
	}
	switch stage {
	case cases.Red:
		c.Red++
	case cases.Yellow:
		c.Yellow++
	}
}

func (t *tally) addDevice(d DevicePoint) {
	c := t.at(d.Grid)
	c.Devices++
	if d.trouble() > 1 {
		c.Faults++
	}
}

// sums are the counts by code.
func (t *tally) sums() []AreaCount {
	out := make([]AreaCount, 0, len(t.counts))
	for _, c := range t.counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b AreaCount) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// trouble is 0 for a device that works, 1 for one that nothing is known of yet, 2 for one that does not or whose edge is out of touch.
func (d DevicePoint) trouble() int {
	switch {
	case d.Stale:
		return 2
	case d.State == "streaming", d.State == "online":
		return 0
	case d.State == "connecting", d.State == "unknown":
		return 1
	}
	return 2
}

// order is what a case is sorted by.
type order struct {
	id       string
	h        *held
	stage    int
	severity int
}

// standing counts and lists what q asks for.
func standing(q Query, all map[string]*held, devices []DevicePoint, now time.Time) Standing {
	t := newTally(q)
	out := Standing{Level: q.Level, Devices: []DevicePoint{}}
	wanted := make([]order, 0, len(all))
	for id, h := range all {
		if q.wants(h.Grid) {
			stage := h.stage(now)
			t.addCase(h, stage)
			wanted = append(wanted, order{id: id, h: h, stage: rank(stage), severity: h.Severity.Rank()})
		}
	}
	for _, d := range devices {
		if q.wants(d.Grid) {
			d.In = area(d.Grid, q.Level, t.areas)
			t.addDevice(d)
			out.Devices = append(out.Devices, d)
		}
	}
	out.Grids = t.sums()
	slices.SortFunc(wanted, moreUrgent)
	wanted, out.MoreCases = first(wanted)
	out.Cases = make([]CasePoint, len(wanted))
	for i, w := range wanted {
		out.Cases[i] = w.h.point(w.id, now)
		out.Cases[i].In = area(w.h.Grid, q.Level, t.areas)
	}
	slices.SortStableFunc(out.Devices, func(a, b DevicePoint) int { return cmp.Compare(b.trouble(), a.trouble()) })
	out.Devices, out.MoreDevices = first(out.Devices)
	return out
}

func first[T any](list []T) (listed []T, more int) {
	n := min(len(list), MaxPoints)
	return list[:n], len(list) - n
}

// moreUrgent orders cases: deadlines that passed, those that are near, the graver ones, the newer ones.
func moreUrgent(a, b order) int {
	switch {
	case a.stage != b.stage:
		return b.stage - a.stage
	case a.severity != b.severity:
		return b.severity - a.severity
	case !a.h.OpenedAt.Equal(b.h.OpenedAt):
		return b.h.OpenedAt.Compare(a.h.OpenedAt)
	}
	return cmp.Compare(a.id, b.id)
}

func rank(s cases.Stage) int {
	switch s {
	case cases.Red:
		return 2
	case cases.Yellow:
		return 1
	}
	return 0
}
