package storetest

import (
	"testing"

	"gridgate/central/store"
)

func handover(d *store.Document) { d.Kind = store.KindHandover }

// testDocumentsBackwards reads what is kept by ids that grow with time, a page at a time.
func testDocumentsBackwards(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 1), document("b", 1), document("c", 1), document("d", 1), document("e", 1, handover)}))
	good(t, s.PutDocuments(ctx, []store.Document{document("b", 2), document("c", 2, gone)}))
	list, err := s.DocumentsBefore(ctx, "grid", "", 2)
	sameDocuments(t, "the last two that are there", list, err, document("d", 1), document("b", 2))
	list, err = s.DocumentsBefore(ctx, "grid", "b", 2)
	sameDocuments(t, "what is before", list, err, document("a", 1))
}

// testDocumentsForgotten lets handovers go with all their versions, and nothing else.
func testDocumentsForgotten(t *testing.T, open Opener) {
	s, ctx := store.Documents(opened(t, open)), t.Context()
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 1, handover), document("b", 1, handover), document("a", 1)}))
	good(t, s.PutDocuments(ctx, []store.Document{document("a", 2, handover)}))
	before := revision(t, s)
	good(t, s.ForgetDocuments(ctx, store.KindHandover, []string{"a", "none"}))
	_, err := s.Document(ctx, store.KindHandover, "a")
	absent(t, "a document that was forgotten", err)
	list, err := s.DocumentHistory(ctx, store.KindHandover, "a", 10)
	sameDocuments(t, "its history", list, err)
	list, err = s.DocumentsOf(ctx, store.KindHandover)
	sameDocuments(t, "the others", list, err, document("b", 1, handover))
	if revision(t, s) == before {
		t.Fatal("forgetting did not change the revision")
	}
	if err := s.ForgetDocuments(ctx, "grid", []string{"a"}); err == nil {
		t.Fatal("a grid was forgotten")
	}
	list, err = s.DocumentsOf(ctx, "grid")
	sameDocuments(t, "what is set up", list, err, document("a", 1))
}
