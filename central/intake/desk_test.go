package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"gridgate/central/cases"
	"gridgate/central/intake"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// shelf is a store and an object store in memory.
type shelf struct {
	cases    map[string]cases.Case
	evidence []alert.Evidence
	objects  map[string][]byte
	err      error
}

func (s *shelf) AppendAll(_ context.Context, changes []store.Change) ([]cases.Case, error) {
	if s.err != nil {
		return nil, s.err
	}
	e := changes[0].Event
	if _, there := s.cases[e.CaseID]; there {
		return nil, store.ErrConflict
	}
	e.Position = int64(len(s.cases) + 1)
	c, err := cases.Apply(cases.Case{}, e)
	s.cases[c.ID] = c
	return []cases.Case{c}, err
}

func (s *shelf) Case(_ context.Context, id string) (cases.Case, error) {
	c, ok := s.cases[id]
	if !ok {
		return c, store.ErrNotFound
	}
	return c, nil
}

func (s *shelf) AddEvidence(_ context.Context, e []alert.Evidence, _ time.Time) ([]ingest.Outcome, error) {
	s.evidence = append(s.evidence, e...)
	return []ingest.Outcome{ingest.Accepted}, nil
}

func (s *shelf) Put(_ context.Context, digest string, r io.Reader, _ int64) (bool, error) {
	b, err := io.ReadAll(r)
	s.objects[digest] = b
	return true, err
}

// blind redacts by writing all over it, or fails.
type blind struct{ err error }

func (b blind) Redact([]byte) ([]byte, error) { return []byte("redacted"), b.err }

func newDesk() (*intake.Desk, *shelf) {
	s := &shelf{cases: map[string]cases.Case{}, objects: map[string][]byte{}}
	return &intake.Desk{
		Store: s, Objects: s, Redactor: blind{}, Catalogue: func() intake.Catalogue { return centre{} }, Wake: func(int64) {},
		Now: func() time.Time { return t0 }, Slots: make(chan struct{}, 1),
	}, s
}

func TestAReportOpensOnce(t *testing.T) {
	d, s := newDesk()
	r := report()
	first, err := d.Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Open(t.Context(), r); err != nil || again.ID != first.ID || len(s.cases) != 1 {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	r.Place = &cases.LonLat{Lon: 100}
	if _, err := d.Open(t.Context(), r); !errors.Is(err, intake.ErrReport) {
		t.Errorf("a report from elsewhere: %v", err)
	}
	r.Place, r.Grid = nil, "330106109009"
	if _, err := d.Open(t.Context(), r); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another report by the same id: %v", err)
	}
	s.err = errors.New("disk")
	if _, err := d.Open(t.Context(), report()); err == nil || errors.Is(err, intake.ErrReport) {
		t.Errorf("a store that fails: %v", err)
	}
}

func TestOnlyTheRedactedPictureIsKept(t *testing.T) {
	d, s := newDesk()
	c, err := d.Open(t.Context(), report())
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Photo(t.Context(), c, []byte("a face"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("redacted"))
	if e.SHA256 != hex.EncodeToString(sum[:]) || e.AlertID != c.ID || e.Validate() != nil || len(s.evidence) != 1 {
		t.Errorf("evidence %+v (%v)", e, e.Validate())
	}
	for _, kept := range s.objects {
		if bytes.Contains(kept, []byte("face")) {
			t.Error("the picture as it was sent is kept")
		}
	}
}

func TestWhatCannotBeRedactedIsNotKept(t *testing.T) {
	d, s := newDesk()
	c, err := d.Open(t.Context(), report())
	if err != nil {
		t.Fatal(err)
	}
	d.Redactor = blind{err: errors.New("no finder")}
	if _, err := d.Photo(t.Context(), c, []byte("a face")); !errors.Is(err, intake.ErrPicture) || len(s.objects)+len(s.evidence) != 0 {
		t.Errorf("%v, %d objects, %d entries", err, len(s.objects), len(s.evidence))
	}
	d.Slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Photo(ctx, c, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits for a slot and goes: %v", err)
	}
}
