package evidence_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/testkit/leak"
	"gridgate/edge/decode"
	"gridgate/edge/evidence"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
)

// TestMain lets the test binary be a decoder worker.
func TestMain(m *testing.M) {
	if os.Getenv("GRIDGATE_TEST_WORKER") != "" {
		os.Exit(decode.WorkerMain())
	}
	leak.Main(m)
}

// unit is picture i of a stream of ten a second that began at start, with a keyframe every gop.
func unit(start time.Time, i, gop int) source.AccessUnit {
	at := time.Duration(i) * 100 * time.Millisecond
	return source.AccessUnit{Codec: source.H264, NALUs: [][]byte{make([]byte, 100)}, Key: i%gop == 0, PTS: at, At: start.Add(at)}
}

// fakeRing has every unit up to now since its stream began, or since oldest.
type fakeRing struct {
	start  time.Time
	gop    int
	mu     sync.Mutex
	oldest time.Time
	ended  time.Time // no unit after it, if not zero
}

func (r *fakeRing) Window(from time.Time) (out []source.AccessUnit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := 0
	var all []source.AccessUnit
	for i := 0; ; i++ {
		u := unit(r.start, i, r.gop)
		if u.At.After(time.Now()) || !r.ended.IsZero() && u.At.After(r.ended) {
			break
		}
		if u.At.Before(r.oldest) || len(all) == 0 && !u.Key {
			continue
		}
		if u.Key && !u.At.After(from) {
			begin = len(all)
		}
		all = append(all, u)
	}
	return all[begin:]
}

func (r *fakeRing) forget(before time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.oldest = before
}

// fakeDecoder makes a picture that says which unit of which stream it shows.
type fakeDecoder struct {
	takes time.Duration
	fail  func(r decode.PictureRequest) error
	same  bool // every picture has the same bytes

	mu    sync.Mutex
	calls []decode.PictureRequest
	at    []time.Time
}

func (d *fakeDecoder) Pictures(ctx context.Context, r decode.PictureRequest) (out []decode.Picture, err error) {
	d.mu.Lock()
	d.calls, d.at = append(d.calls, r), append(d.at, time.Now())
	d.mu.Unlock()
	if !backoff.Wait(ctx, d.takes) {
		return nil, ctx.Err()
	}
	if d.fail != nil {
		if err := d.fail(r); err != nil {
			return nil, err
		}
	}
	if !r.Units[0].Begins() || len(r.At) == 0 || !slices.IsSorted(r.At) {
		return nil, errors.New("a request that no decoder can serve")
	}
	for _, pts := range r.At {
		i := slices.IndexFunc(r.Units, func(u source.AccessUnit) bool { return u.PTS == pts })
		if i < 0 {
			return nil, errors.New("a picture that is not among the units")
		}
		text := fmt.Sprintf("%d bytes a unit, %v", r.Units[i].Bytes(), pts)
		if d.same {
			text = "the same"
		}
		out = append(out, decode.Picture{JPEG: []byte(text), At: r.Units[i].At})
	}
	return out, nil
}

// kept is what the store was given.
type kept struct {
	alert.Evidence
	object string
	when   time.Time
}

type fakeStore struct {
	mu   sync.Mutex
	err  error
	kept []kept
}

func (s *fakeStore) Put(_ context.Context, e alert.Evidence, object []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	sum := sha256.Sum256(object)
	if err := e.Validate(); err != nil || hex.EncodeToString(sum[:]) != e.SHA256 || e.Bytes != int64(len(object)) {
		return fmt.Errorf("evidence that no outbox takes: %w", err)
	}
	s.kept = append(s.kept, kept{Evidence: e, object: string(object), when: time.Now()})
	return nil
}

func (s *fakeStore) list() []kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// stage is a maker with its fakes, in fake time.
type stage struct {
	t       *testing.T
	start   time.Time
	ring    *fakeRing
	decoder *fakeDecoder
	store   *fakeStore
	*evidence.Maker
}

// play runs steps while a maker works on a stream with a keyframe every gop tenths of a second.
func play(t *testing.T, gop int, edit func(*evidence.Options), steps func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, start: time.Now(), decoder: &fakeDecoder{}, store: &fakeStore{}}
		s.ring = &fakeRing{start: s.start, gop: gop}
		opt := evidence.Options{CameraID: "gate", Decoder: s.decoder, Store: s.store}
		if edit != nil {
			edit(&opt)
		}
		var err error
		if s.Maker, err = evidence.New(opt); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		steps(s)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// until lets fake time pass until at after the start, and everybody be idle.
func (s *stage) until(at time.Duration) {
	<-time.After(time.Until(s.start.Add(at)))
	synctest.Wait()
}

// want asks for the evidence of n alerts raised at onset after the start.
func (s *stage) want(onset time.Duration, n int) []alert.Alert {
	var alerts []alert.Alert
	for range n {
		alerts = append(alerts, alert.Alert{ID: alert.NewID(), Source: alert.CameraSource("east", "gate"), State: alert.Raised})
	}
	s.Want(alerts, s.start.Add(onset), s.ring)
	return alerts
}

// strip tells what is stored for an alert: for each picture the moment it shows and when it was stored, after the start.
func (s *stage) strip(id string) string {
	var out []string
	for _, k := range s.store.list() {
		if k.AlertID == id && !k.Sealed {
			out = append(out, fmt.Sprintf("%v by %v", k.At.Sub(s.start), k.when.Sub(s.start)))
		}
	}
	return strings.Join(out, ", ")
}

func (s *stage) check(what string, got, want any) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: %v, want %v", what, got, want)
	}
}
