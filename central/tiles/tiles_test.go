package tiles

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridgate/deploy/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const png = "\x89PNG\r\n\x1a\n"

// The ids of the first zooms, by the figure of the format's description, and one that its reference readers are tested with.
func TestTileID(t *testing.T) {
	for _, c := range [][4]int{{0, 0, 0, 0}, {1, 0, 0, 1}, {1, 0, 1, 2}, {1, 1, 1, 3}, {1, 1, 0, 4}, {2, 0, 0, 5}, {2, 1, 0, 6}, {2, 1, 1, 7}, {2, 0, 1, 8}, {2, 0, 2, 9}, {12, 3423, 1763, 19078479}} {
		if got := tileID(c[0], c[1], c[2]); got != uint64(c[3]) {
			t.Errorf("%d/%d/%d: %d, want %d", c[0], c[1], c[2], got, c[3])
		}
	}
	for z := range 7 { // each id once, and neighbours on the curve are neighbours on the map
		at := map[uint64][2]int{}
		for x := range 1 << z {
			for y := range 1 << z {
				at[tileID(z, x, y)] = [2]int{x, y}
			}
		}
		first := tileID(z, 0, 0)
		for id := first + 1; id < first+1<<(2*z); id++ {
			a, b := at[id-1], at[id]
			if d := abs(a[0]-b[0]) + abs(a[1]-b[1]); d != 1 {
				t.Fatalf("zoom %d: %v and %v follow each other", z, a, b)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }

// writer makes PMTiles files for tests.
type writer struct {
	internal, packed, kind byte
	minZoom, maxZoom       byte
	leaves                 bool // entries are in leaf directories of four
}

func (w writer) pack(b []byte) []byte {
	if w.internal != packedGzip {
		return b
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func (w writer) directory(d directory) []byte {
	b := binary.AppendUvarint(nil, uint64(len(d)))
	var last entry
	for _, e := range d {
		b = binary.AppendUvarint(b, e.id-last.id)
		last = e
	}
	for _, e := range d {
		b = binary.AppendUvarint(b, e.run)
	}
	for _, e := range d {
		b = binary.AppendUvarint(b, e.length)
	}
	for i, e := range d {
		v := e.offset + 1
		if i > 0 && e.offset == d[i-1].offset+d[i-1].length {
			v = 0
		}
		b = binary.AppendUvarint(b, v)
	}
	return w.pack(b)
}

// file lays out header, root, leaves and data.
func (w writer) file(d directory, data []byte) []byte {
	root, leaves := w.directory(d), []byte(nil)
	if w.leaves {
		var upper directory
		for i := 0; i < len(d); i += 4 {
			one := w.directory(d[i:min(len(d), i+4)])
			upper = append(upper, entry{id: d[i].id, length: uint64(len(one)), offset: uint64(len(leaves))})
			leaves = append(leaves, one...)
		}
		root = w.directory(upper)
	}
	h := make([]byte, headerSize)
	copy(h, "PMTiles\x03")
	put := func(at int, values ...int) {
		for i, v := range values {
			binary.LittleEndian.PutUint64(h[at+8*i:], uint64(v))
		}
	}
	put(8, headerSize, len(root), headerSize+len(root), 0, headerSize+len(root), len(leaves), headerSize+len(root)+len(leaves), len(data))
	h[97], h[98], h[99], h[100], h[101] = w.internal, w.packed, w.kind, w.minZoom, w.maxZoom
	return bytes.Join([][]byte{h, root, leaves, data}, nil)
}

// world has a picture for each tile of four zooms; those of a run share one.
func world() (d directory, data []byte) {
	for id := uint64(0); id < 85; id++ {
		one := []byte(fmt.Sprintf("%s%d", png, id))
		e := entry{id: id, run: 1, length: uint64(len(one)), offset: uint64(len(data))}
		data = append(data, one...)
		if id == 10 {
			e.run = 3
			id += 3 // nothing is at 13
		}
		d = append(d, e)
	}
	return d, data
}

var good = writer{internal: packedGzip, packed: packedNot, kind: typePNG, maxZoom: 3}

func TestArchive(t *testing.T) {
	for name, w := range map[string]writer{
		"gzip": good, "plain": {internal: packedNot, packed: packedNot, kind: typePNG, maxZoom: 3}, "leaves": {internal: packedGzip, packed: packedNot, kind: typeWebP, maxZoom: 3, leaves: true},
	} {
		file := filepath.Join(t.TempDir(), "town.pmtiles")
		if err := os.WriteFile(file, w.file(world()), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(file)
		if err != nil {
			t.Fatal(name, err)
		}
		if least, most := a.Zooms(); least != 0 || most != 3 {
			t.Errorf("%s: zooms %d to %d", name, least, most)
		}
		for z := range 5 {
			for x := range 1<<z + 1 {
				got, err := a.Tile(t.Context(), z, x, 0)
				want := ""
				if id := tileID(z, x, 0); z < 4 && x < 1<<z && id != 13 {
					if id == 11 || id == 12 {
						id = 10
					}
					want = fmt.Sprintf("%s%d", png, id)
				}
				if err != nil || string(got.Data) != want || want != "" && got.Type != "image/png" {
					t.Errorf("%s: %d/%d/0: %q, want %q, %v", name, z, x, got.Data, want, err)
				}
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	d, data := world()
	long := good.file(d, data)
	bomb := good
	for why, file := range map[string][]byte{
		"too short": []byte("PMTiles\x03"), "no PMTiles": append([]byte("PMTiles\x02"), make([]byte, 200)...),
		"something else than gzip": writer{internal: 4, packed: 1, kind: 2}.file(d, data), "packed once more": writer{internal: 1, packed: 2, kind: 2}.file(d, data),
		"vector tiles": writer{internal: 1, packed: 1, kind: 1}.file(d, data), "zooms": writer{internal: 1, packed: 1, kind: 2, minZoom: 3, maxZoom: 2}.file(d, data),
		"ends before": long[:headerSize+5], "damaged": good.file(directory{{id: 1, run: 1, length: 0}}, nil), "more than": bomb.file(nil, nil)[:headerSize],
	} {
		if why == "more than" {
			file = append(file, bomb.pack(make([]byte, maxDirectory+1))...)
			binary.LittleEndian.PutUint64(file[16:], uint64(len(file)-headerSize))
		}
		if _, err := newArchive(bytes.NewReader(file)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want something of %q", err, why)
		}
	}
	if _, err := OpenArchive(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Entries that point out of their section, at no picture, or at themselves are errors, not pictures.
func TestArchiveEntriesAreNotTrusted(t *testing.T) {
	plain := writer{internal: packedNot, packed: packedNot, kind: typePNG, maxZoom: 3}
	loop := plain.file(directory{{id: 0, run: 0, length: 5, offset: 0}}, nil)
	copy(loop[40:], loop[8:24]) // the leaves are the root
	for why, file := range map[string][]byte{
		"outside": plain.file(directory{{id: 0, run: 1, length: 10, offset: 1 << 63}}, []byte(png)), "no PNG": plain.file(directory{{id: 0, run: 1, length: 5}}, []byte("hello")),
		"deep": loop, "outside its": plain.file(directory{{id: 0, run: 0, length: 1 << 40}}, nil), "bytes": plain.file(directory{{id: 0, run: 1, length: maxTile + 1}}, make([]byte, maxTile+1)),
	} {
		a, err := newArchive(bytes.NewReader(file))
		if err != nil {
			t.Fatal(why, err)
		}
		if got, err := a.Tile(t.Context(), 0, 0, 0); err == nil || !strings.Contains(err.Error(), why) || got.Data != nil {
			t.Errorf("%q, %v, want something of %q", got.Data, err, why)
		}
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(good.file(world()))
	f.Add(writer{internal: packedNot, packed: packedNot, kind: typePNG, maxZoom: 3, leaves: true}.file(world()))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := newArchive(bytes.NewReader(file))
		if err != nil {
			return
		}
		for z := range 4 {
			if got, err := a.Tile(t.Context(), z, 0, 0); err == nil && len(got.Data) > 0 && !strings.HasPrefix(got.Type, "image/") {
				t.Errorf("%s", got.Type)
			}
		}
	})
}

// origin is a tile server.
type origin struct {
	*httptest.Server
	asked atomic.Int64
	last  sync.Map // path -> true
}

func newOrigin(t *testing.T, answer http.HandlerFunc) *origin {
	t.Helper()
	o := &origin{}
	o.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		o.last.Store(r.URL.String(), true)
		answer(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *origin) tiles(now *time.Time) *Server {
	return NewServer(ServerOptions{URL: o.URL + "/{z}/{x}/{y}.png?key=secret", MaxZoom: 18, Client: o.Client(), Now: func() time.Time { return *now }})
}

func TestServer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o := newOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie")+r.Header.Get("Referer")+r.Header.Get("Authorization") != "" {
			t.Errorf("the tile server learns %v", r.Header)
		}
		_, _ = io.WriteString(w, png+r.URL.Path)
	})
	s := o.tiles(&now)
	for range 3 {
		if got, err := s.Tile(t.Context(), 3, 5, 2); err != nil || string(got.Data) != png+"/3/5/2.png" || got.Type != "image/png" {
			t.Fatalf("%q, %v", got.Data, err)
		}
	}
	if _, known := o.last.Load("/3/5/2.png?key=secret"); !known || o.asked.Load() != 1 {
		t.Errorf("asked %d times", o.asked.Load())
	}
	now = now.Add(keepFor)
	if _, err := s.Tile(t.Context(), 3, 5, 2); err != nil || o.asked.Load() != 2 {
		t.Errorf("%v, asked %d times after a day", err, o.asked.Load())
	}
	for _, c := range [][3]int{{19, 0, 0}, {1, 2, 0}, {1, 0, -1}} {
		if got, err := s.Tile(t.Context(), c[0], c[1], c[2]); err != nil || got.Data != nil || o.asked.Load() != 2 {
			t.Errorf("%v: %q, %v", c, got.Data, err)
		}
	}
}

func TestServerAnswersThatAreNoTiles(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	inside := newOrigin(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, png+"of another host") })
	for why, answer := range map[string]http.HandlerFunc{
		"status 302": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, http.StatusFound) },
		"status 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no PNG":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"more than": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, png+strings.Repeat("x", maxTile))
		},
		"in the midst": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, png)
		},
		"does not answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		o := newOrigin(t, answer)
		s := o.tiles(&now)
		for range 2 {
			if got, err := s.Tile(t.Context(), 1, 0, 0); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "secret") || got.Data != nil {
				t.Errorf("%q, %v, want something of %q", got.Data, err, why)
			}
		}
		if n := o.asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times at once", why, n)
		}
		now = now.Add(blameFor)
		if _, err := s.Tile(t.Context(), 1, 0, 0); err == nil || o.asked.Load() != 2 {
			t.Errorf("%s: %v, asked %d times after a while", why, err, o.asked.Load())
		}
	}
	if inside.asked.Load() > 0 {
		t.Error("a redirect was followed")
	}
	gone := newOrigin(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	if got, err := gone.tiles(&now).Tile(t.Context(), 1, 0, 0); err != nil || got.Data != nil {
		t.Errorf("%q, %v", got.Data, err)
	}
}

