package signon

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// CookieName is the name of the cookie that a browser has while it is at the issuer.
const CookieName = "gridgate_signon"

// cookiePath is where the cookie is sent.
const cookiePath = "/v1/session/oidc"

const maxCookie = 1024 // bytes of one that is looked at

// passage is one way to the issuer and back. It is kept by the browser alone, sealed: whichever central it comes back to can judge it.
type passage struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE
	Until    int64  `json:"u"` // s since 1970
}

func newPassage(now time.Time) passage {
	return passage{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Until: now.Add(StateLife).Unix()}
}

func macOf(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// seal is p in a form that only who has the key can make.
func (p passage) seal(key []byte) string {
	encoded, _ := json.Marshal(p) // strings and a number: never fails
	text := base64.RawURLEncoding.EncodeToString(encoded)
	return text + "." + macOf(key, text)
}

// openPassage is the inverse of seal; ok is false for what was not sealed with key, or is over at now.
func openPassage(key []byte, sealed string, now time.Time) (p passage, ok bool) {
	text, mac, found := strings.Cut(sealed, ".")
	if !found || len(sealed) > maxCookie || !hmac.Equal([]byte(mac), []byte(macOf(key, text))) {
		return passage{}, false
	}
	encoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(encoded, &p) != nil || p.State == "" {
		return passage{}, false
	}
	return p, now.Before(time.Unix(p.Until, 0))
}

// cookie is Lax: it must come along when the issuer, another site, sends the browser back.
func (s *Service) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Value: value, Path: cookiePath, MaxAge: maxAge, HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteLaxMode,
	}
}
