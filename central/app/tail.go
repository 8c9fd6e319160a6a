package app

import (
	"context"
	"time"

	"gridgate/central/cases"
	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/tail"
)

// followPace is how often a follower of the log without haste looks at it while something is committed all the time.
const followPace = 200 * time.Millisecond

// followed is the store whose case-event log is read once by all who follow it: the feed, the rules, the loop, the figures, the notices.
type followed struct {
	store.Store
	tail *tail.Tail
}

// Events implements [store.Store].
func (f followed) Events(ctx context.Context, after int64, limit int) ([]cases.Event, error) {
	return f.tail.Events(ctx, after, limit)
}

func (a *App) openTail(context.Context, *config.Config) error {
	a.followed = followed{Store: a.store, tail: tail.New(a.store)}
	if s, ok := a.store.(*sqlite.Store); ok { // the only writer of its log
		s.Tell(a.followed.tail.Offer)
	}
	return nil
}
