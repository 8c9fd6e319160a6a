package loops_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gridgate/central/cases"
	. "gridgate/central/loops"
)

const mine = `{"id":"mine","base":"base","titles":{"zh":"我","en":"Mine"}}`

// catalogue gives three classes a workflow; that of one is gone.
type catalogue struct{ NoCatalogue }

func (catalogue) Workflow(class string) string {
	return map[string]string{"0401": "mine", "0402": "base", "0403": "gone"}[class]
}

func bodies(kind, id, body string) Bodies {
	return Bodies{kind: {id: json.RawMessage(body)}}
}

func TestBookChooses(t *testing.T) {
	set := bodies(WorkflowKind, "mine", mine)
	set[ChoiceKind] = map[string]json.RawMessage{ChoiceID: json.RawMessage(`{"workflow":"seven-orders"}`)}
	b, err := Build(set)
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range map[string]string{"0401": "mine", "0402": "base", "0403": "seven-orders", "0101": "seven-orders", "": "seven-orders"} {
		c := cases.Case{Opening: cases.Opening{Class: class}}
		if got := b.Of(c, catalogue{}); got.Definition.ID != want || got.Calendar.ID() != "cn" {
			t.Errorf("class %q follows %s, want %s", class, got.Definition.ID, want)
		}
		c.Workflow = "accept-dispatch"
		if got := b.Of(c, catalogue{}); got.Definition.ID != "accept-dispatch" {
			t.Errorf("a case left its loop for %s", got.Definition.ID)
		}
		c.Workflow = "gone"
		if got := b.Of(c, catalogue{}); got.Definition.ID != want {
			t.Errorf("a case whose loop is gone follows %s", got.Definition.ID)
		}
	}
	if got := len(b.Workflows()); got != 5 {
		t.Errorf("%d workflows", got)
	}
}

func TestBadDocuments(t *testing.T) {
	for want, set := range map[string]Bodies{
		"its id says":                   bodies(WorkflowKind, "other", mine),
		"workflow mine:1":               bodies(WorkflowKind, "mine", `{"id":"mine","base":"base","colour":1}`),
		"calendar cn: ":                 bodies(CalendarKind, "cn", `{"id":"cn"}`),
		"there is no calendar \"mars\"": bodies(ChoiceKind, ChoiceID, `{"calendar":"mars"}`),
		"there is no workflow \"gone\"": bodies(ChoiceKind, ChoiceID, `{"workflow":"gone"}`),
		"the one document of this kind": bodies(ChoiceKind, "second", `{}`),
		"unknown":                       bodies(ChoiceKind, ChoiceID, `{"colour":1}`),
	} {
		if _, err := Build(set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := Default(); err != nil {
		t.Fatal(err)
	}
}
