package api

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gridgate/central/orders"
	"gridgate/protocols/ingest"
)

// Each note that an edge of this version makes has a code here and words at the console; what another version says is shown as it came.
func TestNotesOfDevicesHaveCodes(t *testing.T) {
	console, err := os.ReadFile("../console/web/src/connect/api.ts")
	if err != nil {
		t.Fatal(err)
	}
	field, _ := reflect.TypeFor[DeviceNote]().FieldByName("Code")
	codes := strings.Split(field.Tag.Get("enum"), ",")
	for code := range ingest.FoundNotes {
		if !slices.Contains(codes, code) || !strings.Contains(string(console), "'"+code+"'") {
			t.Errorf("%s is in the document: %t, at the console: %t", code, slices.Contains(codes, code), strings.Contains(string(console), "'"+code+"'"))
		}
	}
	if len(codes) != len(ingest.FoundNotes)+1 {
		t.Errorf("the document has %q", codes)
	}
	notes := []string{ingest.FoundNote(ingest.NoteClock, "off", "1m30s"), "it is blue"}
	got := searchOf(orders.Discovered{Result: &ingest.DiscoveryResult{Found: []ingest.Found{{Address: "192.0.2.1", Notes: notes}}}})
	want := []DeviceNote{{Code: ingest.NoteClock, Args: map[string]string{"off": "1m30s"}}, {Code: "other"}}
	if f := got.Result.Found[0]; !reflect.DeepEqual(f.Said, want) || !slices.Equal(f.Notes, notes) {
		t.Errorf("%+v", f)
	}
	if searchOf(orders.Discovered{}).Result != nil {
		t.Error("a result that is not there")
	}
}