// Who gives up waiting does not take the tile from the others.
func TestServerOneFetchForAll(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	begun, go_ := make(chan bool, 1), make(chan bool)
	o := newOrigin(t, func(w http.ResponseWriter, _ *http.Request) {
		begun <- true
		<-go_
		_, _ = io.WriteString(w, png)
	})
	s := o.tiles(&now)
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := s.Tile(impatient, 1, 0, 0)
		left <- err
	}()
	<-begun
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(go_)
	if got, err := s.Tile(t.Context(), 1, 0, 0); err != nil || string(got.Data) != png || o.asked.Load() != 1 {
		t.Errorf("%q, %v, asked %d times", got.Data, err, o.asked.Load())
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// However close to the end of a fetch somebody asks for the same tile, it is fetched once.
func TestServerFetchesOnceHoweverManyAsk(t *testing.T) {
	var asked atomic.Int64
	s := NewServer(ServerOptions{URL: "http://tiles.example/{z}/{x}/{y}.png", MaxZoom: 18, Client: &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(png))}, nil
	})}})
	const tiles = 1000
	for x := range tiles {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if got, err := s.Tile(t.Context(), 18, x, 0); err != nil || string(got.Data) != png {
					t.Errorf("%q, %v", got.Data, err)
				}
			})
		}
		all.Wait()
	}
	if n := asked.Load(); n != tiles {
		t.Errorf("asked %d times for %d tiles", n, tiles)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int, int](10 * (100 + overhead))
	for i := range 50 {
		c.put(i, i, 100, always)
		if i > 0 {
			c.get(0, time.Time{}) // is used all the time
		}
		c.put(i, i, 100, always)
	}
	if _, ok := c.get(0, time.Time{}); !ok || len(c.by) != 10 || c.order.Len() != 10 || c.bytes != c.most {
		t.Errorf("%v: %d entries, %d bytes", ok, len(c.by), c.bytes)
	}
	if _, ok := c.get(1, time.Time{}); ok {
		t.Error("what was not used for long is kept")
	}
	if c.put(99, 1, c.most, always); len(c.by) != 0 || c.bytes != 0 {
		t.Errorf("%d entries, %d bytes", len(c.by), c.bytes)
	}
}
