package shift

import (
	"cmp"
	"slices"
	"time"

	"gridgate/central/cases"
	"gridgate/central/correlate/rules"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// How many lines of a sort a picture lists; its totals count all.
const (
	MaxWorst     = 50
	MaxDue       = 50
	MaxWaking    = 50
	MaxExercises = 20
	MaxEdges     = 50
	MaxDevices   = 100
	MaxSilences  = 50
)

// Picture is what stood open at a moment. Drills are listed apart and counted nowhere else; a case that is part of another is neither.
type Picture struct {
	At time.Time `json:"at" doc:"the moment"`
	// Cut means that there were more cases than were looked at: totals are at least what they say.
	Cut bool `json:"cut,omitempty" doc:"there were more cases than were looked at"`

	Open   []Tally    `json:"open" nullable:"false" doc:"cases that are not closed, by severity, the gravest first"`
	Parked int        `json:"parked" doc:"of them, those whose clocks stand still"`
	Worst  []CaseLine `json:"worst" nullable:"false" doc:"of them, the gravest, at most 50"`
	Due    Lines      `json:"due" doc:"of them, those with a deadline that passes in the next shift"`
	Waking Lines      `json:"waking" doc:"of them, those whose acknowledgement or snooze ends in the next shift"`

	Exercises Lines        `json:"exercises" doc:"drills that are not closed"`
	Edges     EdgeLines    `json:"edges" doc:"edges that do not report"`
	Devices   DeviceLines  `json:"devices" doc:"devices of reporting edges that are not well"`
	Silences  SilenceLines `json:"silences" doc:"silences in force, or to begin in the next shift"`
	Happened  Happened     `json:"happened" doc:"what happened in the shift that ends"`
}

// Tally counts the cases of one severity.
type Tally struct {
	Severity     alert.Severity `json:"severity" enum:"info,minor,major,critical"`
	Open         int            `json:"open" doc:"nobody has taken them in"`
	Acknowledged int            `json:"acknowledged"`
	Overdue      int            `json:"overdue" doc:"of both: a deadline has passed"`
}

// CaseLine is a case as it stood.
type CaseLine struct {
	ID       string         `json:"id"`
	Kind     alert.Kind     `json:"kind"`
	Class    string         `json:"class"`
	Grid     string         `json:"grid"`
	Zone     string         `json:"zone,omitempty"`
	Severity alert.Severity `json:"severity" enum:"info,minor,major,critical"`
	State    cases.State    `json:"state" enum:"open,acknowledged,closed"`
	Workflow string         `json:"workflow,omitempty"`
	Step     string         `json:"step,omitempty"`
	Unit     string         `json:"unit,omitempty"`
	Assignee string         `json:"assignee,omitempty"`
	Alerts   int64          `json:"alerts"`
	OpenedAt time.Time      `json:"openedAt"`
	DueAt    time.Time      `json:"dueAt,omitzero" doc:"the next deadline that runs"`
	WakeAt   time.Time      `json:"wakeAt,omitzero"`
}

// Lines are some cases and how many there are.
type Lines struct {
	Total int        `json:"total"`
	Items []CaseLine `json:"items" nullable:"false"`
}

// EdgeLine is an edge that does not report, and since when.
type EdgeLine struct {
	ID      string    `json:"id"`
	Since   time.Time `json:"since" doc:"its last report"`
	Devices int       `json:"devices" doc:"how many devices are behind it"`
}

// EdgeLines are some edges and how many there are.
type EdgeLines struct {
	Total int        `json:"total"`
	Items []EdgeLine `json:"items" nullable:"false"`
}

// DeviceLine is a device that is not well, and since when.
type DeviceLine struct {
	Edge   string    `json:"edge"`
	ID     string    `json:"id"`
	Family string    `json:"family" enum:"cameras,sensors"`
	Grid   string    `json:"grid"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
}

// DeviceLines are some devices and how many there are.
type DeviceLines struct {
	Total int          `json:"total"`
	Items []DeviceLine `json:"items" nullable:"false"`
}

// SilenceLine is a silence.
type SilenceLine struct {
	ID     string            `json:"id"`
	Sort   rules.SilenceSort `json:"sort" enum:"silence,maintenance"`
	Grid   string            `json:"grid,omitempty"`
	Kinds  []alert.Kind      `json:"kinds,omitempty"`
	Reason string            `json:"reason"`
	From   time.Time         `json:"from"`
	Until  time.Time         `json:"until"`
	Active bool              `json:"active" doc:"in force at the moment"`
}

// SilenceLines are some silences and how many there are.
type SilenceLines struct {
	Total int           `json:"total"`
	Items []SilenceLine `json:"items" nullable:"false"`
}

// Happened counts what happened in a shift. Of cases that were opened long before, closings are not counted: see [Gatherer].
type Happened struct {
	Opened      int `json:"opened"`
	LifeSafety  int `json:"lifeSafety" doc:"of the opened ones"`
	Merged      int `json:"merged" doc:"of the opened ones: they are part of others by now"`
	Closed      int `json:"closed" doc:"of those opened in this shift or in the seven days before it"`
	Cleared     int `json:"cleared" doc:"of the closed ones, by their own clear"`
	FalseAlarms int `json:"falseAlarms" doc:"of the closed ones"`
}

// offlineAfter is how old the last report of an edge is when it counts as away; edges report about once a minute.
const offlineAfter = 3 * time.Minute

// Gatherer makes a picture of one moment, piece by piece. Whoever feeds it leaves out what the account may not see, and gives it the cases
// that are not closed, and the closed ones that were opened in the shift or in the seven days before it. Not for concurrent use.
type Gatherer struct {
	From, At, Until time.Time
	Cut             bool

	p Picture
}

// Case takes a case.
func (g *Gatherer) Case(c cases.Case) {
	if !c.Exercise {
		g.happened(c)
	}
	switch {
	case c.State == cases.Closed || c.Parent != "":
	case c.Exercise:
		g.p.Exercises.Items = append(g.p.Exercises.Items, lineOf(c))
	default:
		g.open(c)
	}
}

func (g *Gatherer) happened(c cases.Case) {
	in := func(t time.Time) bool { return t.After(g.From) && !t.After(g.At) }
	h := &g.p.Happened
	if in(c.OpenedAt) {
		h.Opened++
		h.LifeSafety += count(c.Kind.Lane() == alert.LifeSafety)
		h.Merged += count(c.Parent != "")
	}
	if c.State == cases.Closed && in(c.ClosedAt) {
		h.Closed++
		h.Cleared += count(c.Reason == cases.ReasonCleared)
		h.FalseAlarms += count(c.Reason == cases.ReasonFalseAlarm)
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// open counts a case that is not closed, and lists it where it belongs.
func (g *Gatherer) open(c cases.Case) {
	line := lineOf(c)
	t := g.tally(c.Severity)
	if c.State == cases.Open {
		t.Open++
	} else {
		t.Acknowledged++
	}
	t.Overdue += count(g.overdue(line))
	g.p.Parked += count(!c.ParkedAt.IsZero())
	g.p.Worst = append(g.p.Worst, line)
	if g.next(line.DueAt) {
		g.p.Due.Items = append(g.p.Due.Items, line)
	}
	if g.next(line.WakeAt) {
		g.p.Waking.Items = append(g.p.Waking.Items, line)
	}
}

// next says whether t lies in the shift that begins.
func (g *Gatherer) next(t time.Time) bool { return t.After(g.At) && !t.After(g.Until) }

func (g *Gatherer) overdue(l CaseLine) bool { return !l.DueAt.IsZero() && !l.DueAt.After(g.At) }

func (g *Gatherer) tally(s alert.Severity) *Tally {
	if g.p.Open == nil {
		for _, each := range []alert.Severity{alert.Critical, alert.Major, alert.Minor, alert.Info} {
			g.p.Open = append(g.p.Open, Tally{Severity: each})
		}
	}
	i := slices.IndexFunc(g.p.Open, func(t Tally) bool { return t.Severity == s })
	return &g.p.Open[max(i, 0)]
}

func lineOf(c cases.Case) CaseLine {
	return CaseLine{
		ID: c.ID, Kind: c.Kind, Class: c.Class, Grid: c.Grid, Zone: c.Zone, Severity: c.Severity, State: c.State, Workflow: c.Workflow, Step: c.Step,
		Unit: c.Unit, Assignee: c.Assignee, Alerts: c.Alerts, OpenedAt: c.OpenedAt.UTC(), DueAt: c.DueAt().UTC(), WakeAt: c.WakeAt.UTC(),
	}
}

// Edge takes an edge; sees says which of its devices the account may see. One of which it sees no device is left out unless it sees all.
func (g *Gatherer) Edge(e store.Edge, all bool, sees func(grid string) bool) {
	away, seen := g.At.Sub(e.LastSync) >= offlineAfter, 0
	for _, d := range e.Report.Devices {
		if !sees(d.Grid) {
			continue
		}
		seen++
		if !away && !well(d) {
			g.p.Devices.Items = append(g.p.Devices.Items, DeviceLine{Edge: e.ID, ID: d.ID, Family: d.Family, Grid: d.Grid, State: d.State, Since: d.Since.UTC()})
		}
	}
	if away && (all || seen > 0) {
		g.p.Edges.Items = append(g.p.Edges.Items, EdgeLine{ID: e.ID, Since: e.LastSync.UTC(), Devices: seen})
	}
}

// well says whether a device does its work.
func well(d ingest.DeviceState) bool { return d.State == "streaming" || d.State == "online" }

// Silence takes a silence that is not over.
func (g *Gatherer) Silence(s rules.Silence) {
	if !s.EndedAt.IsZero() || !g.At.Before(s.Until) || s.From.After(g.Until) {
		return
	}
	g.p.Silences.Items = append(g.p.Silences.Items, SilenceLine{
		ID: s.ID, Sort: s.Sort, Grid: s.Grid, Kinds: s.Kinds, Reason: s.Reason, From: s.From.UTC(), Until: s.Until.UTC(), Active: s.At(g.At),
	})
}

// Picture is what was gathered, in its order and within its bounds.
func (g *Gatherer) Picture() Picture {
	g.tally(alert.Critical)
	p := g.p
	p.At, p.Cut = g.At.UTC(), g.Cut
	_, p.Worst = first(p.Worst, MaxWorst, g.worse)
	byDue := func(a, b CaseLine) int { return cmp.Or(a.DueAt.Compare(b.DueAt), g.worse(a, b)) }
	byWake := func(a, b CaseLine) int { return cmp.Or(a.WakeAt.Compare(b.WakeAt), g.worse(a, b)) }
	p.Due.Total, p.Due.Items = first(p.Due.Items, MaxDue, byDue)
	p.Waking.Total, p.Waking.Items = first(p.Waking.Items, MaxWaking, byWake)
	p.Exercises.Total, p.Exercises.Items = first(p.Exercises.Items, MaxExercises, g.worse)
	p.Edges.Total, p.Edges.Items = first(p.Edges.Items, MaxEdges, func(a, b EdgeLine) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	p.Devices.Total, p.Devices.Items = first(p.Devices.Items, MaxDevices, func(a, b DeviceLine) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Edge, b.Edge), cmp.Compare(a.ID, b.ID))
	})
	p.Silences.Total, p.Silences.Items = first(p.Silences.Items, MaxSilences, func(a, b SilenceLine) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	return p
}

// first sorts a list and cuts it; it also says how long it was. An empty list is not nil.
func first[T any](list []T, most int, order func(a, b T) int) (int, []T) {
	list = append([]T{}, list...)
	slices.SortFunc(list, order)
	return len(list), slices.Clip(list[:min(len(list), most)])
}

// worse orders cases: the graver first, then those that are overdue, then the older.
func (g *Gatherer) worse(a, b CaseLine) int {
	return cmp.Or(
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(count(g.overdue(b)), count(g.overdue(a))),
		a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID),
	)
}
