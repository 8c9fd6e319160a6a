package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/cap"
	"gridgate/protocols/ingest"
)

// Store is what the desk needs of [store.Store].
type Store interface {
	AppendAll(ctx context.Context, changes []store.Change) ([]cases.Case, error)
	Case(ctx context.Context, id string) (cases.Case, error)
	Cases(ctx context.Context, q store.Query) ([]cases.Case, string, error)
	AddEvidence(ctx context.Context, evidence []alert.Evidence, now time.Time) ([]ingest.Outcome, error)
	EvidenceOf(ctx context.Context, id string) ([]alert.Evidence, error)
}

// Objects keeps pictures by their SHA-256, see gridgate/central/store/objects.
type Objects interface {
	Put(ctx context.Context, sha256 string, r io.Reader, max int64) (created bool, err error)
}

// Redactor makes a picture fit to be kept, see gridgate/protocols/picture. On an error there is no picture.
type Redactor interface {
	Redact(jpeg []byte) ([]byte, error)
}

// Desk opens cases for reports and keeps their pictures. Safe for concurrent use.
type Desk struct {
	Store     Store
	Objects   Objects
	Redactor  Redactor
	Catalogue func() Catalogue // as of now
	Wake      func(position int64)
	Now       func() time.Time

	Lands   Lands                            // where warnings are
	Warned  map[cap.Category]string          // event class of a category whose sender names none of ours
	Sender  string                           // of warnings that are published
	Words   func(c cases.Case) cap.Words     // of a published case, from what is set up
	Outline func(c cases.Case) [][]cap.Point // the land of a case's grid; nil if it has none

	// Slots bounds how many pictures are redacted at a time: each takes a core for about a second and some 40 MB.
	Slots chan struct{}
}

// Open stores the case of a report. The report's id makes it happen once: sent again it returns the case that is there. [ErrReport]
// says what is wrong with the report, [store.ErrConflict] that the id or the key belongs to something else.
func (d *Desk) Open(ctx context.Context, r Report) (cases.Case, error) {
	e, err := Opened(r, d.Catalogue())
	if err != nil {
		return cases.Case{}, err
	}
	opened, err := d.Store.AppendAll(ctx, []store.Change{{Event: e}})
	if errors.Is(err, store.ErrConflict) {
		return d.again(ctx, e, err)
	}
	if err != nil {
		return cases.Case{}, fmt.Errorf("open the case of a report: %w", err)
	}
	d.Wake(opened[0].Position)
	return opened[0], nil
}

// again returns the case that the same report opened before, or refused.
func (d *Desk) again(ctx context.Context, e cases.Event, refused error) (cases.Case, error) {
	c, err := d.Store.Case(ctx, e.CaseID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return cases.Case{}, refused
	case err != nil:
		return cases.Case{}, err
	case c.Key != e.Opening.Key || c.Class != e.Opening.Class || c.Grid != e.Opening.Grid || c.Origin != e.Opening.Origin:
		return cases.Case{}, refused
	}
	return c, nil
}

// Pictures lists the photos of a case itself.
func (d *Desk) Pictures(ctx context.Context, c cases.Case) ([]alert.Evidence, error) {
	return d.Store.EvidenceOf(ctx, c.ID)
}

// Publish says a case as a CAP message. [ErrNotPublic] if it is not one to warn of.
func (d *Desk) Publish(_ context.Context, c cases.Case) ([]byte, error) {
	m, err := Publish(c, d.Sender, d.Outline(c))
	if err != nil {
		return nil, err
	}
	return cap.Encode(m, []cap.Words{d.Words(c)})
}

// ErrPicture means that a picture could not be redacted, so it is not kept.
var ErrPicture = errors.New("the picture could not be redacted and is not kept")

// Photo redacts a JPEG and keeps the result with a case: as evidence whose alert is the case itself. It waits for its turn until ctx ends.
func (d *Desk) Photo(ctx context.Context, c cases.Case, jpeg []byte) (alert.Evidence, error) {
	redacted, err := d.redact(ctx, jpeg)
	if err != nil {
		return alert.Evidence{}, err
	}
	sum := sha256.Sum256(redacted)
	now := d.Now().UTC()
	e := alert.Evidence{
		ID: alert.NewID(), Source: c.Source, AlertID: c.ID, SHA256: hex.EncodeToString(sum[:]), MediaType: alert.JPEG, Bytes: int64(len(redacted)), At: now,
	}
	if _, err := d.Objects.Put(ctx, e.SHA256, bytes.NewReader(redacted), alert.MaxEvidence); err != nil {
		return alert.Evidence{}, fmt.Errorf("keep a picture: %w", err)
	}
	if _, err := d.Store.AddEvidence(ctx, []alert.Evidence{e}, now); err != nil {
		return alert.Evidence{}, fmt.Errorf("keep a picture: %w", err)
	}
	return e, nil
}

func (d *Desk) redact(ctx context.Context, jpeg []byte) ([]byte, error) {
	select {
	case d.Slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-d.Slots }()
	out, err := d.Redactor.Redact(jpeg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	return out, nil
}
