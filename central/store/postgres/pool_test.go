package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"gridgate/central/store"
)

// What is read behind the section's lock is read anew by each statement, also in a database whose default is another.
func TestTheDatabasesIsolationDoesNotMatter(t *testing.T) {
	s := openedHere(t, "isolation")
	if _, err := s.write.Exec(t.Context(), "ALTER ROLE postgres IN DATABASE isolation SET default_transaction_isolation = 'serializable'"); err != nil {
		t.Fatal(err)
	}
	again := openedHere(t, "isolation")
	tx, err := again.write.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rollback(t.Context(), tx)
	var level string
	if err := tx.QueryRow(t.Context(), "SHOW transaction_isolation").Scan(&level); err != nil || level != "read committed" {
		t.Errorf("transactions are %s, %v", level, err)
	}
}

// TestNobodyWaitsAtTheDoor has every reader busy with lists: who an edge is can be told all the same.
func TestNobodyWaitsAtTheDoor(t *testing.T) {
	s := openedHere(t, "door")
	for range s.read.Config().MaxConns {
		c, err := s.read.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only a failure waits for it
	defer cancel()
	for what, look := range map[string]func() error{
		"token":      func() error { _, err := s.Token(ctx, "x"); return err },
		"credential": func() error { _, err := s.Credential(ctx, "x"); return err },
		"user":       func() error { _, err := s.User(ctx, "x"); return err },
	} {
		if err := look(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
