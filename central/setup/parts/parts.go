// Package parts makes values of what is set up: the map of the grids and the catalogue of event classes.
//
// In: documents of kind "grid", "unit" and "class", files that are imported, and changes one by one. Out: parts of a [setup.Cache], and the
// documents that a change comes to, stored all or none. It decides nothing: what is right is said by central/grid and central/classes.
package parts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/central/setup"
	"gridgate/central/store"
)

// The kinds of documents.
const (
	Grid     = "grid"     // id: its code
	Unit     = "unit"     // id: its id
	Class    = "class"    // id: its code
	Workflow = "workflow" // of central/workflow; here it is only asked whether one is there
)

// Change says who changes something, and how.
type Change struct {
	Actor   string
	At      time.Time
	Replace bool  // what is not in the file is gone afterwards; else it stays
	Dry     bool  // check only
	Version int64 // the version that whoever changes one document saw; 0: any
}

// Result counts documents.
type Result struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Gone    int `json:"gone"`
	Same    int `json:"same"`
}

// apply puts the difference between what is there and what is wanted, both by id.
func apply(ctx context.Context, c *setup.Cache, kind string, there, wanted map[string]json.RawMessage, how Change) (r Result, err error) {
	var docs []store.Document
	put := func(id string, body json.RawMessage) {
		d := store.Document{Kind: kind, ID: id, Body: body, At: how.At.UTC(), Actor: how.Actor, Gone: body == nil}
		if how.Version > 0 {
			d.Version = how.Version + 1
		}
		docs = append(docs, d)
	}
	for id, body := range wanted {
		old, known := there[id]
		switch {
		case !known:
			r.Added++
		case bytes.Equal(old, body) && how.Version == 0:
			r.Same++
			continue
		default:
			r.Changed++
		}
		put(id, body)
	}
	for id := range there {
		if _, stays := wanted[id]; how.Replace && !stays {
			r.Gone++
			put(id, nil)
		}
	}
	slices.SortFunc(docs, func(a, b store.Document) int { return cmpID(a, b) })
	switch {
	case len(docs) == 0:
		return r, nil
	case how.Dry:
		return r, c.Check(ctx, docs)
	}
	return r, c.Put(ctx, docs)
}

func cmpID(a, b store.Document) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// remove puts that one document is gone. [store.ErrNotFound] if it is not there.
func remove(ctx context.Context, c *setup.Cache, kind, id string, there bool, how Change) error {
	if !there {
		return store.ErrNotFound
	}
	d := store.Document{Kind: kind, ID: id, At: how.At.UTC(), Actor: how.Actor, Gone: true}
	if how.Version > 0 {
		d.Version = how.Version + 1
	}
	return c.Put(ctx, []store.Document{d})
}

// bodies encodes values by their ids; two of one id are an error.
func bodies[T any](list []T, id func(T) string) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(list))
	for _, v := range list {
		body, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", id(v), err)
		}
		if _, doubled := out[id(v)]; doubled {
			return nil, fmt.Errorf("%s stands there twice", id(v))
		}
		out[id(v)] = body
	}
	return out, nil
}

// read decodes a document strictly.
func read[T any](d store.Document, id func(T) string) (v T, err error) {
	in := json.NewDecoder(bytes.NewReader(d.Body))
	in.DisallowUnknownFields()
	if err := in.Decode(&v); err != nil {
		return v, fmt.Errorf("%s %s: %w", d.Kind, d.ID, err)
	}
	if id(v) != d.ID {
		return v, fmt.Errorf("%s %s: it says that it is %q", d.Kind, d.ID, id(v))
	}
	return v, nil
}

func readAll[T any](docs []store.Document, id func(T) string) (out []T, _ error) {
	var wrong []error
	for _, d := range docs {
		v, err := read(d, id)
		if err != nil {
			wrong = append(wrong, err)
		}
		out = append(out, v)
	}
	return out, errors.Join(wrong...)
}

// parse reads one JSON value strictly.
func parse[T any](data []byte) (v T, err error) {
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&v); err != nil {
		return v, fmt.Errorf("read JSON: %w", err)
	}
	if in.More() {
		return v, errors.New("read JSON: something stands behind the value")
	}
	return v, nil
}
