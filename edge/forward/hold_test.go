package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// holding is a central that keeps a question for as long as it may, or until there are other orders.
type holding struct {
	mu      sync.Mutex
	asked   []ingest.SyncRequest
	at      []time.Time
	orders  *ingest.Orders
	stirred chan struct{}
	never   bool // holds nothing
	err     error
	skew    time.Duration
}

func newHolding() *holding { return &holding{stirred: make(chan struct{}, 1)} }

func (h *holding) order(o *ingest.Orders) {
	h.mu.Lock()
	h.orders = o
	h.mu.Unlock()
	poke(h.stirred)
}

func (h *holding) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *holding) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

func (h *holding) questions() []ingest.SyncRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

func (h *holding) last() ingest.SyncRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[len(h.asked)-1]
}

// news is what central would answer at once.
func (h *holding) news(r ingest.SyncRequest) (*ingest.Orders, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orders == nil || h.orders.Revision == r.Orders {
		return nil, h.err
	}
	return h.orders, h.err
}

func (h *holding) Sync(ctx context.Context, r ingest.SyncRequest) (ingest.SyncResponse, error) {
	h.mu.Lock()
	h.asked, h.at = append(h.asked, r), append(h.at, time.Now())
	h.mu.Unlock()
	time.Sleep(100 * time.Millisecond) // the bubble's clock
	came := time.Now()
	o, err := h.news(r)
	if o == nil && err == nil && r.WaitSec > 0 && !h.never {
		timer := time.NewTimer(time.Duration(r.WaitSec) * time.Second)
		defer timer.Stop()
		select {
		case <-h.stirred:
			o, err = h.news(r)
		case <-timer.C:
		case <-ctx.Done():
			return ingest.SyncResponse{}, ctx.Err()
		}
	}
	return ingest.SyncResponse{Now: came.Add(h.skew), Schema: 1, Orders: o}, err
}

// follower is a loop that repeats what it heard.
type follower struct {
	*SyncLoop
	central  *holding
	changed  chan struct{}
	revision atomic.Pointer[string]
	heard    atomic.Int64
}

func follow(t *testing.T, c *holding) *follower {
	t.Helper()
	f := &follower{central: c, changed: make(chan struct{}, 1)}
	start := "unheard"
	f.revision.Store(&start)
	var err error
	f.SyncLoop, err = NewSync(SyncOptions{
		Central: c, Changed: f.changed, Hold: ingest.MaxWait,
		Request: func(context.Context) (ingest.SyncRequest, error) {
			return ingest.SyncRequest{Orders: *f.revision.Load()}, nil
		},
		Answered: func(r ingest.SyncResponse) {
			if r.Orders != nil {
				f.revision.Store(&r.Orders.Revision)
				f.heard.Add(1)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestOrdersComeWhileTheQuestionIsHeld: central's wish is heard at once, and a quiet edge asks hardly more often than before.
func TestOrdersComeWhileTheQuestionIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHolding()
		c.orders = &ingest.Orders{Revision: ""}
		f := follow(t, c)
		defer run(t, f.Run)()
		time.Sleep(10*time.Minute + 5*time.Second)
		if n := c.count(); n < 12 || n > 15 {
			t.Errorf("%d questions in ten quiet minutes", n)
		}
		if r := c.last(); r.WaitSec != 50 || r.Orders != "" {
			t.Errorf("the last question: %+v", r)
		}
		before := time.Now()
		c.order(&ingest.Orders{Revision: "r1"})
		synctest.Wait()
		if *f.revision.Load() != "r1" || time.Since(before) > time.Second {
			t.Errorf("orders were not heard at once: %q", *f.revision.Load())
		}
		time.Sleep(3 * time.Second)
		if r := c.last(); r.Orders != "r1" || r.WaitSec != 50 {
			t.Errorf("what is followed was not told: %+v", r)
		}
	})
}

// TestAChangeTakesAHeldQuestionBack and goes up at once; the next question is not held, so that it shows whether central is there.
func TestAChangeTakesAHeldQuestionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHolding()
		f := follow(t, c)
		defer run(t, f.Run)()
		time.Sleep(10 * time.Second)
		n := c.count()
		for range 50 {
			poke(f.changed)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		if got := c.count() - n; got < 1 || got > 2 || c.questions()[n].WaitSec != 0 {
			t.Errorf("%d questions after a change, the first %+v", got, c.questions()[n])
		}
		if s := f.Status(); !s.Connected || s.Why != "" {
			t.Errorf("a question taken back is no failure: %+v", s)
		}
		n = c.count()
		for range 600 { // something changes all the time
			poke(f.changed)
			time.Sleep(100 * time.Millisecond)
		}
		if got := c.count() - n; got < 20 || got > 61 {
			t.Errorf("%d questions in a minute of changes, one a second at most", got)
		}
		c.fail(errors.New("no route"))
		for range 100 {
			poke(f.changed)
			time.Sleep(100 * time.Millisecond)
		}
		if f.Status().Connected {
			t.Error("changes hide that central is away")
		}
	})
}

