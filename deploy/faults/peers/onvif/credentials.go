package onvif

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// tolerance is how far the date of credentials may be off: the strictest firmware that is known.
const tolerance = 20 * time.Second

type nonce struct {
	path   string
	used   int
	counts map[int]bool
}

// admits looks at credentials as the quirks say, and answers a request that it refuses.
func (d *Device) admits(w http.ResponseWriter, r *http.Request, body string) bool {
	if d.q.Username == "" {
		return true
	}
	ok := false
	if d.q.Digest != "" {
		ok = d.digested(r)
	} else {
		ok = d.tokened(body)
	}
	if ok {
		return true
	}
	d.mu.Lock()
	d.seen.Refused++
	d.mu.Unlock()
	if d.q.Digest != "" {
		w.Header().Set("WWW-Authenticate", d.challenge(r.URL.RequestURI()))
	}
	switch {
	case d.q.BareSender:
		d.fault(w, http.StatusBadRequest, "")
	case d.q.Digest != "":
		w.WriteHeader(http.StatusUnauthorized)
	default:
		d.fault(w, http.StatusBadRequest, "ter:NotAuthorized")
	}
	return false
}

func (d *Device) tokened(body string) bool {
	password, salt, created := between(body, "Password"), between(body, "Nonce"), between(body, "Created")
	raw, err := base64.StdEncoding.DecodeString(salt)
	at, timeErr := time.Parse(time.RFC3339, created)
	if err != nil || timeErr != nil || between(body, "Username") != d.q.Username {
		return false
	}
	sum := sha1.Sum([]byte(string(raw) + created + d.q.Password))
	now := d.now()
	if d.q.LocalIsUTC {
		now = now.Add(d.q.Zone)
	}
	return base64.StdEncoding.EncodeToString(sum[:]) == password && now.Sub(at).Abs() <= tolerance
}

// between is the text of the first element of a name.
func between(body, name string) string {
	for _, end := range []string{">", " "} {
		if _, rest, ok := strings.Cut(body, "<"+name+end); ok {
			if end == " " {
				_, rest, _ = strings.Cut(rest, ">")
			}
			text, _, _ := strings.Cut(rest, "<")
			return text
		}
	}
	return ""
}

func (d *Device) challenge(path string) string {
	var b [8]byte
	rand.Read(b[:])
	n := hex.EncodeToString(b[:])
	d.mu.Lock()
	d.nonces[n] = &nonce{path: path, counts: map[int]bool{}}
	d.mu.Unlock()
	c := `Digest realm="camera", nonce="` + n + `"`
	switch d.q.Digest {
	case "bare":
		return c
	case "none":
		return c + `, qop="auth"`
	}
	return c + `, qop="auth", algorithm=` + d.q.Digest
}

func (d *Device) digested(r *http.Request) bool {
	told, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.nonces[told.Nonce]
	if n == nil {
		return false
	}
	if n.used++; d.q.StaleNonce && n.used > 3 {
		return false
	}
	// A count told twice is a replay (RFC 7616, 3.4). A lower one is not: a request that its client gave up may be read after the next one.
	if told.QOP != "" && n.counts[told.Nc] {
		d.breach("nonce count %d again", told.Nc)
	}
	n.counts[told.Nc] = true
	if d.q.NonceForEach && n.path != r.URL.RequestURI() {
		d.breach("the nonce of another address was used")
		d.locked = true
		return false
	}
	c := &digest.Challenge{Realm: "camera", Nonce: told.Nonce, Algorithm: told.Algorithm}
	if told.QOP != "" {
		c.QOP = []string{told.QOP}
	}
	want, err := digest.Digest(c, digest.Options{
		Method: r.Method, URI: r.URL.RequestURI(), Count: told.Nc, Cnonce: told.Cnonce, Username: d.q.Username, Password: d.q.Password,
	})
	return err == nil && want.Response == told.Response && told.Username == d.q.Username
}
