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
	"gridgate/protocols/cap"
	"gridgate/protocols/ingest"
)

// shelf is a store and an object store in memory.
type shelf struct {
	cases    map[string]cases.Case
	position int64
	evidence []alert.Evidence
	objects  map[string][]byte
	err      error
}

func (s *shelf) AppendAll(_ context.Context, changes []store.Change) ([]cases.Case, error) {
	if s.err != nil {
		return nil, s.err
	}
	e := changes[0].Event
	before, there := s.cases[e.CaseID]
	if there && e.Type == cases.EventOpened {
		return nil, store.ErrConflict
	}
	s.position++
	e.Position = s.position
	c, err := cases.Apply(before, e)
	s.cases[c.ID] = c
	return []cases.Case{c}, err
}

func (s *shelf) Cases(_ context.Context, q store.Query) (out []cases.Case, _ string, err error) {
	for _, c := range s.cases {
		if c.Origin == q.Origin && string(c.State) == q.State {
			out = append(out, c)
		}
	}
	return out, "", s.err
}

func (s *shelf) EvidenceOf(_ context.Context, id string) (out []alert.Evidence, err error) {
	for _, e := range s.evidence {
		if e.AlertID == id {
			out = append(out, e)
		}
	}
	return out, s.err
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
		Now: func() time.Time { return t0 }, Slots: make(chan struct{}, 1), Lands: lands{}, Warned: byCategory, Sender: "centre@example.org",
		Words: func(cases.Case) cap.Words { return cap.Words{Event: "积水内涝", Area: "网格"} }, Outline: func(cases.Case) [][]cap.Point { return nil },
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
	if e.SHA256 != hex.EncodeToString(sum[:]) || e.AlertID != c.ID || e.Validate() != nil {
		t.Errorf("evidence %+v (%v)", e, e.Validate())
	}
	if listed, err := d.Pictures(t.Context(), c); err != nil || len(listed) != 1 || listed[0].SHA256 != e.SHA256 {
		t.Errorf("listed %+v, %v", listed, err)
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

func TestAWarningIsTakenOnce(t *testing.T) {
	d, s := newDesk()
	first, err := d.Warn(t.Context(), warning())
	if err != nil || len(first.Opened) != 2 {
		t.Fatal(first, err)
	}
	if again, err := d.Warn(t.Context(), warning()); err != nil || len(again.Opened) != 0 || again.Known != 2 || len(s.cases) != 2 {
		t.Errorf("sent again: %+v, %v", again, err)
	}
}

func TestAnUpdateGoesOnAndACancelIsNoted(t *testing.T) {
	d, s := newDesk()
	if _, err := d.Warn(t.Context(), warning()); err != nil {
		t.Fatal(err)
	}
	next := warning()
	next.Identifier, next.Type = "W-2", cap.Update
	next.References = []cap.Reference{{Sender: next.Sender, Identifier: "W-1", Sent: t0}}
	next.Infos[0].Areas = []cap.Area{area("330106109001", "330106109003")}
	got, err := d.Warn(t.Context(), next)
	if err != nil || len(got.Opened) != 1 || got.Known != 1 || got.Noted != 2 {
		t.Errorf("an update: %+v, %v", got, err)
	}
	over := warning()
	over.Identifier, over.Type, over.References = "W-3", cap.Cancel, []cap.Reference{{Sender: next.Sender, Identifier: "W-2", Sent: t0}}
	if got, err := d.Warn(t.Context(), over); err != nil || len(got.Opened) != 0 || got.Noted != 1 {
		t.Errorf("a cancel: %+v, %v", got, err)
	}
	for _, c := range s.cases {
		if c.State != cases.Open {
			t.Errorf("a message closed a case: %+v", c)
		}
	}
}

func TestPublishedByTheDesk(t *testing.T) {
	d, _ := newDesk()
	c, err := d.Open(t.Context(), report())
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Publish(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := cap.Parse(bytes.NewReader(out)); err != nil || m.Sender != "centre@example.org" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestWhoSeesSomeGridsReportsThere(t *testing.T) {
	d, _ := newDesk()
	r := report()
	r.Sees = func(grid string) bool { return grid == "elsewhere" }
	if _, err := d.Open(t.Context(), r); !errors.Is(err, intake.ErrReport) {
		t.Errorf("got %v", err)
	}
}
