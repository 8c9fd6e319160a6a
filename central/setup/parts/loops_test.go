package parts_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"gridgate/central/loops"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
)

// TestLoops: what builds replaces what is shipped, what does not is refused, and what is gone gives way to what is shipped.
func TestLoops(t *testing.T) {
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	cache := setup.New(setup.Options{Store: s})
	l, err := parts.AddLoops(cache)
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	how := parts.Change{Actor: "wang", At: time.Unix(1, 0)}
	put := func(kind, id, body string) error { return l.Put(t.Context(), kind, id, []byte(body), how) }
	if err := put(loops.WorkflowKind, "mine", `{"id":"mine","base":"base","titles":{"zh":"我","en":"Mine"}}`); err != nil || !l.Get().Has("mine") {
		t.Fatalf("%v", err)
	}
	if err := put(loops.ChoiceKind, loops.ChoiceID, `{"workflow":"mine"}`); err != nil || l.Get().Choice().Workflow != "mine" {
		t.Fatalf("%v, %+v", err, l.Get().Choice())
	}
	var refused *setup.Refused
	for kind, body := range map[string]string{loops.WorkflowKind: `{"id":"bad"}`, loops.CalendarKind: `{"id":"bad"}`, loops.ChoiceKind: `{}`} {
		if err := put(kind, "bad", body); !errors.As(err, &refused) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := l.Remove(t.Context(), loops.WorkflowKind, "mine", how); !errors.As(err, &refused) || !l.Get().Has("mine") {
		t.Errorf("the chosen workflow went: %v", err)
	}
	if err := l.Remove(t.Context(), loops.ChoiceKind, loops.ChoiceID, how); err != nil || l.Get().Choice() != loops.DefaultChoice() {
		t.Errorf("%v, %+v", err, l.Get().Choice())
	}
	if err := l.Remove(t.Context(), loops.WorkflowKind, "mine", how); err != nil || l.Get().Has("mine") {
		t.Errorf("%v", err)
	}
	if err := l.Remove(t.Context(), loops.CalendarKind, "mine", how); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
