package forward

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// fillLane adds n alerts named prefix and a number.
func (q *memoryQueue) fillLane(lane alert.Lane, prefix string, n int) {
	for i := range n {
		q.add(lane, fmt.Sprintf("%s%d", prefix, i))
	}
}

// take chooses a batch of n.
func take(t *testing.T, l *lane, q Alerts, n int) *job {
	t.Helper()
	l.pace.size = n
	j, err := l.take(t.Context(), q, 0)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// settled takes a batch, has it answered in no time, and tells how many of it are live.
func settled(t *testing.T, l *lane, q *memoryQueue, n int) (live, backlog int) {
	t.Helper()
	j := take(t, l, q, n)
	for _, e := range j.entries {
		if e.ID[0] == 'l' {
			live++
		} else {
			backlog++
		}
		_ = q.Settle(t.Context(), ingest.Receipt{ID: e.ID})
	}
	if err := l.landed(j); err != nil {
		t.Fatal(err)
	}
	return live, backlog
}

func testLane() *lane {
	return newLane(alert.Normal, Options{MinRetry: time.Second, MaxRetry: time.Minute, Batch: 1000})
}

func TestLiveAndBacklogShareByEvents(t *testing.T) {
	for _, size := range []int{1, 3, 7, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, l := newQueue(), testLane()
				q.fillLane(alert.Normal, "b", 300)
				time.Sleep(liveFor + time.Second)
				q.fillLane(alert.Normal, "l", 600)
				var live, backlog int
				for live+backlog < 500 {
					a, b := settled(t, l, q, size)
					live, backlog = live+a, backlog+b
				}
				if share := float64(live) / float64(live+backlog); share < 0.79 || share > 0.81 {
					t.Errorf("%d live, %d of the backlog", live, backlog)
				}
			})
		})
	}
}

// TestWhatOneDoesNotNeedTheOtherGets: no place in a batch is kept free, and nothing is saved up.
func TestWhatOneDoesNotNeedTheOtherGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), testLane()
		q.fillLane(alert.Normal, "b", 500)
		time.Sleep(liveFor + time.Second)
		if live, backlog := settled(t, l, q, 100); live != 0 || backlog != 100 {
			t.Errorf("backlog alone: %d live, %d of the backlog", live, backlog)
		}
		q.fillLane(alert.Normal, "l", 3)
		if live, backlog := settled(t, l, q, 100); live != 3 || backlog != 97 {
			t.Errorf("a few live ones: %d live, %d of the backlog", live, backlog)
		}
		q.fillLane(alert.Normal, "l", 500)
		if live, backlog := settled(t, l, q, 10); live != 8 || backlog != 2 {
			t.Errorf("both: %d live, %d of the backlog", live, backlog)
		}
		for l.backlog < l.marks.live()-1 {
			settled(t, l, q, 100)
		}
		q.fillLane(alert.Normal, "l", 150)
		if live, backlog := settled(t, l, q, 100); backlog != 0 || live != 100 {
			t.Errorf("live alone: %d live, %d of the backlog", live, backlog)
		}
	})
}

// TestAllIsTakenOnceAndInOrder: what is on its way is not taken again, what came to nothing is.
func TestAllIsTakenOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), testLane()
		q.fillLane(alert.Normal, "b", 25)
		first, second := take(t, l, q, 10), take(t, l, q, 10)
		if a, b := numbers(first), numbers(second); a != "1-10" || b != "11-20" {
			t.Errorf("took %s, then %s", a, b)
		}
		first.err = errTimeout
		if err := l.landed(first); err != errTimeout {
			t.Errorf("landed: %v", err)
		}
		if third, fourth := take(t, l, q, 8), take(t, l, q, 8); numbers(third) != "1-8" || numbers(fourth) != "9-10,21-25" {
			t.Errorf("after a failure took %s, then %s", numbers(third), numbers(fourth))
		}
		if last := take(t, l, q, 8); len(last.entries) != 0 {
			t.Errorf("took %s although all is on its way", numbers(last))
		}
	})
}

func numbers(j *job) string { return sequence(j.entries).String() }

