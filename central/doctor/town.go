package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gridgate/central/auth"
	"gridgate/central/cases"
	"gridgate/central/loops"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/checkup"
)

// When something about an edge is complained of.
const (
	silentAfter    = 5 * time.Minute     // without a sync; an edge syncs each minute
	credentialSoon = 14 * 24 * time.Hour // before its end: it should have been renewed after half of its life
	backlogOld     = 10 * time.Minute
)

// Passwords that are guessed first, beside the account's own name.
var weakPasswords = []string{"password", "12345678", "gridgate"}

// maxVerified bounds the accounts whose passwords are tried: each guess takes some 50 ms.
const maxVerified = 10

func (d doctor) accounts(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	users, err := d.o.Store.Users(ctx)
	if failed(s, err) {
		return
	}
	administrators := slices.DeleteFunc(slices.Clone(users), func(u store.User) bool {
		return u.Disabled || u.Role != string(auth.Administrator) || len(u.Grids) > 0
	})
	if len(administrators) == 0 {
		s.Find("no-administrator")
	}
	weak := 0
	for _, u := range administrators[:min(len(administrators), maxVerified)] {
		if ctx.Err() == nil && d.weak(u) {
			weak++
		}
	}
	if weak > 0 {
		s.Find("weak-password", weak)
	}
}

func (d doctor) weak(u store.User) bool {
	if u.Hash == "" || d.o.WeakVerify == nil {
		return false
	}
	return slices.ContainsFunc(append([]string{u.Name}, weakPasswords...), func(guess string) bool { return d.o.WeakVerify(u.Hash, guess) })
}

func (d doctor) edges(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	edges, err := d.o.Store.Edges(ctx)
	if failed(s, err) {
		return
	}
	enrolled, err := d.o.Store.Enrolments(ctx)
	if failed(s, err) {
		return
	}
	gaps, err := d.o.Store.Gaps(ctx)
	if failed(s, err) {
		return
	}
	if len(edges)+len(enrolled)+len(d.o.Edges) == 0 {
		s.Find("no-edges")
	}
	revoked := d.credentials(s, edges, enrolled)
	for _, e := range edges {
		if !revoked[e.ID] {
			d.edge(s, e)
		}
	}
	d.versions(s, edges)
	for _, g := range gaps {
		if g.Gap() > 0 {
			s.Find("edge-gaps", g.Edge, g.Gap(), g.Lane)
		}
	}
}

// credentials judges the ways in of edges, and says which edges have none by intention.
func (d doctor) credentials(s *checkup.Sheet, edges []store.Edge, enrolled []store.Enrolment) map[string]bool {
	known, revoked := map[string]bool{}, map[string]bool{}
	for _, e := range edges {
		known[e.ID] = true
	}
	for _, e := range enrolled {
		switch {
		case !e.Revoked.IsZero():
			revoked[e.Edge] = true
		case !e.Expires.IsZero() && d.o.Now.After(e.Expires):
			s.Find("edge-credential-ended", e.Edge, e.Expires.Format(time.DateOnly))
		case !e.Expires.IsZero() && e.Expires.Sub(d.o.Now) < min(credentialSoon, e.Expires.Sub(e.Issued)/4):
			s.Find("edge-credential-ending", e.Edge, e.Expires.Format(time.DateOnly))
		case e.Expires.IsZero() && d.o.Now.After(e.CodeExpires):
			s.Find("edge-code-ended", e.Edge)
		}
		known[e.Edge] = known[e.Edge] || e.Expires.IsZero() // not enrolled yet: told above, if at all
	}
	for _, name := range d.o.Edges {
		if !known[name] {
			s.Find("edge-never", name)
		}
	}
	return revoked
}

