package tiles

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"
)

// Bounds of an archive.
const (
	headerSize   = 127
	maxDirectory = 8 << 20 // bytes of one, unpacked
	maxDepth     = 4       // of directories
	maxLeaves    = 16 << 20
)

// Values of the header (PMTiles version 3, "Header Design").
const (
	packedNot  = 1
	packedGzip = 2
	typePNG    = 2
	typeWebP   = 4
)

// Archive is a file of raster tiles (PMTiles version 3, https://github.com/protomaps/PMTiles). Safe for concurrent use.
type Archive struct {
	file   io.ReaderAt
	close  func() error
	h      header
	root   directory
	leaves *cache[uint64, directory]
}

// header is what is read of the first 127 bytes.
type header struct {
	rootAt, rootLength  uint64
	leavesAt, leavesLen uint64
	dataAt, dataLength  uint64
	internal            byte // how directories are packed
	minZoom, maxZoom    int
}

// entry is a run of tiles of one picture, or, with a run of 0, a further directory.
type entry struct {
	id, run, length, offset uint64
}

// directory is in the order of the ids.
type directory []entry

// OpenArchive opens a file. The error says what of it cannot be shown.
func OpenArchive(name string) (*Archive, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a, err := newArchive(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	a.close = f.Close
	return a, nil
}

func newArchive(file io.ReaderAt) (*Archive, error) {
	raw := make([]byte, headerSize)
	if _, err := file.ReadAt(raw, 0); err != nil {
		return nil, errors.New("is no PMTiles file: it is too short")
	}
	h, err := parseHeader(raw)
	if err != nil {
		return nil, err
	}
	a := &Archive{file: file, h: h, leaves: newCache[uint64, directory](maxLeaves)}
	if a.root, err = a.directory(h.rootAt, h.rootLength); err != nil {
		return nil, fmt.Errorf("read the root directory: %w", err)
	}
	return a, nil
}

func parseHeader(b []byte) (h header, err error) {
	if string(b[:7]) != "PMTiles" || b[7] != 3 {
		return h, errors.New("is no PMTiles file of version 3")
	}
	at := func(n int) uint64 { return binary.LittleEndian.Uint64(b[n:]) }
	h = header{
		rootAt: at(8), rootLength: at(16), leavesAt: at(40), leavesLen: at(48), dataAt: at(56), dataLength: at(64),
		internal: b[97], minZoom: int(b[100]), maxZoom: int(b[101]),
	}
	switch {
	case h.internal != packedNot && h.internal != packedGzip:
		return h, errors.New("its directories are packed by something else than gzip: write it anew with gzip")
	case b[98] > packedNot:
		return h, errors.New("its tiles are packed once more: pictures are packed already")
	case b[99] < typePNG || b[99] > typeWebP:
		return h, errors.New("its tiles are no PNG, JPEG or WebP: vector tiles are not drawn, make pictures of them")
	case h.minZoom > h.maxZoom || h.maxZoom > MaxZoom:
		return h, fmt.Errorf("its zooms are %d to %d, beyond 0 to %d", h.minZoom, h.maxZoom, MaxZoom)
	}
	return h, nil
}

// Zooms are the smallest and the largest zoom that have tiles.
func (a *Archive) Zooms() (least, most int) { return a.h.minZoom, a.h.maxZoom }

// Close closes the file.
func (a *Archive) Close() error { return a.close() }

// Tile returns one tile.
func (a *Archive) Tile(_ context.Context, z, x, y int) (Tile, error) {
	if !exists(z, x, y) || z < a.h.minZoom || z > a.h.maxZoom {
		return Tile{}, nil
	}
	e, err := a.find(tileID(z, x, y))
	if err != nil || e.length == 0 {
		return Tile{}, err
	}
	data, err := a.read(a.h.dataAt, a.h.dataLength, e, maxTile)
	if err != nil {
		return Tile{}, fmt.Errorf("read tile %d/%d/%d: %w", z, x, y, err)
	}
	t, ok := picture(data)
	if !ok {
		return Tile{}, fmt.Errorf("tile %d/%d/%d is no PNG, JPEG or WebP", z, x, y)
	}
	return t, nil
}

// find returns where a tile is; the zero entry for one that is not there.
func (a *Archive) find(id uint64) (entry, error) {
	dir := a.root
	for range maxDepth {
		e, ok := dir.find(id)
		if !ok || e.run > 0 {
			return e, nil
		}
		var err error
		if dir, err = a.leaf(e); err != nil {
			return entry{}, fmt.Errorf("read a directory: %w", err)
		}
	}
	return entry{}, fmt.Errorf("its directories are more than %d deep", maxDepth)
}

// find returns the last entry that begins at or before id, if id is within.
func (d directory) find(id uint64) (entry, bool) {
	n := sort.Search(len(d), func(i int) bool { return d[i].id > id })
	if n == 0 {
		return entry{}, false
	}
	if e := d[n-1]; e.run == 0 || id-e.id < e.run {
		return e, true
	}
	return entry{}, false
}

var always = time.Unix(1<<40, 0)

func (a *Archive) leaf(e entry) (directory, error) {
	if known, ok := a.leaves.get(e.offset, time.Time{}); ok {
		return known, nil
	}
	if e.offset > a.h.leavesLen || e.length > a.h.leavesLen-e.offset {
		return nil, errors.New("it lies outside its section")
	}
	d, err := a.directory(a.h.leavesAt+e.offset, e.length)
	if err == nil {
		a.leaves.put(e.offset, d, len(d)*32, always)
	}
	return d, err
}

// read reads what an entry names in a section.
func (a *Archive) read(at, length uint64, e entry, most uint64) ([]byte, error) {
	if e.offset > length || e.length > length-e.offset {
		return nil, errors.New("it lies outside its section")
	}
	return a.bytes(at+e.offset, e.length, most)
}

func (a *Archive) bytes(at, length, most uint64) ([]byte, error) {
	if length > most || at > 1<<62 {
		return nil, fmt.Errorf("it has %d bytes, more than %d", length, most)
	}
	data := make([]byte, length)
	if _, err := a.file.ReadAt(data, int64(at)); err != nil {
		return nil, fmt.Errorf("the file ends before it: %w", err)
	}
	return data, nil
}

func (a *Archive) directory(at, length uint64) (directory, error) {
	data, err := a.bytes(at, length, maxDirectory)
	if err != nil {
		return nil, err
	}
	if a.h.internal == packedGzip {
		if data, err = unzip(data); err != nil {
			return nil, err
		}
	}
	return parseDirectory(data)
}

func unzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpack it: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxDirectory+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack it: %w", err)
	case len(out) > maxDirectory:
		return nil, fmt.Errorf("it has more than %d bytes", maxDirectory)
	}
	return out, nil
}

