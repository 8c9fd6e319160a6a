package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gridgate/edge/config"
	"gridgate/edge/detect"
)

// ReplayCommand are the flags of `replay`.
type ReplayCommand struct {
	Config string  `help:"Configuration file whose camera's zones and masks apply." placeholder:"FILE"`
	Camera string  `help:"The camera of that file." placeholder:"ID"`
	FPS    float64 `name:"fps" help:"Frame rate of a raw stream, which has no times of its own; else what the stream tells, or 25." placeholder:"N"`
	Rate   float64 `help:"Pictures looked at per second of media time; else 4." placeholder:"N"`
	Live   bool    `help:"Look at the pictures that a running edge would look at, instead of at a steady rate: gate, keyframes or sequence."`
	File   string  `arg:"" help:"Recording: mp4, Annex-B .h264 or .h265, or .mjpeg."`
}

// Run replays; see [Replay].
func (c ReplayCommand) Run(ctx context.Context, stdout, stderr io.Writer) int {
	o := ReplayOptions{File: c.File, FPS: c.FPS, Rate: c.Rate, Live: c.Live}
	if c.Config != "" || c.Camera != "" {
		if err := c.apply(&o); err != nil {
			fmt.Fprintln(stderr, "replay:", err)
			return ExitUsage
		}
	}
	return Replay(ctx, o, stdout, stderr)
}

// apply takes zones, masks and names from a configured camera.
func (c ReplayCommand) apply(o *ReplayOptions) error {
	if c.Config == "" || c.Camera == "" {
		return errors.New("--config and --camera go together")
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	for _, cam := range cfg.Cameras {
		if cam.ID == c.Camera {
			o.CameraID, o.Edge, o.Grid = cam.ID, cfg.Edge, cam.Place.Grid
			o.Zones, o.Masks = zonesOf(cam), polygonsOf(cam.Masks)
			return nil
		}
	}
	return fmt.Errorf("%s has no camera %q", c.Config, c.Camera)
}

// zonesOf are a camera's zones as the detector knows them.
func zonesOf(cam config.Camera) []detect.Zone {
	zones := make([]detect.Zone, len(cam.Zones))
	for i, z := range cam.Zones {
		zones[i] = detect.Zone{Name: z.Name, Polygon: polygonOf(z.Polygon), MinArea: z.MinArea, MinDuration: z.MinDuration, Presence: z.Presence}
	}
	return zones
}

func polygonsOf(ps []config.Polygon) []detect.Polygon {
	out := make([]detect.Polygon, len(ps))
	for i, p := range ps {
		out[i] = polygonOf(p)
	}
	return out
}

func polygonOf(p config.Polygon) detect.Polygon {
	out := make(detect.Polygon, len(p))
	for i, pt := range p {
		out[i] = detect.Point{X: pt[0], Y: pt[1]}
	}
	return out
}
