package password

import (
	"context"
	"strings"
	"testing"
)

const secret = "correct horse"

// cheap is for tests: the race detector makes a hash twenty times dearer.
var cheap = Cost{Memory: 64, Passes: 1, Threads: 1}

func mustHash(t *testing.T, c Cost) string {
	t.Helper()
	hash, err := Hash(secret, c)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestHash(t *testing.T) {
	hash := mustHash(t, Standard)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q is not in PHC form with the current costs", hash)
	}
	if !Verify(hash, secret) {
		t.Error("the right password does not match")
	}
	if Verify(hash, secret+" ") || Verify(hash, "") {
		t.Error("a wrong password matches")
	}
	if first, second := mustHash(t, cheap), mustHash(t, cheap); first == second {
		t.Error("two hashes of one password are equal: the salt is not random")
	}
}

func TestBoundsOfAPassword(t *testing.T) {
	for _, p := range []string{"", "short", strings.Repeat("x", Max+1)} {
		if _, err := Hash(p, cheap); err == nil {
			t.Errorf("a password of %d bytes is taken", len(p))
		}
	}
}

// A hash that cost less is judged by its own costs.
func TestVerifyForeignHash(t *testing.T) {
	hash := encode(Cost{Memory: 256, Passes: 2, Threads: 1}, []byte("somesalt"), derive("password", []byte("somesalt"), Cost{Memory: 256, Passes: 2, Threads: 1}, 32))
	if !Verify(hash, "password") || Verify(hash, "differentpassword") {
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
		if Verify(hash, "password") {
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
		if p.Memory > dearest.Memory || p.Passes > dearest.Passes || p.Threads > dearest.Threads || len(salt) < 8 || len(key) > 64 {
			t.Errorf("%q passes with costs %+v", hash, p)
		}
	})
}

func TestVerifierEndsWithItsContext(t *testing.T) {
	h := NewVerifier(1)
	h <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Verify(ctx, Nobody(cheap), secret); err == nil {
		t.Error("Verify does not end with its context while all places are taken")
	}
}
