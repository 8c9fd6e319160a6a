package tiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
)

// How a tile server is asked.
const (
	fetchWithin = 10 * time.Second
	fetches     = 8              // at a time
	keepFor     = 24 * time.Hour // a tile
	blameFor    = 30 * time.Second
)

// ServerOptions of [NewServer].
type ServerOptions struct {
	URL     string // template with {z}, {x} and {y}
	MaxZoom int
	// Client asks. Its redirects are not followed whatever it says.
	Client *http.Client
	Now    func() time.Time // time.Now if nil
}

// Server fetches tiles from a tile server and keeps them for a day. Safe for concurrent use.
type Server struct {
	o      ServerOptions
	kept   *cache[string, answer]
	flight singleflight.Group
	turns  chan struct{}
}

// answer is what a tile server said, the reason included why there is no tile.
type answer struct {
	tile Tile
	err  error
}

// NewServer returns a Server that has fetched nothing.
func NewServer(o ServerOptions) *Server {
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	client.Timeout = fetchWithin
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Server{o: o, kept: newCache[string, answer](maxKept), turns: make(chan struct{}, fetches)}
}

// Tile returns one tile, kept or fetched. Who asks for the same one meanwhile gets the same answer.
func (s *Server) Tile(ctx context.Context, z, x, y int) (Tile, error) {
	if !exists(z, x, y) || z > s.o.MaxZoom {
		return Tile{}, nil
	}
	key := fmt.Sprintf("%d/%d/%d", z, x, y)
	if known, ok := s.kept.get(key, s.o.Now()); ok {
		return known.tile, known.err
	}
	fetched := s.flight.DoChan(key, func() (any, error) {
		if known, ok := s.kept.get(key, s.o.Now()); ok { // a flight ended since it was looked for
			return known, nil
		}
		return s.fetch(context.WithoutCancel(ctx), key, strings.NewReplacer("{z}", strconv.Itoa(z), "{x}", strconv.Itoa(x), "{y}", strconv.Itoa(y)).Replace(s.o.URL)), nil
	})
	select {
	case r := <-fetched:
		a := r.Val.(answer)
		return a.tile, a.err
	case <-ctx.Done():
		return Tile{}, fmt.Errorf("wait for tile %s: %w", key, ctx.Err())
	}
}

// fetch asks the tile server and remembers what it said; a failure for a short while, so that a server that is away is left alone.
func (s *Server) fetch(ctx context.Context, key, url string) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return answer{err: fmt.Errorf("fetch tile %s: too many are being fetched", key)}
	}
	keep := keepFor
	if a.tile, a.err = s.ask(ctx, url); a.err != nil {
		a.err, keep = fmt.Errorf("fetch tile %s: %w", key, a.err), blameFor
	}
	s.kept.put(key, a, len(a.tile.Data), s.o.Now().Add(keep))
	return a
}

func (s *Server) ask(ctx context.Context, url string) (Tile, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Tile{}, errors.New("the address is none")
	}
	r.Header.Set("User-Agent", "gridgate-central")
	r.Header.Set("Accept", strings.Join(pictures, ", "))
	w, err := s.o.Client.Do(r)
	if err != nil {
		return Tile{}, errors.New("the tile server does not answer") // the error of the client has the address, which may have a key in it
	}
	defer func() { _ = w.Body.Close() }() // read only
	switch w.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent, http.StatusNotFound:
		return Tile{}, nil
	default:
		return Tile{}, fmt.Errorf("the tile server answers with status %d", w.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(w.Body, maxTile+1))
	switch {
	case err != nil:
		return Tile{}, errors.New("the tile server stopped in the midst of it")
	case len(data) > maxTile:
		return Tile{}, fmt.Errorf("the tile has more than %d bytes", maxTile)
	}
	t, ok := picture(data)
	if !ok {
		return Tile{}, errors.New("the tile is no PNG, JPEG or WebP")
	}
	return t, nil
}
