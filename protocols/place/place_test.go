package place_test

import (
	"testing"

	"gridgate/protocols/place"
)

func TestForbiddenPlaces(t *testing.T) {
	for _, written := range []string{"toilet", "卫生间", "Changing_Room", "女更衣室", "hotel room 3", "dormitory", "母婴室", "WC", "浴室", "fitting-room"} {
		k := place.Kind(written).Canonical()
		if !k.Forbidden() || k.Known() {
			t.Errorf("%s: a camera may be in %q", written, k)
		}
	}
	for _, name := range place.Names() {
		k := place.Kind(name)
		if k.Forbidden() || k.Private() || !k.Known() || k.Canonical() != k || place.Kind(k.Chinese()).Canonical() != k {
			t.Errorf("%s is not what it seems", name)
		}
	}
	if !place.Home.Private() || place.Home.Known() || place.Kind("住宅").Canonical() != place.Home {
		t.Error("a home is no private place")
	}
}
