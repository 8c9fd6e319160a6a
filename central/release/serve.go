package release

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gridgate/central/api/problem"
	"gridgate/central/auth"
	"gridgate/central/orders"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
	"gridgate/protocols/release"
)

// Path is the pattern of what [Door] serves.
var Path = ingest.ReleasePath("{edge}", "{version}", "{platform}")

// Bounds of what is served at a time. What comes on top is answered with 503 and comes again.
const (
	MaxDownloads = 64
	// Rate is how fast one edge gets an archive at most, in bytes a second; edges ask for less by themselves.
	Rate      = 2 << 20
	slice     = 64 << 10
	sendSlice = 30 * time.Second // within which a slice must leave: 2 KiB/s
)

// Door serves archives to edges. It stands behind authentication.
type Door struct {
	Catalogue *Catalogue
	Log       *slog.Logger

	mu    sync.Mutex
	under map[string]bool // edges that fetch now
}

// ServeHTTP serves the archive that is wanted of an edge, and ranges of it, to that very edge.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edge, version, platform := r.PathValue("edge"), r.PathValue("version"), r.PathValue("platform")
	if p, _ := auth.From(r.Context()); p.Edge == "" || p.Edge != edge {
		problem.Write(w, http.StatusForbidden, "an edge fetches what is wanted of it with its own token only")
		return
	}
	if !d.enter(edge) {
		w.Header().Set("Retry-After", "30")
		problem.Write(w, http.StatusServiceUnavailable, "too many edges fetch builds")
		return
	}
	defer d.leave(edge)
	b, err := d.wanted(r.Context(), edge, version, platform)
	if err != nil {
		d.fail(w, err)
		return
	}
	object, err := d.Catalogue.archives.Open(r.Context(), b.SHA256)
	if err != nil {
		d.fail(w, err)
		return
	}
	defer object.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+b.SHA256+`"`)
	w.Header().Set("Cache-Control", "private, no-store")
	http.ServeContent(w, r, "", time.Time{}, &slow{ReadSeeker: object, ctx: r.Context(), out: http.NewResponseController(w)})
}

func (d *Door) enter(edge string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under[edge] || len(d.under) >= MaxDownloads {
		return false
	}
	if d.under == nil {
		d.under = map[string]bool{}
	}
	d.under[edge] = true
	return true
}

func (d *Door) leave(edge string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.under, edge)
}

// wanted finds the build if it is wanted of the edge.
func (d *Door) wanted(ctx context.Context, edge, version, platform string) (b Build, err error) {
	doc, err := d.Catalogue.store.Document(ctx, orders.KindRelease, edge)
	if err != nil {
		return b, err
	}
	var w ingest.WantedRelease
	if err := json.Unmarshal(doc.Body, &w); err != nil {
		return b, err
	}
	if !release.Same(w.Version, version) {
		return b, store.ErrNotFound
	}
	return d.Catalogue.find(ctx, version, platform)
}

func (d *Door) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, store.ErrNotFound) {
		problem.Write(w, http.StatusNotFound, "this is not wanted of this edge, or not stored")
		return
	}
	d.Log.Error("a build was not served", "error", err)
	w.Header().Set("Retry-After", "30")
	problem.Write(w, http.StatusServiceUnavailable, "central could not read it")
}

// slow reads at [Rate], and gives up on who takes nothing.
type slow struct {
	io.ReadSeeker
	ctx context.Context
	out *http.ResponseController
}

// Read reads a slice and waits for its time.
func (s *slow) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, s.ctx.Err()
	}
	n, err := s.ReadSeeker.Read(p[:min(len(p), slice)])
	_ = s.out.SetWriteDeadline(time.Now().Add(sendSlice)) // not supported by test recorders only
	t := time.NewTimer(time.Duration(n) * time.Second / Rate)
	defer t.Stop()
	select {
	case <-s.ctx.Done():
		return n, s.ctx.Err()
	case <-t.C:
		return n, err
	}
}
