package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// Prefixes make a leaked token recognisable to scanners, and tell what it is one of.
const (
	tokenPrefix      = "ggt_" // a program
	credentialPrefix = "gge_" // an edge that enrolled
)

const maxToken = 512 // bytes of a bearer token or a cookie that is looked at

// NewToken returns a random bearer token of 256 bit. It is shown once; only [HashToken] of it is stored.
func NewToken() string { return tokenPrefix + randomText() }

// NewCredential is [NewToken] for an edge.
func NewCredential() string { return credentialPrefix + randomText() }

func isCredential(token string) bool { return strings.HasPrefix(token, credentialPrefix) }

// HashToken is the lower-case hexadecimal SHA-256 of a token. The token is random, so that a slow hash would add nothing.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func randomText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// bearer returns the token of a request (RFC 6750, section 2.1); ok is false if it carries no Authorization at all.
// Another scheme comes back as an empty token, which no record has.
func bearer(r *http.Request) (token string, ok bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(token) > maxToken {
		return "", true
	}
	return strings.TrimSpace(token), true
}
