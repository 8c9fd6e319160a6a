package embedded

import (
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunks"
)

func TestWhatWasMovedIsReadAgain(t *testing.T) {
	moved := fmt.Errorf("populate: %w", &chunks.CorruptionErr{Dir: "chunks_head", FileIndex: -1, Err: errors.New("does not exist on disk")})
	other := errors.New("the disk is gone")
	for _, c := range []struct {
		name  string
		fails []error
		reads int
		want  error
	}{
		{"nothing is wrong", nil, 1, nil},
		{"moved once", []error{moved}, 2, nil},
		{"moved twice", []error{moved, moved}, 3, nil},
		{"corrupted indeed", []error{moved, moved, moved, moved}, readTries, moved},
		{"another error", []error{other}, 1, other},
	} {
		reads := 0
		got, err := again(func() (int, error) {
			reads++
			if reads <= len(c.fails) {
				return 0, c.fails[reads-1]
			}
			return 7, nil
		})
		if reads != c.reads || !errors.Is(err, c.want) || err == nil && got != 7 {
			t.Errorf("%s: %d reads, %d, %v", c.name, reads, got, err)
		}
	}
}
