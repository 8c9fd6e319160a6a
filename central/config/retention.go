package config

import (
	"fmt"
	"strings"
	"time"

	"gridgate/protocols/alert"
)

// CameraRetention keeps pictures and clips of one camera for a time of its own.
type CameraRetention struct {
	Camera string        `yaml:"camera"` // EDGE/CAMERA
	Keep   time.Duration `yaml:"keep"`
}

// Source is the camera as evidence names it.
func (c CameraRetention) Source() string {
	edge, camera, _ := strings.Cut(c.Camera, "/")
	return "/edges/" + edge + "/" + string(alert.Cameras) + "/" + camera
}

// Bounds of [ProfileEU], and of cameras with a time of their own.
const (
	RetentionEU    = 72 * time.Hour
	MaxRetentionEU = 30 * 24 * time.Hour

	maxCameraRetention = 1000
)

// validateEU gives pictures 72 hours where the file does not say, and lets none be kept for longer than thirty days.
func (c *Config) validateEU(j *judge) {
	if !j.says("retention.evidence") {
		c.Retention.Evidence = RetentionEU
	}
	for field, d := range map[string]time.Duration{"retention.evidence": c.Retention.Evidence, "retention.clips": c.Retention.Clips} {
		if d > MaxRetentionEU || d == 0 && field == "retention.evidence" {
			j.bad(field, fmt.Sprintf("is longer than %dh, or for ever", int(MaxRetentionEU.Hours())), "write 24h to 720h: profile eu keeps pictures shortly; a held case keeps its own")
		}
	}
}

// says whether the file says a field itself: one that it does not say stands where any other such field would.
func (j *judge) says(field string) bool {
	p, none := j.doc.At(field, "", ""), j.doc.At(field+"-none", "", "")
	return p.Line != none.Line || p.Column != none.Column
}

func (c *Config) validateCameras(j *judge, floor time.Duration, remedy string) {
	if len(c.Retention.Cameras) > maxCameraRetention {
		j.bad("retention.cameras", fmt.Sprintf("are more than %d", maxCameraRetention), "change retention.evidence instead")
		return
	}
	seen := map[string]bool{}
	for i, one := range c.Retention.Cameras {
		field := fmt.Sprintf("retention.cameras[%d]", i)
		if _, family, _, err := alert.ParseSource(one.Source()); err != nil || family != alert.Cameras || seen[one.Camera] {
			j.bad(field+".camera", "is no camera, or stands twice", "write EDGE/CAMERA as the register has them")
		}
		seen[one.Camera] = true
		switch {
		case one.Keep < floor:
			j.bad(field+".keep", fmt.Sprintf("is shorter than %dh", int(floor.Hours())), remedy)
		case c.Profile == ProfileEU && one.Keep > MaxRetentionEU:
			j.bad(field+".keep", fmt.Sprintf("is longer than %dh", int(MaxRetentionEU.Hours())), "profile eu keeps pictures shortly")
		}
	}
}
