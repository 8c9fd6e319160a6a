// Package evidence makes what belongs to an alert after the alert is on disk: a filmstrip of a few redacted pictures around the
// onset and, where that is switched on, one sealed clip.
//
// In: alerts with their onset and the [Ring] of their camera's coded pictures, and the main stream while it is wanted. Out:
// evidence events with their objects, to a [Store]; and on demand one redacted picture of now, which is not stored ([Maker.Look]). It never delays an alert or detection, never holds a decoded picture that is
// not redacted, and never retries: what cannot be made is counted and is not there. Memory, queue, time and how often it is
// made are bounded for each camera: an alert always gets the picture of its onset, a filmstrip or a clip only where the one before
// does not show much the same.
package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gridgate/edge/decode"
	"gridgate/edge/source"
	"gridgate/protocols/alert"
	"gridgate/protocols/picture"
)

// Ring is what is kept of the coded pictures of the stream that detection runs on.
type Ring = interface {
	// Window returns the units from the last one at or before from that begins a stream, or from the oldest one kept that does,
	// up to the newest, in decoding order and all of one connection. They are shared and never changed. It returns at once.
	Window(from time.Time) []source.AccessUnit
}

// Store keeps an object and the event that announces it. It returns nil once both are on stable storage.
type Store interface {
	Put(ctx context.Context, e alert.Evidence, object []byte) error
}

// Decoder is what is needed of [decode.Decoder].
type Decoder interface {
	Pictures(ctx context.Context, r decode.PictureRequest) ([]decode.Picture, error)
}

// Clip makes a sealed clip of coded pictures.
type Clip interface {
	// Span is how much is wanted before and after the onset.
	Span() (before, after time.Duration)
	// Seal returns the sealed clip of units, which begin a stream. What is too much is left out, but never the onset.
	Seal(ctx context.Context, units []source.AccessUnit, onset time.Time) ([]byte, error)
}

// Options of the evidence of one camera. Fields without a default are demanded.
type Options struct {
	CameraID string
	Decoder  Decoder
	Masks    []picture.Mask // covered in every picture, until [Maker.SetMasks]
	Store    Store

	// Main is the stream with the larger pictures, connected while a filmstrip is wanted and a little longer; nil if the camera has
	// one stream only.
	Main source.Source
	// Offsets are the moments of the filmstrip relative to the onset, which is always one of them: at most
	// [decode.MaxPictures], each within [MaxOffset]. Default [DefaultOffsets].
	Offsets []time.Duration
	Clip    Clip // nil: no clips. A camera with masks may have none

	MaxHeld int              // bytes of coded pictures that alerts may hold while they wait, default 24 MiB
	Now     func() time.Time // default [time.Now]
	Log     *slog.Logger     // with the camera's name in it; default: discards
}

// MaxOffset bounds how far a picture of the filmstrip may be from the onset.
const MaxOffset = 10 * time.Second

// DefaultOffsets are the moments of a filmstrip: who came, what happened, and where it went.
func DefaultOffsets() []time.Duration {
	return []time.Duration{-time.Second, 0, time.Second, 3 * time.Second}
}

// ErrMasked refuses clips of a camera with masks: coded pictures cannot be covered without coding them anew.
var ErrMasked = errors.New("a camera with masks makes no sealed clips, since masks cannot be laid over coded video: switch off one of them")

const (
	maxJobs        = 4 // that wait for the picture of their onset; as many again wait for what comes later
	pictureTimeout = 30 * time.Second
	clipTimeout    = 30 * time.Second
	// stripEvery is how often there is a filmstrip: each picture costs a redaction, and a busy camera raises one motion after
	// the other.
	stripEvery = 30 * time.Second
	// settle is how long after a moment its picture has surely arrived.
	settle = 250 * time.Millisecond
)

// Maker makes the evidence of one camera, one thing at a time. Its methods are safe for concurrent use; Run is called once.
type Maker struct {
	opt   Options
	main  *mainStream // nil without a main stream
	count counters
	wake  chan struct{} // there is a new job; capacity 1

	mu        sync.Mutex
	masks     []picture.Mask
	jobs      []*job
	held      int       // bytes of their units
	lastStrip time.Time // when there was last a job with a filmstrip
	lastClip  time.Time // onset of the last job with a clip
}

