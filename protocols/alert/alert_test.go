package alert_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridgate/protocols/alert"
)

var occurred = time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC)

// full returns an alert of a kind in which every field that the kind allows is set.
func full(kind alert.Kind) alert.Alert {
	score := 0.75
	a := alert.Alert{
		ID: "019ca8a5-7c00-7000-8000-000000000001", Source: alert.CameraSource("e1", "gate-1"), Kind: kind, State: alert.Raised,
		Situation: "019ca8a5-7c00-7000-8000-000000000001", Key: alert.KeyOf("e1", "gate-1", "yard", kind), Severity: alert.Major,
		Grid: "330106001001001", Zone: "yard", OccurredAt: occurred, Clock: alert.CameraClock, Uncertainty: 40 * time.Millisecond,
		RaisedAt: occurred.Add(time.Second), Score: &score, CountBucket: alert.CountFew,
		Reading: &alert.Measure{Quantity: "temperature", Value: 61.5, Unit: "Cel"}, Origin: "motion", Exercise: true,
	}
	if kind == alert.Motion || kind == alert.Presence {
		a.Object = alert.Person
	}
	return a
}

func someEvidence() alert.Evidence {
	return alert.Evidence{ID: "019ca8a5-7c00-7000-8000-000000000002", Source: alert.CameraSource("e1", "gate-1"),
		AlertID: "019ca8a5-7c00-7000-8000-000000000001", SHA256: strings.Repeat("0f", 32), MediaType: alert.JPEG, Bytes: 1234, At: occurred}
}

func TestRoundTripOfEveryKind(t *testing.T) {
	for _, kind := range alert.Kinds() {
		for _, state := range []alert.State{alert.Raised, alert.Cleared, alert.Momentary} {
			want := full(kind)
			want.State = state
			if state == alert.Momentary {
				want.Situation = ""
			}
			event, err := alert.Encode(want)
			if err != nil {
				t.Fatalf("%s %s: %v", kind, state, err)
			}
			got, err := alert.DecodeEvent(event)
			if err != nil || got.Alert == nil || got.Evidence != nil || !reflect.DeepEqual(*got.Alert, want) {
				t.Errorf("%s %s: came back as %+v, %v", kind, state, got.Alert, err)
			}
			if alert.PeekID(event) != want.ID {
				t.Errorf("%s: PeekID", kind)
			}
		}
	}
	for _, change := range []func(*alert.Evidence){func(*alert.Evidence) {}, func(e *alert.Evidence) { e.Sealed, e.MediaType = true, alert.SealedMP4 }} {
		want := someEvidence()
		change(&want)
		event, err := alert.EncodeEvidence(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := alert.DecodeEvent(event); err != nil || got.Alert != nil || got.Evidence == nil || *got.Evidence != want {
			t.Errorf("evidence came back as %+v, %v", got.Evidence, err)
		}
	}
}

func TestKindsHaveTraits(t *testing.T) {
	lifeSafety := map[alert.Kind]bool{alert.Smoke: true, alert.Fire: true, alert.Gas: true, alert.CO: true, alert.Flood: true, alert.SOS: true}
	classes := map[string]alert.Kind{}
	for _, k := range alert.Kinds() {
		traits, ok := alert.TraitsOf(k)
		if !ok || traits.Severity.Rank() < 0 || len(traits.Class) != 4 || classes[traits.Class] != "" {
			t.Errorf("%s: %+v", k, traits)
		}
		classes[traits.Class] = k
		if (k.Lane() == alert.LifeSafety) != lifeSafety[k] {
			t.Errorf("%s travels as %s", k, k.Lane())
		}
		if got, err := alert.ParseKind(string(k)); err != nil || got != k {
			t.Errorf("ParseKind(%s): %v", k, err)
		}
	}
	if _, err := alert.ParseKind("face"); err == nil || alert.Kind("face").Lane() != alert.Normal {
		t.Error("a kind outside the list is one")
	}
}

// golden holds what a decoder must say of each file in testdata: "" where it is valid.
var golden = map[string]string{
	"alert.json":                     "",
	"alert-foreign.json":             "",
	"evidence.json":                  "",
	"evidence-sealed.json":           "",
	"bad-unknown-field.json":         "data: unknown field /plateNumber",
	"bad-extension.json":             "event: unknown field /subject",
	"bad-duplicate.json":             "duplicate field",
	"bad-case.json":                  "data: unknown field /Grid",
	"bad-type.json":                  "data: field /score has the wrong type or form",
	"bad-time.json":                  "data: field /occurredAt has the wrong type or form",
	"bad-kind.json":                  "unknown kind",
	"bad-type-and-kind.json":         "type and data.kind differ",
	"bad-specversion.json":           "specversion is not",
	"bad-event-type.json":            "type is neither",
	"bad-situation.json":             "situation of a raised alert is its own id",
	"bad-object.json":                "object is only for motion and presence",
	"bad-reading.json":               "data: unknown field /reading/label",
	"bad-truncated.json":             "event: not valid JSON at byte",
	"bad-evidence-media.json":        "mediaType",
	"bad-evidence-inline.json":       "data: unknown field /data",
	"bad-datacontenttype.json":       "datacontenttype is not",
	"bad-uncertainty-negative.json":  "uncertaintyMs is negative",
	"bad-uncertainty-overflow.json":  "uncertaintyMs",
	"bad-missing-grid-and-zone.json": "grid",
	"foreign-raised.json":            "id is not a canonical UUID",
	"foreign-cleared.json":           "id is not a canonical UUID",
	"foreign-evidence.json":          "id is not a canonical UUID",
	"foreign-bad-situation.json":     "situation of a cleared alert is not the id",
}

func TestGoldenVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d vectors, %d expectations, %v", len(files), len(golden), err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := golden[filepath.Base(file)]
		_, err = alert.DecodeEvent(event)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", file, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %q", file, err, want)
		case err != nil && strings.Contains(err.Error(), "SECRET"):
			t.Errorf("%s: the error repeats a value: %v", file, err)
		}
	}
}

