package e2e

import (
	"log/slog"
	"testing"

	"gridgate/deploy/faults/rig"
)

// TestKillsLoseAndDoubleNothing is the short form of `make faults`.
func TestKillsLoseAndDoubleNothing(t *testing.T) {
	result, err := rig.Run(t.Context(), rig.Options{
		Dir: t.TempDir(), Bin: bin, Rounds: 10, Footage: footage(t, "quiet.h264"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(result)
	if !result.Good() {
		t.Errorf("%v\n%v", result, result.Differences)
	}
}
