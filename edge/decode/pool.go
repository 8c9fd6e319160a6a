package decode

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
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
	Budget     float64       // share of one core for all workers together; 0 means no limit
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
	costs   *costs
	blocked *blocklist
	budget  *bucket // nil without a limit

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
	p := &Pool{options: o, costs: newCosts(), blocked: newBlocklist(time.Now), budget: newBucket(o.Budget, time.Now())}
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

// Cost returns what a stream cost so far.
func (p *Pool) Cost(stream string) StreamCost { return p.costs.of(stream) }

func (p *Pool) count(f func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}

type streamKey struct{}

// WithStream names the stream for the calls of a [Decoder] that do not take a name, so that the queue is fair between streams
// and one that kills workers is told from the others. Calls without a name count as one stream.
func WithStream(ctx context.Context, stream string) context.Context {
	return context.WithValue(ctx, streamKey{}, stream)
}

func streamOf(ctx context.Context) string {
	stream, _ := ctx.Value(streamKey{}).(string)
	return stream
}

// Keyframe implements [Decoder].
func (p *Pool) Keyframe(ctx context.Context, u source.AccessUnit) (Frame, error) {
	units := []source.AccessUnit{u}
	req, err := newRequest(opKeyframe, streamOf(ctx), units, nil, nil)
	if err != nil {
		return Frame{}, err
	}
	r, err := p.do(ctx, req)
	if err != nil {
		return Frame{}, err
	}
	return frameOf(r, units)
}

// Sequence implements [Decoder].
func (p *Pool) Sequence(ctx context.Context, stream string, units []source.AccessUnit) (Frame, bool, error) {
	req, err := newRequest(opSequence, stream, units, nil, nil)
	if err != nil {
		return Frame{}, false, err
	}
	r, err := p.do(ctx, req)
	if err != nil || r.status == statusNone {
		return Frame{}, false, err
	}
	f, err := frameOf(r, units)
	return f, err == nil, err
}

// Pictures implements [Decoder]. Moments that fall on one picture give it once; a moment before the first gives the first.
func (p *Pool) Pictures(ctx context.Context, q PictureRequest) ([]Picture, error) {
	req, err := newRequest(opPictures, streamOf(ctx), q.Units, q.At, q.Masks)
	if err != nil {
		return nil, err
	}
	req.width, req.idle = uint16(min(max(q.MaxWidth, 0), math.MaxUint16)), q.Idle
	r, err := p.do(ctx, req)
	if err != nil {
		return nil, err
	}
	if r.status != statusPictures {
		return nil, errWire
	}
	shots, err := parseShots(r.data)
	if err != nil {
		return nil, err
	}
	pictures := make([]Picture, len(shots))
	for i, s := range shots {
		pictures[i] = Picture{JPEG: s.jpeg, Width: s.width, Height: s.height, Faces: s.faces, At: timeOf(s.pts, q.Units)}
	}
	return pictures, nil
}

// Faces implements [Decoder].
func (p *Pool) Faces(ctx context.Context, units []source.AccessUnit, masks []picture.Mask) ([]Face, error) {
	req, err := newRequest(opFaces, streamOf(ctx), units, nil, masks)
	if err != nil {
		return nil, err
	}
	r, err := p.do(ctx, req)
	if err != nil {
		return nil, err
	}
	if r.status != statusFaces {
		return nil, errWire
	}
	return parseFaces(r.data)
}

func frameOf(r response, units []source.AccessUnit) (Frame, error) {
	if r.status != statusFrame || len(r.data) != FrameWidth*FrameHeight {
		return Frame{}, fmt.Errorf("%w: frame of %d bytes", errWire, len(r.data))
	}
	return Frame{Luma: r.data, PTS: r.pts, At: timeOf(r.pts, units)}, nil
}

// maxHeldBack is how far a picture may be from the last unit in media time; what a worker says beyond is not believed.
const maxHeldBack = time.Minute

// timeOf is the edge's time of a picture shown at pts: that of its unit, or by its distance in media time from the last one.
func timeOf(pts time.Duration, units []source.AccessUnit) time.Time {
	for _, u := range units {
		if u.PTS == pts {
			return u.At
		}
	}
	last := units[len(units)-1]
	if away := pts - last.PTS; away.Abs() <= maxHeldBack {
		return last.At.Add(away)
	}
	return last.At
}

// do waits for the answer of a worker, or until ctx ends.
func (p *Pool) do(ctx context.Context, req request) (response, error) {
	j := &job{ctx: ctx, request: req, estimate: p.costs.estimate(req), done: make(chan result, 1)}
	err := p.blocked.check(req.stream)
	if err == nil {
		err = p.slotFor(req).submit(j)
	}
	if err != nil {
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

// slotFor chooses the worker. A sequence stays where its decoder is. Evidence is made by the last worker, where no sequence
// lives if there are two or more: it holds up no sample but keyframes that found the others busier still.
func (p *Pool) slotFor(r request) *slot {
	last := len(p.slots) - 1
	switch {
	case r.op.evidence():
		return p.slots[last]
	case r.op == opSequence:
		h := fnv.New32a()
		h.Write([]byte(r.stream))
		return p.slots[int(h.Sum32()%uint32(max(1, last)))]
	}
	best, least := p.slots[0], p.slots[0].load()
	for _, s := range p.slots[1:] {
		if load := s.load(); load < least {
			best, least = s, load
		}
	}
	return best
}

// job is a request on its way.
type job struct {
	ctx      context.Context
	request  request
	estimate time.Duration // of processor time
	since    time.Time     // in the queue
	done     chan result   // holds one
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
	case statusForgotten:
		return response{}, ErrForgotten
	case statusBad:
		return response{}, fmt.Errorf("%w: %s", ErrBadStream, strings.TrimPrefix(textOf(r.data), ErrBadStream.Error()+": "))
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