// New checks the options. It starts nothing.
func New(opt Options) (*Maker, error) {
	if opt.CameraID == "" || opt.Decoder == nil || opt.Store == nil {
		return nil, errors.New("evidence: CameraID, Decoder and Store are demanded")
	}
	if opt.Clip != nil && len(opt.Masks) > 0 {
		return nil, fmt.Errorf("evidence of %s: %w", opt.CameraID, ErrMasked)
	}
	offsets, err := checkOffsets(opt.Offsets)
	if err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", opt.CameraID, err)
	}
	opt.Offsets = offsets
	opt.MaxHeld = cmp.Or(opt.MaxHeld, 24<<20)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	m := &Maker{opt: opt, masks: opt.Masks, wake: make(chan struct{}, 1)}
	if opt.Main != nil {
		m.main = newMainStream(opt)
	}
	return m, nil
}

// checkOffsets returns the moments in order, without repetition and with the onset.
func checkOffsets(offsets []time.Duration) ([]time.Duration, error) {
	if len(offsets) == 0 {
		offsets = DefaultOffsets()
	}
	out := slices.Sorted(slices.Values(append(slices.Clone(offsets), 0)))
	out = slices.Compact(out)
	if len(out) > decode.MaxPictures {
		return nil, fmt.Errorf("%d pictures of an onset (at most %d)", len(out), decode.MaxPictures)
	}
	if out[0] < -MaxOffset || out[len(out)-1] > MaxOffset {
		return nil, fmt.Errorf("a picture more than %v from the onset", MaxOffset)
	}
	return out, nil
}

// SetMasks says what is covered in every picture that is made from now on. While there are masks no clip is made.
func (m *Maker) SetMasks(masks []picture.Mask) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.masks = masks
}

func (m *Maker) covered() []picture.Mask {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.masks
}

// Run works until ctx ends, and returns nil then. What was not made by then stays unmade.
func (m *Maker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if m.main != nil {
		wg.Go(func() { m.main.run(ctx) })
	}
	for ctx.Err() == nil {
		j, step, wait := m.next(m.opt.Now())
		if j == nil {
			m.rest(ctx, wait)
			continue
		}
		m.work(ctx, j, step)
		m.done(j)
	}
	return nil
}

// rest waits for a new job, or for the next step of an old one if wait is not negative.
func (m *Maker) rest(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait >= 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
	case <-m.wake:
	case <-due:
	}
}

// work does one step of a job. Only the owner of the loop logs.
func (m *Maker) work(ctx context.Context, j *job, step step) {
	var err error
	switch step {
	case stepOnset:
		err = m.makePictures(ctx, j, []time.Time{j.onset})
	case stepStrip:
		err = m.makePictures(ctx, j, j.strip(m.opt.Offsets))
	case stepClip:
		err = m.makeClip(ctx, j)
	}
	if err != nil && ctx.Err() == nil {
		m.opt.Log.Warn("an alert stays without a part of its evidence", "part", step, "error", err)
	}
}

// Want asks for the evidence of alerts whose situation began at onset; those that clear one get none. It never waits: what does
// not fit into the queue is counted and not made.
func (m *Maker) Want(alerts []alert.Alert, onset time.Time, ring Ring) {
	alerts = slices.DeleteFunc(slices.Clone(alerts), func(a alert.Alert) bool { return a.State == alert.Cleared })
	if len(alerts) == 0 {
		return
	}
	now := m.opt.Now()
	j := m.newJob(alerts, onset, ring, now)
	taken, strip := m.enqueue(j, now)
	if !taken {
		m.skip(j)
		return
	}
	if m.main != nil && strip {
		m.main.want(now.Add(m.wait(onset, now) + linger))
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// wait is how long after now the last picture of the filmstrip has come. It stays within the offsets, whatever the clock did.
func (m *Maker) wait(onset, now time.Time) time.Duration {
	last := m.opt.Offsets[len(m.opt.Offsets)-1]
	return min(max(onset.Add(last).Sub(now), 0), last) + settle
}
