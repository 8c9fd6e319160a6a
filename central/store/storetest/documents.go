package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/central/store"
)

// document returns a version of a document of kind "grid".
func document(id string, version int64, change ...func(*store.Document)) store.Document {
	d := store.Document{
		Kind: "grid", ID: id, Version: version, Body: json.RawMessage(fmt.Sprintf(`{"名称": "网格 %s", "v": %d}`, id, version)),
		At: t0.Add(time.Duration(version) * time.Minute), Actor: "zhang",
	}
	for _, f := range change {
		f(&d)
	}
	return d
}

func gone(d *store.Document) { d.Gone, d.Body = true, nil }

func conflicts(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("%s: %v, want %v", what, err, store.ErrConflict)
	}
}

func revision(t *testing.T, s store.Documents) int64 {
	t.Helper()
	n, err := s.DocumentsRevision(t.Context())
	good(t, err)
	return n
}

func sameDocuments(t *testing.T, what string, got []store.Document, err error, want ...store.Document) {
	t.Helper()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d documents, %v, want %d", what, len(got), err, len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s, document %d:\n%+v, want\n%+v", what, i, got[i], want[i])
		}
	}
}

func testDocuments(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	unit := document("330106", 1, func(d *store.Document) { d.Kind = "unit" })
	_, err := s.Document(ctx, "grid", "b")
	absent(t, "no document", err)
	list, err := s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "an empty list", list, err)
	good(t, s.PutDocuments(ctx, []store.Document{document("b", 1), document("a", 1), unit, document("网格-1", 1)}))
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 2)}))
	got, err := s.Document(ctx, "grid", "a")
	sameDocuments(t, "the newest version", []store.Document{got}, err, document("a", 2))
	list, err = s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "the list", list, err, document("a", 2), document("b", 1), document("网格-1", 1))
	list, err = s.DocumentHistory(ctx, "grid", "a", 10)
	sameDocuments(t, "the history", list, err, document("a", 2), document("a", 1))
	list, err = s.DocumentHistory(ctx, "grid", "a", 1)
	sameDocuments(t, "the end of the history", list, err, document("a", 2))
}

func testDocumentsAllOrNone(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 1)}))
	before := revision(t, s)
	for what, d := range map[string]store.Document{
		"the same version again": document("a", 1), "a version left out": document("a", 3), "a first version that is not 1": document("b", 2),
	} {
		conflicts(t, what, s.PutDocuments(ctx, []store.Document{document("c", 1), d}))
	}
	for what, d := range map[string]store.Document{
		"the kind":       document("b", 1, func(d *store.Document) { d.Kind = "Grid 1" }),
		"the id":         document("b/c", 1),
		"the first is 1": document("b", 0),
		"no JSON":        document("b", 1, func(d *store.Document) { d.Body = json.RawMessage("{") }),
		"twice":          document("c", 1),
		"bytes": document("b", 1, func(d *store.Document) {
			d.Body = json.RawMessage(`"` + strings.Repeat("x", store.MaxDocument) + `"`)
		}),
	} {
		if err := s.PutDocuments(ctx, []store.Document{document("c", 1), d}); err == nil || !strings.Contains(err.Error(), what) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	list, err := s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "after what was refused", list, err, document("a", 1))
	if now := revision(t, s); now != before {
		t.Fatalf("what was refused changed the revision from %d to %d", before, now)
	}
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 2)}))
}

func testDocumentGone(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 1)}))
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 2, gone)}))
	_, err := s.Document(ctx, "grid", "a")
	absent(t, "a document that is gone", err)
	if versions, err := s.DocumentVersions(ctx, "grid"); err != nil || !reflect.DeepEqual(versions, map[string]int64{"a": 2}) {
		t.Fatalf("versions %v, %v", versions, err)
	}
	list, err := s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "a list without it", list, err)
	conflicts(t, "it begins anew", s.PutDocuments(ctx, []store.Document{document("a", 1)}))
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 3)}))
	list, err = s.DocumentHistory(ctx, "grid", "a", 10)
	sameDocuments(t, "its history", list, err, document("a", 3), document("a", 2, gone), document("a", 1))
	list, err = s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "a list with it", list, err, document("a", 3))
}

func testDocumentsRevision(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	start := revision(t, s)
	good(t, s.PutDocumentsAt(ctx, start, []store.Document{document("a", 1)}))
	seen := revision(t, s)
	if seen == start {
		t.Fatalf("a put left the revision at %d", start)
	}
	good(t, s.PutDocuments(ctx, []store.Document{document("b", 1)}))
	conflicts(t, "a put that was checked before another", s.PutDocumentsAt(ctx, seen, []store.Document{document("c", 1)}))
	good(t, s.PutDocumentsAt(ctx, revision(t, s), []store.Document{document("c", 1)}))
}

// testDocumentsAtOnce lets many put the next version of one document: each version is stored once.
func testDocumentsAtOnce(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	for version := int64(1); version <= 5; version++ {
		var stored atomic.Int64
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				d := []store.Document{document(fmt.Sprintf("own-%d-%d", version, i), 1), document("a", version)}
				switch err := s.PutDocuments(ctx, d); {
				case err == nil:
					stored.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if stored.Load() != 1 {
			t.Fatalf("version %d was stored %d times", version, stored.Load())
		}
	}
	list, err := s.DocumentsOf(ctx, "grid")
	if err != nil || len(list) != 6 {
		t.Fatalf("%d documents, %v, want the common one and one for each version", len(list), err)
	}
}

// testDocumentsReopen also puts as many documents as a township has grids.
func testDocumentsReopen(t *testing.T, open Opener) {
	ctx, dir := t.Context(), t.TempDir()
	s, err := open(ctx, dir)
	good(t, err)
	var many []store.Document
	for i := range 5000 {
		many = append(many, document(fmt.Sprintf("3301061090%05d", i), 1))
	}
	good(t, s.PutDocuments(ctx, many))
	before := revision(t, s)
	good(t, s.Close())
	s, err = open(ctx, dir)
	good(t, err)
	list, err := s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "after opening again", list, err, many...)
	if now := revision(t, s); now != before {
		t.Fatalf("the revision is %d, was %d", now, before)
	}
	good(t, s.Close())
}
