package outbox

import (
	"errors"
	"strings"
	"testing"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestBudget(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Door, 1)))) + overhead
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 6*one + 400, Reserve: 2 * one})
	bulk := []alert.Alert{raisetest.Alert(alert.Covered, 1), raisetest.Alert(alert.Covered, 2), raisetest.Alert(alert.Covered, 3)}
	put(t, b, bulk...)
	put(t, b, raisetest.Alert(alert.Door, 1)) // four: the budget without the reserve
	put(t, b, raisetest.Alert(alert.Door, 2))
	if s := stats(t, b); s.Lanes[2].Shed == 0 || s.Lanes[2].Pending+s.Lanes[2].Shed != 3 || s.Lanes[1].Pending != 2 {
		t.Fatalf("the oldest bulk was not shed: %+v", s.Lanes)
	}
	if got := ids(t, b, alert.Bulk); !strings.HasSuffix(got, bulk[2].ID) || strings.Contains(got, bulk[0].ID) {
		t.Errorf("not the oldest was shed: %s", got)
	}
	n := fill4(t, b, alert.Door)
	if s := stats(t, b); s.Lanes[2].Pending != 0 || s.Lanes[1].Pending != int64(2+n) {
		t.Errorf("normal alerts did not push out all bulk: %+v", s.Lanes)
	}
	m := fill4(t, b, alert.Gas)
	if s := stats(t, b); m == 0 || s.Lanes[0].Pending != int64(m) || s.Lanes[0].Shed+s.Lanes[1].Shed != 0 {
		t.Errorf("the reserve did not serve life-safety alone: %d of them, %+v", m, s.Lanes)
	}
	duplicate, err := b.Commit(t.Context(), raise.Commit{Message: "m", Alerts: []alert.Alert{raisetest.Alert(alert.Gas, 1)}})
	if !errors.Is(err, ErrFull) || duplicate {
		t.Errorf("full: %v", err)
	}
	if duplicate, err := b.Commit(t.Context(), raise.Commit{Message: "m"}); duplicate || err != nil {
		t.Errorf("a refused commit left its message identity: %v, %v", duplicate, err)
	}
}

// TestWhatMayBeShedIsNeverRefused: a message that is refused comes first again at every connection, and a call for help
// behind it would never be reached.
func TestWhatMayBeShedIsNeverRefused(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Door, 1)))) + overhead
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 6*one + 100, Reserve: 2 * one})
	dead := raisetest.Alert(alert.Covered, 9)
	put(t, b, dead)
	settle(t, b, ingest.Receipt{ID: dead.ID, Outcome: ingest.Rejected, Reason: "no"})
	fill4(t, b, alert.Door)

	covered := raisetest.Alert(alert.Covered, 1)
	c := raise.Commit{Message: "m", Alerts: []alert.Alert{covered}, Readings: []alert.Reading{raisetest.Reading(1), raisetest.Reading(2)},
		Opened: []raise.Situation{raisetest.SituationOf(covered)}}
	for _, want := range []bool{false, true} { // the second is the redelivery
		if duplicate, err := b.Commit(t.Context(), c); err != nil || duplicate != want {
			t.Fatalf("duplicate %v, %v, want %v", duplicate, err, want)
		}
	}
	s := stats(t, b)
	if s.Lanes[2].Shed != 1 || s.Lanes[2].Pending != 0 || s.Readings.Shed != 2 || s.Readings.Pending != 0 {
		t.Errorf("bulk %+v, readings %+v", s.Lanes[2], s.Readings)
	}
	if open, err := b.Situations(t.Context()); err != nil || len(open) != 1 || open[0].AlertID != covered.ID {
		t.Errorf("situations %+v, %v", open, err)
	}
	end := covered
	end.ID, end.State, end.Situation = alert.NewID(), alert.Cleared, covered.ID
	if _, err := b.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{end}, Closed: []string{covered.Key}}); err != nil {
		t.Errorf("its clear: %v", err)
	}
	if open, err := b.Situations(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("situations %+v, %v", open, err)
	}
	door := raise.Commit{Message: "n", Alerts: []alert.Alert{raisetest.Alert(alert.Door, 99), end}, Readings: c.Readings}
	if _, err := b.Commit(t.Context(), door); !errors.Is(err, ErrFull) {
		t.Errorf("a normal alert without room: %v", err)
	}
	if after := stats(t, b); after.Readings.Shed != 2 || after.Lanes[2].Shed != 2 {
		t.Errorf("what was refused is counted as shed: %+v", after)
	}
	letters, _ := b.DeadLetters(t.Context(), 0, 1)
	if err := b.Requeue(t.Context(), letters[0].Seq); !errors.Is(err, ErrFull) || stats(t, b).DeadLetters != 1 {
		t.Errorf("a dead letter without room: %v", err)
	}
	smoke := raise.Commit{Message: "o", Alerts: []alert.Alert{raisetest.Alert(alert.Smoke, 1)}, Readings: c.Readings}
	if _, err := b.Commit(t.Context(), smoke); err != nil || stats(t, b).Readings.Shed != 4 {
		t.Errorf("smoke with readings: %v, %+v", err, stats(t, b))
	}
	if got := ids(t, b, alert.LifeSafety); got != smoke.Alerts[0].ID {
		t.Errorf("life-safety holds %q", got)
	}
}

// TestNewReadingsPushOutOldOnesOnly: where only some of a commit fits, the newest of it stay.
func TestNewReadingsPushOutOldOnesOnly(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 2000, Reserve: 1})
	var c raise.Commit
	for n := range 30 {
		c.Readings = append(c.Readings, raisetest.Reading(n))
	}
	for range 2 {
		if _, err := b.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		s := stats(t, b).Readings
		list, err := b.PeekReadings(t.Context(), 100)
		if err != nil || len(list) < 2 || s.Bytes > 2000 || s.Pending != int64(len(list)) || list[len(list)-1].Reading.Value != 29 {
			t.Errorf("%+v, %d left, %v", s, len(list), err)
		}
	}
	if s := stats(t, b).Readings; s.Shed+s.Pending != 60 {
		t.Errorf("%+v", s)
	}
}

// fill4 appends alerts of a kind until the outbox refuses and returns how many it took.
func fill4(t *testing.T, b *Outbox, kind alert.Kind) int {
	t.Helper()
	for n := range 20 {
		if _, err := b.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{raisetest.Alert(kind, 50+n)}}); errors.Is(err, ErrFull) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the budget has no bound")
	return 0
}

func mustEncode(t testing.TB, a alert.Alert) []byte {
	t.Helper()
	event, err := alert.Encode(a)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func TestReadingsAreShedAfterBulk(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), MaxBytes: 4000, Reserve: 1})
	for n := range 30 {
		if _, err := b.Commit(t.Context(), raise.Commit{Readings: []alert.Reading{raisetest.Reading(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	s := stats(t, b).Readings
	list, err := b.PeekReadings(t.Context(), 100)
	if err != nil || s.Shed == 0 || s.Shed+s.Pending != 30 || int64(len(list)) != s.Pending || list[len(list)-1].Reading.Value != 29 {
		t.Errorf("%+v, %d left, %v", s, len(list), err)
	}
}
