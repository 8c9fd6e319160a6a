package register

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/store"
)

// FilingKind is the kind of documents of what was filed: one of each edge.
const FilingKind = "camera-filing"

// Times of the filing (Regulation on public-safety video image information systems, art. 14: within thirty days).
const (
	FileWithin = 30 * 24 * time.Hour
	WarnAfter  = 20 * 24 * time.Hour
)

// filed is what was filed of an edge.
type filed struct {
	At      time.Time `json:"at"`
	Note    string    `json:"note,omitempty"`
	Cameras []Camera  `json:"cameras"`
}

// FilingChange is something that was not filed yet.
type FilingChange struct {
	Edge    string    `json:"edge"`
	Camera  string    `json:"camera"`
	Sort    string    `json:"sort" enum:"added,removed,changed"`
	Fields  []string  `json:"fields,omitempty" nullable:"false" doc:"of changed: what is other than was filed"`
	At      time.Time `json:"at" doc:"when central heard of it"`
	Due     time.Time `json:"due" doc:"by when it is to be filed"`
	Overdue bool      `json:"overdue"`
	Soon    bool      `json:"soon" doc:"known for more than 20 days"`
}

// Part is the filing of one edge.
type Part struct {
	Sheet   Sheet
	FiledAt time.Time // zero: never
	Changes []FilingChange
}

// filingPage is how many sheets are in memory at a time.
const filingPage = 50

// Reader is what is read of [store.Store] to tell what is to be filed.
type Reader interface {
	Document(ctx context.Context, kind, id string) (store.Document, error)
	DocumentsBefore(ctx context.Context, kind, before string, limit int) ([]store.Document, error)
}

// Each gives the filing of each edge to do, by the names of the edges from the last to the first.
func (r *Register) Each(ctx context.Context, do func(Part) error) error {
	return each(ctx, r.store, r.now().UTC(), do)
}

func each(ctx context.Context, from Reader, now time.Time, do func(Part) error) error {
	for before := ""; ; {
		sheets, err := page(ctx, from, before, filingPage)
		if err != nil || len(sheets) == 0 {
			return err
		}
		for _, s := range sheets {
			last, _, err := filedOf(ctx, from, s.Edge)
			if err != nil {
				return err
			}
			if err := do(Part{Sheet: s, FiledAt: last.At, Changes: changes(s, last, now)}); err != nil {
				return err
			}
			before = s.Edge
		}
	}
}

func filedOf(ctx context.Context, from Reader, edge string) (f filed, version int64, err error) {
	d, err := from.Document(ctx, FilingKind, edge)
	if errors.Is(err, store.ErrNotFound) {
		return f, 0, nil
	}
	if err != nil {
		return f, 0, fmt.Errorf("read what was filed of %s: %w", edge, err)
	}
	if err := json.Unmarshal(d.Body, &f); err != nil {
		return f, 0, fmt.Errorf("read what was filed of %s: %w", edge, err)
	}
	return f, d.Version, nil
}

// changes compares a sheet with what was filed of it.
func changes(s Sheet, last filed, now time.Time) (out []FilingChange) {
	was := map[string]Camera{}
	for _, c := range last.Cameras {
		was[c.ID] = c
	}
	for _, c := range s.Cameras {
		before, there := was[c.ID]
		delete(was, c.ID)
		if !there {
			out = append(out, change(s.Edge, c.ID, "added", nil, c.Since, now))
		} else if fields := Differences(before, c); len(fields) > 0 {
			out = append(out, change(s.Edge, c.ID, "changed", fields, c.Changed, now))
		}
	}
	for id := range was {
		at := s.At
		if i := slices.IndexFunc(s.Gone, func(g Removed) bool { return g.ID == id }); i >= 0 {
			at = s.Gone[i].At
		}
		out = append(out, change(s.Edge, id, "removed", nil, at, now))
	}
	slices.SortFunc(out, func(a, b FilingChange) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Camera, b.Camera)) })
	return out
}

func change(edge, camera, sort string, fields []string, at, now time.Time) FilingChange {
	age := now.Sub(at)
	return FilingChange{Edge: edge, Camera: camera, Sort: sort, Fields: fields, At: at, Due: at.Add(FileWithin), Overdue: age > FileWithin, Soon: age > WarnAfter}
}

// Mark notes that the register as it stands was filed, and returns of how many edges and cameras. [store.ErrConflict] if somebody else
// marks at the same time. A mark that ends halfway is made anew: what was marked twice is marked once.
func (r *Register) Mark(ctx context.Context, actor, note string) (edges, cameras int, err error) {
	now := r.now().UTC()
	err = r.Each(ctx, func(p Part) error {
		if len(p.Changes) == 0 && !p.FiledAt.IsZero() {
			edges, cameras = edges+1, cameras+len(p.Sheet.Cameras)
			return nil
		}
		_, version, err := filedOf(ctx, r.store, p.Sheet.Edge)
		if err != nil {
			return err
		}
		body, err := json.Marshal(filed{At: now, Note: note, Cameras: p.Sheet.Cameras})
		if err != nil {
			return err
		}
		edges, cameras = edges+1, cameras+len(p.Sheet.Cameras)
		return r.store.PutDocuments(ctx, []store.Document{{Kind: FilingKind, ID: p.Sheet.Edge, Version: version + 1, Body: body, At: now, Actor: actor}})
	})
	if err != nil {
		return edges, cameras, fmt.Errorf("mark what was filed: %w", err)
	}
	return edges, cameras, nil
}

// Drop takes an edge that is gone for good out of the register; that its cameras are gone is filed with the next mark.
func (r *Register) Drop(ctx context.Context, edge, actor string) error {
	old, err := r.Sheet(ctx, edge)
	if err != nil {
		return fmt.Errorf("take %s out of the register: %w", edge, err)
	}
	next, changed := merge(old, nil, r.now().UTC())
	if !changed {
		return nil
	}
	body, err := json.Marshal(next)
	if err == nil {
		err = r.store.PutDocuments(ctx, []store.Document{{Kind: Kind, ID: edge, Version: old.Version + 1, Body: body, At: r.now().UTC(), Actor: actor}})
	}
	if err != nil {
		return fmt.Errorf("take %s out of the register: %w", edge, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.edges, edge)
	return nil
}

// Tally is how many cameras there are, and how many changes are not filed in time.
type Tally struct {
	Cameras, Refused, Untold, Unfiled, Soon, Overdue int
}

// Count goes through the register once.
func (r *Register) Count(ctx context.Context) (Tally, error) {
	return Count(ctx, r.store, r.now().UTC())
}

// Count goes through the register in a store that is only read.
func Count(ctx context.Context, from Reader, now time.Time) (t Tally, err error) {
	err = each(ctx, from, now, func(p Part) error {
		for _, c := range p.Sheet.Cameras {
			t.Cameras++
			switch state, _ := c.Judge(); state {
			case Refused:
				t.Refused++
			case Untold:
				t.Untold++
			}
		}
		for _, c := range p.Changes {
			t.Unfiled++
			if c.Overdue {
				t.Overdue++
			} else if c.Soon {
				t.Soon++
			}
		}
		return nil
	})
	return t, err
}
