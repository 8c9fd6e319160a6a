package ingest_test

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"gridgate/central/ingest"
	"gridgate/central/store"
	"gridgate/central/tsdb"
	"gridgate/protocols/alert"
	contract "gridgate/protocols/ingest"
)

const (
	goodReading  = `{"source":"/edges/edge-1/sensors/well","grid":"330106109001","quantity":"level","value":1.5,"unit":"m","at":"2026-03-01T20:00:00Z"}`
	otherReading = `{"source":"/edges/edge-2/sensors/well","grid":"330106109001","quantity":"level","value":1.5,"unit":"m","at":"2026-03-01T20:00:00Z"}`
	wordReading  = `{"source":"/edges/edge-1/sensors/well","grid":"330106109001","quantity":"level","value":"high","unit":"m","at":"2026-03-01T20:00:00Z"}`
	ownerReading = `{"source":"/edges/edge-1/sensors/well","grid":"330106109001","quantity":"level","value":1.5,"unit":"m","at":"2026-03-01T20:00:00Z","owner":"x"}`
)

func readings(list ...string) request {
	return request{path: contract.ReadingsPath, typ: "application/json", body: []byte(`{"readings":[` + strings.Join(list, ",") + `]}`)}
}

func TestReadings(t *testing.T) {
	f := serve(t)
	f.samples.err = tsdb.Rejection{1: "too old"} // the second sample, which is the fifth reading
	w := f.do(readings(goodReading, otherReading, wordReading, ownerReading, goodReading))
	want := `{"accepted":1,"rejected":[{"index":1,"reason":"source names another edge than the token's"},` +
		`{"index":2,"reason":"unknown or duplicate field, or a wrong type"},` +
		`{"index":3,"reason":"unknown or duplicate field, or a wrong type"},{"index":4,"reason":"too old"}]}`
	if w.Code != 200 || w.Body.String() != want {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	sample := tsdb.Sample{
		Metric: ingest.ReadingMetric, Value: 1.5, At: t0,
		Labels: map[string]string{"edge": "edge-1", "device": "well", "grid": "330106109001", "quantity": "level", "unit": "m"},
	}
	if !reflect.DeepEqual(f.samples.got, []tsdb.Sample{sample, sample}) {
		t.Fatalf("samples %+v", f.samples.got)
	}
	f.samples.err = errors.New("the database is away")
	if w := f.do(readings(goodReading)); w.Code != 503 {
		t.Fatalf("status %d while the database is away", w.Code)
	} else {
		checkProblem(t, w)
	}
	if w := f.do(readings()); w.Code != 200 {
		t.Fatalf("status %d for no readings", w.Code)
	}
}

func TestEvidence(t *testing.T) {
	f := serve(t)
	jpeg := []byte("\xff\xd8\xff\xe0 the redacted picture")
	sealed := []byte("age-encryption.org/v1\n-> X25519 ...")
	put := func(typ string, body []byte) request {
		return request{method: "PUT", path: contract.EvidencePath + strings.Repeat("0a", 32), typ: typ, body: body}
	}
	tests := []struct {
		name    string
		r       request
		created bool
		err     error
		want    int
	}{
		{"a new picture", put(alert.JPEG, jpeg), true, nil, 201},
		{"a new clip", put(alert.SealedMP4, sealed), true, nil, 201},
		{"a known picture", put(alert.JPEG, jpeg), false, nil, 200},
		{"another picture", put(alert.JPEG, jpeg), false, store.ErrMismatch, 409},
		{"too large", put(alert.JPEG, jpeg), false, store.ErrTooLarge, 413},
		{"cut short", put(alert.JPEG, jpeg), false, io.ErrUnexpectedEOF, 400},
		{"disk full", put(alert.JPEG, jpeg), false, errors.New("no space left"), 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.shelf.created, f.shelf.err, f.shelf.got = tt.created, tt.err, nil
			w := f.do(tt.r)
			if w.Code != tt.want {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if tt.created && string(f.shelf.got) != string(tt.r.body) {
				t.Fatalf("stored %q", f.shelf.got)
			}
			if tt.want >= 400 {
				checkProblem(t, w)
			}
		})
	}
}
