package parts

import (
	"context"
	"encoding/json"
	"fmt"

	"gridgate/central/classes"
	"gridgate/central/setup"
	"gridgate/central/store"
	"gridgate/central/workflow"
)

// Catalogue is the catalogue of event classes as a part, and the way to change it.
type Catalogue struct {
	*setup.Part[*classes.Catalogue]
	cache *setup.Cache
}

// AddCatalogue adds the catalogue to a cache. While no class is set up it is the one that is built in; the first change stores that with it.
func AddCatalogue(c *setup.Cache) (*Catalogue, error) {
	list, err := classes.Default()
	if err != nil {
		return nil, fmt.Errorf("read the classes that are built in: %w", err)
	}
	initial, err := classes.New(list, nil)
	if err != nil {
		return nil, fmt.Errorf("check the classes that are built in: %w", err)
	}
	build := func(docs setup.Documents) (*classes.Catalogue, error) {
		if len(docs[Class]) == 0 {
			return initial, nil
		}
		list, err := readAll(docs[Class], classCode)
		if err != nil {
			return nil, err
		}
		return classes.New(list, workflowsOf(docs))
	}
	return &Catalogue{Part: setup.Add(c, "event classes", []string{Class, Workflow}, initial, build), cache: c}, nil
}

func classCode(c classes.Class) string { return c.Code }

// workflowsOf says which workflows are there: those that are shipped and those that were set up.
func workflowsOf(docs setup.Documents) func(id string) bool {
	known := map[string]bool{}
	for _, id := range workflow.ShippedIDs() {
		known[id] = true
	}
	for _, d := range docs[Workflow] {
		known[d.ID] = true
	}
	return func(id string) bool { return known[id] }
}

// Import puts the classes of a CSV file (see [classes.ParseCSV]) in the place of those with the same codes.
func (c *Catalogue) Import(ctx context.Context, data []byte, how Change) (Result, error) {
	list, err := classes.ParseCSV(data)
	if err != nil {
		return Result{}, &setup.Refused{Part: "CSV", Err: err}
	}
	return c.put(ctx, list, how)
}

// Put puts one class in the place of the one with the same code.
func (c *Catalogue) Put(ctx context.Context, one classes.Class, how Change) error {
	_, err := c.put(ctx, []classes.Class{one}, how)
	return err
}

func (c *Catalogue) put(ctx context.Context, list []classes.Class, how Change) (Result, error) {
	wanted, err := bodies(list, classCode)
	if err != nil {
		return Result{}, err
	}
	there, err := c.stored(ctx)
	if err != nil {
		return Result{}, err
	}
	if len(there) == 0 && !how.Replace {
		if wanted, err = c.onDefault(wanted); err != nil {
			return Result{}, err
		}
	}
	return apply(ctx, c.cache, Class, there, wanted, how)
}

// onDefault adds the classes that are built in.
func (c *Catalogue) onDefault(wanted map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	all, err := bodies(c.Get().Classes(), classCode)
	if err != nil {
		return nil, err
	}
	for code, body := range wanted {
		all[code] = body
	}
	return all, nil
}

// stored returns the documents by code: none while the catalogue is the one that is built in.
func (c *Catalogue) stored(ctx context.Context) (map[string]json.RawMessage, error) {
	docs, err := c.cache.Of(ctx, Class)
	if err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(docs))
	for _, d := range docs {
		out[d.ID] = d.Body
	}
	return out, nil
}

// Remove lets a class be gone. Cases that have it keep it.
func (c *Catalogue) Remove(ctx context.Context, code string, how Change) error {
	if _, there := c.Get().Class(code); !there {
		return store.ErrNotFound
	}
	there, err := c.stored(ctx)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return remove(ctx, c.cache, Class, code, true, how)
	}
	rest, err := c.onDefault(nil)
	if err != nil {
		return err
	}
	delete(rest, code)
	_, err = apply(ctx, c.cache, Class, nil, rest, Change{Actor: how.Actor, At: how.At})
	return err
}
