package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/store"
)

// claimOf is a request of the post under a key, so long after t0.
func claimOf(key string, after time.Duration) store.Reply {
	return store.Reply{Principal: "post", Key: key, Hash: "hash-" + key, At: t0.Add(after)}
}

// testReplies: a key is claimed once, its answer stands for a day, and one without an answer for less; other principals have their own.
func testReplies(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	claim := func(r store.Reply, want bool) store.Reply {
		t.Helper()
		got, ok, err := s.ClaimReply(ctx, r)
		if err != nil || ok != want {
			t.Fatalf("%s of %s: claimed %v, %v", r.Key, r.Principal, ok, err)
		}
		return got
	}
	first := claim(claimOf("k", 0), true)
	if at := claim(claimOf("k", time.Second), false); at.Status != 0 || at.Hash != "hash-k" || !at.At.Equal(t0) {
		t.Fatalf("at work: %+v", at)
	}
	other := claimOf("k", 0)
	other.Principal = "token:map"
	claim(other, true)
	first.Status, first.ETag, first.Type, first.Body = 200, `"7"`, "application/json", []byte("{\x00}")
	good(t, s.EndReply(ctx, first))
	if got := claim(claimOf("k", store.KeepReply-1), false); !reflect.DeepEqual(got, first) {
		t.Fatalf("kept %+v, want %+v", got, first)
	}
	again := claim(claimOf("k", store.KeepReply), true)
	good(t, s.EndReply(ctx, first)) // too late: the key is another request's by now
	if got := claim(claimOf("k", store.KeepReply+1), false); got.Status != 0 {
		t.Fatalf("an answer of before stands: %+v", got)
	}
	good(t, s.DropReply(ctx, again))
	claim(claimOf("k", store.KeepReply+1), true)
	claim(claimOf("k", store.KeepReply+store.KeepAtWork+1), true)
}

// testOneClaim: of many who claim a key at once, one has it.
func testOneClaim(t *testing.T, open Opener) {
	s := opened(t, open)
	var wg sync.WaitGroup
	var had atomic.Int32
	for range 16 {
		wg.Go(func() {
			if _, ok, err := s.ClaimReply(t.Context(), claimOf("k", 0)); err != nil {
				t.Error(err)
			} else if ok {
				had.Add(1)
			}
		})
	}
	wg.Wait()
	if had.Load() != 1 {
		t.Errorf("%d have the key", had.Load())
	}
}

// testRepliesGo: those that are over go, for whoever they were.
func testRepliesGo(t *testing.T, open Opener) {
	s, ctx := opened(t, open), t.Context()
	for i := range 20 {
		r := claimOf(fmt.Sprint(i), time.Duration(i)*time.Minute)
		_, _, err := s.ClaimReply(ctx, r)
		good(t, err)
		r.Status = 204
		good(t, s.EndReply(ctx, r))
	}
	late := claimOf("late", store.KeepReply+10*time.Minute)
	late.Principal = "somebody"
	_, _, err := s.ClaimReply(ctx, late)
	good(t, err)
	for i := range 20 { // as of their own time: what is there still stands
		r := claimOf(fmt.Sprint(i), time.Duration(i)*time.Minute)
		if _, fresh, err := s.ClaimReply(ctx, r); err != nil || fresh != (i <= 10) {
			t.Fatalf("reply %d went: %v, %v", i, fresh, err)
		}
	}
}
