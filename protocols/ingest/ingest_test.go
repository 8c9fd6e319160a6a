package ingest

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/alert"
)

var at = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// TestWireForm holds the bodies that both sides read and write.
func TestWireForm(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{Receipts{Receipts: []Receipt{{ID: "a", Outcome: Accepted}, {ID: "b", Outcome: Rejected, Reason: "grid"}}},
			`{"receipts":[{"id":"a","outcome":"accepted"},{"id":"b","outcome":"rejected","reason":"grid"}]}`},
		{ReadingsReceipt{Accepted: 2, Rejected: []RejectedReading{{Index: 1, Reason: "unit"}}}, `{"accepted":2,"rejected":[{"index":1,"reason":"unit"}]}`},
		{Readings{Readings: []alert.Reading{{Source: "/edges/e/sensors/s", Grid: "330106001001001", Quantity: "power", Value: 1.5, Unit: "W", At: at}}},
			`{"readings":[{"source":"/edges/e/sensors/s","grid":"330106001001001","quantity":"power","value":1.5,"unit":"W","at":"2026-03-01T08:00:00Z"}]}`},
		{SyncResponse{Now: at, Schema: 1, ConfigVersion: "v"}, `{"now":"2026-03-01T08:00:00Z","schema":1,"configVersion":"v"}`},
		{LaneState{Lane: alert.LifeSafety, Pending: 3, OldestSec: 0.5}, `{"lane":"life-safety","pending":3,"oldestSec":0.5}`},
		{Enrolment{Code: "A-B", Edge: "e"}, `{"code":"A-B","edge":"e"}`},
		{Credential{Edge: "e", Token: "t", Expires: at, AskSec: 60}, `{"edge":"e","token":"t","expires":"2026-03-01T08:00:00Z","askSec":60}`},
		{Credential{Edge: "e", AskSec: 5}, `{"edge":"e","askSec":5}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("%T: %s, %v, want %s", tt.value, got, err, tt.want)
		}
		back := reflect.New(reflect.TypeOf(tt.value))
		if err := json.Unmarshal(got, back.Interface(), json.RejectUnknownMembers(true)); err != nil || !reflect.DeepEqual(back.Elem().Interface(), tt.value) {
			t.Errorf("%T came back as %+v, %v", tt.value, back.Elem(), err)
		}
	}
}

func TestSyncRequestRoundTrip(t *testing.T) {
	want := SyncRequest{
		Schema: SchemaVersion, Software: "1.0", StartedAt: at, Now: at, ConfigVersion: "v1", DeadLetters: 1,
		Devices: []DeviceState{{ID: "c1", Family: "cameras", Grid: "330106001001001", State: "streaming", Since: at, LastSeen: at,
			Zones: []Zone{{Name: "yard", Mode: "walk-test"}}}, {ID: "s1", Family: "sensors", Grid: "330106001001001", State: "online", Since: at}},
		Outbox: []LaneState{{Lane: alert.Bulk, Pending: 1, OldestSec: 2}}, Metrics: map[string]float64{"frames": 3},
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got SyncRequest
	if err := json.Unmarshal(data, &got, json.RejectUnknownMembers(true)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

// TestNoFieldCanHoldAnIdentity walks all bodies. The name of a zone and of a device is the centre's own.
func TestNoFieldCanHoldAnIdentity(t *testing.T) {
	identity := regexp.MustCompile(`(?i)person|human|face|plate|licen[cs]e|card|badge|employee|user|gender|sex|ethnic|race|phone|mobile|mail|passport|identity|birth|gait|embedding|label|note|comment|payload|raw`)
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			wire, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if identity.MatchString(f.Name) || identity.MatchString(wire) {
				t.Errorf("%s.%s sounds like an identity", typ.Name(), f.Name)
			}
			walk(f.Type)
		}
	}
	for _, v := range []any{Receipts{}, Readings{}, ReadingsReceipt{}, SyncRequest{}, SyncResponse{}, Enrolment{}, Credential{}} {
		walk(reflect.TypeOf(v))
	}
}
