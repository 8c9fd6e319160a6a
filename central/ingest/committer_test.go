package ingest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"gridgate/central/ingest"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

// blocking lets every call of the store wait until it is told to go on.
func (f *fixture) blocking() {
	f.memory.entered, f.memory.proceed = make(chan struct{}), make(chan struct{})
}

// post sends batches of one alert each, at once; the answers are complete once the group is.
func (f *fixture) post(t *testing.T, wg *sync.WaitGroup, lane alert.Lane, n int) []*httptest.ResponseRecorder {
	out := make([]*httptest.ResponseRecorder, n)
	for i := range out {
		body := batchOf(t, raised("edge-1"))
		wg.Go(func() {
			out[i] = f.do(request{body: body, headers: map[string]string{contract.LaneHeader: string(lane)}})
		})
	}
	return out
}

func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.blocking()
		var wg sync.WaitGroup
		first := f.post(t, &wg, alert.Normal, 1)
		<-f.memory.entered
		rest := f.post(t, &wg, alert.Normal, 10) // while the first one is being committed
		synctest.Wait()
		for range 2 {
			f.memory.proceed <- struct{}{}
			<-f.memory.entered
		}
		f.memory.proceed <- struct{}{}
		wg.Wait()
		for _, w := range append(first, rest...) {
			if got := receipts(t, w); got[0].Outcome != contract.Accepted {
				t.Errorf("receipt %+v", got)
			}
		}
		if got := f.memory.groups; len(got) != 3 || got[0] != 1 || got[1] != 8 || got[2] != 2 {
			t.Errorf("groups of %v alerts", got)
		}
	})
}

func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, func(o *ingest.Options) { o.Queue = 4 }) // one of them for life-safety
		f.blocking()
		var wg sync.WaitGroup
		f.post(t, &wg, alert.Normal, 1)
		<-f.memory.entered
		f.post(t, &wg, alert.Normal, 2)
		synctest.Wait()
		if w := f.do(request{body: []byte("not even parsed")}); w.Code != 503 {
			t.Errorf("status %d of a full queue", w.Code)
		} else {
			checkProblem(t, w)
		}
		sos := f.post(t, &wg, alert.LifeSafety, 1)
		synctest.Wait()
		if w := f.do(request{headers: map[string]string{contract.LaneHeader: "life-safety"}}); w.Code != 503 {
			t.Errorf("status %d of a full reserve", w.Code)
		}
		f.memory.proceed <- struct{}{}
		<-f.memory.entered
		f.memory.proceed <- struct{}{}
		wg.Wait()
		if got := receipts(t, sos[0]); got[0].Outcome != contract.Accepted {
			t.Errorf("the SOS: %+v", got)
		}
	})
}

func TestABatchThatBreaksTheStoreBreaksNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.blocking()
		var wg sync.WaitGroup
		f.post(t, &wg, alert.Normal, 1)
		<-f.memory.entered
		bad := raised("edge-1")
		f.memory.poison = bad.ID
		good := f.post(t, &wg, alert.Normal, 3)
		var refused *httptest.ResponseRecorder
		wg.Go(func() { refused = f.do(request{body: batchOf(t, bad)}) })
		synctest.Wait()
		for range 1 + 4 { // the group, then each alone
			f.memory.proceed <- struct{}{}
			<-f.memory.entered
		}
		f.memory.proceed <- struct{}{}
		wg.Wait()
		for _, w := range good {
			if got := receipts(t, w); got[0].Outcome != contract.Accepted {
				t.Errorf("receipt %+v", got)
			}
		}
		if refused.Code != 503 {
			t.Errorf("status %d", refused.Code)
		}
	})
}

// What was handed over before the end is committed; what comes later is told to come again.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.blocking()
		ctx, stop := context.WithCancel(t.Context())
		var running, wg sync.WaitGroup
		running.Go(func() {
			if err := f.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		first := f.post(t, &wg, alert.Normal, 1)
		<-f.memory.entered
		rest := f.post(t, &wg, alert.Bulk, 2)
		synctest.Wait()
		stop()
		f.memory.proceed <- struct{}{}
		<-f.memory.entered
		f.memory.proceed <- struct{}{}
		running.Wait()
		wg.Wait()
		for _, w := range append(first, rest...) {
			if got := receipts(t, w); got[0].Outcome != contract.Accepted {
				t.Errorf("receipt %+v", got)
			}
		}
		if w := f.do(request{body: batchOf(t, raised("edge-1"))}); w.Code != 503 {
			t.Errorf("status %d after the end", w.Code)
		}
	})
}

func TestDiskTrouble(t *testing.T) {
	f := serve(t)
	f.memory.broken = errors.New("no space left on device")
	w := f.do(request{body: batchOf(t, raised("edge-1"))})
	if w.Code != 503 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	checkProblem(t, w)
	f.memory.broken = nil
	if got := receipts(t, f.do(request{body: batchOf(t, raised("edge-1"))})); got[0].Outcome != contract.Accepted {
		t.Fatalf("after the trouble: %+v", got)
	}
}

func TestMissingOptions(t *testing.T) {
	if _, err := ingest.New(ingest.Options{}); err == nil {
		t.Fatal("a server without a store")
	}
}
