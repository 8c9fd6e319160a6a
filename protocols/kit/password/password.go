// Package password turns a password into an argon2id hash and compares the two.
//
// In: a password, or a hash in PHC form and a password. Out: a hash, or yes or no. It keeps nothing, logs nothing, and what a hash
// may cost is bounded, so that a damaged one cannot stop the program.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Limits of a password in bytes.
const (
	Min = 8
	Max = 256
)

// Cost is what argon2id (RFC 9106) takes for one hash. Memory is in KiB.
type Cost struct {
	Memory  uint32
	Passes  uint32
	Threads uint8
}

// Standard is what new hashes cost: OWASP's first choice for small servers, about 30 ms of one core.
var Standard = Cost{Memory: 19 << 10, Passes: 2, Threads: 1}

// dearest is what a hash may cost; those that cost more are refused.
var dearest = Cost{Memory: 256 << 10, Passes: 16, Threads: 16}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Hash returns the hash of a password in PHC form ("$argon2id$v=19$m=...,t=...,p=...$salt$key").
func Hash(password string, c Cost) (string, error) {
	if len(password) < Min || len(password) > Max {
		return "", fmt.Errorf("a password has %d to %d bytes", Min, Max)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return encode(c, salt, derive(password, salt, c, keyBytes)), nil
}

// Nobody is a hash that no password matches and that takes as long as another: what the password of an unknown account is
// compared with.
func Nobody(c Cost) string { return encode(c, make([]byte, saltBytes), make([]byte, keyBytes)) }

// Check says what is wrong with the form of a hash.
func Check(hash string) error {
	_, _, _, err := decode(hash)
	return err
}

func derive(password string, salt []byte, c Cost, n uint32) []byte {
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Threads, n)
}

func encode(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, b64(salt), b64(key))
}

var errHash = errors.New("the stored hash is not an argon2id hash in PHC form")

func decode(hash string) (c Cost, salt, key []byte, err error) {
	var version int
	fields := splitPHC(hash)
	if len(fields) != 5 || fields[0] != "argon2id" {
		return c, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(fields[1], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return c, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(fields[2], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); n != 3 || err != nil {
		return c, nil, nil, errHash
	}
	if c.Passes < 1 || c.Threads < 1 || c.Memory > dearest.Memory || c.Passes > dearest.Passes || c.Threads > dearest.Threads {
		return c, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(fields[3])
	key, keyErr := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

// splitPHC cuts "$a$b$c" into its fields; nil if it does not start with "$" or is absurdly long.
func splitPHC(hash string) []string {
	if len(hash) == 0 || hash[0] != '$' || len(hash) > 512 {
		return nil
	}
	var fields []string
	start := 1
	for i := 1; i <= len(hash); i++ {
		if i == len(hash) || hash[i] == '$' {
			fields = append(fields, hash[start:i])
			start = i + 1
		}
	}
	return fields
}

// Verify compares in constant time. A hash that cannot be read never matches, nor does a password that is too long.
func Verify(hash, password string) bool {
	c, salt, key, err := decode(hash)
	if err != nil || len(password) > Max {
		return false
	}
	return subtle.ConstantTimeCompare(derive(password, salt, c, uint32(len(key))), key) == 1
}

// Verifier bounds how many passwords are compared at once: each takes memory and a core.
type Verifier chan struct{}

// NewVerifier returns one that compares n at once.
func NewVerifier(n int) Verifier { return make(Verifier, n) }

// Verify is [Verify], once there is a place. The error is that of ctx.
func (v Verifier) Verify(ctx context.Context, hash, password string) (bool, error) {
	select {
	case v <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-v }()
	return Verify(hash, password), nil
}
