package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridgate/central/cases"
)

// fields are those by which a group is found; a rule that takes neighbours in looks at the grids itself.
func (r *rule) fields() []Field {
	if r.Near {
		return without(r.Same, ByGrid)
	}
	return r.Same
}

// group merges a case that begins under the first open one with which it agrees.
func (x *turn) group(r *rule) {
	if !x.started || x.m.c.Parent != "" || !x.m.meets(r.match) {
		return
	}
	name := bucketOf(r, &x.m.facts, r.fields())
	head, others := x.s.look(name)
	if len(others) == maxLook && x.joins(r, head) { // it may be older than all at which a rule looks
		return
	}
	for _, first := range others {
		if x.joins(r, first) {
			x.s.lead(name, first)
			return
		}
	}
}

// joins merges the case of this turn under first, if they are a group.
func (x *turn) joins(r *rule, first *member) bool {
	return first != nil && first.alone && apartBy(x.m, first) <= r.Span && mayMerge(r, x.m, first) && x.nearby(r, first) &&
		x.merge(r, x.m, first, groupWords(r, x.m.c, first.c))
}

// nearby says whether the grids agree, as far as the rule minds.
func (x *turn) nearby(r *rule, other *member) bool {
	return !r.Near || x.m.c.Grid == other.c.Grid || x.e.near != nil && x.e.near.Near(x.m.c.Grid, other.c.Grid)
}

// confirm raises cases of which there is one for each condition, all with an alert within the span.
func (x *turn) confirm(r *rule) {
	mine := slices.IndexFunc(r.of, func(c *condition) bool { return x.m.meets(c) })
	if mine < 0 || x.m.c.State == cases.Closed {
		return
	}
	set := make([]*member, len(r.of))
	set[mine] = x.m
	_, others := x.s.look(bucketOf(r, &x.m.facts, r.Same))
	for _, other := range others {
		if !slices.Contains(set, nil) {
			break
		}
		if other.c.State == cases.Closed || x.m.last.Sub(other.last).Abs() > r.Span {
			continue
		}
		for i, c := range r.of {
			if set[i] == nil && !slices.Contains(set, other) && other.meets(c) {
				set[i] = other
			}
		}
	}
	if slices.Contains(set, nil) {
		return
	}
	for _, m := range set {
		x.raise(r, m, set)
	}
}

// raise makes one case of a confirmed set as grave as the rule says, and what it is part of. It says so once.
func (x *turn) raise(r *rule, m *member, set []*member) {
	for range 4 { // a case, what it is part of, and so on
		if !x.once(m, r.ID) {
			return
		}
		why := confirmWords(r, set)
		severity := m.c.Severity
		if r.Severity.Rank() > severity.Rank() {
			severity = r.Severity
		}
		e := cases.Event{Type: cases.EventAnnotated, Rule: r.ID, Why: &why}
		if severity != m.c.Severity || r.Level.Rank() > m.c.Level.Rank() {
			e.Type, e.Severity, e.Level = cases.EventRaised, severity, r.Level
		}
		x.act(r, m, e)
		if m = x.s.member(m.c.Parent); m == nil || m.c.State == cases.Closed {
			return
		}
	}
}

// inhibit merges what follows from a cause under it, whichever was told first.
func (x *turn) inhibit(r *rule) {
	causes := x.m.meets(r.cause)
	if !x.started || !causes && !x.m.meets(r.held) {
		return
	}
	_, others := x.s.look(bucketOf(r, &x.m.facts, r.Same))
	if causes {
		for _, held := range others {
			if mayMerge(r, held, x.m) && apartBy(x.m, held) <= r.Span && held.meets(r.held) && !held.meets(r.cause) {
				x.merge(r, held, x.m, inhibitWords(r, x.m.c))
			}
		}
		return
	}
	for _, cause := range others {
		if mayMerge(r, x.m, cause) && apartBy(x.m, cause) <= r.Span && cause.meets(r.cause) && x.merge(r, x.m, cause, inhibitWords(r, cause.c)) {
			return
		}
	}
}

// keyBucket gathers the cases of one key.
func (r *rule) keyBucket(m *member) string {
	return r.ID + sep + strconv.FormatBool(m.c.Exercise) + sep + m.c.Key
}