// The codec writes the valid vectors byte for byte, so that another implementation can be held against them.
func TestEncodingIsStable(t *testing.T) {
	event, err := alert.Encode(full(alert.Motion))
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := alert.EncodeEvidence(someEvidence())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"alert.json": event, "evidence.json": evidence} {
		if *alert.Update {
			if err := os.WriteFile(filepath.Join("testdata", name), append(got, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, want)
		}
	}
}

// A foreign sender may leave out what has a default.
func TestForeignDefaults(t *testing.T) {
	event, err := os.ReadFile("testdata/alert-foreign.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := alert.DecodeEvent(event)
	if err != nil {
		t.Fatal(err)
	}
	a := got.Alert
	if a.Severity != alert.Critical || a.Situation != a.ID || a.Clock != alert.EdgeClock || !a.RaisedAt.Equal(a.OccurredAt) || a.Origin != "foreign" {
		t.Errorf("defaults: %+v", a)
	}
}

func TestUnknownFieldsLeakNothing(t *testing.T) {
	base, err := alert.Encode(full(alert.Door))
	if err != nil {
		t.Fatal(err)
	}
	for _, insert := range []string{`"x":"SECRET",`, `"grid":"SECRET",`, `"zone":{"SECRET":1},`, `"score":"SECRET",`, `"occurredAt":"SECRET",`, `"reading":"SECRET",`} {
		event := bytes.Replace(base, []byte(`"data":{`), []byte(`"data":{`+insert), 1)
		if _, err := alert.DecodeEvent(event); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", insert, err)
		}
	}
}

