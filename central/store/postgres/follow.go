package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"gridgate/protocols/kit/backoff"
)

// channel carries the position of the newest case event of each commit, of whichever process.
const channel = "gridgate_case_events"

// quiet is after how long without a word a listening connection is asked whether it lives.
const quiet = 15 * time.Second

// Follow calls wake after each commit of any process with the position of its newest case event, until ctx ends; then it returns
// nil. While it cannot listen it tries again, with growing pauses, and whoever follows has to look by itself: a commit of that
// time is told by nobody. wake must not block.
func (s *Store) Follow(ctx context.Context, log *slog.Logger, wake func(position int64)) error {
	retry := backoff.New(100*time.Millisecond, 5*time.Second)
	for ctx.Err() == nil {
		err := s.listen(ctx, func(position int64) {
			retry.Reset()
			wake(position)
		})
		if ctx.Err() != nil {
			return nil
		}
		log.Warn("cannot listen for commits of other centrals; the feed looks once a second", "error", err)
		backoff.Wait(ctx, retry.Next())
	}
	return nil
}

// listen hands on notifications until the connection breaks.
func (s *Store) listen(ctx context.Context, wake func(position int64)) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it held nothing
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	last, err := s.LastPosition(ctx)
	if err != nil {
		return err
	}
	wake(last) // what was committed before this connection listened
	for {
		within, cancel := context.WithTimeout(ctx, quiet)
		note, err := conn.WaitForNotification(within)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			position, _ := strconv.ParseInt(note.Payload, 10, 64) // only a hint
			wake(position)
		case within.Err() != nil && !conn.IsClosed():
			if err := ping(ctx, conn); err != nil {
				return err
			}
		default:
			return fmt.Errorf("wait for notifications: %w", err)
		}
	}
}
