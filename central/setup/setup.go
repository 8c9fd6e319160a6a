// Package setup keeps what a centre sets up in memory: grids, units, event classes, calendars, workflows, rules, channels.
//
// In: the documents of the store, and one builder for each part that makes a value of them or says what is wrong. Out: that value, from
// [Part.Get], typed and never changed: when documents change, in this process or another, a new one takes its place. What does not
// build changes nothing: neither here, where the old value stays, nor in the store, where [Cache.Put] refuses it. It knows no kind of
// document by itself.
package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gridgate/central/store"
)

// Store is what this package needs of [store.Documents].
type Store interface {
	PutDocumentsAt(ctx context.Context, revision int64, d []store.Document) error
	DocumentsOf(ctx context.Context, kind string) ([]store.Document, error)
	DocumentVersions(ctx context.Context, kind string) (map[string]int64, error)
	DocumentsRevision(ctx context.Context) (int64, error)
}

// Documents are the newest documents that are there, by kind; those of a kind are in the order of their ids. Builders read them only.
type Documents map[string][]store.Document

// Part is one value that is made of all documents of some kinds. Parts are made by [Add].
type Part[T any] struct{ value atomic.Pointer[T] }

// Get returns the value as of now. It never blocks and the value never changes: keep it for one piece of work, then ask again.
func (p *Part[T]) Get() T { return *p.value.Load() }

// part is a [Part] without its type.
type part struct {
	name  string
	kinds []string
	build func(Documents) (swap func(), err error)
}

func (p *part) of(kinds map[string]bool) bool {
	for _, k := range p.kinds {
		if kinds[k] {
			return true
		}
	}
	return false
}

// Options are what a [Cache] is made of. Store is demanded.
type Options struct {
	Store  Store
	Every  time.Duration // how often it is asked whether another process changed a document; 0: a second
	Logger *slog.Logger  // nil: discards
}

// Cache holds the parts. Safe for concurrent use once all parts were added.
type Cache struct {
	o     Options
	parts []*part

	mu       sync.Mutex // of what follows; held while documents are read and values are built
	revision int64
	loaded   bool
	docs     Documents
	versions map[string]map[string]int64 // kind, id
	trouble  map[string]error            // by part
}

// New returns a cache without parts.
func New(o Options) *Cache {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Cache{o: o, docs: Documents{}, versions: map[string]map[string]int64{}, trouble: map[string]error{}}
}

// Add adds a part to c, before c is loaded. initial is its value until documents were read, and as long as what is stored does not build.
// build must not keep or change what it gets besides the bodies, does no I/O, and is called again whenever a document of the kinds
// changes; its error names what is wrong, joined ([errors.Join]) if it is several things.
func Add[T any](c *Cache, name string, kinds []string, initial T, build func(Documents) (T, error)) *Part[T] {
	p := &Part[T]{}
	p.value.Store(&initial)
	c.parts = append(c.parts, &part{name: name, kinds: kinds, build: func(d Documents) (func(), error) {
		v, err := build(d)
		if err != nil {
			return nil, err
		}
		return func() { p.value.Store(&v) }, nil
	}})
	return p
}

// Refused means that changes were not stored since a part would not build with them; it unwraps to what its builder said.
type Refused struct {
	Part string
	Err  error
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %v", r.Part, r.Err) }

// Unwrap returns what the builder said.
func (r *Refused) Unwrap() error { return r.Err }

// Load reads all documents and builds all parts. If some do not build, the others are there all the same, those keep what they
// had, and the error names them; an error that is no [Refused] means that the store could not be read.
func (c *Cache) Load(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(ctx)
}

// load is Load with c.mu held.
func (c *Cache) load(ctx context.Context) error {
	revision, err := c.o.Store.DocumentsRevision(ctx)
	if err != nil {
		return err
	}
	if c.loaded && revision == c.revision {
		return nil
	}
	changed, err := c.read(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range c.parts {
		if c.loaded && !p.of(changed) {
			continue
		}
		delete(c.trouble, p.name)
		swap, err := p.build(c.docs)
		if err != nil {
			c.trouble[p.name] = err
			errs = append(errs, &Refused{Part: p.name, Err: err})
			continue
		}
		swap()
	}
	c.revision, c.loaded = revision, true
	return errors.Join(errs...)
}

// read reads the kinds in which a version changed.
func (c *Cache) read(ctx context.Context) (changed map[string]bool, err error) {
	changed = make(map[string]bool)
	for _, kind := range c.kinds() {
		versions, err := c.o.Store.DocumentVersions(ctx, kind)
		if err != nil {
			return nil, err
		}
		if same(versions, c.versions[kind]) {
			continue
		}
		list, err := c.o.Store.DocumentsOf(ctx, kind)
		if err != nil {
			return nil, err
		}
		changed[kind], c.docs[kind] = true, list
		for _, d := range list {
			versions[d.ID] = max(versions[d.ID], d.Version) // one may have been put in between
		}
		c.versions[kind] = versions
	}
	return changed, nil
}

func (c *Cache) kinds() (kinds []string) {
	seen := map[string]bool{}
	for _, p := range c.parts {
		for _, k := range p.kinds {
			if !seen[k] {
				kinds = append(kinds, k)
			}
			seen[k] = true
		}
	}
	return kinds
}

func same(a, b map[string]int64) bool {
	if len(a) != len(b) || b == nil {
		return false
	}
	for id, v := range a {
		if b[id] != v {
			return false
		}
	}
	return true
}

// Trouble says which parts are not what is stored, and why; empty if all are.
func (c *Cache) Trouble() map[string]error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]error, len(c.trouble))
	for name, err := range c.trouble {
		out[name] = err
	}
	return out
}

// Run notices what other processes change, until ctx ends, and returns nil.
func (c *Cache) Run(ctx context.Context) error {
	tick := time.NewTicker(c.o.Every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := c.Load(ctx)
		var refused *Refused
		if err != nil && ctx.Err() == nil && (!failing || errors.As(err, &refused)) {
			c.o.Logger.Warn("a change of what is set up did not load; what was there before stays", "error", err)
		}
		failing = err != nil
	}
}

// Of returns the newest documents of a kind of which a part is made, as of now. The caller reads them only.
func (c *Cache) Of(ctx context.Context, kind string) ([]store.Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil && !troubleOnly(err) {
		return nil, err
	}
	return c.docs[kind], nil
}

// Version returns the version of a document that is there, as of now; 0 if it is not.
func (c *Cache) Version(ctx context.Context, kind, id string) (int64, error) {
	docs, err := c.Of(ctx, kind)
	if err != nil {
		return 0, err
	}
	for _, d := range docs {
		if d.ID == id {
			return d.Version, nil
		}
	}
	return 0, nil
}