func TestBatches(t *testing.T) {
	one, err := alert.Encode(full(alert.Door))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		var events [][]byte
		for range n {
			events = append(events, one)
		}
		got, err := alert.SplitBatch(alert.EncodeBatch(events), 3)
		if err != nil || len(got) != n || n > 0 && !bytes.Equal(got[n-1], one) {
			t.Errorf("%d events came back as %d, %v", n, len(got), err)
		}
	}
	for _, bad := range []string{"", "{}", "[", "[1,]", `[{"a":1}`, "[1,2,3,4]", "[1 2]"} {
		if _, err := alert.SplitBatch([]byte(bad), 3); err == nil {
			t.Errorf("%q is a batch", bad)
		}
	}
	if got, err := alert.SplitBatch([]byte(`[{"id":"1","id":"2"},"x"]`), 3); err != nil || len(got) != 2 || alert.PeekID(got[0]) != "" {
		t.Errorf("a bad event spoils its batch: %v, %v", got, err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	tests := map[string]func(*alert.Alert){
		"id": func(a *alert.Alert) { a.ID = "1" }, "source": func(a *alert.Alert) { a.Source = "/x" },
		"kind": func(a *alert.Alert) { a.Kind = "face" }, "object": func(a *alert.Alert) { a.Object = "woman" },
		"state": func(a *alert.Alert) { a.State = "on" }, "situation": func(a *alert.Alert) { a.State, a.Situation = alert.Cleared, "" },
		"key": func(a *alert.Alert) { a.Key = strings.Repeat("k", alert.MaxKey+1) }, "severity": func(a *alert.Alert) { a.Severity = "" },
		"grid": func(a *alert.Alert) { a.Grid = "33" }, "zone": func(a *alert.Alert) { a.Zone = "a/b" },
		"occurredAt": func(a *alert.Alert) { a.OccurredAt = time.Time{} }, "clock": func(a *alert.Alert) { a.Clock = "sun" },
		"uncertaintyMs": func(a *alert.Alert) { a.Uncertainty = -1 }, "score": func(a *alert.Alert) { s := 1.1; a.Score = &s },
		"countBucket": func(a *alert.Alert) { a.CountBucket = "3" }, "unit": func(a *alert.Alert) { a.Reading.Unit = "" },
		"quantity": func(a *alert.Alert) { a.Reading.Quantity = "T" }, "origin": func(a *alert.Alert) { a.Origin = "" },
	}
	for field, spoil := range tests {
		a := full(alert.Motion)
		spoil(&a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
		if _, err := alert.Encode(a); err == nil {
			t.Errorf("%s: was encoded", field)
		}
	}
	if err := (alert.Reading{}).Validate(); err == nil || !strings.Contains(err.Error(), "at is demanded") {
		t.Errorf("reading: %v", err)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(event)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		own, ownErr := alert.DecodeEvent(event)
		foreign, foreignErr := alert.DecodeForeign(event)
		if ownErr == nil {
			checkStable(t, own)
			if foreignErr != nil || !reflect.DeepEqual(own, foreign) {
				t.Fatalf("an edge's event is another one from a foreign sender: %+v, %+v, %v", own, foreign, foreignErr)
			}
		}
		if foreignErr == nil {
			checkStable(t, foreign)
		}
	})
}

// checkStable checks that what a decoder made of foreign bytes is an event that an edge could have sent.
func checkStable(t *testing.T, got alert.Event) {
	t.Helper()
	if (got.Alert == nil) == (got.Evidence == nil) {
		t.Fatal("not exactly one of alert and evidence")
	}
	encode := func() ([]byte, error) { return alert.Encode(*got.Alert) }
	if got.Evidence != nil {
		encode = func() ([]byte, error) { return alert.EncodeEvidence(*got.Evidence) }
	}
	again, err := encode()
	if err != nil {
		t.Fatalf("what was decoded cannot be encoded: %v", err)
	}
	if second, err := alert.DecodeEvent(again); err != nil || !reflect.DeepEqual(got, second) {
		t.Fatalf("decoding is not stable: %+v, %+v, %v", got, second, err)
	}
	if !json.Valid(again) {
		t.Fatal("encoded as something that is not JSON")
	}
}
