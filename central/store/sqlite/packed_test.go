package sqlite

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/central/cases"
	"gridgate/central/store/storetest"
	"gridgate/protocols/alert"
)

// What is written by hand reads back as what was given, whatever its texts hold.
func TestPackedEvents(t *testing.T) {
	at := time.Date(2026, 3, 1, 20, 0, 0, 123456789, time.UTC)
	full := storetest.Filled[cases.Event]()
	full.Position, full.CaseID = 0, ""
	events := []cases.Event{
		full,
		{Type: cases.EventJoined, At: at, AlertID: alert.NewID(), Count: 100_000, From: at.Add(-time.Hour), To: at, Situation: alert.NewID()},
		{Type: cases.EventClosed, At: at.Truncate(time.Second), Actor: "张\"\\\n<三>", Reason: cases.ReasonHandled},
		{Type: cases.EventRaised, At: at, Severity: alert.Critical},
		{Type: cases.EventJoined, At: at, Count: 1, From: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), To: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{Type: cases.EventOpened, At: at, Count: 1, Opening: &cases.Opening{Key: "k", Kind: alert.Motion, Class: "0401", Zone: "东门"}},
	}
	for i := range reflect.TypeFor[cases.Event]().NumField() { // each field alone beside what all have
		one := cases.Event{Type: cases.EventJoined, At: at}
		reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		events = append(events, one)
	}
	events = append(events, cases.Event{Type: cases.EventStepped, At: at, Helpers: []string{}, Deadlines: []cases.Deadline{}}) // none from now on
	for _, e := range events {
		given := e
		given.Position, given.CaseID = 7, "c" // are columns
		text, _, err := packEvent(nil, given)
		if err != nil {
			t.Fatal(err)
		}
		var back cases.Event
		if err := json.Unmarshal([]byte(text), &back); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s came back as %+v, %v", text, back, err)
		}
	}
}

func TestIDs(t *testing.T) {
	for _, id := range []string{alert.NewID(), "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-8fff-bfff-ffffffffffff"} {
		b, err := idBytes(id)
		if err != nil || len(b) != 16 || idText(b) != id {
			t.Errorf("%s became %x and %s, %v", id, b, idText(b), err)
		}
	}
	for _, id := range []string{"", "x", "00000000_0000-0000-0000-000000000000", "g0000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-0000000000001"} {
		if b, err := idBytes(id); err == nil {
			t.Errorf("%q became %x", id, b)
		}
	}
}
