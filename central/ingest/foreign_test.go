package ingest_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gridgate/central/cases"
	"gridgate/central/correlate"
	"gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

const fence = "/edges/school-3/sensors/fence"

// onDisk serves on a real database, in the folder that it returns.
func onDisk(t *testing.T, change ...func(*ingest.Options)) (*fixture, *sqlite.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlitetest.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "central.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	change = append(change, func(o *ingest.Options) { o.Store, o.Decide = s, correlate.ByKey })
	return serve(t, change...), s, dir
}

// foreignEvent is what an integrator posts: a door of fence, with changes to its data.
func foreignEvent(t *testing.T, source, id, state string, change map[string]any) []byte {
	t.Helper()
	data := map[string]any{"kind": "door", "state": state, "key": "school-3/fence//door", "grid": "330106109001", "occurredAt": t0}
	maps.Copy(data, change)
	event, err := json.Marshal(map[string]any{"specversion": "1.0", "id": id, "source": source, "type": "gridgate.alert.door", "data": data})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func (f *fixture) postForeign(t *testing.T, events ...[]byte) []contract.Receipt {
	t.Helper()
	return receipts(t, f.do(request{token: "foreign", body: alert.EncodeBatch(events)}))
}

func TestForeignEventsAreKnownBySourceAndID(t *testing.T) {
	f, s, _ := onDisk(t)
	event := foreignEvent(t, fence, "4711", "momentary", nil)
	other := foreignEvent(t, "/edges/school-4/sensors/fence", "4711", "momentary", nil)
	uuid := foreignEvent(t, fence, "2f1c1e0a-94a5-4f0e-8f53-0b9d3a5d7c11", "momentary", nil)
	again := foreignEvent(t, fence, "4711", "raised", nil) // says something else, is still the same event
	accepted, duplicate := contract.Accepted, contract.Duplicate
	for i, want := range [][]contract.Receipt{
		{{ID: "4711", Outcome: accepted}, {ID: "4711", Outcome: duplicate}, {ID: "4711", Outcome: accepted}, {ID: "2f1c1e0a-94a5-4f0e-8f53-0b9d3a5d7c11", Outcome: accepted}, {ID: "4711", Outcome: duplicate}},
		{{ID: "4711", Outcome: duplicate}, {ID: "4711", Outcome: duplicate}, {ID: "4711", Outcome: duplicate}, {ID: "2f1c1e0a-94a5-4f0e-8f53-0b9d3a5d7c11", Outcome: duplicate}, {ID: "4711", Outcome: duplicate}},
	} {
		if got := f.postForeign(t, event, event, other, uuid, again); !reflect.DeepEqual(got, want) {
			t.Errorf("post %d: %+v", i, got)
		}
	}
	items, _, err := s.Alerts(t.Context(), store.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2f1c1e0a-94a5-4f0e-8f53-0b9d3a5d7c11", alert.ForeignID("/edges/school-4/sensors/fence", "4711"), alert.ForeignID(fence, "4711")}
	var got []string
	for _, a := range items {
		got = append(got, a.ID)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

func TestForeignClearClosesTheCase(t *testing.T) {
	named := func(situation string) map[string]any { return map[string]any{"situation": situation} }
	tests := map[string]func(t *testing.T) [][]byte{
		"in order": func(t *testing.T) [][]byte {
			return [][]byte{foreignEvent(t, fence, "a/1", "raised", nil), foreignEvent(t, fence, "a/2", "cleared", named("a/1"))}
		},
		"the raise names itself": func(t *testing.T) [][]byte {
			return [][]byte{foreignEvent(t, fence, "a/1", "raised", named("a/1")), foreignEvent(t, fence, "a/2", "cleared", named("a/1"))}
		},
		"the clear first": func(t *testing.T) [][]byte {
			return [][]byte{foreignEvent(t, fence, "a/2", "cleared", named("a/1")), foreignEvent(t, fence, "a/1", "raised", nil)}
		},
		"the newest of two": func(t *testing.T) [][]byte {
			return [][]byte{foreignEvent(t, fence, "a/0", "raised", nil), foreignEvent(t, fence, "a/1", "raised", nil), foreignEvent(t, fence, "a/2", "cleared", named("a/1"))}
		},
	}
	for name, events := range tests {
		t.Run(name, func(t *testing.T) {
			f, s, _ := onDisk(t)
			for _, event := range events(t) {
				if got := f.postForeign(t, event); got[0].Outcome != contract.Accepted {
					t.Fatalf("receipt %+v", got)
				}
			}
			list, _, err := s.Cases(t.Context(), store.Query{Limit: 10})
			if err != nil || len(list) != 1 || list[0].State != cases.Closed || list[0].Active {
				t.Errorf("cases %+v, %v", list, err)
			}
		})
	}
}

func TestForeignEvidenceFindsItsAlert(t *testing.T) {
	f, s, _ := onDisk(t)
	picture, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "p1", "source": fence, "type": alert.EvidenceType, "data": map[string]any{
		"alertId": "4711", "sha256": strings.Repeat("0a", 32), "mediaType": alert.JPEG, "bytes": 10, "at": t0,
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := f.postForeign(t, foreignEvent(t, fence, "4711", "raised", nil), picture, picture)
	want := []contract.Receipt{{ID: "4711", Outcome: contract.Accepted}, {ID: "p1", Outcome: contract.Accepted}, {ID: "p1", Outcome: contract.Duplicate}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("receipts %+v", got)
	}
	if a, err := s.Alert(t.Context(), alert.ForeignID(fence, "4711")); err != nil || len(a.Evidence) != 1 {
		t.Errorf("alert %+v, %v", a, err)
	}
}

func TestForeignIDsThatAreRefused(t *testing.T) {
	f := serve(t)
	long := strings.Repeat("x", alert.MaxForeignID+1)
	cleared := foreignEvent(t, fence, "a/2", "cleared", nil)
	momentary := foreignEvent(t, fence, "a/3", "momentary", map[string]any{"situation": "a/1"})
	other := foreignEvent(t, fence, "a/4", "raised", map[string]any{"situation": "a/1"})
	number := bytes.Replace(foreignEvent(t, fence, "a/5", "raised", nil), []byte(`"id":"a/5"`), []byte(`"id":5`), 1)
	const form = "id is not 1 to 128 bytes of printable text"
	got := f.postForeign(t, foreignEvent(t, fence, "", "raised", nil), foreignEvent(t, fence, long, "raised", nil),
		foreignEvent(t, fence, "a\n", "raised", nil), cleared, momentary, other, number)
	want := []contract.Receipt{
		{Reason: form}, {Reason: form}, {ID: "a\n", Reason: form},
		{ID: "a/2", Reason: "situation of a cleared alert is not the id of a raised one"}, {ID: "a/3", Reason: "a momentary alert has no situation"},
		{ID: "a/4", Reason: "situation of a raised alert is its own id"}, {Reason: "event: field /id has the wrong type or form"},
	}
	for i := range want {
		want[i].Outcome = contract.Rejected
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("receipts %+v\nwant %+v", got, want)
	}
	of := raised("edge-1")
	body := bytes.ReplaceAll(batchOf(t, of), []byte(of.ID), []byte("4711"))
	if got := receipts(t, f.do(request{body: body})); got[0].ID != "4711" || !strings.HasPrefix(got[0].Reason, "id is not a canonical UUID") {
		t.Errorf("an edge's receipt: %+v", got)
	}
}

// A foreign id may be an identity: it goes back to its sender and nowhere else.
func TestForeignIDsAreNotKept(t *testing.T) {
	const secret = "ZHANG-SAN-13800000000"
	var log bytes.Buffer
	f, s, dir := onDisk(t, func(o *ingest.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	f.postForeign(t, foreignEvent(t, fence, secret, "raised", nil), foreignEvent(t, fence, "2", "cleared", map[string]any{"situation": secret}),
		foreignEvent(t, fence, secret+"\n", "raised", nil))
	if n, err := s.LastPosition(t.Context()); err != nil || n == 0 {
		t.Fatalf("position %d, %v", n, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	var kept []byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b...)
	}
	if !bytes.Contains(kept, []byte("school-3/fence//door")) || bytes.Contains(kept, []byte(secret)) {
		t.Error("the database holds the id, or not even the key")
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("logged: %s", &log)
	}
}
