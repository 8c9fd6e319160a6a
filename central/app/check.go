package app

import (
	"crypto/tls"
	"fmt"

	"gridgate/central/config"
)

// Check judges a configuration without starting anything: the file, the secrets and the certificate that it names.
func Check(file string) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if _, err := edgeTokens(c); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if c.TSDB.Token.Set() {
		if _, err := c.TSDB.Token.Value(); err != nil {
			return fmt.Errorf("%s: tsdb.token: %w", file, err)
		}
	}
	if c.Store.Password.Set() {
		if _, err := c.Store.Password.Value(); err != nil {
			return fmt.Errorf("%s: store.password: %w", file, err)
		}
	}
	if c.OIDC.Set() {
		if _, err := c.OIDC.Secret.Value(); err != nil {
			return fmt.Errorf("%s: oidc.secret: %w", file, err)
		}
	}
	if c.TLS.Set() {
		if _, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key); err != nil {
			return fmt.Errorf("%s: tls: %w", file, err)
		}
	}
	return nil
}
