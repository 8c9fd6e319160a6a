package postgres

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"gridgate/central/store"
)

// uuidOf is the id of a row; an id that is no UUID names nothing.
func uuidOf(id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil || u.String() != id {
		return uuid.Nil, store.ErrNotFound
	}
	return u, nil
}

// found turns "no rows" into [store.ErrNotFound].
func found(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows), errors.Is(err, store.ErrNotFound):
		return store.ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

// scanner reads the columns of a row.
type scanner func(dest ...any) error

// collect reads all rows and closes them.
func collect[T any](rows pgx.Rows, err error, one func(scan scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return one(row.Scan) })
}

// texts reads rows of one text.
func texts(rows pgx.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