// TestWhatCentralDoesNotSayIsSetAside: the others go on, and it is tried again ever more rarely.
func TestWhatCentralDoesNotSayIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), testLane()
		q.fillLane(alert.Normal, "b", 3)
		var tried []time.Duration
		start := time.Now()
		for time.Since(start) < time.Hour {
			j := take(t, l, q, 2)
			for _, e := range j.entries {
				if e.ID != "b1" {
					_ = q.Settle(t.Context(), ingest.Receipt{ID: e.ID})
					continue
				}
				j.left = append(j.left, e.Seq)
				tried = append(tried, time.Since(start))
			}
			if err := l.landed(j); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := q.pending(alert.Normal); n != 1 || len(tried) < 60 || len(tried) > 140 {
			t.Errorf("%d pending, tried %d times in an hour: %v", n, len(tried), tried)
		}
	})
}

func TestCountsOfRefusalsAreBounded(t *testing.T) {
	f := &Forwarder{refused: map[string]int{}}
	for i := range 10 * maxRefused {
		f.refuse(fmt.Sprint(i))
	}
	if len(f.refused) > maxRefused {
		t.Errorf("%d are counted", len(f.refused))
	}
}

func TestTooManySetAsideIsAFailure(t *testing.T) {
	l := testLane()
	left := make([]int64, maxAside+1)
	for i := range left {
		left[i] = int64(i)
	}
	if err := l.landed(&job{lane: l, left: left}); err == nil || len(l.aside.numbers) != 0 {
		t.Errorf("%v, %d set aside", err, len(l.aside.numbers))
	}
}

// TestABatchHasRoom: no more runs of numbers and bytes than central takes; live ones come first.
func TestABatchHasRoom(t *testing.T) {
	entries := func(first, step int64, n, size int) (out []outbox.Entry) {
		for i := range n {
			out = append(out, outbox.Entry{Seq: first + int64(i)*step, Event: make([]byte, size)})
		}
		return out
	}
	got := compose(entries(1, 2, 400, 10), entries(10_000, 1, 100, 10))
	if runs := sequence(got); len(runs) != ingest.MaxRanges || len(got) != ingest.MaxRanges-1+100 || !slices.IsSortedFunc(got, func(a, b outbox.Entry) int { return int(a.Seq - b.Seq) }) {
		t.Errorf("%d alerts in %d runs", len(got), len(runs))
	}
	half := ingest.MaxBatchBody / 2
	if got := compose(entries(1, 1, 3, half-10), entries(10, 1, 1, half-10)); len(got) != 2 || got[1].Seq != 10 {
		t.Errorf("%d alerts of half a body", len(got))
	}
	if got := compose(nil, entries(1, 1, 2, 2*half)); len(got) != 1 {
		t.Errorf("%d alerts that are too large: one is sent, and central says so", len(got))
	}
}

// TestLiveIsToldWithoutTheWallClock: by the numbers that came next within the last minute.
func TestLiveIsToldWithoutTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m marks
		m.begin(time.Now(), 7)
		for next := int64(10); next < 2000; next += 10 {
			m.note(time.Now(), next)
			time.Sleep(time.Second)
		}
		if live := m.live(); live < 2000-10*70 || live > 2000-10*60 || len(m.list) > 15 {
			t.Errorf("live from %d on, %d marks", live, len(m.list))
		}
	})
}

// TestAtStartTheLastMinuteIsLive, unless the clock was set back since it was written.
func TestAtStartTheLastMinuteIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), testLane()
		q.fillLane(alert.Normal, "b", 5)
		time.Sleep(2 * time.Minute)
		q.fillLane(alert.Normal, "l", 5)
		time.Sleep(time.Second)
		if take(t, l, q, 1); l.marks.live() != 6 {
			t.Errorf("live from %d on", l.marks.live())
		}
		for i := range q.lanes[alert.Normal] {
			q.lanes[alert.Normal][i].At = time.Now().Add(time.Hour)
		}
		l = testLane()
		if take(t, l, q, 1); l.marks.live() != 11 {
			t.Errorf("with a clock that was set back live from %d on", l.marks.live())
		}
	})
}
