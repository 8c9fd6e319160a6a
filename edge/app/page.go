package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gridgate/edge/config"
)

// page is what the edge shows of itself over HTTP: health, metrics and status. It listens on loopback unless the
// configuration names another interface, and it changes nothing.
type page struct {
	listener net.Listener
	server   *http.Server
}

// status is the answer of GET /status: what a person who stands before the box wants to know.
type status struct {
	Edge          string `json:"edge"`
	Version       string `json:"version"`
	ConfigVersion string `json:"configVersion"`
	Central       any    `json:"central"`
	Credential    any    `json:"credential,omitempty"`
	Sync          any    `json:"sync"`
	Cameras       any    `json:"cameras"`
	Sensors       any    `json:"sensors"`
	Brokers       any    `json:"brokers"`
	Unknown       any    `json:"unknownMessages"` // by topic and reason
}

func newPage(cfg *config.Config, version string, g prometheus.Gatherer, cs *cameraSet, ss *sensorSet, l *link) (*page, error) {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the status page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/status", http.StatusSeeOther) })
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.Encode(status{
			Edge: cfg.Edge, Version: version, ConfigVersion: *l.version.Load(),
			Central: l.forward.Status(), Credential: l.credential(), Sync: l.sync.Status(),
			Cameras: cs.views(), Sensors: ss.devices(), Brokers: ss.brokers(), Unknown: ss.unknown(),
		})
	})
	return &page{listener: listener, server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}}, nil
}

func (p *page) addr() string { return p.listener.Addr().String() }

// run serves until ctx ends.
func (p *page) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		p.server.Shutdown(end)
	})
	defer stop()
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}
