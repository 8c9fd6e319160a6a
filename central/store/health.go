package store

import "time"

// Health is what a database tells of itself to somebody who only looks. A field that a kind of store cannot tell is zero.
type Health struct {
	Schema int64 // version that the database has
	Known  int64 // version that this program brings
	Bytes  int64 // on disk
	// Damage are the first lines of an integrity check; empty if nothing was found, or nothing was looked for.
	Damage []string
	// Unsafe are settings of a server under which a receipt would not mean that an alert is on stable storage, as in "fsync=off".
	Unsafe   []string
	Server   int           // PostgreSQL's version number, as in 150004
	Now      time.Time     // the server's clock
	Standbys int           // servers that follow this one
	Lag      time.Duration // of the one that is furthest behind
}
