package embedded

import (
	"errors"

	"github.com/prometheus/prometheus/tsdb/chunks"
)

// readTries is how often points are read at most.
const readTries = 3

// again reads anew if what was being read was moved meanwhile. Prometheus 0.309.1 may take away the file of a late sample's chunk between the
// moment at which a reader learns of it and the moment at which it opens it: that reader hears of a corrupted head chunk, and the next one
// finds the samples in the block to which they were moved. A chunk that is corrupted indeed fails each time.
func again[T any](read func() (T, error)) (out T, err error) {
	for range readTries {
		out, err = read()
		var moved *chunks.CorruptionErr
		if !errors.As(err, &moved) {
			break
		}
	}
	return out, err
}
