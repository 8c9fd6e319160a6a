package tlspin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTrust(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	own := server.Certificate().Raw
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own})
	sum := sha256.Sum256(own)
	pin := hex.EncodeToString(sum[:])
	wrong := strings.Repeat("ab", 32)
	byName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	tests := []struct {
		name, url   string
		authorities []byte
		fingerprint string
		good        bool
	}{
		{"authority", server.URL, authority, "", true},
		{"fingerprint", server.URL, nil, pin, true},
		{"fingerprint in capitals with colons", server.URL, nil, colons(strings.ToUpper(pin)), true},
		{"both", server.URL, authority, pin, true},
		{"fingerprint, another host", byName, nil, pin, true},
		{"system's authorities", server.URL, nil, "", false},
		{"another fingerprint", server.URL, nil, wrong, false},
		{"authority right, fingerprint wrong", server.URL, authority, wrong, false},
		{"authority for another host, fingerprint right", byName, authority, pin, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trust, err := New(tt.authorities, tt.fingerprint)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust.Config()}}
			defer client.CloseIdleConnections()
			res, err := client.Get(tt.url)
			if err == nil {
				res.Body.Close()
			}
			if (err == nil) != tt.good || (err != nil) != IsCertificate(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

func colons(hex string) string {
	var b strings.Builder
	for i := 0; i < len(hex); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}

func TestNotACertificate(t *testing.T) {
	for _, fingerprint := range []string{"abcd", strings.Repeat("xy", 32), strings.Repeat("ab", 33)} {
		if _, err := New(nil, fingerprint); err == nil {
			t.Errorf("%s was read", fingerprint)
		}
	}
	if _, err := New([]byte("no certificate"), ""); err == nil {
		t.Error("no certificate was read")
	}
}
