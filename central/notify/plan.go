package notify

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// MaxNotices is how many notices one event may make; what is above is left out, the last routes first.
const MaxNotices = 200

// Plan returns the notices that e of c makes, chain steps included, in the order of the routes. c is the case with e, or with later events,
// too. Each of (event, recipient, channel, step of the chain) is there once, under the same id whenever it is planned. A merged case
// tells only that it was merged; silenced says that a silence or a maintenance window covers it now.
func (d *Desk) Plan(c cases.Case, e cases.Event, silenced bool) []store.Notice {
	what := WhatOf(c, e)
	if what == "" || d.hushed(c, what, silenced) {
		return nil
	}
	p := planner{desk: d, c: c, e: e, what: what, seen: map[string]bool{}}
	for _, r := range d.routes {
		if !r.covers(what, c, e) {
			continue
		}
		p.route(r)
	}
	return p.notices
}

// Tells says whether an event could make notices at all, so that its case need not be read otherwise.
func (d *Desk) Tells(e cases.Event) bool {
	var c cases.Case
	if e.Opening != nil {
		c.Opening = *e.Opening
	}
	what := WhatOf(c, e)
	return what != "" && (d.listens[what] || e.Type == cases.EventReopened && d.listens[LifeSafety])
}

// NotBefore is when n may be told at the earliest, from now on: the end of its recipient's quiet hours, unless it is urgent.
func (d *Desk) NotBefore(n store.Notice, now time.Time) time.Time {
	r := d.recipients[n.To]
	if n.Urgent || r == nil {
		return now
	}
	return r.hours.next(now).UTC()
}

// hushed says whether nobody is told anything of c.
func (d *Desk) hushed(c cases.Case, what What, silenced bool) bool {
	return silenced || c.Parent != "" && what != Merged || c.Exercise && d.setup.Exercises == "silent"
}

func (r route) covers(what What, c cases.Case, e cases.Event) bool {
	level := c.Level
	if e.Level != "" {
		level = e.Level
	}
	return slices.Contains(r.On, what) && (!r.Urgent || Urgent(c)) && within(c.Grid, r.Grids) && within(c.Class, r.Classes) && (len(r.Levels) == 0 || slices.Contains(r.Levels, level))
}

// within says whether code begins with one of the prefixes, or there are none.
func within(code string, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}

// planner gathers the notices of one event.
type planner struct {
	desk    *Desk
	c       cases.Case
	e       cases.Event
	what    What
	seen    map[string]bool
	notices []store.Notice
}

// route adds what one route makes. Its chain counts from when the first of its recipients is told: nobody answers before.
func (p *planner) route(r route) {
	begin := p.add(r.links[0].to, p.e.At.Add(r.links[0].after), 0)
	if begin.IsZero() {
		begin = p.e.At
	}
	for i, l := range r.links[1:] {
		p.add(l.to, begin.Add(l.after), i+1)
	}
}

// add tells all whom targets mean, and returns when the first of them is told; zero if there is none.
func (p *planner) add(targets []string, at time.Time, step int) (first time.Time) {
	for _, target := range targets {
		for _, r := range p.desk.order {
			if !p.means(target, r) || !within(p.c.Grid, r.Grids) {
				continue
			}
			if told := p.tell(r, at, step); first.IsZero() || told.Before(first) {
				first = told
			}
		}
	}
	return first
}

// means says whether a target of a route means r.
func (p *planner) means(target string, r *recipient) bool {
	kind, id, with := strings.Cut(target, ":")
	if with {
		return kind == "recipient" && r.ID == id || kind == "unit" && r.Unit == id || kind == "role" && r.Role == id
	}
	switch kind {
	case "unit":
		return r.Unit != "" && r.Unit == either(p.e.Unit, p.c.Unit)
	case "helpers":
		return r.Unit != "" && slices.Contains(p.helpers(), r.Unit)
	}
	return r.Account != "" && r.Account == either(p.e.Assignee, p.c.Assignee)
}

func (p *planner) helpers() []string {
	if p.e.Helpers != nil {
		return p.e.Helpers
	}
	return p.c.Helpers
}

func either(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// tell adds a notice for each way to r and returns when they are due.
func (p *planner) tell(r *recipient, at time.Time, step int) time.Time {
	urgent := Urgent(p.c)
	if !urgent {
		at = r.hours.next(at)
	}
	for _, w := range r.Ways {
		id := noticeID(p.e, r.ID, w.Channel, step)
		if p.seen[id] || len(p.notices) == MaxNotices {
			continue
		}
		p.seen[id] = true
		p.notices = append(p.notices, store.Notice{
			ID: id, CaseID: p.e.CaseID, Position: p.e.Position, Channel: w.Channel, To: r.ID, Template: templateName(p.what, step),
			Urgent: urgent, At: at.UTC(), State: store.NoticeWaiting,
		})
	}
	return at
}

// Urgent says whether quiet hours do not hold back what is told of c.
func Urgent(c cases.Case) bool { return c.Kind.Lane() == alert.LifeSafety }

// noticeID is minted from what a notice is about. It begins with the case, so that whoever has the id finds the case.
func noticeID(e cases.Event, recipient, channel string, step int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d", e.Position, recipient, channel, step))
	return e.CaseID + "." + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// CaseOf returns the case that a notice is about, from its id; false if it is not the id of a notice.
func CaseOf(noticeID string) (string, bool) {
	caseID, rest, ok := strings.Cut(noticeID, ".")
	return caseID, ok && caseID != "" && len(rest) == 22
}

// templateName joins what is told and the step of the chain: "life-safety", "life-safety+1".
func templateName(what What, step int) string {
	if step == 0 {
		return string(what)
	}
	return string(what) + "+" + strconv.Itoa(step)
}

// TemplateOf takes a notice's template apart; step is 0 for one that is no step of a chain.
func TemplateOf(template string) (what What, step int) {
	name, number, chained := strings.Cut(template, "+")
	if n, err := strconv.Atoi(number); chained && err == nil && n > 0 {
		step = n
	}
	return What(name), step
}