// TestAHeldAnswerTellsNoTime: central's clock is heard from answers that were not held, often enough.
func TestAHeldAnswerTellsNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHolding()
		c.skew = 3 * time.Second
		f := follow(t, c)
		defer run(t, f.Run)()
		for range 60 {
			time.Sleep(time.Minute)
			if off := (f.Status().Offset - 3*time.Second).Abs(); off > 100*time.Millisecond {
				t.Fatalf("the offset is off by %v", off)
			}
		}
		measured := 0
		for _, r := range c.questions() {
			if r.WaitSec == 0 {
				measured++
			}
		}
		if measured < 4 || measured > 6 {
			t.Errorf("central's clock was heard %d times in an hour", measured)
		}
	})
}

// TestACentralThatDoesNotHoldIsAskedAsBefore, and one whose orders change all the time is not asked more than once a second.
func TestACentralThatDoesNotHoldIsAskedAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHolding()
		c.never = true
		f := follow(t, c)
		stop := run(t, f.Run)
		time.Sleep(10 * time.Minute)
		if n := c.count(); n > 12 {
			t.Errorf("%d questions in ten minutes", n)
		}
		stop()
		wild := newHolding()
		wild.orders = &ingest.Orders{Revision: "never told back"}
		f = follow(t, wild)
		f.o.Answered = func(ingest.SyncResponse) {}
		stop = run(t, f.Run)
		time.Sleep(time.Minute)
		if n := wild.count(); n > 61 {
			t.Errorf("%d questions in a minute", n)
		}
		stop()
	})
}

// TestTheClientWaitsForAHeldAnswer longer than for another, and takes the question back when asked to.
func TestTheClientWaitsForAHeldAnswer(t *testing.T) {
	release, asked, gone := make(chan struct{}), make(chan struct{}, 2), make(chan struct{})
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in ingest.SyncRequest
		if data, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(data, &in) != nil {
			t.Errorf("bad sync: %v", err)
		}
		if in.WaitSec > 0 {
			asked <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
		writeJSON(w, ingest.SyncResponse{Now: time.Now(), Orders: &ingest.Orders{Revision: "r1", Looks: []ingest.Look{{ID: "l"}}}})
	}))
	defer central.Close()
	client, err := NewClient(ClientOptions{URL: central.URL, Edge: "e1", Token: func() (string, error) { return token, nil }, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	go func() {
		<-asked
		time.Sleep(200 * time.Millisecond) // longer than another answer may take
		release <- struct{}{}
	}()
	answer, err := client.Sync(t.Context(), ingest.SyncRequest{WaitSec: 50})
	if err != nil || answer.Orders == nil || len(answer.Orders.Looks) != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-asked; cancel() }()
	if _, err := client.Sync(ctx, ingest.SyncRequest{WaitSec: 50}); err == nil {
		t.Error("a question that was taken back has an answer")
	}
	<-gone
}

// TestLooksAndTrialsGoUp by PUT, and end when central says so.
func TestLooksAndTrialsGoUp(t *testing.T) {
	b := newBench(t, nil)
	var status atomic.Int64
	status.Store(http.StatusNoContent)
	type put struct{ path, kind, body string }
	puts := make(chan put, 10)
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || r.Header.Get("Authorization") != "Bearer "+token || r.ContentLength != int64(len(data)) {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		puts <- put{r.URL.Path, r.Header.Get("Content-Type"), string(data)}
		w.WriteHeader(int(status.Load()))
	}))
	defer central.Close()
	client := newClient(t, central.URL)
	jpeg := bytes.Repeat([]byte("j"), 10_000)
	if err := b.f.PutLook(t.Context(), client, "l1", jpeg); err != nil {
		t.Error(err)
	}
	if p := <-puts; p != (put{"/v1/edges/e1/looks/l1", alert.JPEG, string(jpeg)}) {
		t.Errorf("%s as %s", p.path, p.kind)
	}
	if err := client.PutTrial(t.Context(), "t1", ingest.TrialResult{Samples: 3}); err != nil {
		t.Error(err)
	}
	var back ingest.TrialResult
	if p := <-puts; p.path != "/v1/edges/e1/trials/t1" || json.Unmarshal([]byte(p.body), &back) != nil || back.Samples != 3 {
		t.Errorf("%+v", p)
	}
	for code, over := range map[int64]bool{410: true, 404: true, 503: false, 401: false} {
		status.Store(code)
		look, trial := b.f.PutLook(t.Context(), client, "l1", jpeg), client.PutTrial(t.Context(), "t1", ingest.TrialResult{})
		if look == nil || trial == nil || errors.Is(look, ErrOver) != over || errors.Is(trial, ErrOver) != over {
			t.Errorf("%d: %v, %v", code, look, trial)
		}
	}
}

// TestALookSharesTheBudgetOfEvidence: two of them take what one may.
func TestALookSharesTheBudgetOfEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Options{Queue: newQueue(), Central: &scripted{start: time.Now()}, EvidenceRate: func(time.Time) int64 { return 16 << 10 }})
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := io.Copy(io.Discard, &upload{f: f, ctx: t.Context(), object: bytes.NewReader(make([]byte, 64<<10))}); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if took := time.Since(begun); took < 7*time.Second || took > 9*time.Second {
			t.Errorf("128 KiB at 16 KiB/s took %v", took)
		}
	})
}
