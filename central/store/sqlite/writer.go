package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"gridgate/central/cases"
	"gridgate/central/store"
)

// Bounds of what the writer remembers; beyond them it forgets all and reads again.
const (
	maxNewest = 100_000
	maxPlaces = 100_000
)

// writer owns the only connection that writes. What it remembers is what it committed itself, so it never reads it twice.
type writer struct {
	mu        sync.Mutex
	c         *conn
	last      int64               // position of the newest case event; of a restored database at first one that no event has, see [store.PositionJump]
	lastAlert int64               // position of the newest alert, or what was given to one that is gone
	tail      tail                // places of the newest alerts
	buf       []byte              // reused
	combed    int64               // position in the alert log before which retention found all that joined no case
	newest    map[caseKey]caseRow // newest case of a key
	places    map[placeKey]int64  // rows of places
	ended     bool                // some situation is remembered as ended
	events    []driver.Value      // case events of this transaction that are not written yet, eventRows.columns each
	args      []driver.Value      // reused
	touched   []caseKey           // keys of the cases that the running attempt changed
	astray    bool                // what is remembered may not be what is committed
	tell      func([]cases.Event) // see [Store.Tell]; nil: nobody
}

// caseKey is what cases are told apart by: a drill never mixes with the real thing.
type caseKey struct {
	key      string
	exercise bool
}

type placeKey struct{ source, grid string }

func openWriter(dsn string) (*writer, error) {
	c, err := openConn(dsn)
	if err != nil {
		return nil, err
	}
	w := &writer{c: c}
	if err := w.recall(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return w, nil
}

// recall makes the writer know what is committed, and nothing else.
func (w *writer) recall() error {
	w.astray = true
	w.newest, w.places, w.events = make(map[caseKey]caseRow), make(map[placeKey]int64), nil
	w.combed = 0
	err := w.c.query(func(v []driver.Value) error {
		w.last, w.ended, w.lastAlert = v[0].(int64), v[1].(int64) != 0, v[2].(int64)
		return nil
	}, `SELECT max((SELECT coalesce(max(position), 0) FROM case_events), (SELECT coalesce(max(position), 0) FROM job_cursors WHERE job = '`+store.Restored+`')), EXISTS (SELECT 1 FROM ended),
		(SELECT coalesce(max(position), 0) FROM alerts)`)
	if err != nil {
		return err
	}
	if err := w.recallTail(); err != nil {
		return err
	}
	w.astray = false
	return nil
}

// transact runs f in one transaction, alone. It returns nil only once the transaction is on stable storage. f may change
// what the writer remembers: if it or the commit fails, all is forgotten and read again, at the latest before the next f.
func (w *writer) transact(f func() error) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return errors.New("the database is closed")
	}
	if w.astray {
		if err := w.recall(); err != nil {
			return fmt.Errorf("read again what is committed: %w", err)
		}
	}
	err = w.c.transact(func() error {
		if err := f(); err != nil {
			return err
		}
		return w.flush()
	})
	if err == nil {
		return nil
	}
	return errors.Join(err, w.recall())
}

// attempt is transact for what may be refused: if f says [store.ErrConflict] or [store.ErrNotFound], that is returned, nothing is stored,
// and nothing is forgotten but the cases that f changed.
func (w *writer) attempt(f func() error) error {
	var refused error
	err := w.transact(func() error {
		before := w.last
		w.touched = w.touched[:0]
		if _, err := w.c.exec("SAVEPOINT attempt"); err != nil {
			return err
		}
		err := f()
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		refused = err
		w.last, w.events = before, w.events[:0]
		for _, k := range w.touched {
			delete(w.newest, k)
		}
		_, err = w.c.exec("ROLLBACK TO attempt")
		return err
	})
	return errors.Join(err, refused)
}

func (w *writer) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c == nil {
		return nil
	}
	c := w.c
	w.c = nil
	return c.close()
}
