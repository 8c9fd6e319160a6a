package remote

import (
	"testing"

	"gridgate/edge/detect"
)

// TestOtherZonesCountAtOnce for what a detector outside has found.
func TestOtherZonesCountAtOnce(t *testing.T) {
	d, err := New(Options{Name: "outside", URL: "http://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	h := d.Hook([]detect.Zone{{Name: "before"}})
	if err := h.Arrange([]detect.Zone{{Name: "after"}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := *h.(*hook).zones.Load(); len(got) != 1 || got[0].Name != "after" {
		t.Errorf("%+v", got)
	}
}
