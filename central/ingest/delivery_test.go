package ingest_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

// told are the headers of a batch: lane, epoch, sequence, lowest, shed, schema; "" leaves one out.
func told(values ...string) map[string]string {
	names := []string{contract.LaneHeader, contract.EpochHeader, contract.SequenceHeader, contract.LowestHeader, contract.ShedHeader, contract.SchemaHeader}
	out := make(map[string]string)
	for i, v := range values {
		if v != "" {
			out[names[i]] = v
		}
	}
	return out
}

func TestSequencesAreBooked(t *testing.T) {
	f := serve(t)
	a, b := raised("edge-1"), raised("edge-2") // the second one is refused: it was answered all the same
	receipts(t, f.do(request{body: batchOf(t, a, b), headers: told("normal", "e-1", "4,6", "4", "1-3,5")}))
	receipts(t, f.do(request{body: batchOf(t, b), headers: told("bulk", "e-1", "9")}))
	want := []store.Delivery{
		{Edge: "edge-1", Lane: alert.Normal, Epoch: "e-1", Sequence: contract.Ranges{{First: 4, Last: 4}, {First: 6, Last: 6}}, Lowest: 4,
			Shed: contract.Ranges{{First: 1, Last: 3}, {First: 5, Last: 5}}},
		{Edge: "edge-1", Lane: alert.Bulk, Epoch: "e-1", Sequence: contract.Ranges{{First: 9, Last: 9}}},
	}
	if !reflect.DeepEqual(f.memory.told, want) {
		t.Fatalf("told %+v, want %+v", f.memory.told, want)
	}
}

// A sender that says nothing of sequences, and one that is no edge, are taken as they are.
func TestWithoutSequences(t *testing.T) {
	f := serve(t)
	receipts(t, f.do(request{body: batchOf(t, raised("edge-1"))}))
	receipts(t, f.do(request{body: batchOf(t, raised("edge-1")), headers: told("normal", "e-1")}))
	receipts(t, f.do(request{body: batchOf(t, raised("edge-1")), token: "foreign", headers: told("what", "", "x", "y", "z")}))
	if len(f.memory.told) != 0 {
		t.Fatalf("told %+v", f.memory.told)
	}
}

func TestMalformedHeaders(t *testing.T) {
	f := serve(t)
	for name, tt := range map[string]struct {
		headers map[string]string
		names   string
	}{
		"sequence":         {told("normal", "e", "3-1", "1"), contract.SequenceHeader},
		"sequence, huge":   {told("normal", "e", "9007199254740992", "1"), contract.SequenceHeader},
		"sequence, long":   {told("normal", "e", strings.Repeat("1", 9000), "1"), contract.SequenceHeader},
		"sequence, many":   {told("normal", "e", "1-2", "1"), contract.SequenceHeader},
		"lowest":           {told("normal", "e", "1", "0"), contract.LowestHeader},
		"lowest, signed":   {told("normal", "e", "1", "-1"), contract.LowestHeader},
		"shed":             {told("normal", "e", "1", "1", "a"), contract.ShedHeader},
		"shed, no epoch":   {told("normal", "", "1", "1", "2"), contract.EpochHeader},
		"epoch, long":      {told("normal", strings.Repeat("e", 65), "1"), contract.EpochHeader},
		"epoch, strange":   {told("normal", "e f", "1"), contract.EpochHeader},
		"lane":             {told("fast", "e", "1"), contract.LaneHeader},
		"lane, left out":   {told("", "e", "1"), contract.LaneHeader},
		"schema":           {told("normal", "e", "1", "1", "", "one"), contract.SchemaHeader},
		"schema, negative": {told("", "", "", "", "", "-1"), contract.SchemaHeader},
	} {
		w := f.do(request{body: batchOf(t, raised("edge-1")), headers: tt.headers})
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tt.names) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
	if len(f.memory.ids) > 0 {
		t.Fatal("a refused batch was stored")
	}
}

// A newer schema is refused before a byte is parsed, and the answer tells ours.
func TestNewerSchema(t *testing.T) {
	f := serve(t)
	w := f.do(request{body: []byte("not even parsed"), headers: told("", "", "", "", "", "2")})
	if w.Code != http.StatusConflict || w.Header().Get(contract.SchemaHeader) != "1" {
		t.Fatalf("status %d, headers %v", w.Code, w.Header())
	}
}

func TestMissingIsAMetric(t *testing.T) {
	f := serve(t)
	f.memory.gaps = []store.Tally{
		{Edge: "edge-1", Lane: alert.Normal, Missing: contract.Ranges{{First: 2, Last: 4}}, Lost: 2}, {Edge: "edge-2", Lane: alert.Normal, Lost: 1},
	}
	metrics := `
		# HELP gridgate_ingest_missing_alerts Sequence numbers that edges gave out and settled, and that neither came nor were shed.
		# TYPE gridgate_ingest_missing_alerts gauge
		gridgate_ingest_missing_alerts{lane="bulk"} BULK
		gridgate_ingest_missing_alerts{lane="life-safety"} BULK
		gridgate_ingest_missing_alerts{lane="normal"} NORMAL
	`
	check := func(bulk, normal string) {
		t.Helper()
		want := strings.NewReplacer("BULK", bulk, "NORMAL", normal).Replace(metrics)
		if err := testutil.GatherAndCompare(f.registry, strings.NewReader(want), "gridgate_ingest_missing_alerts"); err != nil {
			t.Error(err)
		}
	}
	check("0", "6")
	f.memory.broken = errors.New("disk on fire")
	check("NaN", "NaN")
}
