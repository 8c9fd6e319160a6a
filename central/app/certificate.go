package app

import (
	"context"
	"crypto/tls"
	"os"
	"os/signal"
	"syscall"

	"gridgate/central/certs"
	"gridgate/central/config"
)

// openCertificate reads the certificate, if there is one, and from then on follows its files: when they change, and on SIGHUP. It
// returns nil where central serves without TLS; SIGHUP does nothing there, rather than end the process.
func (a *App) openCertificate(ctx context.Context, c *config.Config) (*tls.Config, error) {
	var pair *certs.Pair
	if c.TLS.Set() {
		var err error
		if pair, err = certs.Open(c.TLS.Cert, c.TLS.Key, a.log.With("step", "certificate")); err != nil {
			return nil, err
		}
	}
	a.pair = pair
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	a.start(ctx, "reload", func(ctx context.Context) error {
		defer signal.Stop(hup)
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hup:
				a.reload(pair)
			}
		}
	})
	if pair == nil {
		return nil, nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.GetCertificate}, nil
}

func (a *App) reload(pair *certs.Pair) {
	if pair == nil {
		a.log.Info("nothing to read again: there is no certificate, and the configuration is read at a start")
		return
	}
	if err := pair.Reload(); err != nil {
		a.log.Error("the certificate was not read again; the one before stays in use", "error", err)
	}
}
