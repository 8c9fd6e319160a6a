package intake

import (
	"errors"
	"fmt"

	"gridgate/central/cases"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
)

// ErrNotPublic means that a case is not one to warn the public of: a call for help, or what goes on in somebody's house.
var ErrNotPublic = errors.New("the case is not about a hazard that the public can be warned of")

// categories of main classes of the default catalogue that a public warning can be about; calls for help (03), order (04) and devices (06)
// are not.
var categories = map[string]cap.Category{"01": "Fire", "02": "Env", "05": "Infra", "09": "Infra"}

// Publish says a case as a CAP message: an alert while it is open, a cancel of that alert once it is closed. Free words are not in it.
func Publish(c cases.Case, sender string, land [][]cap.Point) (cap.Message, error) {
	category, public := categories[c.Class[:min(2, len(c.Class))]]
	if !public || c.Kind == alert.SOS {
		return cap.Message{}, ErrNotPublic
	}
	m := cap.Message{
		Identifier: "gridgate-" + c.ID, Sender: sender, Sent: c.OpenedAt, Status: cap.Actual, Type: cap.Alert,
		Infos: []cap.Info{{
			Language: "zh-CN", Categories: []cap.Category{category}, Urgency: "Immediate", Severity: gravity(c.Severity), Certainty: "Observed",
			Codes: []cap.Code{{List: ClassList, Value: c.Class}}, Onset: c.OpenedAt,
			Areas: []cap.Area{{Polygons: land, Codes: []cap.Code{{List: "grid", Value: c.Grid}}}},
		}},
	}
	if c.Exercise {
		m.Status = cap.Exercise
	}
	if !c.Active {
		m.Infos[0].Urgency = "Expected"
	}
	if c.State == cases.Closed {
		m.References = []cap.Reference{{Sender: sender, Identifier: m.Identifier, Sent: m.Sent}}
		m.Identifier, m.Type, m.Sent = fmt.Sprintf("gridgate-%s-%d", c.ID, c.Position), cap.Cancel, c.ClosedAt
		m.Infos[0].Urgency = "Past"
	}
	return m, nil
}

func gravity(s alert.Severity) string {
	switch s {
	case alert.Critical:
		return "Extreme"
	case alert.Major:
		return "Severe"
	case alert.Minor:
		return "Moderate"
	}
	return "Minor"
}
