package api

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/api/forwarded"
	"gridgate/central/api/problem"
)

// Bounds of one request.
const (
	bodyWithin   = 2 * time.Minute  // to send the body: the largest picture over a slow uplink
	answerWithin = 3 * time.Minute  // to the end of the answer; the feed sets its own
	workWithin   = 15 * time.Second // of reading for an answer: a list that takes longer must not keep the others from the database
)

// crossSiteProtection refuses writes that another site makes a browser send (Fetch metadata and Origin).
func crossSiteProtection(publicURL string) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusForbidden, "another site may not do this")
	}))
	if publicURL == "" {
		return p, nil
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("read the public URL: %w", err)
	}
	if err := p.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("trust the public URL: %w", err)
	}
	return p, nil
}

// secure sets the headers that every answer has; the console brings its own content policy.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			h.Set("Cache-Control", "no-store")
		}
		if r.TLS != nil || forwarded.HTTPS(r.Context()) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// bounded gives a body and the answer a time to pass in; how large they may be is each handler's own rule.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin)) // not supported by test recorders only
		if r.Body != nil && r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin)) // not supported by test recorders only
		}
		next.ServeHTTP(w, r)
	})
}

// survive tells of a handler that panicked, by type and place but never by what a client sent, and cuts its connection off.
func (s *Server) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				s.o.Logger.Error("request panicked", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}

// unknown answers what no endpoint does: 405 if the path takes another method, else 404.
func (s *Server) unknown(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(probe); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			problem.Write(w, http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", "))
			return
		}
		problem.Write(w, http.StatusNotFound, "there is nothing at this path")
	})
}

// meter counts requests.
type meter struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	denied   prometheus.Counter
}

func newMeter(registry prometheus.Registerer) *meter {
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gridgate_http_requests_total", Help: "Requests under /v1 by route and status."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gridgate_http_request_seconds", Help: "Time to answer a request under /v1 by route; the feed is left out.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10)}, []string{"route"}),
		denied: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gridgate_sign_in_denied_total", Help: "Sign-ins that were refused."}),
	}
	registry.MustRegister(m.requests, m.seconds, m.denied)
	return m
}

// wrap counts what next answers, by the pattern of v1 that a request matches: a closed list, whatever clients ask for.
func (m *meter) wrap(v1 *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		_, route := v1.Handler(r)
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		next.ServeHTTP(rec, r)
		m.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
		if route != "GET /v1/feed" {
			m.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		}
	})
}

// recorder remembers the status; everything else goes to the writer below.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
