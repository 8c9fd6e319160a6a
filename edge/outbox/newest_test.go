package outbox

import (
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
)

func TestNewestIsTheEndOfAllLanes(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	b := open(t, Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	var want []string
	for i, kind := range []alert.Kind{alert.Smoke, alert.Door, alert.LowBattery, alert.Smoke, alert.Door} {
		now = now.Add(time.Second)
		a := raisetest.Alert(kind, i)
		if _, err := b.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, a.ID)
	}
	for _, limit := range []int{5, 3, 1, 200} {
		got, err := b.Newest(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		expect := want[max(0, len(want)-limit):]
		if len(got) != len(expect) {
			t.Fatalf("%d alerts, want %d", len(got), len(expect))
		}
		for i, a := range got {
			if a.ID != expect[i] {
				t.Errorf("of %d, alert %d is %s, want %s", limit, i, a.ID, expect[i])
			}
		}
	}
}
