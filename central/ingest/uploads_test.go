package ingest_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

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

// slowLine is a response whose connection says until when the request may arrive.
type slowLine struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (s *slowLine) SetReadDeadline(t time.Time) error {
	s.until = t
	return nil
}

// TestALargeUploadMayTakeItsTime: what an edge on a slow line is sending must not be cut off again and again.
func TestALargeUploadMayTakeItsTime(t *testing.T) {
	f := serve(t)
	for size, want := range map[int]time.Duration{100: time.Minute, alert.MaxEvidence: time.Minute + 1024*time.Second, 1 << 30: time.Minute + 1024*time.Second} {
		r := httptest.NewRequest("PUT", contract.EvidencePath+strings.Repeat("0a", 32), strings.NewReader("age-encryption.org/v1\n-> X25519 ..."))
		r.Header.Set("Authorization", "edge-1")
		r.Header.Set("Content-Type", alert.SealedMP4)
		r.ContentLength = int64(size)
		w := &slowLine{ResponseRecorder: httptest.NewRecorder()}
		f.Handler().ServeHTTP(w, r)
		if left := time.Until(w.until); left > want || left < want-30*time.Second {
			t.Errorf("%d bytes: %v left, want %v", size, left, want)
		}
	}
}

// endless is a body that does not come before its end is told.
type endless chan struct{}

func (e endless) Read([]byte) (int, error) {
	<-e
	return 0, io.ErrUnexpectedEOF
}

// TestClipsKeepNoPictureOut has more clips under way than are taken at a time.
func TestClipsKeepNoPictureOut(t *testing.T) {
	f := serve(t)
	end, answers := make(endless), make(chan int, 20)
	for range cap(answers) {
		go func() {
			r := httptest.NewRequest("PUT", contract.EvidencePath+strings.Repeat("0a", 32), end)
			r.Header.Set("Authorization", "edge-1")
			r.Header.Set("Content-Type", alert.SealedMP4)
			w := httptest.NewRecorder()
			f.Handler().ServeHTTP(w, r)
			answers <- w.Code
		}()
	}
	for range 12 { // those that are too many are answered at once
		if code := <-answers; code != 503 {
			t.Errorf("a clip too many: %d", code)
		}
	}
	picture := request{method: "PUT", path: contract.EvidencePath + strings.Repeat("0b", 32), typ: alert.JPEG, body: []byte("\xff\xd8\xff\xe0 a picture")}
	if w := f.do(picture); w.Code != 201 {
		t.Errorf("a picture beside them: %d", w.Code)
	}
	close(end)
	for range 8 {
		<-answers
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
