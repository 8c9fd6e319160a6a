package hikvision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"gridgate/protocols/observation"
	"gridgate/protocols/vendor"
)

// Push takes the events that devices send by themselves (ISAPI "httpHosts", HTTP listening). It is an [http.Handler]; which device
// speaks is told by the secret at the end of the path that the device was given, never by anything in the body. It answers 200 only
// after the event was taken; what comes twice is told once. Much firmware never sends again what was refused: while nobody listens
// yet, the reductions of a few events wait in memory, and a request waits a while for its turn.
type Push struct {
	location *time.Location
	busy     chan struct{} // a place for each request under way

	mu      sync.Mutex
	devices map[[sha256.Size]byte]*pushed
}

// pushed is one device that may push.
type pushed struct {
	mu   sync.Mutex // held while an event is taken: one at a time
	emit vendor.Emit
	wait []observation.Translation // told while nobody listened
	seen [maxSeen][sha256.Size]byte
	next int
}

// Bounds of what may be pushed at once.
const (
	maxRequests = 16
	maxBody     = 16 << 20 // of a request, pictures included; they are read past
	maxSeen     = 128      // events of a device that are remembered
	maxParts    = 32
	minSecret   = 16
	maxWaiting  = 64              // events of a device to which nobody listens yet
	turn        = 5 * time.Second // that a request waits for its place
)

// NewPush returns a handler without devices. The location is that of times without a zone; nil: such times are not told.
func NewPush(location *time.Location) *Push {
	return &Push{location: location, busy: make(chan struct{}, maxRequests), devices: map[[sha256.Size]byte]*pushed{}}
}

// Stream is the stream of the device whose path ends with secret, at least 16 letters long.
func (p *Push) Stream(secret string) (vendor.Stream, error) {
	if len(secret) < minSecret {
		return nil, errors.New("hikvision: the secret of a device that pushes must have at least 16 letters")
	}
	d := &pushed{}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := sha256.Sum256([]byte(secret))
	if p.devices[key] != nil {
		return nil, errors.New("hikvision: two devices push with the same secret")
	}
	p.devices[key] = d
	return d, nil
}

// Run takes what the device pushes until ctx ends. A device that pushes nothing is not silent: nothing happened.
func (d *pushed) Run(ctx context.Context, emit vendor.Emit) error {
	d.set(emit)
	defer d.set(nil)
	<-ctx.Done()
	return nil
}

func (d *pushed) set(emit vendor.Emit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.emit = emit; emit == nil {
		return
	}
	for _, t := range d.wait {
		emit(t)
	}
	d.wait = nil
}

// ServeHTTP takes one request.
func (p *Push) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := p.device(path.Base(r.URL.Path))
	if d == nil {
		http.NotFound(w, r) // as for every other path: nobody learns that there is a secret
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "send events by POST", http.StatusMethodNotAllowed)
		return
	}
	late := time.NewTimer(turn)
	defer late.Stop()
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-late.C:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many at once", http.StatusServiceUnavailable)
		return
	}
	messages, err := messages(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the event could not be read", http.StatusBadRequest)
		return
	}
	for _, m := range messages {
		if !d.take(m, Dialect{Location: p.location}) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

// device is found by a hash of the secret, so that the time it takes tells nothing of it.
func (p *Push) device(secret string) *pushed {
	key := sha256.Sum256([]byte(secret))
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *pushed
	for known, d := range p.devices {
		if subtle.ConstantTimeCompare(known[:], key[:]) == 1 {
			found = d
		}
	}
	return found
}

// messages are the bodies of a request that are no pictures: the parts of a form, or the only one. A form begins with its boundary.
func messages(body io.Reader) (out [][]byte, err error) {
	parts := vendor.NewParts(io.MultiReader(bytes.NewReader([]byte("--\r\n")), body), rootEnd)
	for {
		part, err := parts.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case part.Skipped || len(bytes.TrimSpace(part.Body)) == 0:
		case len(out) == maxParts:
			return nil, errors.New("too many parts")
		default:
			out = append(out, part.Body)
		}
	}
}

// take tells a message, unless it was told before; false: nobody listens, and too many wait.
func (d *pushed) take(message []byte, dialect Dialect) bool {
	key := sha256.Sum256(message)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, seen := range d.seen {
		if seen == key {
			return true
		}
	}
	t := dialect.Translate("", message, false)
	if nothing(t) {
		return true // a name of a form, or what is no event
	}
	switch {
	case d.emit != nil:
		d.emit(t)
	case len(d.wait) < maxWaiting:
		d.wait = append(d.wait, t)
	default:
		return false
	}
	d.seen[d.next%maxSeen] = key
	d.next++
	return true
}

// nothing says that a part was no alert at all.
func nothing(t observation.Translation) bool {
	return len(t.Observations) == 0 && !t.Quiet && t.Meta == (observation.Meta{})
}
