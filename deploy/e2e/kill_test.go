package e2e

import (
	"log/slog"
	"testing"

	"gridgate/deploy/faults/rig"
)

// TestKillsLoseAndDoubleNothing is the short form of `make faults`: every kind of fault that needs no privilege and no program of its
// own, each once. The seed of a run that fails is in its result.
func TestKillsLoseAndDoubleNothing(t *testing.T) {
	o := rig.Options{
		Dir: t.TempDir(), Bin: bin, Seed: rig.Seed(), Devices: 30, External: 10, Link: true, Footage: footage(t, "quiet.h264"),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	o.Faults = rig.Once(rig.For(o))
	o.Rounds = len(o.Faults)
	result, err := rig.Run(t.Context(), o)
	t.Log(result)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Good() {
		t.Errorf("the ledgers differ: %q", result.Differences)
	}
}
