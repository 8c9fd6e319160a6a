package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/image/draw"
	"golang.org/x/sys/unix"

	"gridgate/protocols/picture"
)

// readableScript makes the pictures and judges them, with Debian's OpenCV: detectors of which no part is in Gridgate.
//
//go:embed readable.py
var readableScript string

// systemPython is where Debian's python3-opencv belongs.
const systemPython = "/usr/bin/python3"

// facePicture is a picture with faces at known places; the form that the script reads and writes.
type facePicture struct {
	File     string       `json:"file"`
	Kind     string       `json:"kind"`
	Boxes    [][4]float64 `json:"boxes"` // x, y, width, height in pixels
	Redacted string       `json:"redacted,omitempty"`
	Plain    string       `json:"plain,omitempty"` // at the size of what is stored, without redaction
}

// readableVerdict is what the independent detector says.
type readableVerdict struct {
	Faces   int      `json:"faces"`
	Before  int      `json:"before"`
	Left    int      `json:"left"`
	Own     int      `json:"own"`  // found in what is stored by the cascade that the redaction itself has
	Wide    int      `json:"wide"` // of those left, wider than 12 pixels in what is stored
	Where   []string `json:"where"`
	Persons int      `json:"persons"` // in the source
	Plain   int      `json:"plain"`   // of them, at the size of what is stored
	Still   int      `json:"still"`   // of these, after redaction
}

// readable redacts photographs and composites and counts the faces that an independent detector still finds in what would be
// stored, and the persons that can still be seen in it.
func readable(ctx context.Context, dir string) ([]Result, error) {
	film, err := recorded("vtest.avi")
	if err != nil {
		return nil, err
	}
	made, err := runReadable(ctx, nil, "make", filepath.Dir(film), dir)
	if err != nil {
		return nil, fmt.Errorf("make the pictures: %w", err)
	}
	var pictures []facePicture
	if err := json.Unmarshal(made, &pictures); err != nil {
		return nil, fmt.Errorf("make the pictures: %w", err)
	}
	took, err := redactAll(pictures)
	if err != nil {
		return nil, err
	}
	asked, err := json.Marshal(pictures)
	if err != nil {
		return nil, err
	}
	judged, err := runReadable(ctx, asked, "judge")
	if err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	var v readableVerdict
	if err := json.Unmarshal(judged, &v); err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	if v.Faces == 0 || v.Plain == 0 {
		return nil, fmt.Errorf("nothing was judged: %d faces, %d persons", v.Faces, v.Plain)
	}
	for _, place := range v.Where {
		fmt.Fprintln(os.Stderr, "readable:", place)
	}
	return []Result{
		AtMost("video.readable", float64(v.Left), "faces left", 0),
		Note("video.readable_faces", float64(v.Faces), "faces"),
		Note("video.readable_before", float64(v.Before), "faces found"),
		Note("video.readable_own", float64(v.Own), "faces left"),
		Note("video.readable_wide", float64(v.Wide), "faces left"),
		Rate("video.utility", float64(v.Still), "persons seen", "unredacted", float64(v.Plain), 0.8),
		Note("video.utility_source", float64(v.Persons), "persons seen"),
		Note("video.redact_p50", millis(percentile(took, 50)), "ms"),
	}, nil
}

// redactAll writes each picture redacted beside it, and returns how much processor time each took, its JPEG read and written.
func redactAll(pictures []facePicture) ([]time.Duration, error) {
	runtime.LockOSThread() // its processor time is told by thread
	defer runtime.UnlockOSThread()
	r, err := picture.NewRedactor()
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for i, p := range pictures {
		coded, err := os.ReadFile(p.File)
		if err != nil {
			return nil, err
		}
		before, err := threadCPU()
		if err != nil {
			return nil, err
		}
		safe, _, err := r.RedactJPEG(coded)
		if err != nil {
			return nil, fmt.Errorf("redact %s: %w", p.File, err)
		}
		after, err := threadCPU()
		if err != nil {
			return nil, err
		}
		took = append(took, after-before)
		name := strings.TrimSuffix(p.File, ".jpg")
		pictures[i].Redacted, pictures[i].Plain = name+"-redacted.jpg", name+"-plain.jpg"
		if err := os.WriteFile(pictures[i].Redacted, safe, 0o600); err != nil {
			return nil, err
		}
		if err := writePlain(pictures[i].Plain, coded, safe); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// writePlain writes coded to path, at the size and in the quality of what was made of it.
func writePlain(path string, coded, like []byte) error {
	img, err := jpeg.Decode(bytes.NewReader(coded))
	if err != nil {
		return err
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(like))
	if err != nil {
		return err
	}
	small := image.NewRGBA(image.Rect(0, 0, size.Width, size.Height))
	draw.CatmullRom.Scale(small, small.Rect, img, img.Bounds(), draw.Src, nil)
	out, err := picture.EncodeJPEG(small)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o600)
}

// runReadable runs the script and returns what it printed.
func runReadable(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, systemPython, append([]string{"-c", readableScript}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	var reasons bytes.Buffer
	cmd.Stderr = &reasons
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s (packages python3-opencv and opencv-data)", err, strings.TrimSpace(reasons.String()))
	}
	return out, nil
}

// threadCPU is the processor time that this thread used (clock_gettime(2)).
func threadCPU() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
