package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/protocols/kit/backoff"
)

// Options say what to run and where.
type Options struct {
	Dir     string `help:"Folder that keeps everything of the demonstration." default:".run"`
	Bin     string `help:"Folder of gridgate-edge and gridgate-central." default:"bin"`
	Footage string `help:"Folder with square.h264 and quiet.h264." required:""`
	Play    string `help:"Annex-B H.264 file that the first camera plays instead of the square."`
	Camera  string `help:"rtsp://user:pass@host/stream: a real camera instead of the simulated ones."`
}

const (
	readyWithin = 60 * time.Second
	stopWithin  = 10 * time.Second
)

// Run starts the township in data-flow order, prints how to get in, and returns once ctx ended and nothing of it runs any
// more, or with an error as soon as one part fails.
func Run(ctx context.Context, o Options, log *slog.Logger) error {
	town, err := openTown(o)
	if err != nil {
		return err
	}
	defer os.Remove(town.envFile())
	if err := os.Remove(town.envFile()); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove the last run's demo.env: %w", err)
	}
	closeCameras, err := town.startCameras(ctx)
	if err != nil {
		return err
	}
	defer closeCameras()
	if err := town.writeConfigs(); err != nil {
		return err
	}
	if err := town.enrol(ctx); err != nil {
		return err
	}

	parts, ctx := errgroup.WithContext(ctx)
	start := func(name string, args ...string) { parts.Go(func() error { return town.serve(ctx, name, args...) }) }
	start("gridgate-central", "serve", "--config", town.path("central.yaml"))
	parts.Go(func() error {
		if err := waitFor(ctx, town.centralURL()+"/readyz"); err != nil {
			return err
		}
		start("gridgate-edge", "run", "--config", town.path("edge.yaml"))
		if err := waitFor(ctx, town.edgeURL()+"/healthz"); err != nil {
			return err
		}
		parts.Go(func() error { return town.runSensors(ctx, log) })
		return town.announce(os.Stdout)
	})
	return parts.Wait()
}

// waitFor polls url until it answers 200.
func waitFor(ctx context.Context, url string) error {
	deadline := time.Now().Add(readyWithin)
	client := &http.Client{Timeout: 2 * time.Second}
	for time.Now().Before(deadline) {
		if resp, err := client.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if !backoff.Wait(ctx, 100*time.Millisecond) {
			return nil
		}
	}
	return fmt.Errorf("%s did not become ready within %v; see the logs under .run/logs", url, readyWithin)
}

func (t *town) path(elem ...string) string {
	return filepath.Join(append([]string{t.dir}, elem...)...)
}
