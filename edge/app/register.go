package app

import (
	"slices"

	"gridgate/edge/config"
	"gridgate/protocols/ingest"
)

// registerOf is what the register of cameras at central says of a camera: words of its file, and what is on.
func registerOf(c config.Camera) *ingest.Register {
	return &ingest.Register{
		Owner: c.Owner, Purpose: c.Purpose, Basis: c.Basis, Place: c.Place.Kind, Sign: c.Sign,
		Pictures: c.Pictures != "off", Clips: c.Pictures != "off" && c.Clip != nil,
		Presence: slices.ContainsFunc(c.Zones, func(z config.Zone) bool { return z.Presence }),
		Masks:    len(c.Masks), Detectors: len(c.Detectors), SampleMs: c.Sample.Milliseconds(),
	}
}
