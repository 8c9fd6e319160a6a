package alert_test

import (
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"gridgate/protocols/alert"
)

const (
	boiler = "/edges/school-3/sensors/boiler-room"
	own    = "019ca8a5-7c00-7000-8000-00000000000a"
	of4711 = "2e7d0a61-02ee-8729-aba8-3c19260f5860"
)

// The expected ids were computed by another implementation, from the doc comment.
func TestForeignIDIsWhatItSays(t *testing.T) {
	tests := []struct{ source, id, want string }{
		{boiler, "4711", of4711},
		{boiler, "4712", "8932e3f1-788a-810e-8ff2-a3ec2589680b"},
		{"/edges/school-4/sensors/boiler-room", "4711", "8a9ed81e-7dc2-8225-99ff-9a8624d94d6d"},
		{boiler, "锅炉房 #7", "7a66685b-f8cf-82d5-9653-702bdf8c5910"},
		{boiler, strings.Repeat("x", alert.MaxForeignID), "0354131e-5ea7-89cb-8245-1af05a7bdca6"},
		{boiler, strings.ToUpper(own), "7ce25c4d-16de-8810-9532-fe061e7c0502"},
		{boiler, "{" + own + "}", "d639d9f2-7a6a-8e7f-b08c-c8a1e4cf025e"},
	}
	for _, tt := range tests {
		got := alert.ForeignID(tt.source, tt.id)
		if id := uuid.MustParse(got); got != tt.want || id.Version() != 8 || id.Variant() != uuid.RFC4122 {
			t.Errorf("%s %q: %s, want %s", tt.source, tt.id, got, tt.want)
		}
		if e, err := alert.DecodeForeign(foreign(t, tt.source, tt.id)); err != nil || e.Alert.ID != tt.want || e.Alert.Situation != tt.want {
			t.Errorf("%s %q decoded: %+v, %v", tt.source, tt.id, e.Alert, err)
		}
	}
}

// foreign is a vector with another source and id.
func foreign(t *testing.T, source, id string) []byte {
	t.Helper()
	event := string(vector(t, "foreign-raised.json"))
	quoted, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer(`"4711"`, string(quoted), boiler, source).Replace(event))
}

func vector(t *testing.T, name string) []byte {
	t.Helper()
	event, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// Events of a source that name one another by its ids do so by ours too.
func TestForeignEventsFindEachOther(t *testing.T) {
	raised, err1 := alert.DecodeForeign(vector(t, "foreign-raised.json"))
	cleared, err2 := alert.DecodeForeign(vector(t, "foreign-cleared.json"))
	picture, err3 := alert.DecodeForeign(vector(t, "foreign-evidence.json"))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	if raised.Alert.ID != of4711 || raised.Alert.Situation != of4711 || cleared.Alert.Situation != of4711 || picture.Evidence.AlertID != of4711 {
		t.Errorf("raised %+v, cleared %+v, picture %+v", raised.Alert, cleared.Alert, picture.Evidence)
	}
	if cleared.Alert.ID == of4711 || picture.Evidence.ID != alert.ForeignID(boiler, "4713") {
		t.Errorf("ids %s and %s", cleared.Alert.ID, picture.Evidence.ID)
	}
}

func TestForeignUUIDsAreKept(t *testing.T) {
	for _, id := range []string{own, "2f1c1e0a-94a5-4f0e-8f53-0b9d3a5d7c11", of4711} {
		for _, source := range []string{boiler, "/edges/school-4/cameras/yard"} {
			e, err := alert.DecodeForeign(foreign(t, source, id))
			if err != nil || e.Alert.ID != id || e.Alert.Situation != id {
				t.Errorf("%s: %+v, %v", id, e.Alert, err)
			}
		}
	}
}

func TestForeignIDsThatAreNone(t *testing.T) {
	const want = " is not 1 to 128 bytes of printable text"
	for _, id := range []string{"", strings.Repeat("x", alert.MaxForeignID+1), strings.Repeat("号", 43), "SECRET\n", "SECRET\x00", "SECRET\u202e", "SECRET\u2028", "\u00a0SECRET"} {
		if _, err := alert.DecodeForeign(foreign(t, boiler, id)); err == nil || err.Error() != "id"+want {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := alert.DecodeForeign(vector(t, "foreign-bad-situation.json")); err == nil || err.Error() != "situation"+want {
		t.Errorf("situation: %v", err)
	}
	picture := strings.Replace(string(vector(t, "foreign-evidence.json")), `"alertId": "4711"`, `"alertId": ""`, 1)
	if _, err := alert.DecodeForeign([]byte(picture)); err == nil || err.Error() != "alertId"+want {
		t.Errorf("alertId: %v", err)
	}
}

// An edge writes a UUID in one way only, in each place: what names it otherwise would never be found.
func TestEdgesWriteUUIDsInOneWay(t *testing.T) {
	for _, name := range []string{"foreign-cleared.json", "foreign-evidence.json"} {
		event := strings.NewReplacer(`"4711"`, `"`+strings.ToUpper(own)+`"`, `"4712"`, `"`+own+`"`, `"4713"`, `"`+own+`"`).Replace(string(vector(t, name)))
		if _, err := alert.DecodeEvent([]byte(event)); err == nil {
			t.Errorf("%s: capitals were taken", name)
		}
		if _, err := alert.DecodeEvent([]byte(strings.ReplaceAll(event, strings.ToUpper(own), own))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// All else that holds for an edge's event holds for a foreign one.
func TestForeignVectors(t *testing.T) {
	for name, want := range golden {
		if strings.HasPrefix(name, "foreign-") {
			continue
		}
		_, err := alert.DecodeForeign(vector(t, name))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
