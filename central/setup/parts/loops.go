package parts

import (
	"context"
	"encoding/json"

	book "gridgate/central/loops"
	"gridgate/central/setup"
)

// Loops are the workflows and calendars as a part, and the way to change them.
type Loops struct {
	*setup.Part[*book.Book]
	cache *setup.Cache
}

// AddLoops adds workflows and calendars to a cache. While none is set up they are those that are shipped.
func AddLoops(c *setup.Cache) (*Loops, error) {
	initial, err := book.Default()
	if err != nil {
		return nil, err
	}
	build := func(docs setup.Documents) (*book.Book, error) {
		set := book.Bodies{}
		for _, kind := range book.Kinds() {
			set[kind] = map[string]json.RawMessage{}
			for _, d := range docs[kind] {
				set[kind][d.ID] = d.Body
			}
		}
		return book.Build(set)
	}
	return &Loops{Part: setup.Add(c, "workflows and calendars", book.Kinds(), initial, build), cache: c}, nil
}

// Put stores one document of the kinds of [book.Kinds] and says by which workflows and calendars it is from then on.
func (l *Loops) Put(ctx context.Context, kind, id string, body json.RawMessage, how Change) error {
	_, err := apply(ctx, l.cache, kind, nil, map[string]json.RawMessage{id: body}, how)
	return err
}

// Remove lets a document be gone: what is shipped under its id holds again. [store.ErrNotFound] if it is not there.
func (l *Loops) Remove(ctx context.Context, kind, id string, how Change) error {
	docs, err := l.cache.Of(ctx, kind)
	if err != nil {
		return err
	}
	there := false
	for _, d := range docs {
		there = there || d.ID == id
	}
	return remove(ctx, l.cache, kind, id, there, how)
}
