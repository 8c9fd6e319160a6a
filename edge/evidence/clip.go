package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/alert"
)

// makeClip seals what was coded around the onset. The clip is of the stream that detection runs on: the main stream is not there
// before the onset.
func (m *Maker) makeClip(ctx context.Context, j *job) error {
	if len(m.covered()) > 0 { // drawn since the edge started
		m.count.noClip.Add(uint64(len(j.alerts)))
		return fmt.Errorf("make clip: %w", ErrMasked)
	}
	ctx, cancel := context.WithTimeout(ctx, clipTimeout)
	defer cancel()
	before, after := m.opt.Clip.Span()
	units := join(j.units, j.ring.Window(j.onset.Add(-before)))
	units = between(runOf(units, j.onset), j.onset.Add(-before), j.onset.Add(after))
	object, err := m.sealed(ctx, units, j.onset)
	if err != nil {
		m.count.noClip.Add(uint64(len(j.alerts)))
		return fmt.Errorf("make clip: %w", err)
	}
	return m.put(ctx, j, alert.Evidence{MediaType: alert.SealedMP4, Sealed: true, At: j.onset}, object)
}

func (m *Maker) sealed(ctx context.Context, units []source.AccessUnit, onset time.Time) ([]byte, error) {
	if at(units, onset) < 0 {
		return nil, errors.New("the onset is not in the stream any more")
	}
	object, err := m.opt.Clip.Seal(ctx, units, onset)
	if err != nil {
		return nil, err
	}
	if len(object) == 0 || len(object) > alert.MaxEvidence {
		return nil, fmt.Errorf("%d bytes (1 to %d)", len(object), alert.MaxEvidence)
	}
	return object, nil
}

// join is a followed by what b has beyond it. Where both have a unit it is the same one.
func join(a, b []source.AccessUnit) []source.AccessUnit {
	if len(a) == 0 || len(b) == 0 {
		return append(slices.Clone(a), b...)
	}
	last := a[len(a)-1]
	for i, u := range b {
		if u.PTS == last.PTS && u.At.Equal(last.At) {
			return append(slices.Clone(a), b[i+1:]...)
		}
	}
	if !b[0].At.Before(last.At) { // a part was lost in between; b begins anew
		return append(slices.Clone(a), b...)
	}
	return b
}

// between is the part of units from the last one at or before from that begins a stream, or from the first that does, to to.
func between(units []source.AccessUnit, from, to time.Time) []source.AccessUnit {
	start := 0
	end := len(units)
	for i, u := range units {
		if u.Begins() && !u.At.After(from) {
			start = i
		}
		if u.At.After(to) {
			end = i
			break
		}
	}
	return units[min(start, end):end:end]
}
