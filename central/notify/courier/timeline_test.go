package courier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/cases"
	"gridgate/central/notify"
	"gridgate/central/store"
	"gridgate/protocols/alert"
)

// timeline runs a courier in a bubble whose clock begins at clock, local time of Shanghai.
func timeline(t *testing.T, clock string, change func(*Options), play func(t *testing.T, m *memory, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin, err := time.ParseInLocation("2006-01-02 15:04", clock, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(begin)) // the bubble's clock
		m, p := newMemory(), &peer{}
		c := courier(t, m, p, change)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		play(t, m, p)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pass lets time go by and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLifeSafetyAtThreeInTheMorning(t *testing.T) {
	timeline(t, "2026-03-02 03:00", nil, func(t *testing.T, m *memory, p *peer) {
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		e := opened("c1", alert.Smoke, time.Now())
		m.add(t, cases.Event{CaseID: e.CaseID, Type: cases.EventStepped, At: time.Now(), Rule: "intake", Action: "intake", Workflow: "base", Step: "open", State: cases.Open, Unit: "u1", Effect: cases.Begins})
		pass(2 * time.Second)
		want(t, "told", p.subjects(), []string{"03:00 紧急：0401，330106109001001", "03:00 责任案件：0401，330106109001001"}) // side by side: sorted
	})
}

func TestADispatchWaitsForMorning(t *testing.T) {
	timeline(t, "2026-03-02 23:10", nil, func(t *testing.T, m *memory, p *peer) {
		m.add(t, opened("c1", alert.Motion, time.Now()))
		m.add(t, dispatched("c1", "u1", time.Now()))
		pass(7*time.Hour + 49*time.Minute)
		want(t, "told in the night", p.subjects(), nil)
		pass(5 * time.Hour)
		want(t, "told", p.subjects(), []string{
			"07:00 派遣：0401，330106109001001", "07:30 【未应答】派遣：0401，330106109001001", "09:00 【未应答】派遣：0401，330106109001001"})
	})
}

func TestNightNewsThatIsOverInTheMorning(t *testing.T) {
	timeline(t, "2026-03-02 23:10", nil, func(t *testing.T, m *memory, p *peer) {
		m.add(t, opened("c1", alert.Motion, time.Now()))
		m.add(t, dispatched("c1", "u1", time.Now()))
		pass(time.Minute)
		m.add(t, cases.Event{CaseID: "c1", Type: cases.EventClosed, At: time.Now(), Actor: "z", Reason: cases.ReasonHandled})
		pass(11 * time.Hour)
		want(t, "told", p.subjects(), nil)
		want(t, "notices", m.states(), []string{"dispatched team needless", "dispatched+1 team needless", "dispatched+2 chief needless"})
	})
}

func TestChain(t *testing.T) {
	all := []string{
		"10:00 紧急：0401，330106109001001", "10:05 【未应答】紧急：0401，330106109001001", "10:05 【未应答】紧急：0401，330106109001001", "10:15 【未应答】紧急：0401，330106109001001",
	}
	for name, tc := range map[string]struct {
		after  time.Duration
		answer func(t *testing.T, m *memory)
		want   []string
	}{
		"nobody answers": {time.Hour, func(*testing.T, *memory) {}, all},
		"the case is acknowledged": {3 * time.Minute, func(t *testing.T, m *memory) {
			m.add(t, cases.Event{CaseID: "c1", Type: cases.EventAcknowledged, At: time.Now(), Actor: "desk-1"})
		}, all[:1]},
		"the notice is acknowledged in between": {7 * time.Minute, func(_ *testing.T, m *memory) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.notices[1].State = store.NoticeAcknowledged
		}, all[:3]},
		"alerts alone are no answer": {3 * time.Minute, func(t *testing.T, m *memory) {
			for range 1200 { // more than a page of the history
				m.add(t, cases.Event{CaseID: "c1", Type: cases.EventJoined, At: time.Now(), Count: 1})
			}
		}, all},
		"an answer before a storm is found": {3 * time.Minute, func(t *testing.T, m *memory) {
			m.add(t, cases.Event{CaseID: "c1", Type: cases.EventAcknowledged, At: time.Now(), Actor: "desk-1"})
			for range 1200 {
				m.add(t, cases.Event{CaseID: "c1", Type: cases.EventJoined, At: time.Now(), Count: 1})
			}
		}, all[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
				m.add(t, opened("c1", alert.Smoke, time.Now()))
				pass(tc.after)
				tc.answer(t, m)
				pass(time.Hour)
				want(t, "told", p.subjects(), tc.want)
			})
		})
	}
}

