// Package audit is the log of who did what at the centre: sign-ins, changes and looks at evidence, as a chain of hashes.
//
// In: entries. Out: the same with position and hash, and the judgement of a chain ([Verify]). It holds names of staff accounts and tokens,
// operations and the ids they were about; never a free text, a secret, or anybody but staff. It reads no clock and no database: what
// keeps the entries is handed to it.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Entry is one line of the log.
type Entry struct {
	Position int64     `json:"position" doc:"1, 2, ... without holes"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor" doc:"staff account, or token:name; empty for somebody who is not known"`
	Role     string    `json:"role" doc:"of the account; token for a program, command for a command at the machine"`
	Action   string    `json:"action" doc:"id of the operation, as in the OpenAPI document, or the name of a command"`
	Target   string    `json:"target" doc:"what it was about: the parameters of the operation's path"`
	Reason   string    `json:"reason" doc:"from the operation's closed list, if it has one"`
	Outcome  Outcome   `json:"outcome" enum:"done,refused,failed"`
	Status   int       `json:"status" doc:"HTTP status; 0 for a command"`
	Remote   string    `json:"remote" doc:"address that it came from"`
	Omitted  int64     `json:"omitted" doc:"refused sign-ins before this entry that were too many to be written"`
	Previous string    `json:"previous" doc:"hash of the entry before; empty for the first"`
	Hash     string    `json:"hash" doc:"SHA-256 of this entry without its hash, as canonical JSON (RFC 8785)"`
}

// Outcome says how it ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // by a rule, or because it was not right
	Failed  Outcome = "failed"  // central could not
)

// Bounds of an entry.
const (
	maxText   = 256 // bytes of a target
	maxAction = 64
)

var (
	actionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	// plain is what a target may be made of: ids, digests, grid codes, names of accounts.
	plain = regexp.MustCompile(`^[\p{L}\p{N}._:,/=-]*$`)
)

// Clean returns e as it may stand in the log: an action or a target of another form is left out, so that nothing that somebody typed into
// an address gets in.
func (e Entry) Clean() Entry {
	if !actionName.MatchString(e.Action) {
		e.Action = "unknown"
	}
	if len(e.Target) > maxText || !plain.MatchString(e.Target) {
		e.Target = ""
	}
	if len(e.Reason) > maxAction || !plain.MatchString(e.Reason) {
		e.Reason = ""
	}
	e.At = e.At.UTC()
	return e
}

// Checkpoint names an entry.
type Checkpoint struct {
	Position int64
	Hash     string
}

// String is the form that [ParseCheckpoint] reads: position, colon, hash.
func (c Checkpoint) String() string { return fmt.Sprintf("%d:%s", c.Position, c.Hash) }

// ParseCheckpoint is the inverse of [Checkpoint.String].
func ParseCheckpoint(s string) (c Checkpoint, err error) {
	if _, err := fmt.Sscanf(strings.Replace(s, ":", " ", 1), "%d %64s", &c.Position, &c.Hash); err != nil || c.String() != s || len(c.Hash) != 2*sha256.Size {
		return Checkpoint{}, errors.New("a checkpoint is a position, a colon and the 64 hexadecimal digits of a hash")
	}
	return c, nil
}

// At is the checkpoint of e.
func (e Entry) checkpoint() Checkpoint { return Checkpoint{Position: e.Position, Hash: e.Hash} }

// Chain returns entries as they follow the one named by after (the zero Checkpoint: from the first on), with positions and hashes.
func Chain(after Checkpoint, entries []Entry) ([]Entry, error) {
	out := make([]Entry, 0, len(entries))
	for _, e := range entries {
		e = e.Clean()
		e.Position, e.Previous = after.Position+1, after.Hash
		hash, err := hashOf(e)
		if err != nil {
			return nil, fmt.Errorf("hash entry %d: %w", e.Position, err)
		}
		e.Hash = hash
		out, after = append(out, e), e.checkpoint()
	}
	return out, nil
}

// hashOf is the SHA-256 of the canonical JSON of e without its hash.
func hashOf(e Entry) (string, error) {
	encoded, err := json.Marshal(struct {
		Entry
		Hash string `json:"hash,omitempty"` // hides the other
	}{Entry: e})
	if err != nil {
		return "", err
	}
	canonical := jsontext.Value(encoded)
	if err := canonical.Canonicalize(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}
