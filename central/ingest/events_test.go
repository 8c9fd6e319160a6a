package ingest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

// receipts reads the answer to a batch.
func receipts(t *testing.T, w *httptest.ResponseRecorder) []contract.Receipt {
	t.Helper()
	var out contract.Receipts
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Receipts
}

func TestOneBadEventDoesNotSpoilTheRest(t *testing.T) {
	f := serve(t)
	good, other, foreignKey := raised("edge-1"), raised("edge-2"), raised("edge-1")
	foreignKey.Key = "edge-2/cam/gate/motion"
	misspelt := bytes.Replace(encoded(t, raised("edge-1")), []byte(`"severity"`), []byte(`"Severity"`), 1)
	evidence := alert.Evidence{
		ID: alert.NewID(), Source: good.Source, AlertID: good.ID, SHA256: strings.Repeat("0a", 32), MediaType: alert.JPEG, Bytes: 10, At: t0,
	}
	picture, err := alert.EncodeEvidence(evidence)
	if err != nil {
		t.Fatal(err)
	}
	w := f.do(request{body: alert.EncodeBatch([][]byte{
		misspelt, encoded(t, good), []byte("7"), picture, encoded(t, good), encoded(t, other), encoded(t, foreignKey),
	})})
	want := []struct {
		id      string
		outcome contract.Outcome
		reason  string
	}{
		{alert.PeekID(misspelt), contract.Rejected, "/Severity"},
		{good.ID, contract.Accepted, ""},
		{"", contract.Rejected, "wrong type"},
		{evidence.ID, contract.Accepted, ""},
		{good.ID, contract.Duplicate, ""},
		{other.ID, contract.Rejected, "another edge"},
		{foreignKey.ID, contract.Rejected, "key does not begin"},
	}
	got := receipts(t, w)
	if len(got) != len(want) {
		t.Fatalf("%d receipts for %d events", len(got), len(want))
	}
	for i, r := range got {
		if r.ID != want[i].id || r.Outcome != want[i].outcome || !strings.Contains(r.Reason, want[i].reason) || (r.Reason == "") != (want[i].reason == "") {
			t.Errorf("receipt %d is %+v, want %+v", i, r, want[i])
		}
	}
	if !reflect.DeepEqual(f.memory.evidence, []alert.Evidence{evidence}) {
		t.Errorf("evidence %+v", f.memory.evidence)
	}
	<-f.commits
	metrics := `
		# HELP gridgate_ingest_events_total Alerts and evidence events by what became of them.
		# TYPE gridgate_ingest_events_total counter
		gridgate_ingest_events_total{outcome="accepted"} 2
		gridgate_ingest_events_total{outcome="duplicate"} 1
		gridgate_ingest_events_total{outcome="rejected"} 4
	`
	if err := testutil.GatherAndCompare(f.registry, strings.NewReader(metrics), "gridgate_ingest_events_total"); err != nil {
		t.Error(err)
	}
}

