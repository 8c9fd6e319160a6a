package orders

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// fewChanged is up to how many documents of a kind are read one by one.
const fewChanged = 32

// book is what the documents say, in memory.
type book struct {
	mu       sync.Mutex // of what follows; never held during a read or a write
	edges    map[string]*wants
	lookers  map[string]looker
	tasks    map[string]string           // id of a look, a trial or a discovery -> edge
	versions map[string]map[string]int64 // kind, id; of those that are gone, too
	held     map[string]*hold
	holds    int

	revision int64 // these two belong to whoever has the turn
	loaded   bool
}

// wants is what is wanted of one edge.
type wants struct {
	arrangements map[string]arranged // by camera
	modes        []Mode
	looks        lookBook
	trials       []Trial
	discoveries  []Discovery

	configuration *ingest.WantedConfiguration
	release       *ingest.WantedRelease

	compiled ingest.Orders
	until    time.Time // compiled holds before; the zero time: it is to be made
}

func newBook() *book {
	b := &book{edges: map[string]*wants{}, lookers: map[string]looker{}, tasks: map[string]string{}, versions: map[string]map[string]int64{}, held: map[string]*hold{}}
	for _, kind := range kinds {
		b.versions[kind] = map[string]int64{}
	}
	return b
}

var kinds = []string{KindArrangement, KindModes, KindLooks, KindLooker, KindTrials, KindDiscoveries, KindConfiguration, KindRelease}

// of returns the entry of an edge, made if it is missing. b.mu is held.
func (b *book) of(edge string) *wants {
	w := b.edges[edge]
	if w == nil {
		w = &wants{arrangements: map[string]arranged{}}
		b.edges[edge] = w
	}
	return w
}

// apply takes in one version of a document and wakes whoever waits for it. b.mu is held.
func (b *book) apply(d store.Document) error {
	if d.Version <= b.versions[d.Kind][d.ID] {
		return nil
	}
	if d.Kind == KindLooker {
		var l looker
		if err := decode(d, &l); err != nil {
			return err
		}
		b.lookers[d.ID], b.versions[d.Kind][d.ID] = l, d.Version
		return nil
	}
	edge, camera, _ := strings.Cut(d.ID, ":")
	w := b.of(edge)
	for _, id := range w.taskIDs() {
		delete(b.tasks, id)
	}
	err := w.take(d, camera)
	for _, id := range w.taskIDs() {
		b.tasks[id] = edge
	}
	if err != nil {
		return err
	}
	w.until = time.Time{}
	b.versions[d.Kind][d.ID] = d.Version
	if w.empty() {
		delete(b.edges, edge)
	}
	b.wake(edge)
	return nil
}

// empty says whether nothing is wanted, nor was a short time ago.
func (w *wants) empty() bool {
	lists := len(w.arrangements) + len(w.modes) + len(w.looks.Live) + len(w.looks.Ended) + len(w.looks.Days) + len(w.trials) + len(w.discoveries)
	return lists == 0 && w.configuration == nil && w.release == nil
}

// taskIDs are those of the looks and the discoveries, ended ones too, and of the trials.
func (w *wants) taskIDs() (ids []string) {
	for _, l := range slices.Concat(w.looks.Live, w.looks.Ended) {
		ids = append(ids, l.ID)
	}
	for _, t := range w.trials {
		ids = append(ids, t.ID)
	}
	for _, d := range w.discoveries {
		ids = append(ids, d.ID)
	}
	return ids
}

func (w *wants) take(d store.Document, camera string) (err error) {
	switch d.Kind {
	case KindArrangement:
		var a arranged
		if err = decode(d, &a); err == nil {
			a.Camera, a.Version, a.At, a.By = camera, d.Version, d.At, d.Actor
			w.arrangements[camera] = a
		}
		if d.Gone {
			delete(w.arrangements, camera)
		}
	case KindModes:
		var list []Mode
		err = decode(d, &list)
		w.modes = list
	case KindLooks:
		var l lookBook
		err = decode(d, &l)
		w.looks = l
	case KindTrials:
		var list []Trial
		err = decode(d, &list)
		w.trials = list
	case KindDiscoveries:
		var list []Discovery
		err = decode(d, &list)
		w.discoveries = list
	case KindConfiguration:
		var c *ingest.WantedConfiguration
		err = decode(d, &c)
		w.configuration = c
	case KindRelease:
		var r *ingest.WantedRelease
		err = decode(d, &r)
		w.release = r
	}
	return err
}

// decode leaves v as it is for a document that is gone.
func decode(d store.Document, v any) error {
	if d.Gone {
		return nil
	}
	if err := json.Unmarshal(d.Body, v); err != nil {
		return fmt.Errorf("read %s %s: %w", d.Kind, d.ID, err)
	}
	return nil
}

// orders compiles what is wanted as of now. b.mu is held.
func (b *book) orders(edge string, now time.Time) ingest.Orders {
	w := b.edges[edge]
	if w == nil {
		return ingest.Orders{}
	}
	if w.until.IsZero() || !now.Before(w.until) {
		w.compiled, w.until = w.compile(now)
	}
	return w.compiled
}

