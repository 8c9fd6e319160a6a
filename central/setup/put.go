package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gridgate/central/store"
)

// maxTries is how often a put is checked again because another process put something in between.
const maxTries = 5

// Put checks what would be if changes were stored: every part of one of their kinds must build. Then it stores them, all or none, against
// the very documents that they were checked with, and swaps the parts. A Version of 0 is the next one, whatever that is; any other
// must be the next one. [Refused] if a part does not build, [store.ErrConflict] if a version is not the next one; nothing is stored then.
func (c *Cache) Put(ctx context.Context, changes []store.Document) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for try := 1; ; try++ {
		if err := c.load(ctx); err != nil && !troubleOnly(err) {
			return err
		}
		next, swaps, err := c.check(changes)
		if err != nil {
			return err
		}
		err = c.o.Store.PutDocumentsAt(ctx, c.revision, next)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return err
		}
		for _, swap := range swaps {
			swap()
		}
		return nil // what is remembered is read anew at the next load: the revision is another one
	}
}

// Check is [Cache.Put] that stores nothing.
func (c *Cache) Check(ctx context.Context, changes []store.Document) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil && !troubleOnly(err) {
		return err
	}
	_, _, err := c.check(changes)
	return err
}

// troubleOnly says whether the store could be read and parts did not build: a change may be what mends them.
func troubleOnly(err error) bool {
	var refused *Refused
	return errors.As(err, &refused)
}

// check numbers the versions of changes and builds the parts that they touch.
func (c *Cache) check(changes []store.Document) (next []store.Document, swaps []func(), err error) {
	kinds := make(map[string]bool)
	for _, d := range changes {
		kinds[d.Kind] = true
		newest := c.versions[d.Kind][d.ID]
		if d.Version == 0 {
			d.Version = newest + 1
		}
		if err := d.Follows(newest); err != nil {
			return nil, nil, err
		}
		next = append(next, d)
	}
	if err := store.CheckDocuments(next); err != nil {
		return nil, nil, &Refused{Part: "documents", Err: err}
	}
	after := c.with(next)
	for kind := range kinds {
		if !slices.Contains(c.kinds(), kind) {
			return nil, nil, fmt.Errorf("put documents: nothing here is made of kind %q", kind)
		}
	}
	for _, p := range c.parts {
		if !p.of(kinds) {
			continue
		}
		swap, err := p.build(after)
		if err != nil {
			return nil, nil, &Refused{Part: p.name, Err: err}
		}
		swaps = append(swaps, swap)
	}
	return next, swaps, nil
}

// with returns the documents as they would be after changes.
func (c *Cache) with(changes []store.Document) Documents {
	after := make(Documents, len(c.docs))
	changed := make(map[string]map[string]bool)
	for _, d := range changes {
		if changed[d.Kind] == nil {
			changed[d.Kind] = make(map[string]bool)
		}
		changed[d.Kind][d.ID] = true
	}
	for kind, list := range c.docs {
		ids := changed[kind]
		after[kind] = slices.DeleteFunc(slices.Clone(list), func(d store.Document) bool { return ids[d.ID] })
	}
	for _, d := range changes {
		if !d.Gone {
			after[d.Kind] = append(after[d.Kind], d)
		}
	}
	for kind := range changed {
		slices.SortFunc(after[kind], func(a, b store.Document) int { return strings.Compare(a.ID, b.ID) })
	}
	return after
}
