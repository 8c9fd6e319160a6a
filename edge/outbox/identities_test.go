package outbox

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"gridgate/edge/raise"
)

// TestIdentitiesSurviveAndAreForgotten: a message is known after a restart, until as many newer ones came as are remembered. One that
// is told to be new takes the place of an equal one.
func TestIdentitiesSurviveAndAreForgotten(t *testing.T) {
	const remembered = 10
	dir := t.TempDir()
	known := func(b *Outbox, message string, first bool) bool {
		duplicate, err := b.Commit(t.Context(), raise.Commit{Message: message, First: first})
		if err != nil {
			t.Fatal(err)
		}
		return duplicate
	}
	b := open(t, Options{Dir: dir, Messages: remembered})
	if known(b, "a", false) || known(b, "b", false) || !known(b, "a", false) || known(b, "a", true) {
		t.Error("before the restart: want a and b new, a known, and a new again as it is told to be")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, Options{Dir: dir, Messages: remembered})
	if !known(b, "a", false) || !known(b, "b", false) {
		t.Error("forgotten by a restart")
	}
	for i := range remembered - 2 { // a came anew after b
		known(b, fmt.Sprint(i), false)
	}
	if !known(b, "b", false) || !known(b, "a", false) {
		t.Error("forgotten too early")
	}
	known(b, "one more", false)
	if known(b, "b", false) {
		t.Error("remembered for too long")
	}
	if n := len(b.write.known.numbers); n > remembered {
		t.Errorf("%d are remembered", n)
	}
}

// TestIdentitiesOfTheSecondVersionAreKept, however many: a message that was committed before the change is known after it, and numbers go on.
func TestIdentitiesOfTheSecondVersionAreKept(t *testing.T) {
	const many = 1000
	dir := t.TempDir()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName)))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{steps[0], steps[1], `INSERT INTO meta VALUES ('epoch', 'old')`, `PRAGMA user_version = 2; ` + fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)} {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if _, err := tx.Exec(`INSERT INTO messages (seq, digest) VALUES (?, ?)`, 100+i, digest(fmt.Sprint("m", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tx.Commit(), db.Close()); err != nil {
		t.Fatal(err)
	}
	for start := range 2 {
		b := open(t, Options{Dir: dir, Messages: many})
		for message, want := range map[string]bool{"m10": true, "m999": true, fmt.Sprint("new", start): false, "m500": true} {
			if known, err := b.Commit(t.Context(), raise.Commit{Message: message}); known != want || err != nil {
				t.Errorf("start %d: %s is known: %v, %v", start, message, known, err)
			}
		}
		if known, err := b.Commit(t.Context(), raise.Commit{Message: "new0"}); !known || err != nil {
			t.Errorf("start %d: new0 is known: %v, %v", start, known, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
