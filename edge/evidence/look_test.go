package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"os"
	"testing"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/evidence"
	"gridgate/protocols/picture"
)

// TestALookIsOfNow: from the newest picture, under the masks that hold then, behind everything else, and without being stored.
func TestALookIsOfNow(t *testing.T) {
	one := []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}
	play(t, 20, func(o *evidence.Options) { o.Masks = one }, func(s *stage) {
		s.until(10500 * time.Millisecond)
		p, err := s.Look(context.Background(), s.ring, 320)
		if err != nil {
			t.Fatal(err)
		}
		s.check("picture", string(p.JPEG), "100 bytes a unit, 10.5s")
		s.SetMasks(append(one, one...))
		if _, err = s.Look(context.Background(), s.ring, 0); err != nil {
			t.Fatal(err)
		}
		first, second := s.decoder.calls[0], s.decoder.calls[1]
		if !first.Idle || first.MaxWidth != 320 || len(first.Masks) != 1 || !first.Units[0].Key || len(first.Units) != 6 {
			t.Errorf("the first was asked for as %d units, %+v", len(first.Units), first.Masks)
		}
		if len(second.Masks) != 2 || second.MaxWidth != 0 {
			t.Errorf("the second with %d masks", len(second.Masks))
		}
		s.check("stored", len(s.store.list()), 0)
	})
}

// TestThereIsNoLookAtThePast, nor at what cannot be redacted, and none waits for ever.
func TestThereIsNoLookAtThePast(t *testing.T) {
	play(t, 20, nil, func(s *stage) {
		if _, err := s.Look(context.Background(), recorded(nil), 0); !errors.Is(err, evidence.ErrNoPicture) {
			t.Errorf("of nothing: %v", err)
		}
		s.until(5 * sec)
		s.decoder.fail = func(decode.PictureRequest) error { return errors.New("the face finder failed") }
		if p, err := s.Look(context.Background(), s.ring, 0); err == nil || len(p.JPEG) != 0 {
			t.Errorf("without redaction: %d bytes, %v", len(p.JPEG), err)
		}
		s.decoder.fail, s.decoder.takes = nil, time.Hour
		if _, err := s.Look(context.Background(), s.ring, 0); !errors.Is(err, decode.ErrBusy) {
			t.Errorf("behind a decoder that is busy: %v", err)
		}
		s.decoder.takes = 0
		s.ring.ended = time.Now()
		s.until(40 * sec)
		if _, err := s.Look(context.Background(), s.ring, 0); !errors.Is(err, evidence.ErrNoPicture) {
			t.Errorf("of a camera that stopped: %v", err)
		}
	})
}

// TestMasksDrawnLaterStopClips: coded video cannot be covered, whatever was switched on before.
func TestMasksDrawnLaterStopClips(t *testing.T) {
	c := &fakeClip{size: 100}
	play(t, 10, func(o *evidence.Options) { o.Clip = c }, func(s *stage) {
		s.until(10 * sec)
		s.SetMasks([]picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}})
		s.want(10*sec, 1)
		s.until(30 * sec)
		if got := s.Counters(); got.Clips != 0 || got.NoClip != 1 || got.Pictures == 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestALookIsDecoded has a real worker make one of a stream with B pictures.
func TestALookIsDecoded(t *testing.T) {
	pool, err := decode.NewPool(decode.PoolOptions{Executable: os.Args[0], Args: []string{"worker"}, Env: []string{"GRIDGATE_TEST_WORKER=decode"}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m, err := evidence.New(evidence.Options{CameraID: "gate", Decoder: pool, Store: make(film), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	ring := recorded(reordered(t, now.Add(-6*time.Second)))
	p, err := m.Look(ctx, ring, 160)
	for errors.Is(err, decode.ErrBusy) { // so is the machine
		p, err = m.Look(ctx, ring, 160)
	}
	if err != nil {
		t.Fatal(err)
	}
	if img, err := jpeg.Decode(bytes.NewReader(p.JPEG)); err != nil || img.Bounds().Dx() != 160 {
		t.Errorf("%v", err)
	}
	if age := now.Sub(p.At); age > time.Second {
		t.Errorf("it is %v old", age)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
