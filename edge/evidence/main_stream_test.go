package evidence_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/evidence"
	"gridgate/edge/source"
	"gridgate/protocols/kit/backoff"
)

// fakeMain is a main stream with units of 1000 bytes: its first keyframe comes some time after it was connected.
type fakeMain struct {
	first time.Duration
	err   error // it ends with this after a second

	mu   sync.Mutex
	runs []string // from when to when it was connected
}

func (f *fakeMain) Run(ctx context.Context, emit source.Emit) error {
	from := time.Now()
	f.mu.Lock()
	f.runs = append(f.runs, "")
	i := len(f.runs) - 1
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.runs[i] = fmt.Sprintf("%v for %v", from.Format("05.00"), time.Since(from))
	}()
	if f.err != nil {
		backoff.Wait(ctx, time.Second)
		return f.err
	}
	if !backoff.Wait(ctx, f.first) {
		return nil
	}
	for i := 0; ; i++ {
		u := unit(time.Now(), i, 20)
		u.At, u.NALUs = time.Now(), [][]byte{make([]byte, 1000)}
		emit(u)
		if !backoff.Wait(ctx, 100*time.Millisecond) {
			return nil
		}
	}
}

func (f *fakeMain) list() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.runs, ", ")
}

// large tells which pictures of an alert came from the main stream.
func (s *stage) large(id string) (out []string) {
	for _, k := range s.store.list() {
		if k.AlertID == id && strings.HasPrefix(k.object, "1000 ") {
			out = append(out, k.At.Sub(s.start).String())
		}
	}
	return out
}

func TestTheMainStreamGivesWhatItCovers(t *testing.T) {
	for _, c := range []struct {
		name  string
		main  *fakeMain
		large string
		runs  string
	}{
		{name: "comes soon", main: &fakeMain{first: 500 * time.Millisecond}, large: "[11s 13s]", runs: "10.00 for 8.25s"},
		{name: "comes after the first moment", main: &fakeMain{first: 2 * sec}, large: "[13s]", runs: "10.00 for 8.25s"},
		{name: "comes too late", main: &fakeMain{first: 4 * sec}, large: "[]", runs: "10.00 for 8.25s"},
		{name: "does not come", main: &fakeMain{first: time.Hour}, large: "[]", runs: "10.00 for 5s"},
		{name: "fails", main: &fakeMain{err: source.ErrAuth}, large: "[]", runs: "10.00 for 1s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, 10, func(o *evidence.Options) { o.Main = c.main }, func(s *stage) {
				s.until(10 * sec)
				s.check("connected before it was wanted", c.main.list(), "")
				id := s.want(10*sec, 1)[0].ID
				s.until(time.Minute)
				s.check("from the main stream", fmt.Sprint(s.large(id)), c.large)
				s.check("pictures", s.Counters(), evidence.Counters{Pictures: 4})
				s.check("connections", c.main.list(), c.runs)
			})
		})
	}
}

// TestASecondOnsetUsesTheConnectionAndDoesNotKeepIt: it gets no filmstrip, so the main stream is not held for it.
func TestASecondOnsetUsesTheConnectionAndDoesNotKeepIt(t *testing.T) {
	main := &fakeMain{first: 500 * time.Millisecond}
	play(t, 10, func(o *evidence.Options) { o.Main = main }, func(s *stage) {
		s.until(10 * sec)
		s.want(10*sec, 1)
		s.until(15 * sec)
		second := s.want(15*sec, 1)[0].ID
		s.until(40 * sec)
		s.check("connections", main.list(), "10.00 for 8.25s")
		s.check("of the second", fmt.Sprint(s.large(second)), "[15s]")
		s.want(40*sec, 1)
		s.until(time.Minute)
		s.check("connections", main.list(), "10.00 for 8.25s, 40.00 for 8.25s")
	})
}

// TestAMainStreamThatCannotBeDecodedCostsNothing: the other stream's picture is there instead.
func TestAMainStreamThatCannotBeDecodedCostsNothing(t *testing.T) {
	play(t, 10, func(o *evidence.Options) { o.Main = &fakeMain{} }, func(s *stage) {
		s.decoder.fail = func(r decode.PictureRequest) error {
			if r.Units[0].Bytes() == 1000 {
				return decode.ErrBadStream
			}
			return nil
		}
		s.until(10 * sec)
		id := s.want(10*sec, 1)[0].ID
		s.until(time.Minute)
		s.check("from the main stream", len(s.large(id)), 0)
		s.check("pictures", s.Counters(), evidence.Counters{Pictures: 4})
	})
}

// TestAMainStreamIsBounded sends 40 MiB in one group, then goes on.
func TestAMainStreamIsBounded(t *testing.T) {
	flood := sourceFunc(func(ctx context.Context, emit source.Emit) error {
		for i := 0; ; i++ {
			u := unit(time.Now(), i, 40)
			u.At, u.NALUs = time.Now(), [][]byte{make([]byte, 1<<20)}
			emit(u)
			if !backoff.Wait(ctx, 100*time.Millisecond) {
				return nil
			}
		}
	})
	play(t, 10, func(o *evidence.Options) { o.Main = flood }, func(s *stage) {
		s.decoder.fail = func(r decode.PictureRequest) error {
			if n := len(r.Units) * r.Units[0].Bytes(); n > 16<<20 {
				return fmt.Errorf("%d bytes", n)
			}
			return nil
		}
		s.until(10 * sec)
		id := s.want(10*sec, 1)[0].ID
		s.until(time.Minute)
		s.check("pictures", strings.Count(s.strip(id), "by"), 4)
	})
}

type sourceFunc func(ctx context.Context, emit source.Emit) error

func (f sourceFunc) Run(ctx context.Context, emit source.Emit) error { return f(ctx, emit) }
