package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// screen is a central that looks: it notes what came and when.
type screen struct {
	mu    sync.Mutex
	begun time.Time
	made  []string
	sent  []string // look at time
	at    []time.Duration
	under int // pictures being made or sent now, and the most there were
	most  int

	takes, uploads time.Duration
	shoot, send    error
	size           int
}

func (s *screen) shooting(ctx context.Context, camera string, width int) ([]byte, error) {
	s.mu.Lock()
	s.made = append(s.made, fmt.Sprint(camera, width))
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); defer s.mu.Unlock(); s.under-- }()
	if !backoff.Wait(ctx, s.takes) {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return make([]byte, max(s.size, 1)), s.shoot
}

func (s *screen) sending(ctx context.Context, look string, _ []byte) error {
	if !backoff.Wait(ctx, s.uploads) {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.send != nil {
		return s.send
	}
	s.sent, s.at = append(s.sent, look), append(s.at, time.Since(s.begun))
	return nil
}

func (s *screen) count(look string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.sent {
		if l == look {
			n++
		}
	}
	return n
}

func (s *screen) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// watch runs looks in fake time while steps act.
func watch(t *testing.T, s *screen, steps func(*Looks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.begun = time.Now()
		l, err := NewLooks(LookOptions{Shoot: s.shooting, Send: s.sending})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		steps(l)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func lookAt(id string, edits ...func(*ingest.Look)) ingest.Look {
	l := ingest.Look{ID: id, Camera: "gate", Until: time.Now().Add(time.Minute), EveryMs: 500, MaxSide: 320}
	for _, edit := range edits {
		edit(&l)
	}
	return l
}

func TestALookIsTwoPicturesASecondAndEnds(t *testing.T) {
	s := &screen{takes: 100 * time.Millisecond, uploads: 50 * time.Millisecond}
	watch(t, s, func(l *Looks) {
		look := lookAt("l1")
		l.Set([]ingest.Look{look})
		time.Sleep(30 * time.Second)
		l.Set([]ingest.Look{look}) // heard again
		time.Sleep(10 * time.Minute)
		l.Set([]ingest.Look{look}) // and once more, when it is over
		time.Sleep(time.Minute)
		if n := s.count("l1"); n < 118 || n > 120 {
			t.Errorf("%d pictures in a minute", n)
		}
		for i := 1; i < len(s.at); i++ {
			if gap := s.at[i] - s.at[i-1]; gap < ingest.MinLookEvery {
				t.Fatalf("picture %d came %v after the one before", i, gap)
			}
		}
		if s.made[0] != "gate320" {
			t.Errorf("asked for %s", s.made[0])
		}
	})
}

func TestALookEndsByCountByCentralAndByNewerOrders(t *testing.T) {
	s := &screen{}
	watch(t, s, func(l *Looks) {
		still := lookAt("still", func(l *ingest.Look) { l.Count = 1 })
		l.Set([]ingest.Look{still, lookAt("a"), lookAt("b")})
		time.Sleep(10 * time.Second)
		l.Set([]ingest.Look{still, lookAt("b")})
		time.Sleep(10 * time.Second)
		if s.count("still") != 1 || s.count("a") > 21 || s.count("b") < 38 {
			t.Errorf("%d, %d and %d pictures", s.count("still"), s.count("a"), s.count("b"))
		}
		s.set(func() { s.send = ErrOver })
		time.Sleep(time.Second)
		s.set(func() { s.send = nil })
		n := s.count("b")
		time.Sleep(10 * time.Second)
		if s.count("b") != n {
			t.Error("it went on after central had enough")
		}
	})
}

// TestOnePictureIsUnderWayAtATime, and all looks have their turns: on a slow line each is made when it can go.
func TestOnePictureIsUnderWayAtATime(t *testing.T) {
	s := &screen{takes: 400 * time.Millisecond, uploads: 2 * time.Second}
	watch(t, s, func(l *Looks) {
		l.Set([]ingest.Look{lookAt("a"), lookAt("b"), lookAt("c"), lookAt("d")})
		time.Sleep(58 * time.Second)
		for _, id := range []string{"a", "b", "c", "d"} {
			if n := s.count(id); n < 5 || n > 7 {
				t.Errorf("look %s has %d pictures", id, n)
			}
		}
		s.set(func() {
			if s.most != 1 || len(s.made)-len(s.sent) > 1 {
				t.Errorf("%d pictures at a time; %d were made, %d sent", s.most, len(s.made), len(s.sent))
			}
		})
	})
}

// TestWhyALookShowsNothingIsTold until it does, and nobody hammers meanwhile.
func TestWhyALookShowsNothingIsTold(t *testing.T) {
	s := &screen{shoot: errors.New("the camera is unreachable")}
	watch(t, s, func(l *Looks) {
		l.Set([]ingest.Look{lookAt("l1")})
		time.Sleep(30 * time.Second)
		tries := 0
		s.set(func() { tries = len(s.made) })
		if why := l.Trouble("gate"); why != "no picture for a look: the camera is unreachable" || tries > 15 {
			t.Errorf("%q, %d tries", why, tries)
		}
		s.set(func() { s.shoot, s.size = nil, ingest.MaxLookPicture+1 })
		time.Sleep(15 * time.Second)
		if why := l.Trouble("gate"); why == "" || s.count("l1") != 0 {
			t.Errorf("a picture that is too large: %q", why)
		}
		s.set(func() { s.size = 100 })
		time.Sleep(12 * time.Second)
		if why := l.Trouble("gate"); why != "" || s.count("l1") == 0 {
			t.Errorf("%q, %d pictures", why, s.count("l1"))
		}
	})
}

// TestEachTrialIsAnsweredOnce, one that cannot be made with why; an answer that is not taken is sent again, and given up in the end.
func TestEachTrialIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var answers []string
		fails := map[string]int{"t2": 2, "t3": 100}
		tr, err := NewTrials(TrialOptions{
			Try: func(tr ingest.Trial) ingest.TrialResult {
				return ingest.TrialResult{Samples: tr.LastSec, Would: make([]ingest.TrialEvent, 300)}
			},
			Answer: func(_ context.Context, id string, r ingest.TrialResult) error {
				mu.Lock()
				defer mu.Unlock()
				if fails[id]--; fails[id] >= 0 {
					return errors.New("central cannot be reached")
				}
				answers = append(answers, fmt.Sprintf("%s %d %d %s", id, r.Samples, len(r.Would), r.Why))
				if id == "t4" {
					return ErrOver
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- tr.Run(ctx) }()
		list := []ingest.Trial{{ID: "t1", LastSec: 60}, {ID: "t2", LastSec: 30}, {ID: "t3"}}
		for range 3 {
			tr.Set(list, map[string]string{"t4": "the edge does not have this camera"})
			time.Sleep(time.Minute)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(answers) != 3 || !slices.Contains(answers, "t1 60 200 ") || !slices.Contains(answers, "t2 30 200 ") || !slices.Contains(answers, "t4 0 0 the edge does not have this camera") {
			t.Errorf("answers %q", answers)
		}
	})
}