func TestPeerDownForAnHour(t *testing.T) {
	timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
		p.say(func(notify.Message) error { return errors.New("connect to http://10.0.0.7/?key=s3cret: refused") })
		for i := range 40 {
			id := fmt.Sprint("c", i)
			m.add(t, opened(id, alert.Motion, time.Now()))
			m.add(t, dispatched(id, "u1", time.Now()))
		}
		pass(time.Hour)
		tries := len(p.deliveries())
		if tries < 10 || tries > 80 { // five to begin with, then one at each end of a rest
			t.Errorf("%d tries in an hour", tries)
		}
		for _, n := range m.all() {
			if n.State == store.NoticeSent || strings.Contains(n.Trouble, "s3cret") || n.Template == "dispatched" && n.State != store.NoticeWaiting {
				t.Fatalf("%+v", n)
			}
		}
		p.say(nil)
		pass(25 * time.Minute)
		sent := map[string]int{}
		for _, d := range p.deliveries()[tries:] {
			sent[d.m.ID]++
		}
		for _, n := range m.all() {
			if n.Template == "dispatched" && (n.State != store.NoticeSent || sent[n.ID] != 1) {
				t.Errorf("%s is %s, told %d times", n.CaseID, n.State, sent[n.ID])
			}
		}
	})
}

func TestGivenUp(t *testing.T) {
	timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
		p.say(func(notify.Message) error { return &notify.Trouble{Said: "the other side answered 500"} })
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		pass(GiveUp - 15*time.Minute)
		if m.states()[0] != "life-safety desk waiting" {
			t.Errorf("notices are %v", m.states())
		}
		pass(time.Hour) // the last wait between two tries, and the rests that other notices cause before it
		m.mu.Lock()
		defer m.mu.Unlock()
		if n := m.notices[0]; n.State != store.NoticeGivenUp || n.Trouble != "the other side answered 500" || n.Done.IsZero() || n.Attempts < 100 || n.Attempts > 800 {
			t.Errorf("%+v", n)
		}
	})
}

func TestAPermanentRefusalIsFinal(t *testing.T) {
	timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
		p.say(func(notify.Message) error {
			return &notify.Trouble{Said: "the mail server answered 550", Permanent: true}
		})
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		pass(2 * time.Second)
		if m.states()[0] != "life-safety desk given-up" || len(p.deliveries()) != 1 {
			t.Errorf("notices are %v", m.states())
		}
	})
}

func TestSlowDown(t *testing.T) {
	for name, after := range map[string]time.Duration{"429 with Retry-After": 7 * time.Minute, "errcode 45009": time.Minute, "errcode 130101": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
				p.say(func(notify.Message) error { return &notify.Trouble{Said: "slow", Slow: true, After: after} })
				m.add(t, opened("c1", alert.Smoke, time.Now()))
				pass(2 * time.Second)
				m.add(t, opened("c2", alert.Smoke, time.Now())) // of the same channel: it waits, too
				p.say(nil)
				pass(after - 4*time.Second)
				if n := len(p.deliveries()); n != 1 {
					t.Errorf("%d messages while the channel rests", n)
				}
				pass(45 * time.Second)
				first := map[string]bool{}
				for _, d := range p.deliveries()[1:] {
					first[d.m.Data.Case] = true
				}
				if !first["c1"] || !first["c2"] {
					t.Errorf("told %v", p.subjects())
				}
			})
		})
	}
}

