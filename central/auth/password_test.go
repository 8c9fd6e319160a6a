package auth

import (
	"context"
	"strings"
	"testing"
)

const password = "correct horse"

// shipped is what a hash costs outside tests; the race detector makes it twenty times dearer.
var shipped = current

func TestMain(m *testing.M) {
	current = params{memory: 64, passes: 1, threads: 1}
	nobody = encode(current, make([]byte, saltBytes), make([]byte, keyBytes))
	m.Run()
}

func mustHash(t *testing.T, password string) string {
	t.Helper()
	hash, err := HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestHashPassword(t *testing.T) {
	cheap := current
	current = shipped
	defer func() { current = cheap }()
	hash := mustHash(t, password)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q is not in PHC form with the current costs", hash)
	}
	if !verifyPassword(hash, password) {
		t.Error("the right password does not match")
	}
	if verifyPassword(hash, password+" ") || verifyPassword(hash, "") {
		t.Error("a wrong password matches")
	}
	if hash == mustHash(t, password) {
		t.Error("two hashes of one password are equal: the salt is not random")
	}
}

func TestHashPasswordBounds(t *testing.T) {
	for _, p := range []string{"", "short", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(p); err == nil {
			t.Errorf("a password of %d bytes is taken", len(p))
		}
	}
}

// A hash that cost less is judged by its own costs.
func TestVerifyForeignHash(t *testing.T) {
	hash := encode(params{memory: 256, passes: 2, threads: 1}, []byte("somesalt"), derive("password", []byte("somesalt"), params{memory: 256, passes: 2, threads: 1}, 32))
	if !verifyPassword(hash, "password") || verifyPassword(hash, "differentpassword") {
		t.Errorf("hash %q with other costs is not judged by its own costs", hash)
	}
}

var badHashes = []string{
	"", "$", "x", "$argon2id$v=19$m=1,t=1,p=1$$",
	"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$short",
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$more",
	"$argon2id$v=19$m=256,t=2,p=1$not base64$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
}

func TestBadHashesNeverMatch(t *testing.T) {
	for _, hash := range badHashes {
		if verifyPassword(hash, "password") {
			t.Errorf("hash %q matches", hash)
		}
	}
}

func FuzzDecodeHash(f *testing.F) {
	for _, hash := range badHashes {
		f.Add(hash)
	}
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Fuzz(func(t *testing.T, hash string) {
		p, salt, key, err := decode(hash)
		if err != nil {
			return
		}
		if p.memory > dearest.memory || p.passes > dearest.passes || p.threads > dearest.threads || len(salt) < 8 || len(key) > 64 {
			t.Errorf("%q passes with costs %+v", hash, p)
		}
	})
}

func TestHasherEndsWithItsContext(t *testing.T) {
	h := make(hasher, 1)
	h <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.verify(ctx, nobody, password); err == nil {
		t.Error("verify does not end with its context while all places are taken")
	}
}
