package decode

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/edge/source"
)

func TestQueueIsFairAndBounded(t *testing.T) {
	q := newFairQueue(time.Now)
	push := func(stream string, id uint32) error {
		return q.push(&job{request: request{stream: stream, id: id}})
	}
	for id := range uint32(maxWaitingPerStream) {
		if err := push("busy", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := push("busy", 99); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	if err := push("calm", 10); err != nil {
		t.Fatal(err)
	}
	var order []uint32
	for range 5 {
		order = append(order, q.pop(t.Context(), nil).request.id)
	}
	if want := []uint32{0, 10, 1, 2, 3}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if j := q.pop(ended, nil); j != nil {
		t.Errorf("job %v from an empty queue", j)
	}
	for i := range maxWaiting {
		if err := push(fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := push("one more", 0); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
}

// TestGiantsGetRarerTurns: while all want more than there is, each stream gets the same processor time, whatever one job of it
// costs, and although the first guess of that was wrong.
func TestGiantsGetRarerTurns(t *testing.T) {
	q := newFairQueue(time.Now)
	costs := map[string]time.Duration{"giant": 150 * time.Millisecond, "a": 4 * time.Millisecond, "b": 5 * time.Millisecond, "c": 12 * time.Millisecond}
	spent := map[string]time.Duration{}
	push := func(stream string) {
		if err := q.push(&job{request: request{stream: stream}, estimate: 10 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	for stream := range costs {
		push(stream)
		push(stream)
	}
	for range 1000 {
		j := q.pop(t.Context(), nil)
		stream := j.request.stream
		push(stream)
		q.charge(j, costs[stream])
		spent[stream] += costs[stream]
	}
	for stream, d := range spent {
		if ratio := float64(d) / float64(spent["a"]); ratio < 0.8 || ratio > 1.25 {
			t.Errorf("%s got %v, a %v", stream, d, spent["a"])
		}
	}
}

// TestDebtsAreForgivenWhenNobodyWaits: a stream that has the worker for itself is not slowed down later.
func TestDebtsAreForgivenWhenNobodyWaits(t *testing.T) {
	q := newFairQueue(time.Now)
	if err := q.push(&job{request: request{stream: "giant"}}); err != nil {
		t.Fatal(err)
	}
	j := q.take()
	q.charge(j, time.Minute)
	if len(q.flows) != 0 {
		t.Errorf("%d streams remembered", len(q.flows))
	}
}

func TestEvidenceWaitsForSamplesButNotForever(t *testing.T) {
	now := time.Unix(0, 0)
	q := newFairQueue(func() time.Time { return now })
	push := func(o op, stream string) {
		if err := q.push(&job{request: request{op: o, stream: stream}}); err != nil {
			t.Fatal(err)
		}
	}
	push(opPictures, "a")
	push(opFaces, "a")
	for range 3 {
		push(opKeyframe, "a")
	}
	var order []op
	for range 2 {
		order = append(order, q.take().request.op)
	}
	now = now.Add(patience + 1)
	for range 3 {
		order = append(order, q.take().request.op)
	}
	if want := []op{opKeyframe, opKeyframe, opPictures, opFaces, opKeyframe}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// TestLateEvidenceDoesNotStarveSamples: with more evidence than there is time for, samples still get half of the time.
func TestLateEvidenceDoesNotStarveSamples(t *testing.T) {
	now := time.Unix(0, 0)
	q := newFairQueue(func() time.Time { return now })
	costs := map[op]time.Duration{opFaces: 300 * time.Millisecond, opKeyframe: 5 * time.Millisecond}
	spent := map[op]time.Duration{}
	push := func(o op) {
		if err := q.push(&job{request: request{op: o, stream: "a"}, estimate: 20 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	for range maxWaitingPerStream {
		push(opFaces)
		push(opKeyframe)
	}
	for now.Sub(time.Unix(0, 0)) < 2*time.Minute {
		j := q.take()
		o := j.request.op
		now = now.Add(costs[o])
		push(o)
		q.charge(j, costs[o])
		spent[o] += costs[o]
	}
	if ratio := float64(spent[opKeyframe]) / float64(spent[opFaces]); ratio < 0.8 || ratio > 1.25 {
		t.Errorf("samples got %v, evidence %v", spent[opKeyframe], spent[opFaces])
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		b := newBucket(0.2, begin)
		q := newFairQueue(time.Now)
		for range 4 {
			if err := q.push(&job{}); err != nil {
				t.Fatal(err)
			}
			if q.pop(t.Context(), b) == nil {
				t.Fatal("no job")
			}
			b.spend(burst, false, time.Now())
		}
		// The burst pays for the first and half a second is owed for each of the two after it, at a fifth of a core.
		if took := time.Since(begin); took < 4900*time.Millisecond || took > 5100*time.Millisecond {
			t.Errorf("four jobs took %v, want 5 s", took)
		}
		if err := q.push(&job{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if q.pop(ctx, b) != nil || ctx.Err() == nil {
			t.Error("a job before it could be paid")
		}
	})
}

// TestEvidenceHoldsBackSamplesNoLongerThanItRan whatever the budget is.
func TestEvidenceHoldsBackSamplesNoLongerThanItRan(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBucket(0.1, now)
	b.spend(burst, false, now)
	b.spend(3*time.Second, true, now)
	if wait := b.wait(now); wait > 3*time.Second+10*time.Millisecond || wait < 2900*time.Millisecond {
		t.Errorf("samples wait %v for evidence of 3 s", wait)
	}
	if none := newBucket(0, now); none.wait(now) != 0 {
		t.Error("no budget, yet a wait")
	}
}

func TestCostsAreLearntAndBounded(t *testing.T) {
	c := newCosts()
	now := time.Unix(0, 0)
	r := request{op: opKeyframe, codec: source.H264, stream: "yard", units: []unit{{size: 99 << 10}}}
	for range 60 {
		c.learn(r, response{cpu: 20 * time.Millisecond, width: 1920, height: 1080}, now)
	}
	if got := c.estimate(r); got < 19*time.Millisecond || got > 21*time.Millisecond {
		t.Errorf("estimate %v, want 20 ms", got)
	}
	if got := c.of("yard"); got.CPU != 1200*time.Millisecond || got.Requests != 60 || got.Bytes != 60*99<<10 || got.Width != 1920 || got.Height != 1080 {
		t.Errorf("cost %+v", got)
	}
	for i := range maxCosts {
		r.stream = fmt.Sprint(i)
		now = now.Add(time.Second)
		c.learn(r, response{}, now)
	}
	if len(c.streams) != maxCosts || c.of("yard").Requests != 0 || c.of("0").Requests != 1 {
		t.Errorf("%d streams remembered", len(c.streams))
	}
}

func TestWhatStopsWorkersIsTriedMoreAndMoreRarely(t *testing.T) {
	now := time.Unix(0, 0)
	l := newBlocklist(func() time.Time { return now })
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		l.add("yard")
		err := l.check("yard")
		if !errors.Is(err, ErrBadStream) || !strings.Contains(fmt.Sprint(err), (want*time.Second).String()) {
			t.Errorf("error %v, want one that says %v", err, want*time.Second)
		}
		now = now.Add(want * time.Second)
		if err := l.check("yard"); err != nil {
			t.Errorf("still refused: %v", err)
		}
	}
	now = now.Add(blockForget + 1)
	l.add("gate")
	if len(l.streams) != 1 {
		t.Errorf("%d streams remembered", len(l.streams))
	}
	l.add("")
	if l.check("") != nil {
		t.Error("streams without a name are refused")
	}
	for i := range 2 * maxBlocked {
		l.add(fmt.Sprint(i))
	}
	if len(l.streams) > maxBlocked {
		t.Errorf("%d streams remembered", len(l.streams))
	}
}

// TestEvidenceLeavesAWorkerForSamples: of two workers or more, the last makes all evidence and no sequence lives there.
func TestEvidenceLeavesAWorkerForSamples(t *testing.T) {
	p, err := NewPool(PoolOptions{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	last := p.slots[2]
	for i := range 50 {
		if p.slotFor(request{op: opSequence, stream: fmt.Sprint(i)}) == last {
			t.Errorf("sequence %d is where evidence is made", i)
		}
	}
	for _, o := range []op{opPictures, opFaces} {
		if p.slotFor(request{op: o}) != last {
			t.Errorf("request %d is not made by the last worker", o)
		}
	}
	p.slots[0].setRunning(20*time.Millisecond, false)
	last.setRunning(time.Second, false)
	if got := p.slotFor(request{op: opKeyframe}); got != p.slots[1] {
		t.Error("a keyframe does not go to the worker with the least to do")
	}
	p.slots[1].setRunning(300*time.Millisecond, false)
	for _, waits := range []bool{false, true} {
		last.setRunning(time.Millisecond, !waits)
		if waits {
			if err := last.submit(&job{request: request{op: opPictures}}); err != nil {
				t.Fatal(err)
			}
			p.slots[0].setRunning(200*time.Millisecond, false)
		}
		if got := p.slotFor(request{op: opKeyframe}); got != p.slots[0] {
			t.Errorf("a keyframe goes where evidence is made (waits: %v)", waits)
		}
	}
}

func TestRequestsOutOfBoundsAreRefused(t *testing.T) {
	key := source.AccessUnit{Codec: source.H264, Key: true, NALUs: [][]byte{{0x65, 1}}}
	second := source.AccessUnit{Codec: source.H264, NALUs: [][]byte{{0x41, 1}}}
	other := source.AccessUnit{Codec: source.H265, NALUs: [][]byte{{0x02, 1}}}
	for name, c := range map[string]struct {
		op     op
		stream string
		units  []source.AccessUnit
		at     []time.Duration
	}{
		"no units":             {opSequence, "", nil, nil},
		"too many units":       {opSequence, "", make([]source.AccessUnit, maxUnits+1), nil},
		"a long name":          {opSequence, strings.Repeat("x", maxStream+1), []source.AccessUnit{key}, nil},
		"an unknown codec":     {opSequence, "", []source.AccessUnit{{Codec: "vp9", NALUs: key.NALUs}}, nil},
		"two codecs":           {opSequence, "", []source.AccessUnit{key, other}, nil},
		"an empty unit":        {opSequence, "", []source.AccessUnit{{Codec: source.MJPEG, Key: true}}, nil},
		"no beginning":         {opPictures, "", []source.AccessUnit{second, key}, nil},
		"too many pictures":    {opPictures, "", []source.AccessUnit{key}, make([]time.Duration, MaxPictures+1)},
		"pictures in disorder": {opPictures, "", []source.AccessUnit{key}, []time.Duration{2, 1}},
	} {
		if _, err := newRequest(c.op, c.stream, c.units, c.at, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := newRequest(opPictures, "", []source.AccessUnit{key, second}, []time.Duration{1, 1, 2}, nil); err != nil {
		t.Error(err)
	}
}