func TestWaysToSendEvents(t *testing.T) {
	f := serve(t)
	type way struct {
		coding string
		code   func(testing.TB, []byte) []byte
	}
	for _, c := range []way{{"", func(_ testing.TB, b []byte) []byte { return b }}, {"identity", func(_ testing.TB, b []byte) []byte { return b }}, {"gzip", zipped}, {"zstd", zstded}} {
		a, b, single := raised("edge-1"), raised("edge-1"), raised("edge-2")
		got := receipts(t, f.do(request{coding: c.coding, body: c.code(t, batchOf(t, a, b)), headers: map[string]string{contract.SchemaHeader: "1"}}))
		want := []contract.Receipt{{ID: a.ID, Outcome: contract.Accepted}, {ID: b.ID, Outcome: contract.Accepted}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("batch, %q: %+v", c.coding, got)
		}
		got = receipts(t, f.do(request{
			token: "foreign", typ: alert.ContentType + "; charset=utf-8", coding: c.coding, body: c.code(t, encoded(t, single)),
		}))
		if want := []contract.Receipt{{ID: single.ID, Outcome: contract.Accepted}}; !reflect.DeepEqual(got, want) {
			t.Errorf("single, %q: %+v", c.coding, got)
		}
	}
	if got := receipts(t, f.do(request{body: []byte(" [ ] ")})); len(got) != 0 {
		t.Errorf("receipts of nothing: %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	f := serve(t)
	batch := batchOf(t, raised("edge-1"))
	large := bytes.Repeat([]byte(" "), contract.MaxBatchBody+1)
	many := []byte("[" + strings.Repeat("{},", contract.MaxBatch) + "{}]")
	digest := strings.Repeat("0a", 32)
	evidence := contract.EvidencePath + digest
	jpeg := []byte("\xff\xd8\xff\xe0 and so on")
	tests := map[string]struct {
		r    request
		want int
	}{
		"no token":                 {request{token: "nobody", body: batch}, 401},
		"a token that may not":     {request{token: "reader", body: batch}, 403},
		"tokens out of reach":      {request{token: "broken", body: batch}, 503},
		"wrong method":             {request{method: "GET"}, 405},
		"wrong type":               {request{typ: "text/plain", body: batch}, 415},
		"no type":                  {request{typ: ";", body: batch}, 415},
		"unknown coding":           {request{coding: "br", body: batch}, 415},
		"not gzip":                 {request{coding: "gzip", body: batch}, 400},
		"gzip cut short":           {request{coding: "gzip", body: zipped(t, batch)[:60]}, 400},
		"not zstd":                 {request{coding: "zstd", body: batch}, 400},
		"not JSON":                 {request{body: []byte("[{]")}, 400},
		"not an array":             {request{body: []byte("{}")}, 400},
		"empty":                    {request{}, 400},
		"no event":                 {request{typ: alert.ContentType}, 400},
		"two for one":              {request{typ: alert.ContentType, body: []byte("{},{}")}, 400},
		"too many":                 {request{body: many}, 413},
		"too large":                {request{body: large}, 413},
		"too large once unzipped":  {request{coding: "gzip", body: zipped(t, large)}, 413},
		"too large once unzstded":  {request{coding: "zstd", body: zstded(t, large)}, 413},
		"a schema we do not know":  {request{body: batch, headers: map[string]string{contract.SchemaHeader: "2"}}, 409},
		"no schema":                {request{body: batch, headers: map[string]string{contract.SchemaHeader: "x"}}, 400},
		"readings of wrong type":   {request{path: contract.ReadingsPath, body: []byte("{}")}, 415},
		"readings not JSON":        {request{path: contract.ReadingsPath, typ: "application/json", body: []byte("[]")}, 400},
		"readings misspelt":        {request{path: contract.ReadingsPath, typ: "application/json", body: []byte(`{"Readings":[]}`)}, 400},
		"readings too many":        {request{path: contract.ReadingsPath, typ: "application/json", body: []byte(`{"readings":` + string(many) + `}`)}, 413},
		"evidence without token":   {request{method: "PUT", path: evidence, token: "nobody", typ: alert.JPEG, body: jpeg}, 401},
		"evidence by a reader":     {request{method: "PUT", path: evidence, token: "reader", typ: alert.JPEG, body: jpeg}, 403},
		"evidence of no digest":    {request{method: "PUT", path: evidence + "0", typ: alert.JPEG, body: jpeg}, 400},
		"evidence upwards":         {request{method: "PUT", path: contract.EvidencePath + "..%2f..%2fetc", typ: alert.JPEG, body: jpeg}, 400},
		"evidence in upper case":   {request{method: "PUT", path: strings.ToUpper(digest), typ: alert.JPEG, body: jpeg}, 404},
		"evidence of another type": {request{method: "PUT", path: evidence, typ: "image/png", body: jpeg}, 415},
		"evidence compressed":      {request{method: "PUT", path: evidence, typ: alert.JPEG, coding: "gzip", body: jpeg}, 415},
		"evidence that is none":    {request{method: "PUT", path: evidence, typ: alert.JPEG, body: []byte("GIF89a")}, 400},
		"evidence sealed is JPEG":  {request{method: "PUT", path: evidence, typ: alert.SealedMP4, body: jpeg}, 400},
		"evidence empty":           {request{method: "PUT", path: evidence, typ: alert.JPEG}, 400},
		"evidence too large":       {request{method: "PUT", path: evidence, typ: alert.JPEG, body: append(jpeg, make([]byte, alert.MaxEvidence)...)}, 413},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.r.path == strings.ToUpper(digest) {
				tt.r.path = "/" + tt.r.path
			}
			w := f.do(tt.r)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if tt.want != 404 && tt.want != 405 {
				checkProblem(t, w)
			}
		})
	}
	if len(f.memory.ids) > 0 || len(f.samples.got) > 0 {
		t.Fatal("a refused request left something behind")
	}
}

// checkProblem checks the form of a refusal (RFC 9457).
func checkProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Title == "" || p.Detail == "" {
		t.Fatalf("problem %s: %v", w.Body, err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q", got)
	}
	if (w.Code == 503 || w.Code == 429) != (w.Header().Get("Retry-After") != "") || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
		t.Fatalf("headers %v", w.Header())
	}
}

func FuzzPostEvents(f *testing.F) {
	batch := batchOf(f, raised("edge-1"), raised("edge-2"))
	f.Add(batch, byte(0))
	f.Add(zipped(f, batch), byte(1))
	f.Add(zstded(f, batch), byte(2))
	f.Add([]byte(`[{"id":"x","data":{}},null,7]`), byte(0))
	f.Add(bytes.ReplaceAll(batch, []byte(`"id":"0`), []byte(`"id":"a/0`)), byte(3))
	f.Fuzz(func(t *testing.T, body []byte, coding byte) {
		s := serve(t)
		token := []string{"edge-1", "foreign"}[coding/3%2]
		w := s.do(request{token: token, coding: []string{"", "gzip", "zstd"}[coding%3], body: body})
		switch w.Code {
		case http.StatusOK:
			for _, r := range receipts(t, w) {
				if (r.Outcome == contract.Rejected) != (r.Reason != "") {
					t.Fatalf("receipt %+v", r)
				}
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			checkProblem(t, w)
		default:
			t.Fatalf("status %d", w.Code)
		}
	})
}
