package release

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aead.dev/minisign"
)

// MaxKeys is how many keys may be trusted at a time: the one in use, the next, and some of other signers.
const MaxKeys = 16

// Keys are the public keys of those who may make builds. Several are trusted at a time, so that a key can be changed: the next one is named
// beside the old on every edge, then builds are signed with it, then the old one is taken away.
type Keys []minisign.PublicKey

// ErrUntrusted is of a signature that no trusted key made, or of what was changed since.
var ErrUntrusted = errors.New("no key that is trusted here signed it")

// ParseKeys reads public keys as minisign writes them: a line of base64, or that line below its comment.
func ParseKeys(texts ...string) (keys Keys, err error) {
	for i, text := range texts {
		lines := strings.Fields(lastLine(text))
		var key minisign.PublicKey
		if len(lines) != 1 || key.UnmarshalText([]byte(lines[0])) != nil {
			return nil, fmt.Errorf("key %d is no public key of minisign: 56 characters that begin with RW", i+1)
		}
		keys = append(keys, key)
	}
	if len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(keys), MaxKeys)
	}
	return keys, nil
}

// lastLine is the last line of a text that is not empty.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// Verify says which key signed data, by its number in hexadecimal; [ErrUntrusted] if none did.
func (k Keys) Verify(data, signature []byte) (id string, err error) {
	if len(signature) > MaxSignature {
		return "", ErrUntrusted
	}
	for _, key := range k {
		if minisign.Verify(key, data, signature) {
			return KeyID(key), nil
		}
	}
	return "", ErrUntrusted
}

// KeyID is how minisign names a key.
func KeyID(key minisign.PublicKey) string {
	return strings.ToUpper(strconv.FormatUint(key.ID(), 16))
}

// Sign signs data as `minisign -S` does: over its BLAKE2b-512. The comment is signed, too, and for people only.
func Sign(key minisign.PrivateKey, data []byte, comment string) []byte {
	r := minisign.NewReader(bytes.NewReader(data))
	if _, err := new(bytes.Buffer).ReadFrom(r); err != nil {
		panic(err) // a reader of bytes has no errors
	}
	return r.SignWithComments(key, comment, "signature of a gridgate release")
}
