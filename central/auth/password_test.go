package auth

import (
	"testing"

	passwords "gridgate/protocols/kit/password"
)

const password = "correct horse"

// The race detector makes a hash of the shipped cost twenty times dearer.
func TestMain(m *testing.M) {
	cost = passwords.Cost{Memory: 64, Passes: 1, Threads: 1}
	nobody = passwords.Nobody(cost)
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
