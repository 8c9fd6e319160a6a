package app

import (
	"testing"
	"time"

	"gridgate/edge/config"
	"gridgate/protocols/ingest"
)

// What a camera's file says is what is registered; a clip without pictures is none.
func TestRegisterOfACamera(t *testing.T) {
	c := config.Camera{
		Owner: "东门物业", Purpose: "安全", Basis: "条例第七条", Place: config.Place{Kind: "gate"}, Sign: true, Pictures: "on", Clip: &config.Clip{},
		Zones: []config.Zone{{Name: "a"}, {Name: "b", Presence: true}}, Detectors: []string{"bags"}, Masks: []config.Polygon{{}}, Sample: time.Second,
	}
	want := ingest.Register{
		Owner: "东门物业", Purpose: "安全", Basis: "条例第七条", Place: "gate", Sign: true, Pictures: true, Clips: true, Presence: true, Masks: 1, Detectors: 1, SampleMs: 1000,
	}
	if got := *registerOf(c); got != want {
		t.Errorf("%+v", got)
	}
	if c.Pictures = "off"; registerOf(c).Clips || registerOf(c).Pictures {
		t.Error("a clip of a camera without pictures")
	}
}
