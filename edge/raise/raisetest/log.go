// Package raisetest holds the contract that every [raise.Log] keeps, as tests to run on it.
//
// In: a way to open a log, and to open it again. Out: test results.
package raisetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
)

// Start is the time of the fixtures.
var Start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// Alert returns a valid alert of a kind, raised by the sensor with the number n.
func Alert(kind alert.Kind, n int) alert.Alert {
	device := fmt.Sprintf("sensor-%d", n)
	id := alert.NewID()
	return alert.Alert{
		ID: id, Source: alert.SensorSource("e1", device), Kind: kind, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("e1", device, "", kind), Severity: alert.Major, Grid: "330106001001001",
		OccurredAt: Start.Add(time.Duration(n) * time.Second), Clock: alert.EdgeClock, RaisedAt: Start, Origin: "test",
	}
}

// Reading returns a valid reading, the n-th.
func Reading(n int) alert.Reading {
	return alert.Reading{Source: alert.SensorSource("e1", "meter"), Grid: "330106001001001", Quantity: "temperature", Value: float64(n), Unit: "Cel",
		At: Start.Add(time.Duration(n) * time.Second)}
}

// SituationOf returns the situation that a raised alert begins.
func SituationOf(a alert.Alert) raise.Situation {
	return raise.Situation{Key: a.Key, AlertID: a.ID, Since: a.OccurredAt, Alert: a}
}

// TestLog runs the contract. Open makes a new log; reopen returns one that goes on with what the given one stored, as after a crash.
func TestLog(t *testing.T, open func(*testing.T) raise.Log, reopen func(*testing.T, raise.Log) raise.Log) {
	t.Run("situations survive", func(t *testing.T) { situationsSurvive(t, open(t), reopen) })
	t.Run("a message counts once", func(t *testing.T) { messageCountsOnce(t, open(t), reopen) })
	t.Run("a first delivery takes the place of an equal identity", func(t *testing.T) { firstDelivery(t, open(t), reopen) })
	t.Run("one message from many callers counts once", func(t *testing.T) { concurrentMessage(t, open(t)) })
}

func commit(t *testing.T, l raise.Log, c raise.Commit) (duplicate bool) {
	t.Helper()
	duplicate, err := l.Commit(t.Context(), c)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return duplicate
}

func situations(t *testing.T, l raise.Log) map[string]raise.Situation {
	t.Helper()
	list, err := l.Situations(t.Context())
	if err != nil {
		t.Fatalf("Situations: %v", err)
	}
	out := map[string]raise.Situation{}
	for _, s := range list {
		if _, twice := out[s.Key]; twice {
			t.Fatalf("two situations are open for %s", s.Key)
		}
		out[s.Key] = s
	}
	return out
}

func situationsSurvive(t *testing.T, l raise.Log, reopen func(*testing.T, raise.Log) raise.Log) {
	stays, goes, waits := Alert(alert.Door, 1), Alert(alert.Door, 2), Alert(alert.Door, 3)
	pending := SituationOf(waits)
	pending.Key += "/rule.a"
	pending.Pending, pending.Due = true, Start.Add(time.Minute)
	commit(t, l, raise.Commit{Alerts: []alert.Alert{stays, goes}, Opened: []raise.Situation{SituationOf(stays), SituationOf(goes), pending}})

	held := SituationOf(stays)
	end := Alert(alert.Door, 1)
	end.State, end.Situation = alert.Cleared, stays.ID
	held.Ending, held.Due = &end, Start.Add(time.Hour)
	commit(t, l, raise.Commit{Opened: []raise.Situation{held}, Closed: []string{goes.Key}})

	got := situations(t, reopen(t, l))
	if len(got) != 2 {
		t.Fatalf("%d situations are open, want 2", len(got))
	}
	if s := got[stays.Key]; s.AlertID != stays.ID || s.Alert.ID != stays.ID || !s.Since.Equal(stays.OccurredAt) ||
		s.Ending == nil || s.Ending.ID != end.ID || !s.Due.Equal(held.Due) || s.Pending {
		t.Errorf("the changed situation came back as %+v", s)
	}
	if s := got[pending.Key]; !s.Pending || !s.Due.Equal(pending.Due) || !s.Since.Equal(pending.Since) || s.Ending != nil || s.By() != "rule.a" {
		t.Errorf("the pending situation came back as %+v", s)
	}
}

func messageCountsOnce(t *testing.T, l raise.Log, reopen func(*testing.T, raise.Log) raise.Log) {
	first, second := Alert(alert.Door, 1), Alert(alert.Door, 2)
	if commit(t, l, raise.Commit{Message: "m", Alerts: []alert.Alert{first}, Opened: []raise.Situation{SituationOf(first)}}) {
		t.Fatal("the first is a duplicate")
	}
	l = reopen(t, l)
	if !commit(t, l, raise.Commit{Message: "m", Alerts: []alert.Alert{second}, Opened: []raise.Situation{SituationOf(second)}}) {
		t.Fatal("the second is not a duplicate")
	}
	if got := situations(t, l); len(got) != 1 || got[first.Key].AlertID != first.ID {
		t.Errorf("the duplicate wrote something: %v", got)
	}
	if commit(t, l, raise.Commit{Message: "n"}) || commit(t, l, raise.Commit{}) || commit(t, l, raise.Commit{}) {
		t.Error("a new message, or none, is a duplicate")
	}
}

// firstDelivery: packet identifiers are used again at once, so that an equal identity is known when a message comes that was
// never sent before. It counts; what is sent again after it does not, over a crash too.
func firstDelivery(t *testing.T, l raise.Log, reopen func(*testing.T, raise.Log) raise.Log) {
	for n := range 3 {
		a := Alert(alert.Door, n)
		c := raise.Commit{Message: "m", First: true, Alerts: []alert.Alert{a}, Opened: []raise.Situation{SituationOf(a)}}
		if commit(t, l, c) {
			t.Fatalf("first delivery %d is a duplicate", n)
		}
		l = reopen(t, l)
		c.First, c.Opened = false, []raise.Situation{SituationOf(Alert(alert.Door, 9))}
		if !commit(t, l, c) {
			t.Fatalf("first delivery %d, sent again, is not a duplicate", n)
		}
	}
	if got := situations(t, l); len(got) != 3 {
		t.Errorf("%d situations are open, want those of the 3 first deliveries", len(got))
	}
}

func concurrentMessage(t *testing.T, l raise.Log) {
	var wg sync.WaitGroup
	var news atomic.Int32
	for range 16 {
		wg.Go(func() {
			duplicate, err := l.Commit(context.Background(), raise.Commit{Message: "same"})
			if err != nil {
				t.Errorf("Commit: %v", err)
			} else if !duplicate {
				news.Add(1)
			}
		})
	}
	wg.Wait()
	if news.Load() != 1 {
		t.Errorf("%d callers were the first, want 1", news.Load())
	}
}
