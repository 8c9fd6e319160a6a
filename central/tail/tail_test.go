package tail

import (
	"context"
	"errors"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"gridgate/central/cases"
)

// book is a log with gaps, as retention leaves them.
type book struct {
	events []cases.Event
	reads  int
	err    error
}

func (b *book) add(gap int64) {
	last := int64(0)
	if n := len(b.events); n > 0 {
		last = b.events[n-1].Position
	}
	b.events = append(b.events, cases.Event{Position: last + 1 + gap})
}

func (b *book) Events(_ context.Context, after int64, limit int) ([]cases.Event, error) {
	b.reads++
	at := sort.Search(len(b.events), func(i int) bool { return b.events[i].Position > after })
	return slices.Clone(b.events[at:min(at+limit, len(b.events))]), b.err
}

func positions(events []cases.Event) (out []int64) {
	for _, e := range events {
		out = append(out, e.Position)
	}
	return out
}

// Several followers at any distance, with pages of any size, read what the log itself would have told them.
func TestItAnswersAsTheLogDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &book{}
		s := &Tail{log: b, keep: 64, read: 10}
		cursors := make([]int64, 3)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				gap := rapid.Int64Range(0, 2).Draw(t, "gap")
				for range rapid.SampledFrom([]int{1, 10, 40, 200}).Draw(t, "events") {
					b.add(gap)
				}
			},
			"write and offer": func(t *rapid.T) {
				from := len(b.events)
				for range rapid.SampledFrom([]int{1, 10, 40, 200}).Draw(t, "events") {
					b.add(0)
				}
				if rapid.Bool().Draw(t, "offered") {
					s.Offer(b.events[from:])
				}
			},
			"read": func(t *rapid.T) {
				who, limit := rapid.IntRange(0, 2).Draw(t, "who"), rapid.IntRange(1, 100).Draw(t, "limit")
				want, _ := b.Events(t.Context(), cursors[who], limit)
				got, err := s.Events(t.Context(), cursors[who], limit)
				if err != nil || !slices.Equal(positions(got), positions(want)) {
					t.Fatalf("after %d, limit %d: %d events, %v, want %d", cursors[who], limit, len(got), err, len(want))
				}
				if len(got) > 0 {
					cursors[who] = got[len(got)-1].Position
				}
			},
		})
	})
}

func TestFollowersShareOneRead(t *testing.T) {
	b := &book{}
	for range 500 {
		b.add(0)
	}
	s := New(b)
	for range 4 {
		if got, err := s.Events(t.Context(), 0, 500); err != nil || len(got) != 500 {
			t.Fatal(len(got), err)
		}
	}
	if b.reads != 1 {
		t.Errorf("the log was read %d times for four followers, want once", b.reads)
	}
}

func TestWhatIsOfferedIsNotRead(t *testing.T) {
	b := &book{}
	b.add(0)
	s := New(b)
	if _, err := s.Events(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		b.add(0)
	}
	s.Offer(b.events[1:])
	got, err := s.Events(t.Context(), 1, 400)
	if err != nil || len(got) != 400 || b.reads != 1 {
		t.Errorf("%d events, %v, after %d reads", len(got), err, b.reads)
	}
}

func TestWhatWasAnsweredStays(t *testing.T) {
	b := &book{}
	b.add(0)
	s := New(b)
	first, err := s.Events(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for after := int64(1); after < 20_000; {
		b.add(0)
		for range 999 {
			b.add(0)
		}
		page, err := s.Events(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		after = page[len(page)-1].Position
	}
	if first = append(first, cases.Event{Position: -1}); first[0].Position != 1 {
		t.Errorf("an answer changed: %v", positions(first))
	}
	if again, err := s.Events(t.Context(), 19_000, 3); err != nil || !slices.Equal(positions(again), []int64{19_001, 19_002, 19_003}) {
		t.Errorf("whoever appends to an answer spoils the log: %v, %v", positions(again), err)
	}
}

func TestAFailureIsToldAndTriedAgain(t *testing.T) {
	b := &book{err: errors.New("no database")}
	s := New(b)
	if _, err := s.Events(t.Context(), 0, 10); !errors.Is(err, b.err) {
		t.Fatal(err)
	}
	b.err = nil
	b.add(0)
	if got, err := s.Events(t.Context(), 0, 10); err != nil || len(got) != 1 {
		t.Errorf("afterwards: %d events, %v", len(got), err)
	}
}
