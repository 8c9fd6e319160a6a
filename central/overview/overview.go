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

func (t *tally) addCase(p CasePoint) {
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
	switch p.Stage {
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

// standing counts and lists what q asks for.
func standing(q Query, held map[string]held, devices []DevicePoint, now time.Time) Standing {
	t := newTally(q)
	out := Standing{Level: q.Level, Cases: []CasePoint{}, Devices: []DevicePoint{}}
	for id, h := range held {
		if q.wants(h.Grid) {
			p := h.point(id, now)
			p.In = area(p.Grid, q.Level, t.areas)
			t.addCase(p)
			out.Cases = append(out.Cases, p)
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
	slices.SortFunc(out.Cases, moreUrgent)
	slices.SortStableFunc(out.Devices, func(a, b DevicePoint) int { return cmp.Compare(b.trouble(), a.trouble()) })
	out.Cases, out.MoreCases = first(out.Cases)
	out.Devices, out.MoreDevices = first(out.Devices)
	return out
}

func first[T any](list []T) (listed []T, more int) {
	n := min(len(list), MaxPoints)
	return list[:n], len(list) - n
}

// moreUrgent orders cases: deadlines that passed, those that are near, the graver ones, the newer ones.
func moreUrgent(a, b CasePoint) int {
	return cmp.Or(rank(b.Stage)-rank(a.Stage), b.Severity.Rank()-a.Severity.Rank(), b.OpenedAt.Compare(a.OpenedAt), cmp.Compare(a.ID, b.ID))
}

func rank(s cases.Stage) int { return slices.Index([]cases.Stage{"", cases.Yellow, cases.Red}, s) }
