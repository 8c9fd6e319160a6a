package decode

import (
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// WorkerArg is the first argument with which a program must call [WorkerMain].
const WorkerArg = "decode-worker"

// hangLimit ends a worker that is stuck in one request although nobody is left to kill it.
const hangLimit = 60 * time.Second

// lastFew is how far before the end of a request's units a picture may still stand for the last, should that one be damaged.
const lastFew = 300 * time.Millisecond

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

// worker decodes. It is for one goroutine.
type worker struct {
	lib      *libav
	redactor *picture.Redactor
	keys     map[source.Codec]*decoder // shared by all streams: keyframes need no history
	pictures map[source.Codec]*decoder // the same with every pixel as the standard says
	streams  *streams
	small    scaler
	luma     [FrameWidth * FrameHeight]byte
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
	for {
		body, err := readMessage(in, maxRequest)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := parseRequest(body)
		if err != nil {
			return err
		}
		hang := time.AfterFunc(hangLimit, func() { os.Exit(2) })
		start := threadTime()
		answer := w.answer(r)
		answer.cpu = threadTime() - start
		hang.Stop()
		if err := writeMessage(out, answer.append(nil)); err != nil {
			return err
		}
	}
}

// answer never panics: what goes wrong in Go code becomes a failure without a picture.
func (w *worker) answer(r request) (a response) {
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
	case opPicture:
		a, err = w.picture(r)
	}
	if err != nil {
		return failure(r.id, err)
	}
	a.id = r.id
	return a
}

func failure(id uint32, err error) response {
	s := statusFailed
	if errors.Is(err, ErrBadStream) {
		s = statusBad
	}
	text := err.Error()
	return response{id: id, status: s, data: []byte(text[:min(len(text), maxText)])}
}

func (w *worker) keyframe(r request) (response, error) {
	d, err := w.shared(w.keys, r.codec, fast)
	if err != nil {
		return response{}, err
	}
	var a response
	if err := d.decodeAll(r.units, func(p raw) { a = w.frame(p) }); err != nil {
		return response{}, err
	}
	if a.status == 0 {
		return response{}, fmt.Errorf("%w: no picture came out of the keyframe", ErrBadStream)
	}
	return a, nil
}

func (w *worker) sequence(r request) (response, error) {
	d, err := w.streams.get(r.stream, r.codec, r.units[0].key, w.lib)
	if err != nil {
		return response{}, err
	}
	a := response{status: statusNone}
	decoded := 0
	for _, u := range r.units {
		if d.send(u) {
			decoded++
		}
		// The newest picture of this call wins; a decoder that stumbles over one unit goes on with the next.
		_, _ = d.receive(func(p raw) {
			w.streams.measure(r.stream, p)
			a = w.frame(p)
		})
	}
	if decoded == 0 && a.status == statusNone {
		return response{}, fmt.Errorf("%w: no unit of %d could be decoded", ErrBadStream, len(r.units))
	}
	return a, nil
}

func (w *worker) picture(r request) (response, error) {
	d, err := w.shared(w.pictures, r.codec, full)
	if err != nil {
		return response{}, err
	}
	// Which picture is the last is known at the end only: each of the last few is copied small, one is redacted.
	wanted := r.units[0].pts
	for _, u := range r.units {
		wanted = max(wanted, u.pts)
	}
	var last *image.YCbCr
	var pts time.Duration
	err = d.decodeAll(r.units, func(p raw) {
		if p.pts >= wanted-lastFew {
			last, pts = p.image(picture.MaxWidth), p.pts
		}
	})
	if err != nil {
		return response{}, err
	}
	if last == nil {
		return response{}, fmt.Errorf("%w: no picture came out", ErrBadStream)
	}
	return w.redact(last, pts, r.masks)
}

func (w *worker) redact(img image.Image, pts time.Duration, masks []picture.Mask) (response, error) {
	out, faces, err := w.redactor.Redact(img, masks...)
	if err != nil {
		return response{}, fmt.Errorf("redact: %w", err)
	}
	jpeg, err := picture.EncodeJPEG(out)
	if err != nil {
		return response{}, fmt.Errorf("encode: %w", err)
	}
	size := out.Bounds()
	return response{status: statusPicture, pts: pts, width: size.Dx(), height: size.Dy(), faces: len(faces), data: jpeg}, nil
}

// frame shrinks p; the answer's data is only valid until the next frame.
func (w *worker) frame(p raw) response {
	w.small.scale(w.luma[:], p.planes[0], p.layout)
	if !p.layout.full {
		expand(w.luma[:], true)
	}
	return response{status: statusPicture, pts: p.pts, width: FrameWidth, height: FrameHeight, data: w.luma[:]}
}

func (w *worker) shared(set map[source.Codec]*decoder, codec source.Codec, q quality) (*decoder, error) {
	if d := set[codec]; d != nil {
		return d, nil
	}
	d, err := w.lib.newDecoder(codec, q)
	if err != nil {
		return nil, err
	}
	set[codec] = d
	return d, nil
}
