package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// WorkerArg is the first argument with which a program must call [WorkerMain].
const WorkerArg = "decode-worker"

// hangGrace is how long after the agent's own limit a worker ends itself, should nobody be left to kill it.
const hangGrace = 30 * time.Second

// readBuffer holds the head of any request; the coded pictures pass it by.
const readBuffer = 64 << 10

// WorkerMain is the whole life of a worker process: it serves requests from stdin until stdin closes, and
// returns the exit code. It opens no file and no connection once the decoder's libraries are loaded.
func WorkerMain() int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the agent decides; its death closes stdin
	runtime.LockOSThread()                       // one decoder thread, so that its processor time can be told

	w, err := newWorker()
	if err != nil {
		_ = writeMessage(os.Stdout, failure(0, err).append(nil))
		return 1
	}
	if err := sandbox(); err != nil {
		_ = writeMessage(os.Stdout, failure(0, err).append(nil))
		return 1
	}
	if err := w.serve(os.Stdin, os.Stdout); err != nil {
		return 1
	}
	return 0
}

// worker decodes. Its requests are for one goroutine; mu keeps the clean-up of idle decoders apart from them.
type worker struct {
	lib      *libav
	redactor *picture.Redactor
	small    scaler
	out      []byte // the answer on its way, reused

	mu       sync.Mutex
	keys     map[source.Codec]*decoder // shared by all streams: keyframes need no history
	pictures map[source.Codec]*decoder // the same with every pixel as the standard says
	streams  *streams
}

func newWorker() (*worker, error) {
	lib, err := loadLibav()
	if err != nil {
		return nil, err
	}
	redactor, err := picture.NewRedactor()
	if err != nil {
		return nil, fmt.Errorf("prepare redaction: %w", err)
	}
	return &worker{
		lib:      lib,
		redactor: redactor,
		keys:     map[source.Codec]*decoder{},
		pictures: map[source.Codec]*decoder{},
		streams:  newStreams(time.Now),
		small:    scaler{width: FrameWidth, height: FrameHeight},
	}, nil
}

// serve greets, then answers one request after the other until in ends.
func (w *worker) serve(in io.Reader, out io.Writer) error {
	if err := writeMessage(out, response{status: statusNone}.append(nil)); err != nil {
		return err
	}
	defer every(idleLimit/2, w.dropIdle)()
	buffered := bufio.NewReaderSize(in, readBuffer)
	for {
		r, err := readRequest(buffered)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.handle(r, out); err != nil {
			return err
		}
	}
}

// every calls do again and again until the returned function is called.
func every(period time.Duration, do func()) (stop func()) {
	tick, done := time.NewTicker(period), make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				do()
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	return func() { close(done) }
}

// handle answers r. An error means that the pipe is of no use any more.
func (w *worker) handle(r *incoming, out io.Writer) error {
	hang := time.AfterFunc(timeLimit(r.op, hangGrace, maxUnits, len(r.at)), func() { os.Exit(2) })
	defer hang.Stop()
	start := threadTime()
	answer := w.answer(r)
	if err := r.finish(); err != nil {
		return err
	}
	answer.cpu = threadTime() - start
	w.out = answer.append(append(w.out[:0], 0, 0, 0, 0))
	binary.BigEndian.PutUint32(w.out, uint32(len(w.out)-4))
	_, err := out.Write(w.out)
	return err
}

// answer never panics: what goes wrong in Go code becomes a failure without a picture.
func (w *worker) answer(r *incoming) (a response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			a = failure(r.id, errors.New("the decoder worker failed inside"))
		}
	}()
	var err error
	switch r.op {
	case opKeyframe:
		a, err = w.keyframe(r)
	case opSequence:
		a, err = w.sequence(r)
	case opPictures:
		a, err = w.shots(r)
	case opFaces:
		a, err = w.faces(r)
	}
	if err != nil {
		return failure(r.id, err)
	}
	a.id = r.id
	return a
}

func failure(id uint32, err error) response {
	s := statusFailed
	switch {
	case errors.Is(err, ErrForgotten):
		s = statusForgotten
	case errors.Is(err, ErrBadStream):
		s = statusBad
	}
	text := err.Error()
	return response{id: id, status: s, data: []byte(text[:min(len(text), maxText)])}
}

func (w *worker) keyframe(r *incoming) (response, error) {
	d, err := w.shared(w.keys, r.codec, fast)
	if err != nil {
		return response{}, err
	}
	defer d.flush()
	var a response
	if err := d.decodeAll(r, func(p raw) { a = w.frame(p) }); err != nil {
		return response{}, err
	}
	if a.status == 0 {
		return response{}, fmt.Errorf("%w: no picture came out of the keyframe", ErrBadStream)
	}
	return a, nil
}

// sequence decodes on and returns the newest whole picture of this call. A decoder that stumbles over one unit goes on with
// the next.
func (w *worker) sequence(r *incoming) (response, error) {
	first, err := r.peek()
	if err != nil || first == nil {
		return response{}, errors.Join(errWire, err)
	}
	d, err := w.streams.get(r.stream, r.codec, first, w.lib)
	if err != nil {
		return response{}, err
	}
	var newest raw
	decoded, units := 0, 0
	for ; r.left(); units++ {
		sent, err := d.send(r)
		if err != nil {
			return response{}, err
		}
		if sent {
			decoded++
		}
		_, _ = d.receive(func(p raw) {
			newest = p
			d.keep()
		})
	}
	switch {
	case newest.width > 0:
		return w.frame(newest), nil
	case decoded == 0:
		return response{}, fmt.Errorf("%w: no unit of %d could be decoded", ErrBadStream, units)
	}
	return response{status: statusNone}, nil
}

// frame shrinks p.
func (w *worker) frame(p raw) response {
	luma := make([]byte, FrameWidth*FrameHeight)
	w.small.scale(luma, p.planes[0], p.layout)
	if !p.layout.full {
		expand(luma, true)
	}
	return response{status: statusFrame, pts: p.pts, width: p.width, height: p.height, data: luma}
}

func (w *worker) shared(set map[source.Codec]*decoder, codec source.Codec, q quality) (*decoder, error) {
	d := set[codec]
	if d == nil {
		var err error
		if d, err = w.lib.newDecoder(codec, q); err != nil {
			return nil, err
		}
		set[codec] = d
	}
	d.used = time.Now()
	return d, nil
}

// dropIdle gives back the memory of decoders that nobody uses any more.
func (w *worker) dropIdle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.streams.dropIdle()
	limit := time.Now().Add(-idleLimit)
	for _, set := range []map[source.Codec]*decoder{w.keys, w.pictures} {
		for codec, d := range set {
			if d.used.Before(limit) {
				d.close()
				delete(set, codec)
			}
		}
	}
}
