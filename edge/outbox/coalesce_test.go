package outbox

import (
	"errors"
	"testing"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
)

// TestAStormOfOneKeyFillsNoOutbox: a button that is stuck, or an alarm that flaps, leaves its newest word and room for others.
func TestAStormOfOneKeyFillsNoOutbox(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Gas, 1)))) + overhead + 30
	dir := t.TempDir()
	b := open(t, Options{Dir: dir, MaxBytes: 12 * one, Reserve: 4 * one})
	press := func() alert.Alert {
		a := raisetest.Alert(alert.SOS, 1)
		a.State, a.Situation = alert.Momentary, ""
		return a
	}
	real, drill := press(), press()
	drill.Exercise = true
	put(t, b, real, drill)
	var last alert.Alert
	for range 30 {
		last = press()
		last.Exercise = true
		put(t, b, last)
	}
	for n := range 20 {
		up := raisetest.Alert(alert.Gas, 2)
		end := up
		end.ID, end.State, end.Situation = alert.NewID(), alert.Cleared, up.ID
		put(t, b, up)
		if n < 19 {
			put(t, b, end)
		}
		last = up
	}
	s := stats(t, b).Lanes[0]
	if s.Coalesced == 0 || s.Shed != 0 || s.Pending+s.Coalesced != 71 || s.ShedRanges.Count() != s.Coalesced {
		t.Errorf("%+v", s)
	}
	got := map[string]bool{}
	for _, e := range peek(t, b, alert.LifeSafety) {
		got[e.ID] = true
	}
	if !got[real.ID] || !got[last.ID] {
		t.Errorf("a drill took the place of the real call (%v), or the newest raise is gone (%v)", got[real.ID], got[last.ID])
	}
	put(t, b, raisetest.Alert(alert.Smoke, 3))
	if after := stats(t, open(t, Options{Dir: copyOf(t, dir)})).Lanes[0]; after.Coalesced < s.Coalesced || after.ShedRanges.Count() != after.Coalesced {
		t.Errorf("after a crash: %+v", after)
	}
}

// TestWhatAStormLeftGivesWayToOthers: what was written before the room was spent is tidied up when another key needs it.
func TestWhatAStormLeftGivesWayToOthers(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Gas, 1)))) + overhead
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 40 * one, Reserve: 2 * one})
	for n := range 36 {
		a := raisetest.Alert(alert.SOS, n%2)
		a.State, a.Situation = alert.Momentary, ""
		put(t, b, a)
	}
	if s := stats(t, b).Lanes[0]; s.Coalesced != 0 {
		t.Fatalf("coalesced although there was room: %+v", s)
	}
	for n := range 30 {
		put(t, b, raisetest.Alert(alert.Door, n))
	}
	if s := stats(t, b); s.Lanes[1].Pending != 30 || s.Lanes[0].Coalesced < 30 {
		t.Errorf("%+v", s.Lanes)
	}
}

// TestARefusedAlertTakesNothingAlong: an older word is let go of only for a newer one that is stored.
func TestARefusedAlertTakesNothingAlong(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.SOS, 1)))) + overhead
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 4 * one, Reserve: 2 * one})
	old := raisetest.Alert(alert.SOS, 0)
	old.State, old.Situation = alert.Momentary, ""
	put(t, b, old)
	fill4(t, b, alert.Gas)
	next := old
	next.ID = alert.NewID()
	both := []alert.Alert{next, raisetest.Alert(alert.Gas, 98), raisetest.Alert(alert.Gas, 99)}
	if _, err := b.Commit(t.Context(), raise.Commit{Alerts: both}); !errors.Is(err, ErrFull) {
		t.Fatalf("three in the room of one: %v", err)
	}
	if got := peek(t, b, alert.LifeSafety); got[0].ID != old.ID {
		t.Error("the older call is gone, and the newer was refused")
	}
	put(t, b, next)
	if got := peek(t, b, alert.LifeSafety); got[0].ID == old.ID || got[len(got)-1].ID != next.ID {
		t.Error("the newer call did not take the place of the older one")
	}
}

// TestAClearGoesTheWayOfItsRaise, of the bulk lane.
func TestAClearGoesTheWayOfItsRaise(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Door, 1)))) + overhead
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 7*one + 100, Reserve: 2*one + 50})
	up := []alert.Alert{raisetest.Alert(alert.Covered, 1), raisetest.Alert(alert.Covered, 2), raisetest.Alert(alert.Covered, 3)}
	put(t, b, up...)
	settle(t, b, accepted(up[0]))
	put(t, b, clearOf(up[1]))
	for n := range 5 {
		put(t, b, raisetest.Alert(alert.Door, n))
	}
	if s := stats(t, b).Lanes[2]; s.Pending != 0 || s.Shed != 3 {
		t.Fatalf("no pair and no raise was to stay: %+v", s)
	}
	first, third := clearOf(up[0]), clearOf(up[2])
	put(t, b, third, first)
	if got := ids(t, b, alert.Bulk); got != first.ID {
		t.Errorf("bulk holds %s, want only %s, the clear whose raise central has", got, first.ID)
	}
	put(t, b, raisetest.Alert(alert.Smoke, 1), raisetest.Alert(alert.Smoke, 2))
	if got := ids(t, b, alert.Bulk); got != first.ID {
		t.Errorf("bulk holds %s: a clear whose raise central has was shed", got)
	}
	if v, err := b.Lane(t.Context(), alert.Bulk); err != nil || v.Shed.String() != "2-5" || v.Lowest != 6 {
		t.Errorf("%+v, %v", v, err)
	}
}
