package alertmanager_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
	"gridgate/protocols/alertmanager"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// translate decodes what comes out of a payload as ingest does.
func translate(t testing.TB, body []byte) ([]alert.Alert, []alertmanager.Dropped) {
	t.Helper()
	events, dropped, err := alertmanager.Translate(body)
	if err != nil {
		t.Fatal(err)
	}
	var out []alert.Alert
	for _, raw := range events {
		e, err := alert.DecodeForeign(raw)
		if err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		out = append(out, *e.Alert)
	}
	return out, dropped
}

func TestTranslate(t *testing.T) {
	got, dropped := translate(t, read(t, "firing.json"))
	if len(got) != 2 || len(dropped) != 2 {
		t.Fatalf("%d alerts, dropped %v", len(got), dropped)
	}
	pump, disk := got[0], got[1]
	if pump.Kind != alert.WaterLevel || pump.Severity != alert.Critical || pump.State != alert.Raised || pump.Grid != "330106109001" ||
		!strings.HasPrefix(pump.Key, "pumps/") || !pump.OccurredAt.Equal(time.Date(2026, 7, 1, 1, 2, 3, 0, time.UTC)) {
		t.Errorf("the pump's alert is %+v", pump)
	}
	if disk.Kind != alert.DeviceFault || disk.Severity != alert.Minor || !strings.HasPrefix(disk.Source, "/edges/alertmanager/sensors/") {
		t.Errorf("the disk's alert is %+v", disk)
	}
	if dropped[0].Index != 2 || !strings.Contains(dropped[0].Reason, "label grid") || !strings.Contains(dropped[1].Reason, "gridgate_kind") {
		t.Errorf("dropped %+v", dropped)
	}
}

func TestResolvedClearsWhatFired(t *testing.T) {
	fired, _ := translate(t, read(t, "firing.json"))
	resolved, _ := translate(t, read(t, "resolved.json"))
	a, b := fired[0], resolved[0]
	if b.State != alert.Cleared || b.Situation != a.Situation || b.Key != a.Key || b.ID == a.ID {
		t.Errorf("%+v does not clear %+v", b, a)
	}
	again, _ := translate(t, read(t, "firing.json"))
	if again[0].ID != a.ID {
		t.Error("a repetition is another event")
	}
}

func TestNothingElseComesThrough(t *testing.T) {
	for _, name := range []string{"firing.json", "resolved.json"} {
		events, dropped, err := alertmanager.Translate(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(string(e), "secret") {
				t.Errorf("a label or an annotation came through: %s", e)
			}
		}
		for _, d := range dropped {
			if strings.Contains(d.Reason, "secret") {
				t.Errorf("a reason repeats a value: %s", d.Reason)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for name, in := range map[string]string{
		"not JSON": "x", "another version": `{"version":"3","alerts":[]}`, "wrong type": `{"version":"4","alerts":{}}`,
		"too many": `{"version":"4","alerts":[` + strings.Repeat("{},", alertmanager.MaxAlerts) + `{}]}`,
	} {
		if _, _, err := alertmanager.Translate([]byte(in)); !errors.Is(err, alertmanager.ErrPayload) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(read(f, "firing.json"))
	f.Add(read(f, "resolved.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, dropped, err := alertmanager.Translate(b)
		if err != nil {
			if !errors.Is(err, alertmanager.ErrPayload) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		for _, e := range events {
			if _, err := alert.DecodeForeign(e); err != nil && !strings.Contains(err.Error(), "occurredAt") {
				t.Fatalf("%v: %s", err, e)
			}
		}
		if len(events)+len(dropped) > alertmanager.MaxAlerts {
			t.Fatal("more came out than may go in")
		}
	})
}
