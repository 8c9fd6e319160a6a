package store

import (
	"bytes"
	"errors"

	"gridgate/protocols/alert"
)

// Errors of evidence objects that callers tell apart. An object is named by the SHA-256 of its bytes.
var (
	ErrBadDigest = errors.New("the name is not a lower-case hexadecimal SHA-256")
	ErrMismatch  = errors.New("the bytes do not have the digest that they are named by")
	ErrTooLarge  = errors.New("the object is larger than allowed")
)

// MagicBytes is how many leading bytes [MediaTypeOf] wants to see.
const MagicBytes = 32

// MediaTypeOf tells the media type of an evidence object by its first bytes: JPEG (ISO/IEC 10918-1: SOI and a marker) or an
// age file (age-encryption.org/v1, binary form). Anything else is application/octet-stream, which no evidence may be.
func MediaTypeOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return alert.JPEG
	case bytes.HasPrefix(head, []byte("age-encryption.org/v1\n")):
		return alert.SealedMP4
	}
	return "application/octet-stream"
}
