package rules

import (
	"fmt"
	"slices"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Explain says in words why an alert is where it is: why it joined its case, and what put that case where it stands. events are of the case's
// history, oldest first; the newest part will do. A case that no alert opened has no key to speak of.
func Explain(a store.StoredAlert, c cases.Case, events []cases.Event) []cases.Words {
	if a.CaseID == "" {
		return []cases.Words{{
			ZH: "该解除到达时没有同键的案件，未并入任何案件", EN: "It cleared something of which there was no case, so it joined none",
		}}
	}
	first := cases.Words{ZH: fmt.Sprintf("同一告警键（%s）归入同一案件", a.Key), EN: fmt.Sprintf("Same key, same case (%s)", a.Key)}
	for _, e := range events {
		if e.AlertID == a.ID && e.Type == cases.EventOpened {
			first = cases.Words{ZH: fmt.Sprintf("告警键%s没有未结案件，由它立案", a.Key), EN: fmt.Sprintf("No case of the key %s was open: this alert opened one", a.Key)}
		}
		if e.AlertID == a.ID && e.Type == cases.EventReopened {
			first = cases.Words{ZH: fmt.Sprintf("告警键%s的案件刚自动结案，由它重开", a.Key), EN: fmt.Sprintf("The case of the key %s had just closed by itself: this alert reopened it", a.Key)}
		}
	}
	return append([]cases.Words{first}, ExplainCase(c, events)...)
}

// ExplainCase says in words what put a case where it stands: what it is part of and why, what raised it, why nobody is told, in the order in
// which that happened. What was undone since is left out.
func ExplainCase(c cases.Case, events []cases.Event) []cases.Words {
	var kept []cases.Event
	for _, e := range events {
		switch {
		case e.Type == cases.EventUnmerged:
			kept = slices.DeleteFunc(kept, func(k cases.Event) bool { return k.Type == cases.EventMerged && k.Into == e.Into })
		case e.Type == cases.EventMerged && e.Into == c.Parent, e.Why != nil:
			kept = append(kept, e)
		}
	}
	out := []cases.Words{}
	for _, e := range kept[max(0, len(kept)-maxWords):] {
		out = append(out, wordsOf(e))
	}
	return out
}

// maxWords is how many sentences are said of one case, the newest.
const maxWords = 50

// wordsOf is why an event happened: a rule's reason, or who merged by hand.
func wordsOf(e cases.Event) cases.Words {
	if e.Why != nil {
		return *e.Why
	}
	return cases.Words{ZH: fmt.Sprintf("由%s手动并入案件%s", e.Actor, e.Into), EN: fmt.Sprintf("%s merged it into the case %s by hand", e.Actor, e.Into)}
}
