package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	strict "github.com/go-json-experiment/json"
)

// BrokenError says where a chain is not what was written.
type BrokenError struct {
	Position int64 // that stands there, or should
	What     string
}

func (e BrokenError) Error() string { return fmt.Sprintf("at position %d %s", e.Position, e.What) }

// Verifier judges a chain entry by entry.
type Verifier struct {
	last  Checkpoint
	begun bool
}

// NewVerifier judges what follows after: the zero Checkpoint for a log from which nothing was pruned.
func NewVerifier(after Checkpoint) *Verifier { return &Verifier{last: after, begun: true} }

// NewPartVerifier judges a part of a log, whose first entry is believed to follow what it says it follows.
func NewPartVerifier() *Verifier { return &Verifier{} }

// Last names the last entry that was good.
func (v *Verifier) Last() Checkpoint { return v.last }

// Next takes the next entry. A [BrokenError] if it was changed, or if it does not follow the one before: something was removed, inserted or
// moved between them.
func (v *Verifier) Next(e Entry) error {
	if !v.begun {
		v.begun, v.last = true, Checkpoint{Position: e.Position - 1, Hash: e.Previous}
	}
	want := v.last.Position + 1
	hash, err := hashOf(e)
	switch {
	case err != nil:
		return BrokenError{want, "stands an entry that cannot be read"}
	case e.Position > want:
		return BrokenError{want, fmt.Sprintf("an entry is missing: the next one is %d", e.Position)}
	case e.Position < want:
		return BrokenError{want, fmt.Sprintf("stands entry %d, out of its order or a second time", e.Position)}
	case hash != e.Hash:
		return BrokenError{want, "the entry was changed: its hash is not that of what it says"}
	case e.Previous != v.last.Hash:
		return BrokenError{want, "the entry does not follow the one before: one of them was put in the place of another"}
	}
	v.last = e.checkpoint()
	return nil
}

// Ends compares the last entry with where the log says that it ends.
func (v *Verifier) Ends(head Checkpoint) error {
	if v.last != head {
		return BrokenError{v.last.Position + 1, fmt.Sprintf("the log ends, but entry %d was its last", head.Position)}
	}
	return nil
}

// maxLine bounds one line of an export, in bytes.
const maxLine = 64 << 10

// Write writes entries as lines of JSON.
func Write(w io.Writer, entries []Entry) error {
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode entry %d: %w", e.Position, err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write entry %d: %w", e.Position, err)
		}
	}
	return nil
}

// Read reads what [Write] wrote, and gives each entry to one. Members that no entry has, or that come twice, are an error.
func Read(r io.Reader, one func(Entry) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		var e Entry
		if err := strict.Unmarshal(lines.Bytes(), &e, strict.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("line %d is no entry: %w", n, err)
		}
		if err := one(e); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	return nil
}

// errFull says that more entries wait than may.
var errFull = errors.New("too many entries wait for the audit log")

// errEnded says that nobody writes the log any more.
var errEnded = errors.New("the audit log is closed")
