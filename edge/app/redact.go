package app

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/kit/durable"
	"gridgate/protocols/picture"
)

// RedactOptions are the arguments of gridgate-edge redact.
type RedactOptions struct {
	In  string `arg:"" help:"JPEG, baseline or progressive, of at most 16 MiB; it is turned upright as its Exif says."`
	Out string `arg:"" help:"Where the redacted picture goes: at most 480x480, without metadata, readable by its owner only. It is replaced if it exists, and not made on an error."`
}

// redacted is the line that redact prints. Boxes are in pixels of the picture written.
type redacted struct {
	Boxes  []redactedBox `json:"boxes"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
}

type redactedBox struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Redact makes a picture fit to be stored, as the edge does with its own, and prints where faces were found as one JSON line.
// It returns 0, 1 if there is no picture (what was read is no JPEG, is too large, or cannot be redacted or written), or 2 if
// the input cannot be opened or is the output too, or if one of them is no regular file.
func Redact(o RedactOptions, stdout, stderr io.Writer) int {
	in, err := openPicture(o)
	if err != nil {
		fmt.Fprintln(stderr, "redact:", err)
		return ExitUsage
	}
	defer in.Close()
	line, err := redactFile(in, o.Out)
	if err == nil {
		_, err = stdout.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintf(stderr, "redact: %s: %v\n", o.In, err)
		return ExitFailed
	}
	return ExitOK
}

// openPicture opens the input. Neither file may be a pipe or a device: opening one may wait for ever or set something going, and
// the output would take its place.
func openPicture(o RedactOptions) (*os.File, error) {
	from, err := os.Stat(o.In)
	if err != nil {
		return nil, err
	}
	to, outErr := os.Stat(o.Out)
	switch {
	case !from.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", o.In)
	case outErr == nil && !to.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", o.Out)
	case outErr == nil && os.SameFile(from, to):
		return nil, errors.New("input and output are one file")
	}
	return os.Open(o.In)
}

// redactFile writes the redacted picture to the file out and returns what is to be printed.
func redactFile(in io.Reader, out string) ([]byte, error) {
	coded, err := io.ReadAll(io.LimitReader(in, picture.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	r, err := picture.NewRedactor()
	if err != nil {
		return nil, err
	}
	safe, boxes, err := r.RedactJPEG(coded)
	if err != nil {
		return nil, err
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(safe))
	if err != nil {
		return nil, fmt.Errorf("read what was redacted: %w", err)
	}
	said := redacted{Boxes: []redactedBox{}, Width: config.Width, Height: config.Height}
	for _, b := range boxes {
		said.Boxes = append(said.Boxes, redactedBox(b))
	}
	line, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	return line, durable.Write(out, safe, 0o600)
}
