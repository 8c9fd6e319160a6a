package raise_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/observation"
)

// crashLog keeps what is durable, and can lose the answer to a commit as a crash right after it does, or the commit itself.
type crashLog struct {
	raise.Memory
	alerts []alert.Alert
	crash  string // "", "before" or "after" the commit
}

var errCrash = errors.New("crash")

func (l *crashLog) Commit(ctx context.Context, c raise.Commit) (bool, error) {
	if l.crash == "before" {
		return false, errCrash
	}
	duplicate, err := l.Memory.Commit(ctx, c)
	if err == nil && !duplicate {
		l.alerts = append(l.alerts, c.Alerts...)
	}
	if l.crash == "after" {
		return false, errCrash
	}
	return duplicate, err
}

// TestAnySequenceIsPaired drives raise with any sequence of observations, clock ticks and crashes; a message that was cut
// off by a crash is sent again, as a broker does. What is on the disk must be properly paired at every moment.
func TestAnySequenceIsPaired(t *testing.T) {
	kinds := []alert.Kind{alert.Door, alert.Motion, alert.Smoke, alert.SOS}
	debounce := map[alert.Kind]raise.Debounce{
		alert.Motion: {MinActive: 2 * time.Second, ClearHold: 3 * time.Second},
		alert.Smoke:  {MinActive: time.Hour, ClearHold: 2 * time.Second},
	}
	rapid.Check(t, func(t *rapid.T) {
		log, c := &crashLog{}, &clock{now: start}
		open := func() *raise.Raiser {
			r, err := raise.New(context.Background(), raise.Options{Log: log, Now: c.Now, Debounce: debounce})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := open()
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			log.crash = rapid.SampledFrom([]string{"", "", "", "", "before", "after"}).Draw(t, "crash")
			if rapid.IntRange(0, 3).Draw(t, "tick") == 0 {
				_, _ = r.Advance(context.Background(), c.now)
			} else {
				signals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) raise.Signal {
					s := signal(rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.SampledFrom([]observation.Phase{active, inactive, momentary}).Draw(t, "phase"), c.now.Sub(start))
					s.By = rapid.SampledFrom([]string{"", "", "rule.a"}).Draw(t, "by")
					if s.By != "" {
						s.Patience = &raise.Debounce{MinActive: 3 * time.Second, ClearHold: time.Second}
					}
					s.Exercise, s.Retained = rapid.Bool().Draw(t, "drill"), rapid.Bool().Draw(t, "retained")
					return s
				}), 1, 3).Draw(t, "signals")
				message := fmt.Sprint("m", i)
				if _, err := r.Raise(context.Background(), message, signals, nil); errors.Is(err, errCrash) {
					log.crash = ""
					r = open()
					if _, err := r.Raise(context.Background(), message, signals, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			if log.crash != "" {
				log.crash = ""
				r = open()
			}
			checkPaired(t, log, r)
		}
	})
}

// checkPaired replays the durable alerts and compares what is open with the log and the raiser.
func checkPaired(t *rapid.T, log *crashLog, r *raise.Raiser) {
	open, ids := map[string]string{}, map[string]bool{}
	for _, a := range log.alerts {
		if err := a.Validate(); err != nil {
			t.Fatalf("invalid alert: %v", err)
		}
		if ids[a.ID] {
			t.Fatalf("id %s is there twice", a.ID)
		}
		ids[a.ID] = true
		switch a.State {
		case alert.Raised:
			if open[a.Key] != "" {
				t.Fatalf("%s was raised twice without a clear", a.Key)
			}
			open[a.Key] = a.ID
		case alert.Cleared:
			if open[a.Key] != a.Situation {
				t.Fatalf("%s was cleared for %s, open is %q", a.Key, a.Situation, open[a.Key])
			}
			delete(open, a.Key)
		}
	}
	stored, _ := log.Situations(context.Background())
	for name, list := range map[string][]raise.Situation{"the log": stored, "the raiser": r.Open()} {
		n := 0
		for _, s := range list {
			if s.Pending {
				continue
			}
			n++
			if open[s.Key] != s.AlertID {
				t.Fatalf("%s has %s open for %s, the alerts say %q", name, s.AlertID, s.Key, open[s.Key])
			}
		}
		if n != len(open) {
			t.Fatalf("%s has %d situations, the alerts %d", name, n, len(open))
		}
	}
}
