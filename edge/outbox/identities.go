package outbox

import (
	"context"
	"database/sql"
	"fmt"
)

// identity is what [digest] makes of the identity of a message.
type identity [16]byte

// identities are the newest message identities, as the file holds them in the order in which they came. They are looked up here: an
// index in the file would be changed all over by every transaction, since digests lie anywhere. 100,000 take about 8 MB.
type identities struct {
	numbers map[identity]int64 // the newest row of each
	rows    []identityRow      // oldest first; one whose number is not the newest counts for nothing
}

type identityRow struct {
	number int64
	identity
}

func loadIdentities(ctx context.Context, db *sql.DB) (*identities, error) {
	rows, err := db.QueryContext(ctx, `SELECT seq, digest FROM messages ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("read message identities: %w", err)
	}
	defer rows.Close()
	known := &identities{numbers: map[identity]int64{}}
	for rows.Next() {
		var number int64
		var sum []byte
		if err := rows.Scan(&number, &sum); err != nil {
			return nil, fmt.Errorf("read message identities: %w", err)
		}
		if len(sum) == len(identity{}) {
			known.add(number, identity(sum))
		}
	}
	return known, rows.Err()
}

func (k *identities) add(number int64, id identity) {
	k.numbers[id] = number
	k.rows = append(k.rows, identityRow{number, id})
}

// forget forgets what has a number up to last.
func (k *identities) forget(last int64) {
	n := 0
	for n < len(k.rows) && k.rows[n].number <= last {
		if row := k.rows[n]; k.numbers[row.identity] == row.number {
			delete(k.numbers, row.identity)
		}
		n++
	}
	k.rows = k.rows[n:]
}

// flushMessages writes the identities of a transaction and forgets the oldest.
func (t *tx) flushMessages() error {
	last, err := t.insert(insertMessages, 1, t.messages)
	if err != nil {
		return fmt.Errorf("write message identities: %w", err)
	}
	if len(t.messages) == 0 {
		return nil
	}
	t.newest = last
	if _, err := t.exec(`DELETE FROM messages WHERE seq <= ?`, last-int64(t.w.o.Messages)); err != nil {
		return fmt.Errorf("forget old message identities: %w", err)
	}
	return nil
}

// remember is called once a transaction is on stable storage. Rows of one statement have numbers that follow each other, and so have
// those of one transaction.
func (w *writer) remember(t *tx) {
	first := t.newest - int64(len(t.messages)) + 1
	for i, sum := range t.messages {
		w.known.add(first+int64(i), identity(sum.([]byte)))
	}
	w.known.forget(t.newest - int64(w.o.Messages))
}

// knows says whether a message was committed, by this transaction or one before.
func (t *tx) knows(message []byte) bool {
	id := identity(message)
	_, known := t.w.known.numbers[id]
	return known || t.fresh[id]
}