var errDirectory = errors.New("it is damaged")

// parseDirectory reads the four columns of a directory ("Directory Serialization").
func parseDirectory(data []byte) (directory, error) {
	r := bytes.NewReader(data)
	n, err := binary.ReadUvarint(r)
	if err != nil || n == 0 || n > uint64(r.Len()/4) { // each entry has four numbers of a byte at least
		return nil, errDirectory
	}
	d := make(directory, n)
	columns := []func(e *entry, before entry, v uint64){
		func(e *entry, before entry, v uint64) { e.id = before.id + v },
		func(e *entry, _ entry, v uint64) { e.run = v },
		func(e *entry, _ entry, v uint64) { e.length = v },
		func(e *entry, before entry, v uint64) {
			if e.offset = v - 1; v == 0 {
				e.offset = before.offset + before.length
			}
		},
	}
	for _, set := range columns {
		var before entry
		for i := range d {
			v, err := binary.ReadUvarint(r)
			if err != nil {
				return nil, errDirectory
			}
			set(&d[i], before, v)
			before = d[i]
		}
	}
	return d, d.check()
}

// check holds that ids ascend and nothing is empty.
func (d directory) check() error {
	for i, e := range d {
		if e.length == 0 || i > 0 && e.id <= d[i-1].id {
			return errDirectory
		}
	}
	return nil
}

// tileID is the place of a tile: all tiles of smaller zooms, then the zoom's own along a Hilbert curve.
func tileID(z, x, y int) uint64 {
	id := (uint64(1)<<(2*z) - 1) / 3
	for s := 1 << z >> 1; s > 0; s >>= 1 {
		right, down := x&s, y&s
		quarter := uint64(0)
		switch {
		case right != 0 && down == 0:
			quarter = 3
		case right != 0:
			quarter = 2
		case down != 0:
			quarter = 1
		}
		id += quarter * uint64(s) * uint64(s)
		if down == 0 { // the curve of this quarter is turned
			if right != 0 {
				x, y = s-1-x&(s-1), s-1-y&(s-1)
			}
			x, y = y, x
		}
	}
	return id
}