// flapping notes that a key comes again and again, and folds its closed cases into the open one.
func (x *turn) flapping(r *rule) {
	if !x.started || !x.m.meets(r.match) {
		return
	}
	n := 0
	_, same := x.s.look(r.keyBucket(x.m))
	for _, m := range same {
		for _, at := range m.starts {
			if x.m.started().Sub(at) <= r.Span {
				n++
			}
		}
	}
	if n < r.Times {
		return
	}
	why := flappingWords(r, n)
	if x.once(x.m, r.ID) {
		x.act(r, x.m, cases.Event{Type: cases.EventAnnotated, Rule: r.ID, Why: &why})
	}
	for _, m := range same {
		if m != x.m && m.c.State == cases.Closed && x.m.started().Sub(m.started()) <= r.Span {
			x.merge(r, m, x.m, why)
		}
	}
}

// storm merges all cases of a place under the first once there are too many.
func (x *turn) storm(r *rule) {
	if !x.started || !x.m.meets(r.match) {
		return
	}
	name := bucketOf(r, &x.m.facts, r.fields())
	head, others := x.s.look(name)
	if head != nil && (head.c.Parent != "" || head.c.State == cases.Closed) {
		head = nil
	}
	n, alone := 0, []*member(nil)
	for _, m := range others {
		if x.m.begun-m.begun > int64(r.Span) || m.lifeSafety && !r.hides {
			continue
		}
		if n++; m.alone {
			alone = append(alone, m)
		}
	}
	if n <= r.Times || len(alone) == 0 {
		return
	}
	head = headOf(r, head, alone)
	x.s.lead(name, head)
	why := stormWords(r, head.c)
	if x.once(head, r.ID) {
		x.act(r, head, cases.Event{Type: cases.EventAnnotated, Rule: r.ID, Why: &why})
	}
	for _, m := range alone {
		x.merge(r, m, head, why)
	}
}

// headOf is the case under which a storm is gathered: one that is already, or else the first that stands alone.
func headOf(r *rule, head *member, alone []*member) *member {
	if i := slices.IndexFunc(alone, func(m *member) bool { return m.said[r.ID] }); i >= 0 {
		return alone[i]
	}
	if head != nil {
		return head
	}
	return alone[0]
}

// riverBuckets gather the cases of one river.
func (r *rule) riverBuckets(m *member) (out []string) {
	for i, river := range r.Rivers {
		if river.place(m.c.Grid) >= 0 {
			out = append(out, fmt.Sprintf("%s\x1f%t\x1f%d", r.ID, m.c.Exercise, i))
		}
	}
	return out
}

// place is where a grid lies along the river, 0 at the source; -1 if it does not.
func (river River) place(grid string) int {
	return slices.IndexFunc(river.Grids, func(prefix string) bool { return strings.HasPrefix(grid, prefix) })
}

// maxRelated is how many cases of a river one case is related to.
const maxRelated = 20

// water relates cases along a river, the downstream one to the upstream one, or merges it.
func (x *turn) water(r *rule) {
	if !x.started || !x.m.meets(r.match) {
		return
	}
	for i, river := range r.Rivers {
		here := river.place(x.m.c.Grid)
		if here < 0 {
			continue
		}
		n := 0
		_, others := x.s.look(fmt.Sprintf("%s\x1f%t\x1f%d", r.ID, x.m.c.Exercise, i))
		for _, m := range others {
			there := river.place(m.c.Grid)
			if m == x.m || there == here || m.c.State == cases.Closed || apartBy(x.m, m) > r.Span || n >= maxRelated {
				continue
			}
			n++
			up, down := m, x.m
			if here < there {
				up, down = x.m, m
			}
			x.flow(r, river, up, down)
		}
	}
}

// flow says once that the water that down tells of comes from up.
func (x *turn) flow(r *rule, river River, up, down *member) {
	why := waterWords(r, river, up.c, down.c)
	if r.Merge && x.merge(r, down, up, why) || !x.once(down, r.ID+"\x1f"+up.c.ID) {
		return
	}
	x.act(r, down, cases.Event{Type: cases.EventRelated, Into: up.c.ID, Rule: r.ID, Why: &why})
}

// silence notes once that nobody is told of a case, and why.
func (x *turn) silence() {
	for _, s := range x.e.silences.list {
		if !s.At(x.by.At) || x.m.said[s.rule] || !s.concerns(x.m.c) {
			continue
		}
		if x.once(x.m, s.rule) {
			why := silenceWords(s.Silence)
			x.act(nil, x.m, cases.Event{Type: cases.EventAnnotated, Rule: s.rule, Why: &why})
		}
	}
}