func (w *wants) compile(now time.Time) (o ingest.Orders, until time.Time) {
	until = now.Add(24 * time.Hour)
	live := func(t time.Time) bool {
		if t.After(now) && t.Before(until) {
			until = t
		}
		return t.After(now)
	}
	for _, a := range w.arrangements {
		o.Cameras = append(o.Cameras, a.Arrangement)
	}
	slices.SortFunc(o.Cameras, func(a, b ingest.Arrangement) int { return strings.Compare(a.Camera, b.Camera) })
	for _, m := range w.modes {
		if live(m.Until) {
			o.Modes = append(o.Modes, m.ModeOrder)
		}
	}
	for _, l := range w.looks.Live {
		if live(l.Until) {
			o.Looks = append(o.Looks, l.order())
		}
	}
	for _, t := range w.trials {
		if live(t.Until) {
			o.Trials = append(o.Trials, t.order())
		}
	}
	for _, d := range w.discoveries {
		if !d.Done && live(d.Until) {
			o.Discoveries = append(o.Discoveries, d.order())
		}
	}
	o.Configuration, o.Release = w.configuration, w.release
	o.Revision = revisionOf(o)
	return o, until
}

// revisionOf is a hash of the content, so that it is the same at every central and after every restart; empty if nothing is wanted.
func revisionOf(o ingest.Orders) string {
	if len(o.Cameras)+len(o.Modes)+len(o.Looks)+len(o.Trials)+len(o.Discoveries) == 0 && o.Configuration == nil && o.Release == nil {
		return ""
	}
	o.Revision = ""
	data, err := json.Marshal(o)
	if err != nil {
		return "unknown" // numbers are finite, see check: there is nothing that has no JSON
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}

// take waits for the turn.
func (s *Service) take(ctx context.Context) (done func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh reads what changed since it was read last.
func (s *Service) refresh(ctx context.Context) error {
	done, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.read(ctx)
}

// read is refresh with the turn taken.
func (s *Service) read(ctx context.Context) error {
	revision, err := s.o.Store.DocumentsRevision(ctx)
	if err != nil || s.book.loaded && revision == s.book.revision {
		return err
	}
	for _, kind := range kinds {
		if err := s.readKind(ctx, kind); err != nil {
			return err
		}
	}
	s.book.revision, s.book.loaded = revision, true
	return nil
}

func (s *Service) readKind(ctx context.Context, kind string) error {
	newest, err := s.o.Store.DocumentVersions(ctx, kind)
	if err != nil {
		return err
	}
	var changed []string
	s.book.mu.Lock()
	for id, version := range newest {
		if version > s.book.versions[kind][id] {
			changed = append(changed, id)
		}
	}
	s.book.mu.Unlock()
	docs, err := s.readSome(ctx, kind, changed)
	if err != nil {
		return err
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	for _, id := range changed { // those of them that are not in docs are gone
		d, ok := docs[id]
		if !ok {
			d = store.Document{Kind: kind, ID: id, Version: newest[id], Gone: true}
		}
		if err := s.book.apply(d); err != nil {
			s.o.Logger.Error("a document is not what it should be, it has no effect", "kind", kind, "id", id, "error", err)
			s.book.versions[kind][id] = newest[id]
		}
	}
	return nil
}

// readSome reads documents by id: all of the kind if they are many.
func (s *Service) readSome(ctx context.Context, kind string, ids []string) (map[string]store.Document, error) {
	out := make(map[string]store.Document, len(ids))
	if len(ids) > fewChanged {
		list, err := s.o.Store.DocumentsOf(ctx, kind)
		for _, d := range list {
			out[d.ID] = d
		}
		return out, err
	}
	for _, id := range ids {
		d, err := s.o.Store.Document(ctx, kind, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			out[id] = d
		}
	}
	return out, nil
}

// draft is a change that is being made of what was read last. Its documents are the next versions.
type draft struct {
	s     *Service
	actor string
	docs  []store.Document
}

// put adds a document; a nil value says that it is gone.
func (d *draft) put(kind, id string, value any) error {
	doc := store.Document{Kind: kind, ID: id, Version: d.s.book.versions[kind][id] + 1, At: d.s.o.Now().UTC(), Actor: d.actor, Gone: value == nil}
	if value != nil {
		body, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", kind, id, err)
		}
		doc.Body = body
	}
	d.docs = append(d.docs, doc)
	return nil
}

// change lets make say what is to be put, and puts it; again with what is there then if another central came before. make runs under
// the lock of the book, must not wait, and must not change what it finds.
func (s *Service) change(ctx context.Context, actor string, make func(b *book, d *draft) error) error {
	done, err := s.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	for try := 1; ; try++ {
		if err := s.read(ctx); err != nil {
			return err
		}
		d := &draft{s: s, actor: actor}
		s.book.mu.Lock()
		err := make(s.book, d)
		s.book.mu.Unlock()
		if err != nil || len(d.docs) == 0 {
			return err
		}
		err = s.o.Store.PutDocuments(ctx, d.docs)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return err
		}
		return s.took(d.docs)
	}
}

func (s *Service) took(docs []store.Document) (err error) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	for _, d := range docs {
		err = errors.Join(err, s.book.apply(d))
	}
	return err
}
