package ingest

import (
	"net/http"
	"slices"
	"strconv"

	"gridgate/central/store"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// Bounds of the headers of a batch.
const (
	maxEpoch  = 64        // bytes
	maxNumber = 1<<53 - 1 // the largest number that every JSON reader knows
	maxHeader = 1 << 13   // bytes of one header
)

// delivery reads what a batch says of its sequence numbers; nil if it says nothing or if its sender is no edge, whose numbers
// nobody could compare.
func delivery(r *http.Request, p Principal) (*store.Delivery, error) {
	sequence, lowest, shed := r.Header.Get(ingest.SequenceHeader), r.Header.Get(ingest.LowestHeader), r.Header.Get(ingest.ShedHeader)
	if p.foreign() || sequence == "" && lowest == "" && shed == "" {
		return nil, nil
	}
	d := store.Delivery{Edge: p.Edge, Lane: alert.Lane(r.Header.Get(ingest.LaneHeader)), Epoch: r.Header.Get(ingest.EpochHeader)}
	if !slices.Contains(lanes, d.Lane) {
		return nil, refuse(http.StatusBadRequest, "%s is not one of %q", ingest.LaneHeader, lanes)
	}
	if !validEpoch(d.Epoch) {
		return nil, refuse(http.StatusBadRequest, "%s is not 1 to %d letters, digits, dots, dashes or underscores", ingest.EpochHeader, maxEpoch)
	}
	if lowest != "" {
		n, err := strconv.ParseUint(lowest, 10, 63)
		if err != nil || n < 1 || n > maxNumber {
			return nil, refuse(http.StatusBadRequest, "%s is not a number from 1 to %d", ingest.LowestHeader, int64(maxNumber))
		}
		d.Lowest = int64(n)
	}
	var err error
	if d.Sequence, err = numbers(ingest.SequenceHeader, sequence); err != nil {
		return nil, err
	}
	d.Shed, err = numbers(ingest.ShedHeader, shed)
	return &d, err
}

var lanes = []alert.Lane{alert.LifeSafety, alert.Normal, alert.Bulk}

func validEpoch(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxEpoch
}

// numbers reads one header of ranges.
func numbers(header, text string) (ingest.Ranges, error) {
	if len(text) > maxHeader {
		return nil, refuse(http.StatusBadRequest, "%s has more than %d bytes", header, maxHeader)
	}
	out, err := ingest.ParseRanges(text)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%s: %s", header, err)
	}
	if n := len(out); n > 0 && out[n-1].Last > maxNumber {
		return nil, refuse(http.StatusBadRequest, "%s has a number above %d", header, int64(maxNumber))
	}
	return out, nil
}
