package api

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gridgate/central/api/problem"
	"gridgate/central/auth"
)

// maxScrapes is how many scrapes of the metrics are served at a time.
const maxScrapes = 4

// pingWithin is how long the store may take to answer while central counts as ready.
const pingWithin = 2 * time.Second

// healthz says that the process serves.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { plainOK(w) }

// readyz says that the store answers.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pingWithin)
	defer cancel()
	if err := s.o.Store.Ping(ctx); err != nil {
		s.o.Logger.Error("store does not answer", "error", err)
		problem.Write(w, http.StatusServiceUnavailable, "the store does not answer")
		return
	}
	plainOK(w)
}

func plainOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n") // the client is gone if this fails
}

// metrics serves Prometheus' text form to this machine, and to others only with a token that may read.
func (s *Server) metrics() http.Handler {
	open := promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
	guarded := s.o.Auth.Require(auth.Need(open, auth.Read))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local(r) {
			open.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// local says whether r comes from this machine itself and not through a proxy on it.
func local(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}
