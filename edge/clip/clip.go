// Package clip makes a sealed clip of the coded pictures around an onset: an MP4 file, encrypted while it is written to a key whose
// secret half is not at the edge.
//
// In: access units as the ring kept them. Out: an age file in memory. What a camera sent reaches the muxer only after it was
// validated; the plain MP4 is never whole anywhere and never on a disk: each piece goes from the coded pictures into the cipher.
// Nothing is decoded, so masks cannot be laid over it: a camera with masks may have no clips.
package clip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

// MaxSpan bounds what is before and after an onset.
const MaxSpan = time.Minute

// Options of the clips of one camera. Recipient is demanded.
type Options struct {
	Recipient seal.Recipient // who can open them
	Before    time.Duration  // before the onset, default 5 s, at most [MaxSpan]; a clip begins at the keyframe ahead of it
	After     time.Duration  // default 10 s, at most [MaxSpan]
	MaxBytes  int64          // of a sealed clip, default and at most [alert.MaxEvidence]
}

// Maker makes clips. It is safe for concurrent use.
type Maker struct{ opt Options }

// New checks the options.
func New(opt Options) (*Maker, error) {
	if opt.Recipient.String() == "" {
		return nil, errors.New("clip: Recipient is demanded")
	}
	if opt.Before == 0 {
		opt.Before = 5 * time.Second
	}
	if opt.After == 0 {
		opt.After = 10 * time.Second
	}
	if opt.MaxBytes == 0 {
		opt.MaxBytes = alert.MaxEvidence
	}
	switch {
	case opt.Before < 0 || opt.Before > MaxSpan || opt.After < 0 || opt.After > MaxSpan:
		return nil, fmt.Errorf("clip: before and after lie between 0 and %v", MaxSpan)
	case opt.MaxBytes < minBytes || opt.MaxBytes > alert.MaxEvidence:
		return nil, fmt.Errorf("clip: a clip has %d to %d bytes", minBytes, alert.MaxEvidence)
	}
	return &Maker{opt: opt}, nil
}

// minBytes is the least bound that makes sense: a keyframe and a few pictures.
const minBytes = 1 << 20

// Span is how much is wanted before and after an onset.
func (m *Maker) Span() (before, after time.Duration) { return m.opt.Before, m.opt.After }

// ErrNoClip says that of the units none can be made: another codec than H.264 and H.265, or nothing valid that shows the onset.
var ErrNoClip = errors.New("no clip can be made")

// Seal returns the sealed clip of units, the first of which begins a stream. Where they are too many bytes the clip begins at a
// later keyframe, so that half of it is left for what follows the onset, and ends sooner. It ends, too, before the first unit that
// cannot be part of the same track.
func (m *Maker) Seal(ctx context.Context, units []source.AccessUnit, onset time.Time) (sealed []byte, err error) {
	defer func() {
		if recover() != nil { // of a library, at bytes that it should have refused
			sealed, err = nil, fmt.Errorf("%w: the stream upset a parser", ErrNoClip)
		}
	}()
	limit := m.opt.MaxBytes - seal.Overhead(m.opt.MaxBytes) - fixedBytes
	t, err := read(later(units, onset, limit/2), limit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoClip, err)
	}
	if last := t.samples[len(t.samples)-1]; last.at.Before(onset.Add(-maxStale)) {
		return nil, fmt.Errorf("%w: what is valid ends before the onset", ErrNoClip)
	}
	var out bytes.Buffer
	out.Grow(int(t.size() + seal.Overhead(t.size()) + fixedBytes))
	w, err := seal.Seal(&out, m.opt.Recipient)
	if err != nil {
		return nil, err
	}
	if err := mux(ctx, w, t); err != nil {
		return nil, fmt.Errorf("write clip: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write clip: %w", err)
	}
	if int64(out.Len()) > m.opt.MaxBytes {
		return nil, fmt.Errorf("write clip: %d bytes, more than %d", out.Len(), m.opt.MaxBytes)
	}
	return out.Bytes(), nil
}

const (
	fixedBytes = 128 << 10 // of the index beside what each picture costs: parameter sets above all
	// sampleBytes is what the index holds for each picture at most: size, place, duration, order and keyframe.
	sampleBytes = 28
	maxStale    = time.Second
)

// cost is how many bytes of the file u takes.
func cost(u source.AccessUnit) int64 { return int64(u.Bytes() + 4*len(u.NALUs) + sampleBytes) }

// later is the end of units from the first keyframe on with no more than limit bytes from there to the onset, or from the last
// keyframe before the onset.
func later(units []source.AccessUnit, onset time.Time, limit int64) []source.AccessUnit {
	i := len(units) - 1
	for i > 0 && units[i].At.After(onset) {
		i--
	}
	start, bytes := -1, int64(0)
	for ; i >= 0; i-- {
		bytes += cost(units[i])
		if i > 0 && !units[i].Key {
			continue
		}
		if start >= 0 && bytes > limit {
			break
		}
		start = i
	}
	return units[max(start, 0):]
}