func (d doctor) edge(s *checkup.Sheet, e store.Edge) {
	if quiet := d.o.Now.Sub(e.LastSync); quiet > silentAfter {
		s.Find("edge-silent", e.ID, quiet.Round(time.Minute))
		return // what it said last is old
	}
	if skew := time.Duration(e.SkewMs) * time.Millisecond; skew > clockOff || skew < -clockOff {
		s.Find("edge-clock", e.ID, skew)
	}
	if n := e.Report.DeadLetters; n > 0 {
		s.Find("edge-dead-letters", e.ID, n)
	}
	for _, l := range e.Report.Outbox {
		if l.OldestSec > backlogOld.Seconds() {
			s.Find("edge-backlog", e.ID, l.Pending, l.Lane)
		}
	}
	bad := []ingest.WantedState{ingest.WantedRefused, ingest.WantedRolledBack}
	if c := e.Report.Configuration; c != nil && slices.Contains(bad, c.State) {
		s.Find("edge-configuration", e.ID, c.State)
	}
	if r := e.Report.Release; r != nil && slices.Contains(bad, r.State) {
		s.Find("edge-release", e.ID, r.Wanted, r.State)
	}
}

// versions tells that edges run different builds.
func (d doctor) versions(s *checkup.Sheet, edges []store.Edge) {
	var builds []string
	for _, e := range edges {
		if d.o.Now.Sub(e.LastSync) <= silentAfter && !slices.Contains(builds, e.Report.Software) {
			builds = append(builds, e.Report.Software)
		}
	}
	slices.Sort(builds)
	if len(builds) > 1 {
		s.Find("edge-versions", len(builds), strings.Join(builds[:min(len(builds), 5)], ", "))
	}
}

// nextYearFrom is the month from which on the days of the next year should be known: they are published in November.
const nextYearFrom = time.November

// calendar looks whether the calendar in force covers this year and, late in it, the next.
func (d doctor) calendar(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	bodies := loops.Bodies{}
	for _, kind := range loops.Kinds() {
		list, err := d.o.Store.DocumentsOf(ctx, kind)
		if failed(s, err) {
			return
		}
		bodies[kind] = map[string]json.RawMessage{}
		for _, one := range list {
			bodies[kind][one.ID] = one.Body
		}
	}
	book, err := loops.Build(bodies)
	if err != nil {
		s.Find("calendar-bad", err)
		return
	}
	c := book.Calendar()
	covered := map[int]bool{}
	for _, y := range c.Table().Years {
		covered[y.Year] = true
	}
	now := d.o.Now.In(c.Zone())
	switch {
	case !covered[now.Year()]:
		s.Find("calendar-now", now.Year(), c.ID())
	case !covered[now.Year()+1] && now.Month() >= nextYearFrom:
		s.Find("calendar-next", now.Year()+1, c.ID())
	}
}

// notify looks at what waits to be told.
func (d doctor) notify(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil {
		s.Skip(noStore)
		return
	}
	if len(d.o.Channels) == 0 {
		s.Find("notify-none")
	}
	waiting, err := d.o.Store.Notices(ctx, d.o.Now.Add(24*time.Hour), 500)
	if failed(s, err) {
		return
	}
	late, told := 0, map[string]bool{}
	for _, n := range waiting {
		if n.At.Before(d.o.Now.Add(-noticeLate)) {
			late++
		}
		switch {
		case !slices.Contains(d.o.Channels, n.Channel):
			if !told[n.Channel] {
				told[n.Channel] = true
				s.Find("notify-channel", n.Channel)
			}
		case n.Attempts > 0 && !told[n.Channel]:
			told[n.Channel] = true
			s.Find("notify-fails", n.Channel, n.Attempts, n.Trouble)
		}
	}
	if late > 0 {
		s.Find("notify-late", late)
	}
}

// retention looks for a case that should have gone two days ago.
func (d doctor) retention(ctx context.Context, s *checkup.Sheet) {
	if d.o.Store == nil || d.o.KeepCases == 0 {
		s.Skip(nothing)
		return
	}
	before := d.o.Now.Add(-d.o.KeepCases - pruneLate)
	list, _, err := d.o.Store.Cases(ctx, store.Query{State: string(cases.Closed), Until: before, Limit: 500})
	if failed(s, err) {
		return
	}
	newest, _, err := d.o.Store.Cases(ctx, store.Query{Limit: 1}) // it stays, however old it is
	if failed(s, err) {
		return
	}
	for _, c := range list {
		if c.LastAt.Before(before) && c.Hold == "" && c.Parent == "" && (len(newest) == 0 || c.ID != newest[0].ID) {
			s.Find("retention-late", before.Format(time.DateOnly))
			return
		}
	}
}
