package decode

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// PoolOptions says how many workers to run and how.
type PoolOptions struct {
	Workers    int           // processes; 0 means 1
	Executable string        // program that calls [WorkerMain]; empty means this one
	Args       []string      // its arguments; empty means [WorkerArg]
	Env        []string      // variables added to the worker's otherwise empty environment
	Timeout    time.Duration // of a request for one unit, after which the worker is killed; 0 means 5 s
	MaxMemory  int64         // bytes resident, above which a worker is killed; 0 means 512 MB
	Log        *slog.Logger  // nil means [slog.Default]
}

func (o PoolOptions) withDefaults() (PoolOptions, error) {
	if o.Workers <= 0 {
		o.Workers = 1
	}
	if o.Executable == "" {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("%w: find this program: %w", ErrNoWorker, err)
		}
		o.Executable = self
	}
	if len(o.Args) == 0 {
		o.Args = []string{WorkerArg}
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.MaxMemory <= 0 {
		o.MaxMemory = 512 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// Stats counts what a pool did since it was made.
type Stats struct {
	Requests uint64        // handed to a worker
	Failures uint64        // of those, without a picture because of an error
	Refused  uint64        // not taken, since the queue was full or the stream had killed a worker
	Restarts uint64        // workers started again after the first start
	CPU      time.Duration // of the workers, for requests
	Waiting  int           // requests in the queues now
}

// Pool is the [Decoder] that runs worker processes and starts them again. Requests of one stream go to one worker, in order.
type Pool struct {
	options PoolOptions
	slots   []*slot

	mu    sync.Mutex
	stats Stats
}

var _ Decoder = (*Pool)(nil)

// NewPool makes a pool; it decodes once [Pool.Run] runs.
func NewPool(o PoolOptions) (*Pool, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pool{options: o}
	for range o.Workers {
		p.slots = append(p.slots, newSlot(p))
	}
	return p, nil
}

// Run supervises the workers until ctx ends, and returns nil when the last one is gone. Requests that wait then fail.
func (p *Pool) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range p.slots {
		wg.Go(func() { s.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Stats returns the counters.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	for _, slot := range p.slots {
		s.Waiting += slot.queue.len()
	}
	return s
}

func (p *Pool) count(f func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

type streamKey struct{}

// WithStream names the stream for [Decoder.Keyframe] and [Decoder.Picture], so that the queue is fair between streams and
// one that kills workers is told from the others. Calls without a name count as one stream.
func WithStream(ctx context.Context, stream string) context.Context {
	return context.WithValue(ctx, streamKey{}, stream)
}

// Keyframe implements [Decoder].
func (p *Pool) Keyframe(ctx context.Context, u source.AccessUnit) (Frame, error) {
	stream, _ := ctx.Value(streamKey{}).(string)
	r, err := p.do(ctx, opKeyframe, stream, []source.AccessUnit{u})
	if err != nil {
		return Frame{}, err
	}
	return frameOf(r, u)
}

// Sequence implements [Decoder].
func (p *Pool) Sequence(ctx context.Context, stream string, units []source.AccessUnit) (Frame, bool, error) {
	r, err := p.do(ctx, opSequence, stream, units)
	if err != nil || r.status == statusNone {
		return Frame{}, false, err
	}
	f, err := frameOf(r, units[len(units)-1])
	return f, err == nil, err
}

// Pictures implements [Decoder].
func (p *Pool) Pictures(ctx context.Context, q PictureRequest) ([]Picture, error) {
	stream, _ := ctx.Value(streamKey{}).(string)
	r, err := p.do(ctx, opPicture, stream, q.Units, q.Masks...)
	if err != nil {
		return nil, err
	}
	return []Picture{{JPEG: r.data, Width: r.width, Height: r.height, Faces: r.faces, At: timeOf(r, q.Units[len(q.Units)-1])}}, nil
}

// Faces implements [Decoder].
func (p *Pool) Faces(context.Context, []source.AccessUnit, []picture.Mask) ([]Face, error) {
	return nil, errors.New("faces cannot be looked for yet")
}

func frameOf(r response, last source.AccessUnit) (Frame, error) {
	if len(r.data) != FrameWidth*FrameHeight {
		return Frame{}, fmt.Errorf("%w: frame of %d bytes", errWire, len(r.data))
	}
	return Frame{Luma: r.data, PTS: r.pts, At: timeOf(r, last)}, nil
}

// timeOf is the edge's time of the picture in r, by its distance in media time from the last unit.
func timeOf(r response, last source.AccessUnit) time.Time { return last.At.Add(r.pts - last.PTS) }

// do waits for the answer of a worker, or until ctx ends.
func (p *Pool) do(ctx context.Context, o op, stream string, units []source.AccessUnit, masks ...picture.Mask) (response, error) {
	req, err := newRequest(o, stream, units, masks...)
	if err != nil {
		return response{}, err
	}
	j := &job{ctx: ctx, request: req, done: make(chan result, 1)}
	if err := p.slotFor(o, stream).submit(j); err != nil {
		p.count(func(s *Stats) { s.Refused++ })
		return response{}, err
	}
	select {
	case <-ctx.Done():
		return response{}, ctx.Err()
	case r := <-j.done:
		return r.response, r.err
	}
}

// slotFor keeps a stream on one worker, where its decoder is; a keyframe goes where the fewest wait.
func (p *Pool) slotFor(o op, stream string) *slot {
	if o == opSequence {
		h := fnv.New32a()
		h.Write([]byte(stream))
		return p.slots[int(h.Sum32()%uint32(len(p.slots)))]
	}
	best := p.slots[0]
	for _, s := range p.slots[1:] {
		if s.queue.len() < best.queue.len() {
			best = s
		}
	}
	return best
}

// job is a request on its way.
type job struct {
	ctx     context.Context
	request request
	done    chan result // holds one
}

type result struct {
	response response
	err      error
}

func (j *job) finish(r response, err error) { j.done <- result{response: r, err: err} }

// answerOf turns what a worker said into what the caller gets. A text is cut and cleaned: a stream may have taken over the
// worker, and the text goes into logs and states.
func answerOf(r response) (response, error) {
	switch r.status {
	case statusBad:
		return response{}, fmt.Errorf("%w: %s", ErrBadStream, textOf(r.data))
	case statusFailed:
		return response{}, errors.New(textOf(r.data))
	}
	return r, nil
}

func textOf(data []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, string(data[:min(len(data), maxText)]))
}
