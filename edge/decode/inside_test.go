package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// childrenOf lists the child processes of pid (proc(5), task/tid/children).
func childrenOf(pid int) ([]int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, f := range files {
		b, readErr := os.ReadFile(f)
		if readErr != nil {
			continue // the thread has ended
		}
		for _, s := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(s); err == nil {
				out = append(out, n)
			}
		}
	}
	return out, err
}

func TestStreamsAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	s := newStreams(func() time.Time { return now })
	for i := range maxStreams + 10 {
		now = now.Add(time.Millisecond)
		name := fmt.Sprint(i)
		s.held[name] = &decoder{used: now, bytes: contextBytes}
		s.shrink(name)
	}
	if len(s.held) != maxStreams || s.held["9"] != nil || s.held["10"] == nil {
		t.Errorf("%d streams held, want the newest %d", len(s.held), maxStreams)
	}
	s.held["73"].bytes = contextBytes + heldPictures*maxPixels*3/2
	s.shrink("73")
	if total := len(s.held)*contextBytes + s.held["73"].bytes; s.held["73"] == nil || total > maxHeld+s.held["73"].bytes {
		t.Errorf("%d bytes held", total)
	}
	now = now.Add(idleLimit + time.Second)
	s.dropIdle()
	if len(s.held) != 0 {
		t.Errorf("%d idle streams held", len(s.held))
	}
}

// onWire is a request as it crosses the pipe.
func (r request) onWire() []byte { return bytes.Join(r.buffers(), nil) }

// offWire reads a whole request as the worker does.
func offWire(b []byte) (request, error) {
	in, err := readRequest(bufio.NewReaderSize(bytes.NewReader(b), readBuffer))
	if err != nil {
		return request{}, err
	}
	r := in.request
	for in.left() {
		u, err := in.peek()
		if err != nil {
			return request{}, err
		}
		out := *u
		data := make([]byte, u.size)
		if err := in.read(data); err != nil {
			return request{}, err
		}
		out.nalus = [][]byte{data}
		r.units = append(r.units, out)
	}
	return r, in.finish()
}

// TestDecodersAreFreed: a decoder that is dropped gives back its packet, its frames and the picture that it kept.
func TestDecodersAreFreed(t *testing.T) {
	runtime.LockOSThread() // as a worker does: the C library keeps a heap for each thread that asks it
	defer runtime.UnlockOSThread()
	lib, err := loadLibav()
	if err != nil {
		t.Fatal(err)
	}
	key := units(t, footage.H264(t, footage.Clip{Width: 1280, Height: 720, FPS: 5, Seconds: 1}))[:1]
	r, err := newRequest(opKeyframe, "", key, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	once := func() {
		d, err := lib.newDecoder(source.H264, fast)
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		in, err := readRequest(bufio.NewReaderSize(bytes.NewReader(r.onWire()), readBuffer))
		if err != nil {
			t.Fatal(err)
		}
		pictures := 0
		if err := d.decodeAll(in, func(raw) { pictures++; d.keep() }); err != nil || pictures != 1 {
			t.Fatalf("%d pictures, error %v", pictures, err)
		}
	}
	for range 5 {
		once()
	}
	debug.FreeOSMemory() // what Go holds is not looked at
	before := resident(os.Getpid())
	for range 60 {
		once()
	}
	debug.FreeOSMemory()
	if grown := resident(os.Getpid()) - before; grown > 40<<20 { // 60 pictures are 83 MB
		t.Errorf("%d bytes more after 60 decoders", grown)
	}
}

func FuzzReadRequest(f *testing.F) {
	r := request{id: 7, op: opSequence, codec: source.MJPEG, stream: "yard", units: []unit{
		{pts: 3, flags: flagKey | flagAnew, size: 5, nalus: [][]byte{{0, 0, 0, 1, 2}}}, {pts: -4, size: 1, nalus: [][]byte{{9}}},
	}}
	f.Add(r.onWire())
	r.op, r.at, r.masks = opPictures, []time.Duration{0, time.Second}, []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0.5, Y: 1}}}
	f.Add(r.onWire())
	r.width = 320
	f.Add(r.onWire())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xFF}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := offWire(b)
		if err != nil {
			return
		}
		r.codec = source.MJPEG // its units go as they are
		again, err := offWire(r.onWire())
		if err != nil || !bytes.Equal(r.onWire(), again.onWire()) { // as bytes: a hostile mask may hold NaN
			t.Errorf("round trip of %+v gave %+v, %v", r, again, err)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add(response{id: 1, status: statusFrame, cpu: 5, pts: -3, width: 4, height: 5, data: []byte("x")}.append(nil))
	one := shot{pts: 8, width: 960, height: 540, faces: 2, jpeg: []byte{0xFF, 0xD8}}
	f.Add(response{status: statusPictures, data: one.append(one.append(nil))}.append(nil))
	f.Add(response{status: statusFaces, data: appendFaces(nil, []Face{{X: 0.1, Y: 0.2, W: 0.3, H: 0.4, Score: 1}})}.append(nil))
	f.Add([]byte{1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseResponse(b)
		if err != nil {
			return
		}
		if again, err := parseResponse(r.append(nil)); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("round trip of %+v gave %+v, %v", r, again, err)
		}
		if shots, err := parseShots(r.data); err == nil {
			var again []byte
			for _, s := range shots {
				again = s.append(again)
			}
			if !bytes.Equal(again, r.data) {
				t.Errorf("round trip of %d pictures", len(shots))
			}
		}
		if faces, err := parseFaces(r.data); err == nil && !bytes.Equal(appendFaces(nil, faces), r.data) {
			t.Errorf("round trip of faces %v", faces)
		}
	})
}

func TestReadMessageIsBounded(t *testing.T) {
	if _, err := readMessage(bytes.NewReader([]byte{0xFF, 0xFF, 0xFF, 0xFF, 1}), maxResponse); !errors.Is(err, errWire) {
		t.Errorf("error %v, want errWire", err)
	}
}

// TestWorkersFiguresAreBounded: what a worker says of its own cost and of a picture's time stays within what can be.
func TestWorkersFiguresAreBounded(t *testing.T) {
	for said, want := range map[time.Duration]time.Duration{-1 << 63: 0, 5: 5, 1<<63 - 1: time.Second} {
		if got := believable(said, time.Second); got != want {
			t.Errorf("%d became %v, want %v", said, got, want)
		}
	}
	last := source.AccessUnit{PTS: time.Hour, At: time.Unix(5000, 0)}
	for pts, want := range map[time.Duration]time.Time{
		time.Hour: last.At, time.Hour - time.Second: last.At.Add(-time.Second), 0: last.At, -1 << 63: last.At, 1<<63 - 1: last.At,
	} {
		if got := timeOf(pts, []source.AccessUnit{last}); !got.Equal(want) {
			t.Errorf("a picture of %d is of %v, want %v", pts, got, want)
		}
	}
}

// TestWorkersTextIsCleaned: what a worker says of itself goes into logs and states.
func TestWorkersTextIsCleaned(t *testing.T) {
	for _, s := range []status{statusBad, statusFailed} {
		_, err := answerOf(response{status: s, data: append([]byte("a\x00\x1b\n\xff"), bytes.Repeat([]byte("x"), 1<<20)...)})
		if err == nil || !utf8.ValidString(err.Error()) || len(err.Error()) > 2*maxText || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
			t.Errorf("error %.80q", err)
		}
	}
}
