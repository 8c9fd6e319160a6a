package workflow

import (
	"time"

	"gridgate/central/cases"
)

// Offer is something that can be done with a case next.
type Offer struct {
	Action  string         `json:"action"`
	Titles  Titles         `json:"titles"`
	To      string         `json:"to,omitempty"` // the step that it leads to; left out: the case stays where it stands
	Needs   []Field        `json:"needs" nullable:"false"`
	May     []Field        `json:"may" nullable:"false"`
	Reasons []cases.Reason `json:"reasons" nullable:"false" doc:"several: one of them is demanded as reason"`
}

// Possible lists what who may do with c next, in the order of the definition.
func (l Loop) Possible(c cases.Case, who Actor, now time.Time) []Offer {
	offers := []Offer{}
	from := l.Definition.Where(c)
	for _, a := range l.Definition.Actions {
		t := turn{l: l, c: c, a: a, from: from, r: Request{Action: a.ID, Actor: who, At: now}}
		if t.place() != nil || t.who() != nil {
			continue
		}
		offers = append(offers, Offer{
			Action: a.ID, Titles: a.Titles, To: a.To, Needs: append([]Field{}, a.Needs...), May: append([]Field{}, a.May...), Reasons: append([]cases.Reason{}, a.Reasons...),
		})
	}
	return offers
}
