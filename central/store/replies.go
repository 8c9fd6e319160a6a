package store

import (
	"context"
	"time"
)

// Reply is the answer to a request that named a key, so that the same request sent again is answered and not done again.
type Reply struct {
	Principal string // who asked
	Key       string
	Hash      string    // SHA-256 of the request
	At        time.Time // when it was taken in, by central's clock

	Status int // of HTTP; 0: still at work
	ETag   string
	Type   string // media type
	Body   []byte // at most [MaxReply]
}

// Bounds of replies.
const (
	MaxReply   = 64 << 10         // bytes of a body
	MaxReplies = 10_000           // of one principal; older ones are forgotten
	KeepReply  = 24 * time.Hour   // then a key is new again
	KeepAtWork = 10 * time.Minute // then a request without an answer is taken for lost: no request takes that long

	ForgetReplies = 1000 // that are over, by one claim
)

// Replies remembers what requests with a key were answered. It is no transaction with what a request changes: if a process dies between
// the two, the key is new again after [KeepAtWork].
type Replies interface {
	// ClaimReply takes a key for a request, and returns true; or what stands under the key, and false. What is over at r.At goes.
	ClaimReply(ctx context.Context, r Reply) (Reply, bool, error)
	// EndReply stores the answer of a request that claimed its key at r.At; if the key was claimed anew since, nothing changes.
	EndReply(ctx context.Context, r Reply) error
	// DropReply lets a key that was claimed at r.At be new again.
	DropReply(ctx context.Context, r Reply) error
}

// Over says whether a reply counts no more at now.
func (r Reply) Over(now time.Time) bool {
	keep := KeepReply
	if r.Status == 0 {
		keep = KeepAtWork
	}
	return now.Sub(r.At) >= keep
}
