package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// From when on an edge is in trouble.
const (
	maxSkewMs     = 2000 // its times are hard to compare
	maxWaitUrgent = 60   // seconds that a life-safety alert waits in its outbox
	maxWaitOther  = 600  // seconds for the other lanes
)

// maxMatching is how many devices of an edge a list of those that match has.
const maxMatching = 20

// EdgeFilter is the query of the list of edges.
type EdgeFilter struct {
	Trouble store.Answer `query:"trouble" enum:"yes,no" doc:"edges in trouble only, or without"`
	Online  store.Answer `query:"online" enum:"yes,no"`
	Q       string       `query:"q" maxLength:"64" doc:"part of the name of an edge or of a device"`
	Grid    string       `query:"grid" pattern:"^[0-9]{1,20}$" doc:"prefix of a grid code: edges with a device there"`
	Family  string       `query:"family" enum:"cameras,sensors" doc:"edges with such a device"`
	State   string       `query:"state" pattern:"^[a-z][a-z-]{0,31}$" doc:"edges with a device in this state"`
	Devices string       `query:"devices" enum:"all,matching,unwell,none" default:"all" doc:"which devices are listed; matching: those that the filters leave, unwell: those of them in trouble; both at most 20 of an edge"`
	Cursor  string       `query:"cursor" maxLength:"256" doc:"next of the page before"`
	Limit   int          `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// EdgeList is one page of edges. An edge whose trouble begins or ends meanwhile moves, and may be on two pages or on none.
type EdgeList struct {
	Items   []Edge     `json:"items" nullable:"false"`
	Next    string     `json:"next" doc:"cursor of the next page, empty on the last"`
	Matched int        `json:"matched" doc:"edges that the filters leave"`
	Counts  EdgeCounts `json:"counts" doc:"of all edges that you may see, whatever the filters"`
}

// EdgeCounts says how many edges and devices there are.
type EdgeCounts struct {
	Edges   int      `json:"edges"`
	Online  int      `json:"online"`
	Trouble int      `json:"trouble"`
	Cameras Wellness `json:"cameras"`
	Sensors Wellness `json:"sensors"`
}

type edgeListOutput struct{ Body EdgeList }

// judge counts the devices of an edge and says what is wrong with it.
func (e *Edge) judge() {
	refused := false
	for _, d := range e.Devices {
		of := &e.Cameras
		if d.Family == "sensors" {
			of = &e.Sensors
		}
		of.take(d.State, e.Online)
		refused = refused || d.Refused != ""
	}
	waits := slices.ContainsFunc(e.Outbox, func(l ingest.LaneState) bool {
		return l.Pending > 0 && (l.OldestSec > maxWaitOther || l.Lane == alert.LifeSafety && l.OldestSec > maxWaitUrgent)
	})
	unwell := e.Cameras.Waiting + e.Cameras.Failing + e.Sensors.Waiting + e.Sensors.Failing
	e.Trouble = []string{}
	for _, t := range []struct {
		word string
		is   bool
	}{
		{"offline", !e.Online}, {"clock", math.Abs(float64(e.SkewMs)) > maxSkewMs}, {"waiting", waits}, {"dead-letters", e.DeadLetters > 0},
		{"missing", len(e.Gaps) > 0}, {"refused", refused}, {"devices", unwell > 0},
	} {
		if t.is {
			e.Trouble = append(e.Trouble, t.word)
		}
	}
}

func (w *Wellness) take(state string, heard bool) {
	w.Total++
	switch {
	case !heard:
		w.Unheard++
	case well(state):
		w.OK++
	case state == "connecting" || state == "unknown":
		w.Waiting++
	default:
		w.Failing++
	}
}

func (w *Wellness) add(o Wellness) {
	w.Total, w.OK, w.Waiting, w.Failing, w.Unheard = w.Total+o.Total, w.OK+o.OK, w.Waiting+o.Waiting, w.Failing+o.Failing, w.Unheard+o.Unheard
}

func well(state string) bool { return state == "streaming" || state == "online" }

// rank is where an edge stands in the list: out of touch, in other trouble, well.
func (e *Edge) rank() string {
	switch {
	case !e.Online:
		return "0"
	case len(e.Trouble) > 0:
		return "1"
	}
	return "2"
}

// add counts one more edge.
func (c *EdgeCounts) add(e *Edge) {
	c.Edges++
	if e.Online {
		c.Online++
	}
	if len(e.Trouble) > 0 {
		c.Trouble++
	}
	c.Cameras.add(e.Cameras)
	c.Sensors.add(e.Sensors)
}

// match keeps the devices that the filters leave and says whether the edge is in the list.
func (f EdgeFilter) match(e *Edge) bool {
	if !agrees(f.Trouble, len(e.Trouble) > 0) || !agrees(f.Online, e.Online) {
		return false
	}
	named := contains(e.ID, f.Q)
	if f.Devices == "all" && f.Grid+f.Family+f.State == "" && named {
		return true
	}
	found := make([]ingest.DeviceState, 0, len(e.Devices))
	for _, d := range e.Devices {
		if (named || contains(d.ID, f.Q)) && strings.HasPrefix(d.Grid, f.Grid) && (f.Family == "" || d.Family == f.Family) && (f.State == "" || d.State == f.State) {
			found = append(found, d)
		}
	}
	if len(found) == 0 && (!named || f.Grid+f.Family+f.State != "") {
		return false
	}
	switch f.Devices {
	case "none":
		e.Devices = []ingest.DeviceState{}
	case "matching", "unwell":
		if f.Devices == "unwell" {
			found = slices.DeleteFunc(found, func(d ingest.DeviceState) bool { return order(d) == 1 })
		}
		slices.SortStableFunc(found, func(a, b ingest.DeviceState) int { return cmp.Compare(order(a), order(b)) })
		e.Devices = found[:min(len(found), maxMatching)]
	}
	return true
}

// order puts devices in trouble first.
func order(d ingest.DeviceState) int {
	if well(d.State) && d.Refused == "" {
		return 1
	}
	return 0
}

func agrees(a store.Answer, is bool) bool { return a == "" || (a == store.Yes) == is }

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// place is what the list is ordered by.
func place(e *Edge) string { return e.rank() + e.ID }

func edgeCursor(e *Edge) string { return base64.RawURLEncoding.EncodeToString([]byte("g" + place(e))) }

// placeOf is the inverse of [edgeCursor]; "" for an empty cursor.
func placeOf(cursor string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	after, ok := strings.CutPrefix(string(raw), "g")
	if cursor != "" && (err != nil || !ok || after == "") {
		return "", store.ErrBadCursor
	}
	return after, nil
}

// edges are all edges that whoever asks may see something of.
func (s *Server) edges(ctx context.Context) ([]Edge, error) {
	list, gaps, err := s.shelf.get(ctx, s.o.Store)
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	out, now := make([]Edge, 0, len(list)), s.o.Now()
	for _, e := range list {
		if told := edgeOf(e, gaps[e.ID], p, now); len(told.Devices) > 0 || len(p.Grids) == 0 {
			out = append(out, told)
		}
	}
	return out, nil
}

func (s *Server) listEdges(ctx context.Context, in *EdgeFilter) (*edgeListOutput, error) {
	after, err := placeOf(in.Cursor)
	if err != nil {
		return nil, s.failure(ctx, "list edges", err)
	}
	all, err := s.edges(ctx)
	if err != nil {
		return nil, s.failure(ctx, "list edges", err)
	}
	list := EdgeList{Items: []Edge{}}
	for i := range all {
		list.Counts.add(&all[i])
	}
	found := slices.DeleteFunc(all, func(e Edge) bool { return !in.match(&e) })
	list.Matched = len(found)
	slices.SortFunc(found, func(a, b Edge) int { return cmp.Compare(place(&a), place(&b)) })
	from, there := slices.BinarySearchFunc(found, after, func(e Edge, to string) int { return cmp.Compare(place(&e), to) })
	if there {
		from++
	}
	to := min(from+store.PageSize(in.Limit), len(found))
	for _, e := range found[from:to] {
		in.match(&e) // its devices
		list.Items = append(list.Items, e)
	}
	if to < len(found) {
		list.Next = edgeCursor(&found[to-1])
	}
	return &edgeListOutput{Body: list}, nil
}

// shelf holds what was read of all edges for a moment, so that ten consoles do not each read ten thousand reports.
type shelf struct {
	turn  chan struct{} // held while reading
	edges []store.Edge
	gaps  map[string][]store.Tally
	until time.Time
}

// What a reading of the shelf is worth: one that is short, or of few edges, is not kept at all, so that a small centre always sees what is,
// however slow its machine; a long one is kept ten times as long as it took, so that reading takes a tenth of one processor at most.
const (
	keepMany  = 100
	keepFrom  = 20 * time.Millisecond
	keepTimes = 10
)

func newShelf() *shelf { return &shelf{turn: make(chan struct{}, 1)} }

// get returns all edges by name, and their gaps. The values are shared: nobody changes them.
func (b *shelf) get(ctx context.Context, from Store) ([]store.Edge, map[string][]store.Tally, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	began := time.Now()
	if began.Before(b.until) {
		return b.edges, b.gaps, nil
	}
	edges, err := from.Edges(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the edges: %w", err)
	}
	gaps, err := from.Gaps(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read what is missing of them: %w", err)
	}
	b.edges, b.gaps = edges, map[string][]store.Tally{}
	for _, g := range gaps {
		b.gaps[g.Edge] = append(b.gaps[g.Edge], g)
	}
	if took := time.Since(began); took >= keepFrom && len(edges) >= keepMany {
		b.until = time.Now().Add(keepTimes * took)
	}
	return b.edges, b.gaps, nil
}
