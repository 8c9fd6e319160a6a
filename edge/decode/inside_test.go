package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

func TestQueueIsFairAndBounded(t *testing.T) {
	q := newFairQueue()
	push := func(stream string, id uint32) error {
		return q.push(&job{request: request{stream: stream, id: id}})
	}
	for id := range uint32(maxWaitingPerStream) {
		if err := push("busy", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := push("busy", 99); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	if err := push("calm", 10); err != nil {
		t.Fatal(err)
	}
	var order []uint32
	for range 5 {
		order = append(order, q.pop(t.Context()).request.id)
	}
	if want := []uint32{0, 10, 1, 2, 3}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if j := q.pop(ended); j != nil {
		t.Errorf("job %v from an empty queue", j)
	}
	for i := range maxWaiting {
		if err := push(fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := push("one more", 0); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	s := newStreams(func() time.Time { return now })
	for i := range maxStreams + 10 {
		now = now.Add(time.Millisecond)
		name := fmt.Sprint(i)
		s.held[name] = &held{used: now, bytes: contextBytes}
		s.shrink(name)
	}
	if len(s.held) != maxStreams || s.held["9"] != nil || s.held["10"] == nil {
		t.Errorf("%d streams held, want the newest %d", len(s.held), maxStreams)
	}
	s.measure("73", raw{layout: pixelLayout{bytes: 1}, width: 7680, height: 4320})
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

func TestScale(t *testing.T) {
	p := plane{pix: []byte{0, 10, 99, 20, 30, 99}, stride: 3, width: 2, height: 2}
	one := make([]byte, 1)
	(&scaler{width: 1, height: 1}).scale(one, p, pixelLayout{bytes: 1})
	if one[0] != 15 {
		t.Errorf("mean %d, want 15", one[0])
	}
	wide := plane{pix: []byte{0xFC, 0x03, 0x00, 0x02}, stride: 4, width: 2, height: 1} // 1023 and 512 of 10 bits
	two := make([]byte, 2)
	(&scaler{width: 2, height: 1}).scale(two, wide, pixelLayout{bytes: 2, shift: 2})
	if want := []byte{254, 128}; two[1] != want[1] || two[0] < want[0] {
		t.Errorf("10-bit samples became %v, want about %v", two, want)
	}
}

func FuzzParseRequest(f *testing.F) {
	r := request{id: 7, op: opSequence, codec: source.H265, stream: "yard", units: []unit{{pts: 3, key: true, data: []byte{0, 0, 0, 1, 2}}}}
	f.Add(r.append(nil))
	r.op, r.masks = opPicture, []picture.Mask{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0.5, Y: 1}}}
	f.Add(r.append(nil))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xFF}, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRequest(b)
		if err != nil {
			return
		}
		again, err := parseRequest(r.append(nil))
		if err != nil || !bytes.Equal(r.append(nil), again.append(nil)) { // as bytes: a hostile mask may hold NaN
			t.Errorf("round trip of %+v gave %+v, %v", r, again, err)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add(response{id: 1, status: statusPicture, cpu: 5, pts: -3, width: 4, height: 5, faces: 6, data: []byte("x")}.append(nil))
	f.Add([]byte{1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseResponse(b)
		if err != nil {
			return
		}
		if again, err := parseResponse(r.append(nil)); err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("round trip of %+v gave %+v, %v", r, again, err)
		}
	})
}

func TestReadMessageIsBounded(t *testing.T) {
	if _, err := readMessage(bytes.NewReader([]byte{0xFF, 0xFF, 0xFF, 0xFF, 1}), maxResponse); !errors.Is(err, errWire) {
		t.Errorf("error %v, want errWire", err)
	}
}

// TestSandboxIsClosed: a worker that a stream took over reaches no file and no network.
func TestSandboxIsClosed(t *testing.T) {
	o, err := PoolOptions{Env: []string{"GRIDGATE_TEST_WORKER=escape"}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	p, err := startProcess(t.Context(), o)
	if err != nil {
		t.Fatalf("it got out: %v", err)
	}
	p.stop()
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
