package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTiles(t *testing.T) {
	const server = "map: {tiles: {url: 'https://tiles.example/{z}/{x}/{y}.png'"
	for text, want := range map[string]string{
		"map: {tiles: {file: town.pmtiles, datum: gcj02, attribution: survey office}}": "",
		server + ", max_zoom: 17}}": "", server + "}}": "",
		"map: {tiles: {url: 'http://127.0.0.1:80/{z}/{x}/{y}'}}":                               "",
		"map: {tiles: {url: 'https://tiles.example/{z}/{x}/{y}?tk={key}', key: {env: TILES}}}": "",
		"map: {tiles: {datum: gcj02}}":                                                         "none or both",
		server + ", file: x}}":                                                                 "none or both",
		"map: {tiles: {url: 'http://tiles.example/{z}/{x}/{y}.png'}}":                          "https address",
		"map: {tiles: {url: 'https://me@tiles.example/{z}/{x}/{y}.png'}}":                      "https address",
		"map: {tiles: {url: 'https://tiles.example/{z}/{x}/{y}/{q}'}}":                         "https address",
		"map: {tiles: {url: 'https://tiles.example/{z}/{x}.png'}}":                             "no {z}, {x} and {y}",
		"map: {tiles: {url: 'https://t{x}.tiles.example/{z}/{x}/{y}.png'}}":                    "leaves its host open",
		"map: {tiles: {url: 'https://tiles.example/{z}/{x}/{y}?tk={key}'}}":                    "map.tiles.key",
		server + ", key: {env: TILES}}}":                                                       "map.tiles.key",
		server + ", datum: bd09}}":                                                             "is unknown",
		server + ", max_zoom: 25}}":                                                            "out of range",
		"map: {tiles: {file: x, max_zoom: 3}}":                                                 "out of range",
		server + ", attribution: " + strings.Repeat("x", 201) + "}}":                           "longer than 200",
	} {
		folder := t.TempDir()
		file := filepath.Join(folder, "central.yaml")
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(file)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case err == nil && c.Map.Tiles.File != "" && c.Map.Tiles.File != filepath.Join(folder, "town.pmtiles"):
			t.Errorf("%s: %s", text, c.Map.Tiles.File)
		case err == nil && (c.Map.Tiles.Zoom() < 17 || c.Map.Tiles.DatumOr() == ""):
			t.Errorf("%s: %+v", text, c.Map.Tiles)
		}
	}
}
