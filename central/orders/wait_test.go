package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/ingest"
)

// held starts a sync that waits, and says what it was answered and when.
func held(ctx context.Context, w *town, s *Service, edge, revision string) <-chan answer {
	out, began := make(chan answer, 1), time.Now()
	go func() {
		o := s.Newer(ctx, edge, revision, ingest.MaxWait)
		out <- answer{o, time.Since(began)}
	}()
	synctest.Wait()
	return out
}

type answer struct {
	orders *ingest.Orders
	after  time.Duration
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, newMemory())
		ctx := t.Context()
		one, other := held(ctx, w, w.s, "town-1", ""), held(ctx, w, w.s, "town-2", "")
		if w.s.Held() != 2 {
			t.Fatalf("%d are held", w.s.Held())
		}
		time.Sleep(10 * time.Second)
		w.open(night)
		if a := <-one; a.orders == nil || len(a.orders.Looks) != 1 || a.after != 10*time.Second {
			t.Errorf("new orders: %+v after %s", a.orders, a.after)
		}
		if a := <-other; a.orders != nil || a.after != ingest.MaxWait {
			t.Errorf("nothing new: %+v after %s", a.orders, a.after)
		}
		if a := <-held(ctx, w, w.s, "town-1", "stale"); a.orders == nil || a.after != 0 {
			t.Errorf("old orders: %+v after %s", a.orders, a.after)
		}
		if a := <-held(ctx, w, w.s, "town-2", "stale"); a.orders == nil || a.orders.Revision != "" {
			t.Errorf("orders that are over: %+v", a.orders)
		}
		first := held(ctx, w, w.s, "town-2", "")
		second := held(ctx, w, w.s, "town-2", "")
		if a := <-first; a.orders != nil || a.after != 0 {
			t.Errorf("displaced: %+v after %s", a.orders, a.after)
		}
		gone, cancel := context.WithCancel(ctx)
		left := held(gone, w, w.s, "town-3", "")
		cancel()
		if a := <-left; a.orders != nil || a.after != 0 {
			t.Errorf("gone: %+v after %s", a.orders, a.after)
		}
		w.s.Drain()
		if a := <-second; a.orders != nil || a.after != 0 || w.s.Held() != 0 {
			t.Errorf("stopped: %+v after %s; %d are held", a.orders, a.after, w.s.Held())
		}
	})
}

// What another central changed is there within a second, and only what changed is read.
func TestHoldAcrossCentrals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newMemory()
		w := newTown(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		second := w.another(db)
		done := make(chan error, 2)
		for _, s := range []*Service{w.s, second} {
			go func() { done <- s.Run(ctx) }()
		}
		synctest.Wait()
		there, elsewhere := held(ctx, w, second, "town-1", ""), held(ctx, w, second, "town-2", "")
		l := w.open(night)
		if a := <-there; a.orders == nil || len(a.orders.Looks) != 1 || a.after > time.Second {
			t.Errorf("%+v after %s", a.orders, a.after)
		}
		synctest.Wait() // all that changed is read
		db.mu.Lock()
		reads := db.reads
		db.mu.Unlock()
		time.Sleep(5 * time.Second)
		db.mu.Lock()
		if db.reads != reads {
			t.Errorf("%d reads of what did not change", db.reads-reads)
		}
		db.mu.Unlock()
		w.good(second.Bring(ctx, "town-1", l.ID, picture(t, 1, 64)))
		if p, err := w.s.Watch(ctx, night, l.ID, "", 0); err != nil || p.Data == nil {
			t.Errorf("a picture that came to the other: %v", err)
		}
		w.clock.pass(Unwatched) // both see that nobody watches
		time.Sleep(3 * time.Second)
		if n := len(w.diary.written()); n != 1 {
			t.Errorf("its end was written down %d times", n)
		}
		cancel()
		if a := <-elsewhere; a.orders != nil {
			t.Errorf("another edge: %+v", a.orders)
		}
		for range 2 {
			w.good(<-done)
		}
	})
}

// The revision is the same at every central, after every restart and in whatever order things were ordered.
func TestRevision(t *testing.T) {
	w := newTown(t, newMemory())
	admin := w.account("chief", "administrator")
	zones := []ingest.OrderZone{{Name: "yard"}}
	for _, camera := range []string{"south", "north"} {
		w.good(w.s.Arrange(t.Context(), admin, "town-1", camera, zones, nil, 0))
	}
	w.good(w.s.SetMode(t.Context(), night, "town-1", ingest.ModeOrder{Device: "door", Mode: WalkTest, Until: noon.Add(time.Hour)}, "", 0))
	first := w.s.Newer(t.Context(), "town-1", "", 0)
	again := w.another(w.store).Newer(t.Context(), "town-1", "", 0)
	if first == nil || again == nil || first.Revision == "" || first.Revision != again.Revision || first.Cameras[0].Camera != "north" {
		t.Fatalf("%+v and %+v", first, again)
	}
	if w.s.Newer(t.Context(), "town-1", first.Revision, 0) != nil {
		t.Error("it is told what it knows")
	}
	w.clock.pass(time.Hour)
	if later := w.s.Newer(t.Context(), "town-1", first.Revision, 0); later == nil || len(later.Modes) != 0 || len(later.Cameras) != 2 {
		t.Errorf("once the mode is over: %+v", later)
	}
	data, err := json.Marshal(first)
	if err != nil || len(data) > ingest.MaxOrders {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// Ten thousand edges may wait; of more than there is room for, the last is answered at once.
func TestHoldsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, newMemory())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{}, MaxHeld)
		for i := range MaxHeld {
			go func() {
				w.s.Newer(ctx, fmt.Sprintf("edge-%d", i), "", ingest.MaxWait)
				done <- struct{}{}
			}()
		}
		synctest.Wait()
		if w.s.Held() != MaxHeld {
			t.Fatalf("%d are held", w.s.Held())
		}
		if a := <-held(ctx, w, w.s, "one-more", ""); a.after != 0 {
			t.Errorf("one more waited %s", a.after)
		}
		cancel()
		for range MaxHeld {
			<-done
		}
		if w.s.Held() != 0 {
			t.Errorf("%d are still held", w.s.Held())
		}
	})
}
