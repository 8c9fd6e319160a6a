// Package seal encrypts what may leave an edge but may not be read on the way or at rest, to a public key whose secret half the
// edge does not have: age files (age-encryption.org/v1) with one X25519 recipient.
//
// In: a public key, and bytes as they are written. Out: the age file, or with the secret key the bytes again. It reads and writes
// no file of its own, keeps at most one chunk of 64 KiB of what it encrypts, and no error or log line of it holds key material.
package seal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/age"
)

// The beginnings of the two halves of a key pair in text form.
const (
	publicPrefix = "age1"
	secretPrefix = "AGE-SECRET-KEY-1"
)

// Recipient is a public key: whoever has it can seal and not open. The zero value is not usable.
type Recipient struct{ key *age.X25519Recipient }

// ParseRecipient reads a public key in text form, age1...
func ParseRecipient(text string) (Recipient, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(strings.ToUpper(text), secretPrefix) {
		return Recipient{}, errors.New("this is a secret key: write the public key that belongs to it, which begins with " + publicPrefix)
	}
	key, err := age.ParseX25519Recipient(text)
	if err != nil { // the library's text repeats what was given
		return Recipient{}, errors.New("not a public key of the form " + publicPrefix + " and more")
	}
	return Recipient{key: key}, nil
}

// String is the public key in text form.
func (r Recipient) String() string {
	if r.key == nil {
		return ""
	}
	return r.key.String()
}

// Seal returns a writer that encrypts to recipient what it is given and writes it to dst. Only after Close without an error is
// what dst has whole. What was sealed can be opened by nobody here.
func Seal(dst io.Writer, recipient Recipient) (io.WriteCloser, error) {
	if recipient.key == nil {
		return nil, errors.New("seal: no recipient")
	}
	w, err := age.Encrypt(dst, recipient.key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return w, nil
}

// Overhead is the most bytes by which a sealed file is larger than the size bytes in it: its header, and 16 bytes for each chunk of
// 64 KiB.
func Overhead(size int64) int64 { return 512 + 16*(size/(64<<10)+1) }

// SecretKey is the secret half of a key pair. It prints as "(secret)". The zero value is not usable.
type SecretKey struct{ key *age.X25519Identity }

// NewSecretKey makes a key pair.
func NewSecretKey() (SecretKey, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return SecretKey{}, fmt.Errorf("make a key pair: %w", err)
	}
	return SecretKey{key: key}, nil
}

// ParseSecretKey reads a key file: lines that begin with # are comments, one line is the secret key. It is the form that age-keygen
// writes, too.
func ParseSecretKey(file string) (SecretKey, error) {
	var found []string
	for line := range strings.Lines(file) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		return SecretKey{}, fmt.Errorf("a key file has one line that is no comment, this one has %d", len(found))
	}
	key, err := age.ParseX25519Identity(found[0])
	if err != nil { // the library's text may repeat a part of what was given
		return SecretKey{}, errors.New("not a secret key of the form " + secretPrefix + " and more")
	}
	return SecretKey{key: key}, nil
}

// Recipient is the public half.
func (k SecretKey) Recipient() Recipient {
	if k.key == nil {
		return Recipient{}
	}
	return Recipient{key: k.key.Recipient()}
}

// File is the key pair as a key file, which only its owner may read.
func (k SecretKey) File() string {
	if k.key == nil {
		return ""
	}
	return "# public key: " + k.Recipient().String() + "\n" + k.key.String() + "\n"
}

// String, GoString, MarshalText and LogValue keep the key out of whatever prints.
func (SecretKey) String() string               { return "(secret)" }
func (SecretKey) GoString() string             { return "(secret)" }
func (SecretKey) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }
func (SecretKey) LogValue() slog.Value         { return slog.StringValue("(secret)") }

// ErrOpen says that a file is not sealed to this key, or is damaged.
var ErrOpen = errors.New("the file is not sealed to this key, or it is damaged")

// Open returns what was sealed to the public half of key. Reading fails with [ErrOpen] where the file was changed or cut off: what
// was read before is then not to be used.
func Open(src io.Reader, key SecretKey) (io.Reader, error) {
	if key.key == nil {
		return nil, errors.New("open: no key")
	}
	r, err := age.Decrypt(src, key.key)
	if err != nil {
		return nil, ErrOpen
	}
	return opened{r}, nil
}

// opened gives the errors of reading one name.
type opened struct{ r io.Reader }

func (o opened) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = ErrOpen
	}
	return n, err
}
