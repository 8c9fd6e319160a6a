package body

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// packed compresses text.
func packed(t testing.TB, coding, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func read(coding, sent string, max int64) ([]byte, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(sent))
	if coding != "" {
		r.Header.Set("Content-Encoding", coding)
	}
	return Read(httptest.NewRecorder(), r, max)
}

func TestRead(t *testing.T) {
	const max = 1000
	good, large := strings.Repeat("x", max), strings.Repeat(" ", 5_000_000)
	for name, tt := range map[string]struct {
		coding, sent string
		err          error
		status       int
	}{
		"plain":       {"", good, nil, 0},
		"identity":    {"identity", good, nil, 0},
		"gzip":        {"gzip", packed(t, "gzip", good), nil, 0},
		"zstd":        {"zstd", packed(t, "zstd", good), nil, 0},
		"large":       {"", good + "x", ErrTooLarge, 413},
		"gzip bomb":   {"gzip", packed(t, "gzip", large)[:900], ErrTooLarge, 413},
		"zstd bomb":   {"zstd", packed(t, "zstd", large), ErrTooLarge, 413},
		"no gzip":     {"gzip", good, ErrBroken, 400},
		"no zstd":     {"zstd", good, ErrBroken, 400},
		"cut gzip":    {"gzip", packed(t, "gzip", good)[:20], ErrBroken, 400},
		"cut zstd":    {"zstd", packed(t, "zstd", good)[:12], ErrBroken, 400},
		"nothing":     {"gzip", "", ErrBroken, 400},
		"two codings": {"gzip, gzip", good, ErrCoding, 415},
		"brotli":      {"br", good, ErrCoding, 415},
	} {
		got, err := read(tt.coding, tt.sent, max)
		if !errors.Is(err, tt.err) || err == nil && string(got) != good {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if err != nil && Status(err) != tt.status {
			t.Errorf("%s: status %d", name, Status(err))
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, coding := range []string{"gzip", "zstd"} {
		f.Add(coding, packed(f, coding, "some text"))
	}
	f.Add("", "some text")
	f.Fuzz(func(t *testing.T, coding, sent string) {
		if got, err := read(coding, sent, 1000); len(got) > 1000 || err != nil && got != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}
