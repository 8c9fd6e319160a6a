package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// testAlertPages adds alerts between the pages: those come on top and disturb nothing.
func testAlertPages(t *testing.T, open Opener) {
	s := opened(t, open)
	var want []string
	for i := range 57 {
		a := raised(fmt.Sprintf("cam%d", i%3))
		put(t, s, t0, a)
		want = append(want, a.ID)
	}
	last := int64(1 << 62)
	got := all(t, func(cursor string) ([]store.StoredAlert, string, error) {
		put(t, s, t0, raised("cam0"), raised("cam9"))
		if cursor == "" { // the first page begins after what was just added
			return s.Alerts(t.Context(), store.Query{Limit: 2})
		}
		return s.Alerts(t.Context(), store.Query{Limit: 10, Cursor: cursor})
	})
	for _, a := range got {
		if a.Position >= last {
			t.Fatalf("position %d does not come after %d", a.Position, last)
		}
		last = a.Position
	}
	sameSet(t, "pages", ids(got[2:]), want)
}

func testAlertFilters(t *testing.T, open Opener) {
	s := opened(t, open)
	grid := func(g string) func(*alert.Alert) { return func(a *alert.Alert) { a.Grid = g } }
	a := raised("cam1", grid("330106109001"))
	b := raised("cam2", grid("330106109001003"), func(a *alert.Alert) { a.Severity = alert.Critical })
	c := raised("cam1", grid("330106110001"), func(a *alert.Alert) {
		a.Source, a.Key, a.Kind = alert.SensorSource("edge-2", "cam1"), "edge-2/cam1//sos", alert.SOS
	})
	end := cleared(a)
	put(t, s, t0, a)
	put(t, s, t0.Add(time.Hour), b)
	put(t, s, t0.Add(2*time.Hour), c)
	put(t, s, t0.Add(3*time.Hour), end)
	_, of := get(t, s, a.ID)
	tests := map[string]struct {
		q    store.Query
		want []store.Received
	}{
		"all":             {store.Query{}, []store.Received{a, b, c, end}},
		"edge":            {store.Query{Edge: "edge-2"}, []store.Received{c}},
		"device":          {store.Query{Device: "cam1"}, []store.Received{a, c, end}},
		"edge and device": {store.Query{Edge: "edge-1", Device: "cam1"}, []store.Received{a, end}},
		"no such device":  {store.Query{Device: "cam"}, nil},
		"grid":            {store.Query{Grid: "330106109001003"}, []store.Received{b}},
		"grid prefix":     {store.Query{Grid: "330106109"}, []store.Received{a, b, end}},
		"kind":            {store.Query{Kind: alert.SOS}, []store.Received{c}},
		"severity":        {store.Query{Severity: alert.Major}, []store.Received{b}},
		"state":           {store.Query{State: "cleared"}, []store.Received{end}},
		"case":            {store.Query{CaseID: of.ID}, []store.Received{a, end}},
		"case and device": {store.Query{CaseID: of.ID, Device: "cam2"}, nil},
		"no such case":    {store.Query{CaseID: alert.NewID()}, nil},
		"since":           {store.Query{Since: t0.Add(time.Hour)}, []store.Received{b, c, end}},
		"until":           {store.Query{Until: t0.Add(time.Hour)}, []store.Received{a}},
		"between":         {store.Query{Since: t0.Add(time.Minute), Until: t0.Add(150 * time.Minute)}, []store.Received{b, c}},
		"nothing then":    {store.Query{Since: t0.Add(9 * time.Hour)}, nil},
	}
	for name, tt := range tests {
		limits := []int{1, 500}
		if name == "all" {
			limits = append(limits, 0) // is taken as 1
		}
		for _, limit := range limits {
			tt.q.Limit = limit
			var want []string
			for _, a := range tt.want {
				want = append(want, a.ID)
			}
			sameSet(t, fmt.Sprint(name, ", limit ", limit), ids(allAlerts(t, s, tt.q)), want)
		}
	}
}

func testCasePages(t *testing.T, open Opener) {
	s := opened(t, open)
	var all []store.Received
	for i := range 12 {
		a := raised(fmt.Sprintf("cam%d", i), func(a *alert.Alert) {
			a.Grid = fmt.Sprintf("330106109%03d", i%2)
			if i%3 == 0 {
				a.Severity = alert.Critical
			}
		})
		put(t, s, t0.Add(time.Duration(i)*time.Minute), a)
		all = append(all, a)
	}
	for i := range 4 {
		put(t, s, t0.Add(time.Hour), cleared(all[i]))
	}
	_, c := get(t, s, all[8].ID)
	ack := cases.Event{CaseID: c.ID, Type: cases.EventAcknowledged, At: t0.Add(time.Hour), Actor: "zhang"}
	if _, err := s.Append(t.Context(), ack, 0); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		q    store.Query
		want int
	}{
		"all":          {store.Query{}, 12},
		"open":         {store.Query{State: "open"}, 7},
		"acknowledged": {store.Query{State: "acknowledged"}, 1},
		"closed":       {store.Query{State: "closed"}, 4},
		"grid":         {store.Query{Grid: "330106109001"}, 6},
		"prefix":       {store.Query{Grid: "330106"}, 12},
		"severity":     {store.Query{Severity: alert.Critical}, 4},
		"kind":         {store.Query{Kind: alert.SOS}, 0},
		"since":        {store.Query{Since: t0.Add(8 * time.Minute)}, 4},
		"until":        {store.Query{Until: t0.Add(8 * time.Minute)}, 8},
		"open, since":  {store.Query{State: "open", Since: t0.Add(8 * time.Minute)}, 3},
	}
	for name, tt := range tests {
		for _, limit := range []int{4, 500} {
			tt.q.Limit = limit
			got := allCases(t, s, tt.q)
			seen := make(map[string]bool)
			for i, c := range got {
				if seen[c.ID] || i > 0 && !c.OpenedAt.Before(got[i-1].OpenedAt) {
					t.Fatalf("%s: case %d is doubled or out of order", name, i)
				}
				seen[c.ID] = true
			}
			if len(got) != tt.want {
				t.Errorf("%s, limit %d: %d cases, want %d", name, limit, len(got), tt.want)
			}
		}
	}
	checkInvariant(t, s)
}

func testBadCursor(t *testing.T, open Opener) {
	s := opened(t, open)
	put(t, s, t0, raised("cam1"), raised("cam2"))
	_, ofAlerts, err := s.Alerts(t.Context(), store.Query{Limit: 1})
	if err != nil || ofAlerts == "" {
		t.Fatal(ofAlerts, err)
	}
	for _, cursor := range []string{"x", "!!", "MTIz", ofAlerts + "AAAA"} {
		if _, _, err := s.Alerts(t.Context(), store.Query{Cursor: cursor, Limit: 1}); !errors.Is(err, store.ErrBadCursor) {
			t.Errorf("alerts, cursor %q: %v", cursor, err)
		}
	}
	if _, _, err := s.Cases(t.Context(), store.Query{Cursor: ofAlerts, Limit: 1}); !errors.Is(err, store.ErrBadCursor) {
		t.Errorf("cases, cursor of alerts: %v", err)
	}
}
