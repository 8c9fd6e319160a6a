package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"gridgate/edge/config"
)

// TestTheBrokersCertificate: the embedded broker shows its own, and asks for a client's where an authority is configured.
func TestTheBrokersCertificate(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	own := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	cfg := &config.Config{}
	if plain, err := brokerTLS(cfg); plain != nil || err != nil {
		t.Errorf("without a certificate: %v, %v", plain, err)
	}
	c := &cfg.MQTT.Broker.TLS
	c.Certificate, c.Key = write("cert", "CERTIFICATE", own.Certificate[0]), write("key", "PRIVATE KEY", key)
	identity, err := brokerTLS(cfg)
	if err != nil || len(identity.Certificates) != 1 || identity.ClientAuth != tls.NoClientCert {
		t.Fatalf("%+v, %v", identity, err)
	}
	c.ClientCA = c.Certificate
	if identity, err = brokerTLS(cfg); err != nil || identity.ClientAuth != tls.RequireAndVerifyClientCert || identity.ClientCAs == nil {
		t.Errorf("with an authority of clients: %+v, %v", identity, err)
	}
	c.ClientCA = c.Key
	if _, err := brokerTLS(cfg); err == nil {
		t.Error("a file without a certificate is taken for an authority")
	}
	source := config.MQTTSource{Certificate: c.Certificate, Key: c.Key}
	if _, trust, err := credentials(cfg, source); err != nil || len(trust.Certificates) != 1 {
		t.Errorf("a client's certificate: %+v, %v", trust, err)
	}
}
