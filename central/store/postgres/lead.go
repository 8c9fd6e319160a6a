package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/protocols/kit/backoff"
)

// How leaders change.
const (
	candidateEvery = 2 * time.Second // how often a process asks whether a job is free
	provedEvery    = time.Second     // how often a leader proves to itself that it still is
	answerWithin   = 5 * time.Second // a connection that takes longer counts as lost
	aloneWithin    = 3 * time.Second // a killed process leaves its place at once
)

// ErrNotAlone means that other processes share the database and one of the two says that it must be alone.
var ErrNotAlone = errors.New("another central is running on this database")

// Lead runs a job in one process at a time: it waits until the job is free on the whole database, runs it with a context that ends
// when ctx does or when this process can no longer prove that it leads, and waits again. It returns nil once ctx ended, and the
// error of run if that ended by itself. A leader that is killed is followed within a few seconds. One that lost its network may
// go on for [answerWithin] beside its follower: a job must bear that, as every transaction of the store does.
func (s *Store) Lead(ctx context.Context, job string, run func(ctx context.Context) error) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(job)) // never fails
	key := int32(h.Sum32()&^3) | jobLock
	for {
		over, err := s.lead(ctx, key, run)
		switch {
		case ctx.Err() != nil:
			return nil
		case over:
			return err
		}
		backoff.Wait(ctx, candidateEvery)
	}
}

// lead runs the job once if it is free. over says that it ended by itself.
func (s *Store) lead(ctx context.Context, key int32, run func(ctx context.Context) error) (over bool, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // and with it the lock goes
	var free bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", lockSpace, key).Scan(&free); err != nil || !free {
		return false, err
	}
	term, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	go func() { done <- run(term) }()
	proved := time.NewTicker(provedEvery)
	defer proved.Stop()
	for {
		select {
		case err := <-done:
			return true, err
		case <-proved.C:
			if err := ping(ctx, conn); err != nil {
				end()
				<-done
				return false, err
			}
		}
	}
}

// ping proves that a connection, and so what it holds, is still there.
func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		return fmt.Errorf("the connection does not answer: %w", err)
	}
	return nil
}

// Presence is the place of a process among those that share a database.
type Presence struct {
	s     *Store
	alone bool
	conn  *pgx.Conn
}

// Join takes a place. alone demands that there is no other process, and that none comes: [ErrNotAlone] if there is one, or if one is
// there that must be alone. A place that a killed process left is waited for.
func (s *Store) Join(ctx context.Context, alone bool) (*Presence, error) {
	p := &Presence{s: s, alone: alone}
	within, cancel := context.WithTimeout(ctx, aloneWithin)
	defer cancel()
	for {
		err := p.take(ctx)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, ErrNotAlone) || !backoff.Wait(within, 200*time.Millisecond) {
			return nil, err
		}
	}
}

func (p *Presence) take(ctx context.Context) error {
	conn, err := p.s.connect(ctx)
	if err != nil {
		return err
	}
	query := "SELECT pg_try_advisory_lock_shared($1, $2)"
	if p.alone {
		query = "SELECT pg_try_advisory_lock($1, $2)"
	}
	var free bool
	err = conn.QueryRow(ctx, query, lockSpace, aloneLock).Scan(&free)
	if err == nil && !free {
		err = ErrNotAlone
	}
	if err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	p.conn = conn
	return nil
}

// Run keeps the place until ctx ends, and takes it again when the connection broke. It returns [ErrNotAlone] if the place is lost.
func (p *Presence) Run(ctx context.Context) error {
	defer p.leave(ctx)
	retry := backoff.New(100*time.Millisecond, 5*time.Second)
	for backoff.Wait(ctx, provedEvery) {
		if ping(ctx, p.conn) == nil {
			continue
		}
		_ = p.conn.Close(context.WithoutCancel(ctx)) // it is broken
		for ctx.Err() == nil {
			err := p.take(ctx)
			if errors.Is(err, ErrNotAlone) {
				return fmt.Errorf("the database was lost for a moment, and meanwhile: %w", err)
			}
			if err == nil {
				retry.Reset()
				break
			}
			backoff.Wait(ctx, retry.Next())
		}
	}
	return nil
}

// leave gives the place back, so that whoever comes next finds it free. A server that is busy sees late that a connection was closed.
func (p *Presence) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	_, _ = p.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()") // if it fails, the lock goes with the connection
	_ = p.conn.Close(ctx)
}
