package forward

import (
	"cmp"
	"context"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// lane chooses what of a lane goes next. It belongs to the goroutine of its stream.
type lane struct {
	name  alert.Lane
	pace  *pace
	marks marks

	// Numbers above which nothing was looked at yet, of each class. What lies below was sent, is on its way, or is set aside.
	live, backlog int64
	share         float64 // what the backlog has saved up of its share, below one event
	schema        int     // that central accepted when the cursors were set

	flying map[int64]bool // numbers on their way
	aside  aside
}

func newLane(name alert.Lane, o Options) *lane {
	return &lane{name: name, pace: newPace(o.Batch), flying: map[int64]bool{}, aside: newAside(o.MinRetry, o.MaxRetry)}
}

// backlogShare is what the backlog gets of what is sent while live alerts wait as well.
const backlogShare = 0.2

// job is a batch on its way, and what became of it.
type job struct {
	lane    *lane
	view    outbox.LaneView
	entries []outbox.Entry // in the order of their numbers

	answers []timing
	left    []int64 // numbers that central answered without saying what became of them
	again   bool    // not all of it was dealt with: look again from the start
	shrink  bool    // it was too much
	err     error
}

// timing is how long central took for n events.
type timing struct {
	n    int
	took time.Duration
}

// take chooses the next batch; one without entries means that there is nothing to send.
func (l *lane) take(ctx context.Context, q Alerts, schema int) (*job, error) {
	now := time.Now()
	view, err := q.Lane(ctx, l.name)
	if err != nil {
		return nil, err
	}
	if err := l.mark(ctx, q, view, now); err != nil {
		return nil, err
	}
	if l.aside.due(now) || l.schema != schema {
		l.rewind()
		l.schema = schema
	}
	j := &job{lane: l, view: view}
	if view.Lowest >= view.Next {
		return j, nil
	}
	backlog, live, err := l.choose(ctx, q, l.pace.size)
	if err != nil {
		return nil, err
	}
	j.entries = compose(backlog, live)
	for _, e := range j.entries {
		l.taken(e.Seq)
	}
	return j, nil
}

// taken notes that an alert is on its way.
func (l *lane) taken(seq int64) {
	l.flying[seq] = true
	if seq >= l.marks.live() {
		l.live = max(l.live, seq)
	} else {
		l.backlog = max(l.backlog, seq)
	}
}

// mark notes what is live. At start the wall clock is asked, and is not believed where it lies behind what is written.
func (l *lane) mark(ctx context.Context, q Alerts, view outbox.LaneView, now time.Time) error {
	if l.marks.list != nil {
		l.marks.note(now, view.Next)
		return nil
	}
	live := view.Next
	recent, err := q.Peek(ctx, l.name, outbox.Want{Limit: 1, Since: now.Add(-liveFor)})
	if err != nil {
		return err
	}
	if len(recent) > 0 && !recent[0].At.After(now) {
		live = recent[0].Seq
	}
	l.marks.begin(now, live)
	return nil
}

// rewind makes the next look begin at the oldest.
func (l *lane) rewind() { l.live, l.backlog = 0, 0 }

// choose reads up to n alerts: the backlog's share of them from the backlog, live ones, and what is left again from the backlog.
func (l *lane) choose(ctx context.Context, q Alerts, n int) (backlog, live []outbox.Entry, err error) {
	border := l.marks.live()
	if l.backlog < border-1 {
		if backlog, err = l.read(ctx, q, l.backlog, border, n); err != nil {
			return nil, nil, err
		}
	}
	if len(backlog) == 0 {
		l.backlog = max(l.backlog, border-1)
	}
	quota := l.quota(len(backlog), n)
	if live, err = l.read(ctx, q, max(l.live, border-1), 0, n-quota); err != nil {
		return nil, nil, err
	}
	if len(backlog) == 0 || len(live) < n-quota {
		l.share = 0 // nothing is saved up while one of the two does not wait
	}
	return backlog[:min(len(backlog), n-len(live))], live, nil
}

// quota is how many of n places the backlog gets, of which waiting ones are there.
func (l *lane) quota(waiting, n int) int {
	l.share += backlogShare * float64(n)
	q := min(int(l.share), waiting)
	l.share -= float64(int(l.share))
	return q
}

// read returns up to n alerts above after and below border (0: no border) that are neither on their way nor set aside.
func (l *lane) read(ctx context.Context, q Alerts, after, border int64, n int) (out []outbox.Entry, err error) {
	for limit := n; len(out) < n; limit = ingest.MaxBatch {
		page, err := q.Peek(ctx, l.name, outbox.Want{Limit: limit, After: after, Schema: l.schema})
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if border > 0 && e.Seq >= border {
				return out, nil
			}
			if after = e.Seq; len(out) < n && !l.flying[e.Seq] && !l.aside.numbers[e.Seq] {
				out = append(out, e)
			}
		}
		if len(page) < limit {
			break
		}
	}
	return out, nil
}

// landed takes back what take gave out. The error is that of the job, or says that too much is set aside.
func (l *lane) landed(j *job) error {
	for _, e := range j.entries {
		delete(l.flying, e.Seq)
	}
	for _, a := range j.answers {
		l.pace.answered(a.n, a.took)
	}
	if j.shrink {
		l.pace.halve()
	}
	if j.again || j.err != nil {
		l.rewind()
	}
	if l.aside.note(j.left, time.Now()) {
		l.rewind()
		return cmp.Or(j.err, errNoReceipts)
	}
	return j.err
}

// compose puts a batch together in the order of its numbers. What is too much for one request is left for the next, of the
// backlog first.
func compose(backlog, live []outbox.Entry) []outbox.Entry {
	room := room{bytes: ingest.MaxBatchBody - 2, runs: ingest.MaxRanges}
	live = room.fit(live)
	return append(room.fit(backlog), live...)
}

// room is what a request may still hold.
type room struct {
	bytes, runs int
	some        bool
}

// fit returns the first of entries that have room. The first of all always has.
func (r *room) fit(entries []outbox.Entry) []outbox.Entry {
	last := int64(-1)
	for i, e := range entries {
		if e.Seq != last+1 {
			r.runs--
		}
		r.bytes -= len(e.Event) + 1
		if (r.bytes < 0 || r.runs < 0) && r.some {
			return entries[:i:i]
		}
		r.some, last = true, e.Seq
	}
	return entries[:len(entries):len(entries)]
}

// sequence are the numbers of entries, of which there are some.
func sequence(entries []outbox.Entry) ingest.Ranges {
	runs := make([]ingest.Range, len(entries))
	for i, e := range entries {
		runs[i] = ingest.Range{First: e.Seq, Last: e.Seq}
	}
	return ingest.Ranges(nil).Add(runs...)
}
