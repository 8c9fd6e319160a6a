package alert

import (
	"crypto/sha256"
	"errors"
	"unicode"

	"github.com/google/uuid"
)

// MaxForeignID is the longest id of a foreign event in bytes.
const MaxForeignID = 128

// DecodeForeign is [DecodeEvent] for a sender that is none of our edges. CloudEvents 1.0 (required attributes, id)
// makes an id unique within its source only and leaves its form open: here it is 1 to [MaxForeignID] bytes of printable text, and
// so are [Alert.Situation] and [Evidence.AlertID], which name an event of the same source.
//
// A canonical UUID is kept, of whatever version, since it is unique without its source (RFC 9562, section 6.8): so an event
// of ours that somebody else passes on stays the same event, and a sender finds its own UUIDs again. Two sources that send
// the same UUID send the same event. Any other id becomes [ForeignID] of source and id. What the sender wrote is not in the
// result and not in the error.
func DecodeForeign(event []byte) (Event, error) { return decode(event, foreignRule) }

// foreignSpace is the namespace of [ForeignID]. It never changes: it is part of every id that was derived.
var foreignSpace = uuid.MustParse("46f095d6-6c0e-45cd-a62e-7db25cbc9a53")

// ForeignID derives our id of the event that source calls id: a UUIDv8 (RFC 9562, section 5.8, made as in its appendix B.2)
// from the SHA-256 of the namespace 46f095d6-6c0e-45cd-a62e-7db25cbc9a53, source, a NUL and id. The same event has the same id
// for ever, so a repetition is an ordinary duplicate and nothing has to be remembered. It is a pseudonym, not a secret:
// whoever guesses source and id can confirm the guess.
func ForeignID(source, id string) string {
	return uuid.NewHash(sha256.New(), foreignSpace, []byte(source+"\x00"+id), 8).String()
}

// idRule turns an id of source as it was sent into one of ours. Its error continues a sentence that begins with the member.
type idRule func(source, id string) (string, error)

// ownRule is that of our edges: their ids are ours already, see [Alert.Validate].
func ownRule(_, id string) (string, error) { return id, nil }

func foreignRule(source, id string) (string, error) {
	switch {
	case canonicalUUID(id):
		return id, nil
	case !foreignForm(id):
		return "", errors.New("is not 1 to 128 bytes of printable text")
	}
	return ForeignID(source, id), nil
}

// foreignForm says whether s may be an id of a foreign sender. It is valid UTF-8 already.
func foreignForm(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return s != "" && len(s) <= MaxForeignID
}

// canonicalUUID says whether s is a UUID as RFC 9562 (section 4) writes it: with dashes and, as we demand, in lower case.
func canonicalUUID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
