package acme

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"gridgate/protocols/vendor"
	"gridgate/protocols/vendortest"
)

// Simulator is a camera that sends what it is told to. It implements [vendortest.Peer].
type Simulator struct {
	server  *http.Server
	lines   chan []byte
	quiet   chan struct{}
	address string
	status  int // of every answer; set before a client comes

	mu   sync.Mutex
	drop chan struct{} // closed: connections end
}

// heartbeat is how often the simulator says PING.
const heartbeat = 5 * time.Second

// Password of the simulator's user admin.
const Password = "Open-Sesame-77"

// Simulate starts a simulator, which t.Cleanup stops.
func Simulate(t *testing.T, n vendortest.Network) vendortest.Peer {
	p := &Simulator{address: n.Addr().String(), lines: make(chan []byte), quiet: make(chan struct{}), status: http.StatusOK, drop: make(chan struct{})}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(n) }()
	t.Cleanup(func() { _ = p.server.Close(); <-served })
	return p
}

func (p *Simulator) serve(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	switch {
	case p.status != http.StatusOK:
		w.WriteHeader(p.status)
		return
	case user != "admin" || password != Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="Acme"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p.tell(w, r)
}

func (p *Simulator) tell(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	drop := p.drop
	p.mu.Unlock()
	ping := time.NewTicker(heartbeat)
	defer ping.Stop()
	for quiet := p.quiet; ; {
		line := []byte("PING")
		select {
		case <-r.Context().Done():
			return
		case <-drop:
			return
		case <-quiet:
			ping.Stop()
			quiet = nil
			continue
		case <-ping.C:
		case line = <-p.lines:
		}
		_, _ = w.Write(append(line, '\n'))
		_ = http.NewResponseController(w).Flush()
	}
}

// Address implements [vendortest.Peer].
func (p *Simulator) Address() string { return "http://" + p.address }

// Send implements [vendortest.Peer].
func (p *Simulator) Send(ctx context.Context, line []byte) bool {
	select {
	case p.lines <- line:
		return true
	case <-ctx.Done():
		return false
	}
}

// Silence implements [vendortest.Peer].
func (p *Simulator) Silence() { close(p.quiet) }

// Drop implements [vendortest.Peer].
func (p *Simulator) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.drop)
	p.drop = make(chan struct{})
}

// Refuse implements [vendortest.Peer].
func (p *Simulator) Refuse(err error) bool {
	p.status = map[error]int{
		vendor.ErrAuth: http.StatusUnauthorized, vendor.ErrBlocked: http.StatusTooManyRequests, vendor.ErrUnsupported: http.StatusNotFound,
	}[err]
	return p.status != 0
}