// TestRateOfARobot: of a storm no minute has more than the robot takes, and what is urgent goes first.
func TestRateOfARobot(t *testing.T) {
	robot := func(o *Options) {
		w := o.Ways["hook"]
		w.PerMinute, w.AtOnce = 20, 1
		o.Ways["hook"] = w
	}
	timeline(t, "2026-03-02 10:00", robot, func(t *testing.T, m *memory, p *peer) {
		for i := range 120 {
			id := fmt.Sprint("c", i)
			m.add(t, opened(id, alert.Motion, time.Now()))
			m.add(t, dispatched(id, "u1", time.Now()))
		}
		pass(30 * time.Second)
		began := time.Now()
		m.add(t, opened("fire", alert.Fire, began))
		pass(12 * time.Minute)
		times := map[string]time.Time{}
		got := p.deliveries()
		for i, d := range got {
			if i >= 20 && d.at.Sub(got[i-20].at) < time.Minute {
				t.Fatalf("messages %d to %d came within %v", i-20, i, d.at.Sub(got[i-20].at))
			}
			if _, known := times[d.m.Data.Case]; !known {
				times[d.m.Data.Case] = d.at
			}
		}
		if len(times) != 121 || times["fire"].Sub(began) > 10*time.Second {
			t.Errorf("%d of 121 told, the fire after %v", len(times), times["fire"].Sub(began))
		}
	})
}

// TestStoreAway: what was sent while the store could not note it is not sent again as long as this central lives.
func TestStoreAway(t *testing.T) {
	timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
		p.say(func(notify.Message) error {
			m.away(true)
			return nil
		})
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		pass(10 * time.Minute)
		m.away(false)
		p.say(nil)
		pass(10 * time.Minute)
		seen := map[string]int{}
		for _, d := range p.deliveries() {
			seen[d.m.ID]++
		}
		if len(seen) != 4 || slices.ContainsFunc(m.states(), func(s string) bool { return !strings.HasSuffix(s, " sent") }) {
			t.Errorf("notices are %v, told %v", m.states(), p.subjects())
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was sent %d times", id, n)
			}
		}
	})
}

// TestStopInTheMiddle: a message under way when central stops may end; one that hangs is cut off and sent again.
func TestStopInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		hang := hanging{}
		c := courier(t, m, hang, nil)
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		pass(2 * time.Second)
		cancel()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) > grace {
			t.Errorf("it took %v to stop, %v", time.Since(began), err)
		}
		if m.states()[0] != "life-safety desk waiting" {
			t.Errorf("notices are %v", m.states())
		}
	})
}

type hanging struct{}

func (hanging) Send(ctx context.Context, _ notify.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestOldEventsTellNobody(t *testing.T) {
	timeline(t, "2026-03-02 10:00", nil, func(t *testing.T, m *memory, p *peer) {
		m.add(t, opened("old", alert.Smoke, time.Now().Add(-25*time.Hour)))
		m.addTaken(t, opened("gone", alert.Smoke, time.Now()))
		m.add(t, opened("new", alert.Smoke, time.Now()))
		pass(2 * time.Second)
		if got := p.deliveries(); len(got) != 1 || got[0].m.Data.Case != "new" {
			t.Errorf("told %v", p.subjects())
		}
	})
}

func TestSettledNoticesGo(t *testing.T) {
	keep := func(o *Options) { o.Keep = 48 * time.Hour }
	timeline(t, "2026-03-02 10:00", keep, func(t *testing.T, m *memory, p *peer) {
		m.add(t, opened("c1", alert.Smoke, time.Now()))
		pass(47 * time.Hour)
		if len(m.states()) != 4 {
			t.Errorf("notices are %v", m.states())
		}
		pass(3 * time.Hour)
		want(t, "notices", m.states(), nil)
		if len(p.deliveries()) != 4 {
			t.Errorf("told %v", p.subjects())
		}
	})
}
