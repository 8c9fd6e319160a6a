package signon

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// town is an issuer in this process: discovery, keys, and a token endpoint that checks the client, PKCE and that a code is used once.
type town struct {
	t      *testing.T
	server *httptest.Server

	mu      sync.Mutex
	key     *rsa.PrivateKey // that it publishes
	signer  *rsa.PrivateKey
	kid     string
	away    bool
	keyless bool // its keys cannot be read
	claims  map[string]any
	alg     string                // "none": unsigned
	grants  map[string]url.Values // code -> request that it answers
	asked   int                   // requests for discovery
}

const clientSecret = "client secret"

var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newTown(t *testing.T) *town {
	t.Helper()
	key, err := firstKey()
	if err != nil {
		t.Fatal(err)
	}
	i := &town{t: t, key: key, signer: key, kid: "first", alg: "RS256", claims: map[string]any{}, grants: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("POST /token", i.token)
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

func (i *town) say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (i *town) discovery(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.away {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	at := i.server.URL
	i.say(w, http.StatusOK, map[string]any{
		"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256", "none"},
	})
}

func (i *town) keys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keyless {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	i.say(w, http.StatusOK, map[string]any{"keys": []map[string]any{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.kid, "n": text(i.key.N.Bytes()), "e": "AQAB",
	}}})
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// grant is what the issuer does with a browser that was sent to it: it remembers what was asked and returns a code.
func (i *town) grant(to string) (code, state string) {
	i.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		i.t.Fatal(err)
	}
	asked := u.Query()
	if asked.Get("response_type") != "code" || asked.Get("code_challenge_method") != "S256" || asked.Get("nonce") == "" || asked.Get("state") == "" {
		i.t.Errorf("the issuer is asked %v", asked)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	code = rand.Text()
	i.grants[code] = asked
	return code, asked.Get("state")
}

func (i *town) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	secret, _ = url.QueryUnescape(secret)
	if i.away || id != "gridgate" || secret != clientSecret {
		i.say(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	asked, ok := i.grants[r.FormValue("code")]
	delete(i.grants, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || asked.Get("code_challenge") != text(sum[:]) || asked.Get("redirect_uri") != r.FormValue("redirect_uri") {
		i.say(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": i.server.URL, "aud": "gridgate", "sub": "s-1", "nonce": asked.Get("nonce"), "iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix(),
		"preferred_username": "li.wei", "groups": []string{"all", "night"}, "email": "li@town.example", "name": "Li Wei",
	}
	for name, value := range i.claims {
		claims[name] = value
	}
	i.say(w, http.StatusOK, map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": i.sign(claims)})
}

func (i *town) sign(claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"alg": i.alg, "kid": i.kid})
	body, _ := json.Marshal(claims)
	signed := text(head) + "." + text(body)
	if i.alg == "none" {
		return signed + "."
	}
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.signer, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return signed + "." + text(signature)
}
