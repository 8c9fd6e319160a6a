package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"syscall"

	"gridgate/edge/camera"
	"gridgate/edge/config"
)

// reloader applies a changed configuration file on SIGHUP. How zones are armed changes at once, unless central wants it otherwise for a
// while; every other change waits for a restart, and is said to. A file with problems changes nothing.
type reloader struct {
	load    func() (*config.Config, error) // reads the file, with what central says in its place
	running *config.Config                 // as this process started, with its zones, which nobody else reads, as they are armed now
	cameras *cameraSet
	applied func(version string) // all of the file is in force
	log     *slog.Logger
}

// run waits for SIGHUP until ctx ends.
func (r *reloader) run(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := r.reload(); err != nil {
				r.log.Error("the configuration was not reloaded; the old one keeps running", "error", err)
			}
		}
	}
}

func (r *reloader) reload() error {
	next, err := r.load()
	if err != nil {
		return err
	}
	modes, rest := modesOf(next)
	was, started := modesOf(r.running)
	for zone, mode := range modes {
		if old, known := was[zone]; !known || old == mode {
			continue // a zone that this process does not know waits for the restart
		}
		if err := r.cameras.setFileMode(zone.camera, zone.name, camera.Mode(mode)); err != nil {
			return fmt.Errorf("zone %s: %w", zone.name, err)
		}
		arm(r.running, zone, mode)
		r.log.Info("zone was set", "camera", zone.camera, "zone", zone.name, "mode", mode)
	}
	if !reflect.DeepEqual(rest, started) {
		r.log.Warn("the configuration changed in more than how zones are armed: restart to apply it", "file", next.Version)
		return nil
	}
	r.applied(next.Version)
	return nil
}

// withOwnZones is c with zones that can be changed while others read those of c.
func withOwnZones(c *config.Config) *config.Config {
	own := *c
	own.Cameras = slices.Clone(c.Cameras)
	for i := range own.Cameras {
		own.Cameras[i].Zones = slices.Clone(own.Cameras[i].Zones)
	}
	return &own
}

type zoneID struct{ camera, name string }

// arm notes in c how a zone of it is armed now.
func arm(c *config.Config, zone zoneID, mode string) {
	for i := range c.Cameras {
		for k := range c.Cameras[i].Zones {
			if c.Cameras[i].ID == zone.camera && c.Cameras[i].Zones[k].Name == zone.name {
				c.Cameras[i].Zones[k].Mode = mode
			}
		}
	}
}

// modesOf splits a configuration into how its zones are armed and everything else.
func modesOf(c *config.Config) (map[zoneID]string, config.Config) {
	modes := map[zoneID]string{}
	rest := *c
	rest.Version, rest.Cameras = "", append([]config.Camera(nil), c.Cameras...)
	for i, cam := range rest.Cameras {
		zones := append([]config.Zone(nil), cam.Zones...)
		for k := range zones {
			modes[zoneID{cam.ID, zones[k].Name}] = zones[k].Mode
			zones[k].Mode = ""
		}
		rest.Cameras[i].Zones = zones
	}
	return modes, rest
}
