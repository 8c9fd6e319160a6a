package auth

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
	MinPassword = 8
	MaxPassword = 256
)

// params are the costs of argon2id (RFC 9106). Memory is in KiB.
type params struct {
	memory  uint32
	passes  uint32
	threads uint8
}

// current is what new hashes cost: OWASP's first choice for small servers, about 30 ms of one core.
var current = params{memory: 19 << 10, passes: 2, threads: 1}

// Hashes that cost more than this are refused, so that a damaged record cannot stop the program.
var dearest = params{memory: 256 << 10, passes: 16, threads: 16}

const (
	saltBytes = 16
	keyBytes  = 32
)

// HashPassword returns the argon2id hash of password in PHC form ("$argon2id$v=19$m=...,t=...,p=...$salt$key").
func HashPassword(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("a password has %d to %d bytes", MinPassword, MaxPassword)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return encode(current, salt, derive(password, salt, current, keyBytes)), nil
}

func derive(password string, salt []byte, p params, n uint32) []byte {
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, n)
}

func encode(p params, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.threads, b64(salt), b64(key))
}

var errHash = errors.New("the stored hash is not an argon2id hash in PHC form")

func decode(hash string) (p params, salt, key []byte, err error) {
	var version int
	var saltText, keyText string
	fields := splitPHC(hash)
	if len(fields) != 5 || fields[0] != "argon2id" {
		return p, nil, nil, errHash
	}
	saltText, keyText = fields[3], fields[4]
	if n, err := fmt.Sscanf(fields[1], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return p, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(fields[2], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); n != 3 || err != nil {
		return p, nil, nil, errHash
	}
	if p.passes < 1 || p.threads < 1 || p.memory > dearest.memory || p.passes > dearest.passes || p.threads > dearest.threads {
		return p, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(saltText)
	key, keyErr := base64.RawStdEncoding.Strict().DecodeString(keyText)
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
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

// verifyPassword compares in constant time. A hash that cannot be read never matches.
func verifyPassword(hash, password string) bool {
	p, salt, key, err := decode(hash)
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(derive(password, salt, p, uint32(len(key))), key) == 1
}

// nobody is what the password of an unknown account is compared with, so that it takes as long as a known one.
var nobody = encode(current, make([]byte, saltBytes), make([]byte, keyBytes))

// hasher bounds how many passwords are hashed at once: each takes memory and a core.
type hasher chan struct{}

func (h hasher) verify(ctx context.Context, hash, password string) (bool, error) {
	select {
	case h <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-h }()
	return verifyPassword(hash, password), nil
}
