package config

import (
	"net/url"
	"strings"

	"gridgate/central/tiles"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/loopback"
)

// Map says what the console's map has beside the polygons of the grids.
type Map struct {
	Tiles Tiles `yaml:"tiles"`
}

// The datums of tiles.
const (
	WGS84 = "wgs84"
	GCJ02 = "gcj02" // of the maps that are sold in mainland China: some hundred metres off, by a formula
)

// Tiles are pictures below the polygons, of a file or of a tile server. An empty section: there are none.
type Tiles struct {
	File        string      `yaml:"file"`        // PMTiles, version 3, with pictures in it
	URL         string      `yaml:"url"`         // https://host/{z}/{x}/{y}.png; {key} stands for Key
	Key         conf.Secret `yaml:"key"`         // what the tile server asks for in its address
	Datum       string      `yaml:"datum"`       // wgs84 (CGCS2000) or gcj02; empty: wgs84
	Attribution string      `yaml:"attribution"` // who made them; shown on the map
	MaxZoom     int         `yaml:"max_zoom"`    // of a tile server; 0: 18
}

// Set says whether there are tiles.
func (t Tiles) Set() bool { return t != Tiles{} }

// DatumOr is the datum, the default for none.
func (t Tiles) DatumOr() string {
	if t.Datum == "" {
		return WGS84
	}
	return t.Datum
}

// Zoom is the largest zoom that a tile server is asked for.
func (t Tiles) Zoom() int {
	if t.MaxZoom == 0 {
		return 18
	}
	return t.MaxZoom
}

func (c *Config) validateMap(j *judge) {
	t := c.Map.Tiles
	if !t.Set() {
		return
	}
	if (t.File == "") == (t.URL == "") {
		j.bad("map.tiles", "has none or both of file and url", "name a PMTiles file, or a tile server")
	}
	if t.URL != "" {
		t.validateURL(j)
	}
	if d := t.DatumOr(); d != WGS84 && d != GCJ02 {
		j.bad("map.tiles.datum", "is unknown", "write wgs84 or gcj02")
	}
	if len(t.Attribution) > 200 {
		j.bad("map.tiles.attribution", "is longer than 200 bytes", "name who made the tiles")
	}
	if t.MaxZoom < 0 || t.MaxZoom > tiles.MaxZoom || t.MaxZoom != 0 && t.File != "" {
		j.bad("map.tiles.max_zoom", "is out of range, or not of a tile server", "write 1 to 24; a file knows its own")
	}
}

func (t Tiles) validateURL(j *judge) {
	filled := strings.NewReplacer("{z}", "0", "{x}", "0", "{y}", "0", "{key}", "k").Replace(t.URL)
	u, err := url.Parse(filled)
	switch {
	case err != nil || !web(u) || u.Scheme != "https" && !loopback.Host(u.Hostname()) || strings.ContainsAny(filled, "{}"):
		j.bad("map.tiles.url", "is not an https address without user and password", "for example https://tiles.town.example/{z}/{x}/{y}.png")
	case !strings.Contains(t.URL, "{z}") || !strings.Contains(t.URL, "{x}") || !strings.Contains(t.URL, "{y}"):
		j.bad("map.tiles.url", "has no {z}, {x} and {y}", "for example https://tiles.town.example/{z}/{x}/{y}.png")
	case hostHasHole(t.URL):
		j.bad("map.tiles.url", "leaves its host open", "write the name of the tile server")
	}
	switch {
	case strings.Contains(t.URL, "{key}") != t.Key.Set():
		j.bad("map.tiles.key", "is missing, or not used by the address", "write {key} in the address, and name a file or env that holds the key")
	case t.Key.File != "" && t.Key.Env != "":
		j.bad("map.tiles.key", "has both file and env", "keep one of the two")
	}
}

// hostHasHole says whether the host of a template depends on what is filled in.
func hostHasHole(template string) bool {
	_, rest, _ := strings.Cut(template, "://")
	host, _, _ := strings.Cut(rest, "/")
	return strings.ContainsAny(host, "{}")
}
