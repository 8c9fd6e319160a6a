package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gridgate/central/auth"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// arranged is the document of an arrangement; what is not in its body is in the document's frame.
type arranged struct {
	ingest.Arrangement
	At time.Time `json:"-"`
	By string    `json:"-"`
}

// Arranged is what is wanted of a camera's picture, and what the edge makes of it.
type Arranged struct {
	Edge    string             `json:"edge"`
	Camera  string             `json:"camera"`
	Version int64              `json:"version" doc:"0: nothing was drawn at the centre, the edge's file holds"`
	Zones   []ingest.OrderZone `json:"zones" nullable:"false"`
	Masks   []ingest.Outline   `json:"masks" nullable:"false" doc:"on top of those of the edge's file, which cannot be taken away from here"`
	By      string             `json:"by,omitempty"`
	At      time.Time          `json:"at,omitzero"`
	// Of the last report of the edge.
	Reported int64  `json:"reported" doc:"version that the edge says is in force; 0: its file's own"`
	InForce  bool   `json:"inForce" doc:"reported is version"`
	Refused  string `json:"refused,omitempty" doc:"why the edge does not follow"`
}

// Arrangement returns what is wanted of a camera. [store.ErrNotFound] if its edge does not report it, or who may not see it.
func (s *Service) Arrangement(ctx context.Context, who auth.Principal, edge, camera string) (Arranged, error) {
	_, d, err := s.camera(ctx, who, edge, camera)
	if err == nil {
		err = s.refresh(ctx)
	}
	if err != nil {
		return Arranged{}, err
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	out := Arranged{Edge: edge, Camera: camera, Zones: []ingest.OrderZone{}, Masks: []ingest.Outline{}, Reported: d.Arrangement, Refused: d.Refused}
	if w := s.book.edges[edge]; w != nil {
		if a, ok := w.arrangements[camera]; ok {
			out.Version, out.By, out.At = a.Version, a.By, a.At.UTC()
			out.Zones, out.Masks = append(out.Zones, a.Zones...), append(out.Masks, a.Masks...)
		}
	}
	out.InForce = out.Version == out.Reported
	return out, nil
}

// Arrange keeps an arrangement for an edge to follow. seen is the version that who saw, 0 for any; [store.ErrConflict] if it is another.
func (s *Service) Arrange(ctx context.Context, who auth.Principal, edge, camera string, zones []ingest.OrderZone, masks []ingest.Outline, seen int64) error {
	zones, masks, err := checkArrangement(zones, masks)
	if err != nil {
		return err
	}
	if _, _, err := s.camera(ctx, who, edge, camera); err != nil {
		return err
	}
	return s.change(ctx, who.Actor(), func(b *book, d *draft) error {
		var now int64
		var others []ingest.Arrangement
		if w := b.edges[edge]; w != nil {
			now = w.arrangements[camera].Version
			for name, a := range w.arrangements {
				if name != camera {
					others = append(others, a.Arrangement)
				}
			}
		}
		next := ingest.Arrangement{Camera: camera, Zones: zones, Masks: masks}
		if seen != 0 && seen != now {
			return fmt.Errorf("the arrangement of %s: %w", camera, store.ErrConflict)
		}
		if err := fits(append(others, next)); err != nil {
			return err
		}
		return d.put(KindArrangement, edge+":"+camera, arranged{Arrangement: next})
	})
}

// fits holds all arrangements of an edge to what an answer to a sync may have, with a quarter left for the rest.
func fits(all []ingest.Arrangement) error {
	if len(all) > ingest.MaxArrangements {
		return refuse(TooMany, "%d cameras of an edge can be arranged at the centre", ingest.MaxArrangements)
	}
	data, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode the arrangements: %w", err)
	}
	if len(data) > ingest.MaxOrders*3/4 {
		return refuse(TooMany, "the arrangements of all cameras of the edge are too large together; use fewer points")
	}
	return nil
}

// Unarrange lets a camera have what its edge's file says. [store.ErrNotFound] if nothing was drawn.
func (s *Service) Unarrange(ctx context.Context, who auth.Principal, edge, camera string, seen int64) error {
	return s.change(ctx, who.Actor(), func(b *book, d *draft) error {
		w := b.edges[edge]
		if w == nil || w.arrangements[camera].Version == 0 || len(who.Grids) > 0 {
			return store.ErrNotFound
		}
		if seen != 0 && seen != w.arrangements[camera].Version {
			return fmt.Errorf("the arrangement of %s: %w", camera, store.ErrConflict)
		}
		return d.put(KindArrangement, edge+":"+camera, nil)
	})
}
