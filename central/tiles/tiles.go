// Package tiles has the pictures that a map may have below its polygons.
//
// In: a PMTiles file, or the address of a tile server, both from central's configuration alone. Out: one picture for a zoom, a column and
// a row (XYZ, Web Mercator). Browsers ask central only, so that no tile server learns who looks at what. It never takes an address from a
// request, follows no redirect, and its memory is bounded.
package tiles

import (
	"container/list"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Tile is one picture.
type Tile struct {
	Type string // image/png, image/jpeg or image/webp
	Data []byte // none: nothing is drawn there
}

// Bounds.
const (
	MaxZoom = 24       // of any tile
	maxTile = 2 << 20  // bytes of one
	maxKept = 64 << 20 // bytes of all that are kept
)

var pictures = []string{"image/png", "image/jpeg", "image/webp"}

// picture returns data as a tile; false if it is none of the pictures that a browser is given.
func picture(data []byte) (Tile, bool) {
	t := Tile{Type: http.DetectContentType(data), Data: data}
	return t, slices.Contains(pictures, t.Type)
}

// exists says whether the scheme has such a tile.
func exists(z, x, y int) bool {
	return z >= 0 && z <= MaxZoom && x >= 0 && y >= 0 && x>>z == 0 && y>>z == 0
}

// cache keeps what was used last, up to a number of bytes. Safe for concurrent use.
type cache[K comparable, V any] struct {
	mu    sync.Mutex
	most  int
	bytes int
	order list.List // of *kept, the one that was used last in front
	by    map[K]*list.Element
}

type kept[K comparable, V any] struct {
	key   K
	value V
	size  int
	until time.Time
}

// overhead is what an entry costs beside its data, in bytes.
const overhead = 256

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, by: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K, now time.Time) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.by[key]
	if e == nil {
		return value, false
	}
	one := e.Value.(*kept[K, V])
	if !now.Before(one.until) {
		c.drop(e)
		return value, false
	}
	c.order.MoveToFront(e)
	return one.value, true
}

func (c *cache[K, V]) put(key K, value V, size int, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.by[key]; e != nil {
		c.drop(e)
	}
	c.by[key] = c.order.PushFront(&kept[K, V]{key: key, value: value, size: size + overhead, until: until})
	for c.bytes += size + overhead; c.bytes > c.most; {
		c.drop(c.order.Back())
	}
}

func (c *cache[K, V]) drop(e *list.Element) {
	one := c.order.Remove(e).(*kept[K, V])
	c.bytes -= one.size
	delete(c.by, one.key)
}
