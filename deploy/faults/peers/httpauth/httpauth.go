// Package httpauth is how simulated devices ask for a password: with the forms of Digest that are found in the field, and with Basic.
//
// In: requests. Out: whether they may pass; if not, the refusal is written. It is a peer for tests and protects nothing.
package httpauth

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"sync"
)

// Auth is a way to ask.
type Auth string

// The ways. All take the user "admin" and the password "secret".
const (
	None        Auth = ""
	Basic       Auth = "basic"
	Digest      Auth = "digest" // MD5 with qop
	NoAlgorithm Auth = "digest-no-algorithm"
	NoQOP       Auth = "digest-no-qop"
	SHA256      Auth = "digest-sha-256"
	Both        Auth = "both" // Basic and Digest, Basic first
	Forbidden   Auth = "forbidden"
)

// Credentials that pass.
const (
	User     = "admin"
	Password = "secret"
)

// Guard asks for the password.
type Guard struct {
	way      Auth
	lockedBy int
	refusal  string

	mu      sync.Mutex
	refused int
}

// New returns a guard that locks everybody out, with the body refusal, after lockedBy wrong passwords (0: never).
func New(way Auth, lockedBy int, refusal string) *Guard {
	return &Guard{way: way, lockedBy: lockedBy, refusal: refusal}
}

// Refused is how many wrong passwords came.
func (g *Guard) Refused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// Pass says whether a request may pass, and answers it if not.
func (g *Guard) Pass(w http.ResponseWriter, r *http.Request) bool {
	if g.way == None {
		return true
	}
	given := r.Header.Get("Authorization")
	g.mu.Lock()
	defer g.mu.Unlock()
	locked := g.lockedBy > 0 && g.refused >= g.lockedBy
	switch {
	case g.way == Forbidden:
		http.Error(w, "no", http.StatusForbidden)
		return false
	case given != "" && !locked && g.right(r, given):
		return true
	case given != "":
		g.refused++
		locked = g.lockedBy > 0 && g.refused >= g.lockedBy
	}
	for _, c := range g.challenges() {
		w.Header().Add("WWW-Authenticate", c)
	}
	w.WriteHeader(http.StatusUnauthorized)
	if locked {
		_, _ = w.Write([]byte(g.refusal))
	}
	return false
}

const nonce = "4d5a6f6e6365"

func (g *Guard) challenges() []string {
	base := `Digest realm="IP Camera", nonce="` + nonce + `"`
	switch g.way {
	case Basic:
		return []string{`Basic realm="IP Camera"`}
	case NoAlgorithm:
		return []string{base + `, qop="auth", opaque="a1"`}
	case NoQOP:
		return []string{base}
	case SHA256:
		return []string{base + `, algorithm=SHA-256, qop="auth"`}
	case Both:
		return []string{`Basic realm="IP Camera"`, base + `, algorithm=MD5, qop="auth"`}
	}
	return []string{base + `, algorithm=MD5, qop="auth"`}
}

func (g *Guard) right(r *http.Request, given string) bool {
	if user, password, ok := r.BasicAuth(); ok {
		return g.way == Basic && user == User && password == Password
	}
	h := md5.New()
	if g.way == SHA256 {
		h = sha256.New()
	}
	a1, a2 := sum(h, User+":IP Camera:"+Password), sum(h, r.Method+":"+field(given, "uri"))
	want := sum(h, a1+":"+nonce+":"+a2)
	if g.way != NoQOP {
		want = sum(h, fmt.Sprintf("%s:%s:%s:%s:%s:%s", a1, nonce, field(given, "nc"), field(given, "cnonce"), field(given, "qop"), a2))
	}
	return g.way != Basic && field(given, "username") == User && field(given, "uri") == r.RequestURI && field(given, "response") == want
}

func sum(h hash.Hash, s string) string {
	h.Reset()
	_, _ = h.Write([]byte(s)) // never fails
	return hex.EncodeToString(h.Sum(nil))
}

// field is a parameter of an Authorization header, quoted or not.
func field(header, name string) string {
	m := regexp.MustCompile(`[ ,]` + name + `=(?:"([^"]*)"|([^," ]*))`).FindStringSubmatch(header)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}
