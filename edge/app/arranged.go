package app

import (
	"slices"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/detect/motion"
	"gridgate/edge/orders"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// knownOf is what of a configuration orders are judged by.
func knownOf(cfg *config.Config) orders.Known {
	k := orders.Known{Cameras: map[string]orders.Camera{}, Sensors: map[string]bool{}}
	files := map[string]config.Camera{}
	for _, c := range cfg.Cameras {
		known := orders.Camera{Masks: len(c.Masks), Pictures: c.Pictures != "off", LifeSafety: laneOf(cfg, c) == alert.LifeSafety}
		for _, z := range c.Zones {
			known.Zones = append(known.Zones, z.Name)
		}
		k.Cameras[c.ID], files[c.ID] = known, c
	}
	for _, s := range cfg.Sensors {
		k.Sensors[s.ID] = true
	}
	k.Fits = func(camera string, a ingest.Arrangement) error {
		c := arranged(files[camera], a)
		return motion.Check(zonesOf(c), polygonsOf(c.Masks))
	}
	return k
}

// laneOf is the most urgent lane in which alerts of a camera travel.
func laneOf(cfg *config.Config, c config.Camera) alert.Lane {
	for _, d := range cfg.Detectors {
		for _, kind := range d.Labels {
			if slices.Contains(c.Detectors, d.Name) && alert.Kind(kind).Lane() == alert.LifeSafety {
				return alert.LifeSafety
			}
		}
	}
	return alert.Normal
}

// arranged is a camera as central drew it: its zones in the place of those of the file, where one of the same name keeps its mode, its
// schedule and whether faces count, and its masks beside those of the file. One without zones leaves those of the file.
func arranged(c config.Camera, a ingest.Arrangement) config.Camera {
	file := c.Zones
	if len(a.Zones) > 0 {
		c.Zones = nil
	}
	for _, z := range a.Zones {
		zone := config.Zone{Name: z.Name, Mode: orders.Armed}
		if i := slices.IndexFunc(file, func(f config.Zone) bool { return f.Name == z.Name }); i >= 0 {
			zone = file[i]
		}
		zone.Polygon, zone.MinArea, zone.MinDuration = outline(z.Outline), z.MinArea, time.Duration(z.MinDurationMs)*time.Millisecond
		c.Zones = append(c.Zones, zone)
	}
	c.Masks = slices.Clone(c.Masks)
	for _, m := range a.Masks {
		c.Masks = append(c.Masks, outline(m))
	}
	return c
}

func outline(o ingest.Outline) config.Polygon {
	out := make(config.Polygon, len(o))
	for i, p := range o {
		out[i] = []float64{p[0], p[1]}
	}
	return out
}

// sameArrangement says whether two arrangements are one.
func sameArrangement(a, b ingest.Arrangement) bool {
	equal := func(a, b ingest.Outline) bool { return slices.Equal(a, b) }
	zone := func(a, b ingest.OrderZone) bool {
		return a.Name == b.Name && a.MinArea == b.MinArea && a.MinDurationMs == b.MinDurationMs && equal(a.Outline, b.Outline)
	}
	return a.Version == b.Version && slices.EqualFunc(a.Zones, b.Zones, zone) && slices.EqualFunc(a.Masks, b.Masks, equal)
}
