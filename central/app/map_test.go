package app

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridgate/central/config"
)

// archive is a PMTiles file with one tile, zoom 0, not packed.
func archive(tile string) []byte {
	root := []byte{1, 0, 1, byte(len(tile)), 1}
	h := make([]byte, 127)
	copy(h, "PMTiles\x03")
	for at, v := range map[int]int{8: 127, 16: len(root), 56: 127 + len(root), 64: len(tile)} {
		binary.LittleEndian.PutUint64(h[at:], uint64(v))
	}
	h[97], h[98], h[99] = 1, 1, 2
	return bytes.Join([][]byte{h, root, []byte(tile)}, nil)
}

func TestTilesOfAFile(t *testing.T) {
	d := newDesk(t)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	const tile = "\x89PNG\r\n\x1a\n of the town"
	write(t, filepath.Join(filepath.Dir(d.file), "town.pmtiles"), string(archive(tile)))
	write(t, d.file, string(text)+"map: {tiles: {file: town.pmtiles, datum: gcj02, attribution: survey office}}\n")
	d.start()
	read := func(path string) (int, string) {
		r := d.do(http.MethodGet, path, d.token, "", nil)
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(body)
	}
	if status, body := read("/v1/map/tiles/0/0/0"); status != http.StatusOK || body != tile {
		t.Errorf("%d %q", status, body)
	}
	if status, body := read("/v1/map/grids"); status != http.StatusOK || !strings.Contains(body, `"datum":"gcj02","attribution":"survey office","minZoom":0,"maxZoom":0`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := read("/v1/map"); status != http.StatusOK || !strings.Contains(body, `"cases":[]`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestTilesThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "vector.pmtiles"), strings.Replace(string(archive("x")), "\x01\x01\x02", "\x01\x01\x01", 1))
	for text, want := range map[string]string{
		"map: {tiles: {file: none.pmtiles}}":   "map.tiles.file",
		"map: {tiles: {file: vector.pmtiles}}": "vector tiles are not drawn",
		"map: {tiles: {url: 'https://tiles.example/{z}/{x}/{y}?tk={key}', key: {env: GRIDGATE_NO_SUCH_KEY}}}": "map.tiles.key",
	} {
		file := filepath.Join(folder, "central.yaml")
		write(t, file, "listen: 127.0.0.1:0\n"+text+"\n")
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
