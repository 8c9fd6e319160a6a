package ingest_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"gridgate/central/ingest"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

// Of a camera that the register refuses no picture is taken, and its object goes; another camera's is, and alerts of both are.
func TestNoPicturesOfARefusedCamera(t *testing.T) {
	f := serve(t, func(o *ingest.Options) {
		o.Refuses = func(_ context.Context, edge, camera string) bool { return edge == "edge-1" && camera == "toilet" }
	})
	var events []json.RawMessage
	for _, camera := range []string{"toilet", "gate"} {
		raised := alert.Alert{
			ID: alert.NewID(), Source: "/edges/edge-1/cameras/" + camera, Kind: alert.Motion, Object: "unknown", State: alert.Momentary, Key: "edge-1/" + camera + "//motion",
			Severity: alert.Minor, Grid: "110101001001001", OccurredAt: t0, RaisedAt: t0, Clock: alert.EdgeClock, Origin: "motion",
		}
		encoded, err := alert.Encode(raised)
		if err != nil {
			t.Fatal(err)
		}
		digest := map[string]string{"toilet": strings.Repeat("ab", 32), "gate": strings.Repeat("cd", 32)}[camera]
		picture, err := alert.EncodeEvidence(alert.Evidence{
			ID: alert.NewID(), Source: raised.Source, AlertID: raised.ID, SHA256: digest, MediaType: alert.JPEG, Bytes: 9, At: t0,
		})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, encoded, picture)
	}
	body, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	var got contract.Receipts
	w := f.do(request{body: body})
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Receipts) != 4 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	for i, want := range []contract.Outcome{contract.Accepted, contract.Rejected, contract.Accepted, contract.Accepted} {
		if r := got.Receipts[i]; r.Outcome != want || (want == contract.Rejected) != strings.Contains(r.Reason, "register") {
			t.Errorf("event %d: %+v", i, r)
		}
	}
	if len(f.memory.evidence) != 1 || !slices.Equal(f.memory.orphans, []string{strings.Repeat("ab", 32)}) {
		t.Errorf("evidence %+v, orphans %q", f.memory.evidence, f.memory.orphans)
	}
}
