package outbox

import (
	"errors"
	"os"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// ledger knows what the outbox was given and what central answered for, and nothing of how the outbox works.
type ledger struct {
	box    *Outbox
	o      Options
	taken  []alert.Alert // in the order of their commits
	seq    map[string]int64
	had    map[string]bool // answered for
	open   map[string]alert.Alert
	closed map[string]string // id of a raise to that of its clear
}

func (l *ledger) commit(t *rapid.T, alerts ...alert.Alert) bool {
	_, err := l.box.Commit(t.Context(), raise.Commit{Alerts: alerts})
	if errors.Is(err, ErrFull) {
		return false
	} else if err != nil {
		t.Fatal(err)
	}
	l.taken = append(l.taken, alerts...)
	for _, e := range l.pending(t) {
		l.seq[e.ID] = e.Seq
	}
	return true
}

func (l *ledger) pending(t *rapid.T) (all []Entry) {
	for _, lane := range alert.Lanes {
		entries, err := l.box.Peek(t.Context(), lane, Want{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entries...)
	}
	return all
}

// change raises or clears a key, or presses a button.
func (l *ledger) change(t *rapid.T) {
	kind := rapid.SampledFrom([]alert.Kind{alert.Covered, alert.Covered, alert.Door, alert.Gas, alert.SOS}).Draw(t, "kind")
	a := raisetest.Alert(kind, rapid.IntRange(1, 3).Draw(t, "device"))
	if kind == alert.SOS {
		a.State, a.Situation, a.Exercise = alert.Momentary, "", rapid.Bool().Draw(t, "exercise")
		l.commit(t, a)
		return
	}
	up, isOpen := l.open[a.Key]
	end := a
	end.ID, end.State = alert.NewID(), alert.Cleared
	switch {
	case isOpen:
		end.Situation = up.ID
		if l.commit(t, end) {
			delete(l.open, a.Key)
			l.closed[up.ID] = end.ID
		}
	case rapid.IntRange(0, 3).Draw(t, "at once") == 0:
		if end.Situation = a.ID; l.commit(t, a, end) {
			l.closed[a.ID] = end.ID
		}
	default:
		if l.commit(t, a) {
			l.open[a.Key] = a
		}
	}
}

func (l *ledger) settle(t *rapid.T) {
	entries := l.pending(t)
	if len(entries) == 0 {
		return
	}
	from := rapid.IntRange(0, len(entries)-1).Draw(t, "from")
	for _, e := range entries[from:min(len(entries), from+rapid.IntRange(1, 3).Draw(t, "n"))] {
		if err := l.box.Settle(t.Context(), ingest.Receipt{ID: e.ID, Outcome: ingest.Accepted}); err != nil {
			t.Fatal(err)
		}
		l.had[e.ID] = true
	}
}

func (l *ledger) restart(t *rapid.T) {
	if err := l.box.Close(); err != nil {
		t.Fatal(err)
	}
	box, err := Open(t.Context(), l.o)
	if err != nil {
		t.Fatal(err)
	}
	l.box = box
}

// check compares what is there with what must be.
func (l *ledger) check(t *rapid.T) {
	kept := map[string]bool{}
	for id := range l.had {
		kept[id] = true
	}
	for _, e := range l.pending(t) {
		kept[e.ID] = true
	}
	newest, told := map[string]alert.Alert{}, map[alert.Lane]ingest.Ranges{}
	for _, a := range l.taken {
		if a.State != alert.Cleared {
			newest[sameness(a)] = a
		}
	}
	for _, a := range l.taken {
		switch {
		case a.Lane() == alert.Normal && !kept[a.ID]:
			t.Fatalf("a normal alert is gone: %s", a.Key)
		case a.Lane() == alert.Bulk && a.State == alert.Cleared && l.had[a.Situation] && !kept[a.ID]:
			t.Fatalf("central keeps %s open: its clear was shed", a.Key)
		case a.Lane() == alert.Bulk && a.State == alert.Cleared && !kept[a.Situation] && kept[a.ID] && !l.had[a.ID]:
			t.Fatalf("the raise of %s was shed and its clear was not", a.Key)
		case a.Lane() == alert.LifeSafety && !kept[a.ID]:
			l.checkCoalesced(t, a, newest[sameness(a)], kept)
		}
		if !kept[a.ID] && a.Lane() != alert.Normal {
			l.checkTold(t, a, told)
		}
	}
	l.checkCounts(t)
}

// checkCoalesced: what gave way is not the newest, nor one half of a pair.
func (l *ledger) checkCoalesced(t *rapid.T, a, newest alert.Alert, kept map[string]bool) {
	if a.ID == newest.ID || a.Situation != "" && a.Situation == newest.ID {
		t.Fatalf("the newest of %s, or its clear, is gone", a.Key)
	}
	if a.State == alert.Raised && kept[l.closed[a.ID]] || a.State == alert.Cleared && kept[a.Situation] {
		t.Fatalf("half of a pair of %s is gone", a.Key)
	}
	if a.State == alert.Raised && l.closed[a.ID] == "" {
		t.Fatalf("%s goes on, and its raise is gone", a.Key)
	}
}

// checkTold: a sequence that was given up is in the lane's ranges.
func (l *ledger) checkTold(t *rapid.T, a alert.Alert, told map[alert.Lane]ingest.Ranges) {
	seq, known := l.seq[a.ID]
	if !known {
		return // it was given up before it could be seen
	}
	if _, asked := told[a.Lane()]; !asked {
		view, err := l.box.Lane(t.Context(), a.Lane())
		if err != nil {
			t.Fatal(err)
		}
		told[a.Lane()] = view.Shed
	}
	for _, r := range told[a.Lane()] {
		if r.First <= seq && seq <= r.Last {
			return
		}
	}
	t.Fatalf("sequence %d of lane %s is gone and not in %s", seq, a.Lane(), told[a.Lane()])
}

// checkCounts: the running counts are those of the file, and every number was given out once.
func (l *ledger) checkCounts(t *rapid.T) {
	running, _ := l.box.write.counts.snapshot()
	counted, err := loadTotals(t.Context(), l.box.read)
	if err != nil {
		t.Fatal(err)
	}
	counted.looked, counted.swept, counted.added, counted.urgent = running.looked, running.swept, running.added, running.urgent
	for i := range running.lanes {
		running.lanes[i].last, counted.lanes[i].last = 0, 0 // the newest may have been answered for
	}
	if !reflect.DeepEqual(running, counted) {
		t.Fatalf("the counts\n%+v are not those of the file\n%+v", running, counted)
	}
	if n := running.bytes(); n > l.o.MaxBytes+l.o.Reserve {
		t.Fatalf("%d bytes are pending, %d are allowed", n, l.o.MaxBytes)
	}
}

// TestWhatIsGivenUpIsNeverTheWrongOne drives a small outbox with any sequence of alerts, receipts and restarts.
func TestWhatIsGivenUpIsNeverTheWrongOne(t *testing.T) {
	one := int64(len(mustEncode(t, raisetest.Alert(alert.Covered, 1)))) + overhead + 20
	dir := t.TempDir()
	var shed, coalesced int64
	rapid.Check(t, func(t *rapid.T) {
		own, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		l := &ledger{o: Options{Dir: own, MaxBytes: 12 * one, Reserve: 4 * one},
			seq: map[string]int64{}, had: map[string]bool{}, open: map[string]alert.Alert{}, closed: map[string]string{}}
		if l.box, err = Open(t.Context(), l.o); err != nil {
			t.Fatal(err)
		}
		defer func() { l.box.Close() }()
		for n := range rapid.IntRange(20, 40).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 19).Draw(t, "step"); {
			case step == 0:
				l.restart(t)
			case step < 4:
				l.settle(t)
			default:
				l.change(t)
			}
			if n%16 == 15 {
				l.check(t)
			}
		}
		for range 16 { // at last a storm of one button
			press := raisetest.Alert(alert.SOS, 1)
			press.State, press.Situation = alert.Momentary, ""
			l.commit(t, press)
		}
		l.check(t)
		s, err := l.box.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shed, coalesced = shed+s.Lanes[2].Shed, coalesced+s.Lanes[0].Coalesced
	})
	if shed == 0 || coalesced == 0 {
		t.Errorf("%d shed, %d coalesced: the policy was not tried", shed, coalesced)
	}
}
