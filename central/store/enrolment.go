package store

import (
	"context"
	"time"
)

// Code lets one edge fetch a credential, once. Only the SHA-256 of the code is stored.
type Code struct {
	SHA256  string
	Edge    string
	Expires time.Time
}

// Credential is a bearer token that an edge got for a code or in exchange for the one before. Only its SHA-256 is stored.
type Credential struct {
	SHA256  string
	Edge    string
	Issued  time.Time
	Expires time.Time // brought forward once a successor was used
	Used    time.Time // for the first time; zero: never
}

// Enrolment is what a person wants to know of an edge's way in.
type Enrolment struct {
	Edge        string
	Added       time.Time
	CodeExpires time.Time // of the code that is open; zero: none is
	Revoked     time.Time // zero: it is not, or enrolled again since
	Issued      time.Time // of the newest credential that was used; zero: none was
	Expires     time.Time // of the same
}

// Enrolments is how edges get, change and lose their credentials. A credential that was never used gives way to the next one; one that
// was used stays good until its successor is used for the first time, so that an answer that is lost, or a crash on either
// side, leaves an edge with one that is good. Nothing of it is remembered outside the database: a change holds for every process at once.
type Enrolments interface {
	// PutCode makes c the one code of its edge, which is added if nobody has yet. The code before it is worth nothing from then on.
	PutCode(ctx context.Context, c Code, now time.Time) error
	// Enrol spends the code of c.Edge and adds c, in one transaction. [ErrNotFound] if that edge has no such code (hashes are compared
	// in constant time) or if it has expired at now; nothing changes then. Of many calls with one code, one succeeds.
	Enrol(ctx context.Context, code string, c Credential, now time.Time) error
	// Renew adds c, asked for with the credential by. [ErrNotFound] unless by is of the same edge, good at now, and no
	// later one that is still good was used: one that was replaced is good for a while and gets no successor.
	Renew(ctx context.Context, by string, c Credential, now time.Time) error
	// Credential returns one credential, expired or not.
	Credential(ctx context.Context, sha256 string) (Credential, error)
	// UseCredential notes the first use of a credential: every other one of its edge ends at until, if not before. A later
	// use changes nothing. [ErrNotFound] if it is gone.
	UseCredential(ctx context.Context, sha256 string, now, until time.Time) error
	// Revoke removes the code, the credentials and the tokens of an edge. [ErrNotFound] if it was never added and has no token.
	Revoke(ctx context.Context, edge string, now time.Time) error
	// Enrolments lists all edges that were added, by name.
	Enrolments(ctx context.Context) ([]Enrolment, error)
}
