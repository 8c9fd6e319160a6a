package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"gridgate/edge/config"
	"gridgate/protocols/hikvision"
)

// pushDoor is where devices send their events by themselves. nil: nobody listens.
type pushDoor struct {
	*hikvision.Push
	listener net.Listener
	server   *http.Server
}

// pushPath is what comes before a device's secret in the address that it is given.
const pushPath = "/hikvision/"

// newPush binds the address that devices are given.
func newPush(cfg *config.Config, log *slog.Logger) (*pushDoor, error) {
	if cfg.Push.Listen == "" {
		return nil, nil
	}
	zone, err := cfg.Location()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Push.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for devices that push: %w", err)
	}
	if c := cfg.Push; c.Certificate != "" {
		cert, err := tls.LoadX509KeyPair(cfg.Path(c.Certificate), cfg.Path(c.Key))
		if err != nil {
			listener.Close()
			return nil, fmt.Errorf("read the certificate for devices that push: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	push, mux := hikvision.NewPush(zone), http.NewServeMux()
	mux.Handle(pushPath, push)
	return &pushDoor{Push: push, listener: listener, server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// run serves until ctx ends.
func (p *pushDoor) run(ctx context.Context) error {
	if p == nil {
		return nil
	}
	if err := serveHTTP(ctx, p.server, p.listener); err != nil {
		return fmt.Errorf("serve devices that push: %w", err)
	}
	return nil
}
