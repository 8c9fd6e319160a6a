package sensors

import (
	"strings"
	"testing"
)

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"smoke": "smoke", "waterLevel": "water_level", "Water Level": "water_level", "water-level": "water_level", "water.level": "water_level", "WATER_LEVEL": "water_level",
		"temp1C": "temp1c", "ÄußereTür": "äußere_tür", "": "", " x": "_x", strings.Repeat("a", 100): strings.Repeat("a", 64),
	} {
		if got := Snake(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
