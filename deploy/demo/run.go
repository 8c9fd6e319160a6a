package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"gridgate/deploy/testkit/stage"
)

// Options say what to run and where.
type Options struct {
	Dir     string `help:"Folder that keeps everything of the demonstration." default:".run"`
	Bin     string `help:"Folder of gridgate-edge and gridgate-central." default:"bin"`
	Footage string `help:"Folder with square.h264 and quiet.h264." required:""`
	Play    string `help:"Annex-B H.264 file that the first camera plays instead of the square."`
	Camera  string `help:"rtsp://user:pass@host/stream: a real camera instead of the simulated ones."`
}

const readyWithin = 60 * time.Second

// Run starts the township in data-flow order, prints how to get in, and returns once ctx ended and nothing of it runs any
// more, or with an error as soon as one part fails.
func Run(ctx context.Context, o Options, log *slog.Logger) error {
	town, err := openTown(o)
	if err != nil {
		return err
	}
	if err := os.Remove(town.envFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the last run's demo.env: %w", err)
	}
	defer os.Remove(town.envFile())
	closeCameras, err := town.startCameras(ctx)
	if err != nil {
		return err
	}
	defer closeCameras()
	if err := errors.Join(town.writeConfigs(), town.enrol(ctx)); err != nil {
		return err
	}

	parts, ctx := errgroup.WithContext(ctx)
	if err := town.serve(ctx, parts, "gridgate-central", "serve", "central.yaml", town.centralURL()+"/readyz"); err != nil {
		return stopped(ctx, err, parts)
	}
	if err := town.serve(ctx, parts, "gridgate-edge", "run", "edge.yaml", town.edgeURL()+"/healthz"); err != nil {
		return stopped(ctx, err, parts)
	}
	parts.Go(func() error { return town.runSensors(ctx, log) })
	if err := town.announce(os.Stdout); err != nil {
		return stopped(ctx, err, parts)
	}
	return parts.Wait()
}

// stopped ends the parts that run and returns why; a stop that was asked for is no error.
func stopped(ctx context.Context, err error, parts *errgroup.Group) error {
	if ctx.Err() != nil {
		return parts.Wait()
	}
	parts.Go(func() error { return err })
	return parts.Wait()
}

// serve starts a program, waits until url answers, and leaves a part that stops the program when ctx ends. A program that
// ends by itself is an error.
func (t *town) serve(ctx context.Context, parts *errgroup.Group, program, command, config, url string) error {
	log := t.path("logs", program+".log")
	p, err := stage.Start(stage.Spec{Program: filepath.Join(t.bin, program), Args: []string{command, "--config", t.path(config)}, Log: log})
	if err != nil {
		return err
	}
	parts.Go(func() error {
		select {
		case <-ctx.Done():
			return p.Stop()
		case <-p.Done():
			return fmt.Errorf("%s ended by itself; see %s: %w", program, log, p.Err())
		}
	})
	ready, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	return p.WaitReady(ready, url)
}

// tool runs a program of ours to its end and returns what it printed.
func (t *town) tool(ctx context.Context, program string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(t.bin, program), args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

func (t *town) path(elem ...string) string {
	return filepath.Join(append([]string{t.dir}, elem...)...)
}
