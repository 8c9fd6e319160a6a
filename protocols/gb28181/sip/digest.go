package sip

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// nonceLife is how long a challenge may be answered. Devices that answer an old one get a new one.
const nonceLife = 5 * time.Minute

// nonces makes challenges that need no table: the time, and a seal over it, the device and the address.
type nonces struct{ key [32]byte }

func (n *nonces) make(device string, from netip.Addr, now time.Time) string {
	at := fmt.Sprintf("%08x", uint32(now.Unix()))
	return at + n.seal(at, device, from)
}

func (n *nonces) seal(at, device string, from netip.Addr) string {
	mac := hmac.New(sha256.New, n.key[:])
	fmt.Fprintf(mac, "%s %s %s", at, device, from)
	return hex.EncodeToString(mac.Sum(nil)[:12])
}

// valid says whether a nonce is ours; fresh, whether it may still be used.
func (n *nonces) valid(nonce, device string, from netip.Addr, now time.Time) (valid, fresh bool) {
	if len(nonce) != 32 || subtle.ConstantTimeCompare([]byte(nonce[8:]), []byte(n.seal(nonce[:8], device, from))) != 1 {
		return false, false
	}
	at, err := strconv.ParseUint(nonce[:8], 16, 32)
	age := now.Sub(time.Unix(int64(at), 0))
	return err == nil, err == nil && age < nonceLife && age > -time.Minute
}

// challenge is a WWW-Authenticate without qop: many devices refuse one that has it (RFC 2617, 3.2.1).
func (s *Server) challenge(device string, from netip.Addr, stale bool) string {
	algorithm := "MD5"
	if s.o.SHA256 {
		algorithm = "SHA-256"
	}
	c := fmt.Sprintf(`Digest realm="%s",nonce="%s",algorithm=%s`, s.o.Realm, s.nonces.make(device, from, s.o.Now()), algorithm)
	if stale {
		c += ",stale=true"
	}
	return c
}

// proof is what an Authorization header is worth.
type proof int

const (
	none proof = iota
	wrong
	stale // right, of an old challenge
	right
)

// judge reads the answer to a challenge, with or without qop (RFC 2617, 3.2.2; RFC 7616 for SHA-256).
func (s *Server) judge(header, method string, d *device, from netip.Addr) proof {
	creds, err := digest.ParseCredentials(tidy(header))
	if err != nil || creds.Userhash {
		return wrong
	}
	switch strings.ToUpper(creds.Algorithm) {
	case "", "MD5", "SHA-256":
	default:
		return wrong
	}
	valid, fresh := s.nonces.valid(creds.Nonce, d.cfg.ID, from, s.o.Now())
	if !valid {
		return none // of another server, or of before our start: it may ask again
	}
	chal := &digest.Challenge{Realm: creds.Realm, Nonce: creds.Nonce, Algorithm: creds.Algorithm}
	if creds.QOP != "" {
		if creds.QOP != "auth" || creds.Cnonce == "" {
			return wrong
		}
		chal.QOP = []string{"auth"}
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: method, URI: creds.URI, Username: creds.Username, Password: d.cfg.Secret, Cnonce: creds.Cnonce, Count: creds.Nc,
	})
	switch {
	case err != nil, subtle.ConstantTimeCompare([]byte(strings.ToLower(creds.Response)), []byte(want.Response)) != 1:
		return wrong
	case !fresh:
		return stale
	}
	return right
}

// tidy makes of a header what the library reads: firmware writes DIGEST, or two spaces.
func tidy(header string) string {
	kind, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(kind, "Digest") {
		return header
	}
	return "Digest " + strings.Trim(rest, " ,")
}
