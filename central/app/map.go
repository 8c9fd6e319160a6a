package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gridgate/central/api"
	"gridgate/central/config"
	"gridgate/central/overview"
	"gridgate/central/tiles"
)

// background is what the map has below its polygons; nil: nothing.
type background struct {
	source api.Tiles
	info   api.TileInfo
}

// overview is how things stand, for the map and the metrics; it reads when somebody asks.
func (a *App) overview() api.Overview {
	if a.board == nil {
		a.board = overview.NewBoard(overview.Options{Log: a.store})
	}
	return a.board
}

// openTiles opens the tiles that the configuration names.
func (a *App) openTiles(_ context.Context, c *config.Config) error {
	t := c.Map.Tiles
	if !t.Set() {
		return nil
	}
	a.tiles.info = api.TileInfo{Datum: t.DatumOr(), Attribution: t.Attribution, MaxZoom: t.Zoom()}
	if t.File != "" {
		archive, err := tiles.OpenArchive(t.File)
		if err != nil {
			return fmt.Errorf("map.tiles.file: %w", err)
		}
		a.onStop("tiles", archive.Close)
		a.tiles.source = archive
		a.tiles.info.MinZoom, a.tiles.info.MaxZoom = archive.Zooms()
		return nil
	}
	return a.openTileServer(t)
}

func (a *App) openTileServer(t config.Tiles) error {
	address := t.URL
	if t.Key.Set() {
		key, err := t.Key.Value()
		if err != nil {
			return fmt.Errorf("map.tiles.key: %w", err)
		}
		address = strings.ReplaceAll(address, "{key}", key)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, IdleConnTimeout: time.Minute,
	}
	a.onStop("tiles", func() error { transport.CloseIdleConnections(); return nil })
	a.tiles.source = tiles.NewServer(tiles.ServerOptions{URL: address, MaxZoom: t.Zoom(), Client: &http.Client{Transport: transport}})
	return nil
}
