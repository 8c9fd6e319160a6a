package ingest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"gridgate/protocols/ingest"
)

// TestARegisterHasNoRoomForAnybody holds that what is registered of a camera is a closed list, and that none of it is about who was seen.
func TestARegisterHasNoRoomForAnybody(t *testing.T) {
	encoded, err := json.Marshal(ingest.Register{})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(encoded, &members); err != nil {
		t.Fatal(err)
	}
	want := []string{"basis", "clips", "detectors", "masks", "owner", "pictures", "placeKind", "presence", "purpose", "sampleMs", "sign"}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
		t.Errorf("the members are %q, not %q: what is new here must not be able to say who somebody is", got, want)
	}
	for name, v := range members {
		if _, text := v.(string); text && !slices.Contains([]string{"owner", "purpose", "basis", "placeKind"}, name) {
			t.Errorf("%s is a text", name)
		}
	}
}

func TestRegisterCheck(t *testing.T) {
	good := ingest.Register{Owner: "东门物业", Purpose: "公共场所安全", Basis: "条例第七条", Place: "gate", Masks: 2, SampleMs: 1000}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if err := (ingest.Register{}).Check(); err != nil {
		t.Errorf("one that lacks all is kept, so that it can be told: %v", err)
	}
	for name, change := range map[string]func(*ingest.Register){
		"a long text": func(r *ingest.Register) { r.Owner = strings.Repeat("门", 201) }, "two lines": func(r *ingest.Register) { r.Purpose = "a\nb" },
		"bad bytes": func(r *ingest.Register) { r.Basis = "\xff" }, "a long place": func(r *ingest.Register) {
			r.Place = "a place that goes on and on and on and on and on and on and on and on"
		},
		"a negative number": func(r *ingest.Register) { r.Masks = -1 }, "too many": func(r *ingest.Register) { r.Detectors = 5000 },
	} {
		r := good
		change(&r)
		if err := r.Check(); err == nil || strings.Contains(err.Error(), "东门") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
