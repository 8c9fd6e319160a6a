package scenes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// decode calls see for each picture of a photo or a recording, scaled to w x h, fps of them a second (0: as they come). The
// picture is valid during the call only.
func decode(ctx context.Context, path string, w, h int, fps float64, see func(*Picture)) error {
	filter := fmt.Sprintf("scale=%d:%d:flags=area", w, h)
	if fps > 0 {
		filter = fmt.Sprintf("fps=%g,", fps) + filter
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-an", "-vf", filter,
		"-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("decode %s with ffmpeg: %w", path, err)
	}
	seen, readErr := readAll(out, w, h, see)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return fmt.Errorf("decode %s: %w: %s", path, err, complaint.Bytes())
	}
	if seen == 0 {
		return fmt.Errorf("decode %s: it holds no picture", path)
	}
	return nil
}

func readAll(r io.Reader, w, h int, see func(*Picture)) (seen int, err error) {
	raw := make([]uint8, w*h*3/2)
	for {
		switch _, err := io.ReadFull(r, raw); {
		case errors.Is(err, io.EOF):
			return seen, nil
		case err != nil:
			return seen, err
		}
		see(split(w, h, raw))
		seen++
	}
}

// Coding is how a camera codes: H.264 without B-frames, the parameter sets before each keyframe.
type Coding struct {
	FPS  int
	GOP  int // frames from keyframe to keyframe
	Kbps int // constant bit rate; 0 codes at constant quality
	CRF  int // the quality where Kbps is 0
}

// args are ffmpeg's output options.
func (c Coding) args() []string {
	params := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:repeat-headers=1:bframes=0:threads=1", c.GOP, c.GOP)
	args := []string{"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"}
	if c.Kbps > 0 {
		rate := fmt.Sprintf("%dk", c.Kbps)
		args = append(args, "-b:v", rate, "-maxrate", rate, "-bufsize", rate)
		params += ":nal-hrd=cbr"
	} else {
		args = append(args, "-crf", fmt.Sprint(c.CRF))
	}
	return append(args, "-x264-params", params, "-f", "h264")
}

// encode writes n pictures, which draw makes one after the other, to a file (Annex B).
func encode(ctx context.Context, path string, w, h, n int, c Coding, draw func(i int) *Picture) error {
	args := []string{"-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", w, h),
		"-r", fmt.Sprint(c.FPS), "-i", "pipe:0", "-pix_fmt", "yuv420p"}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, c.args()...), path)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("encode with ffmpeg: %w", err)
	}
	writeErr := writeAll(in, n, draw)
	if err := errors.Join(writeErr, in.Close(), cmd.Wait()); err != nil {
		return fmt.Errorf("encode %s: %w: %s", path, err, complaint.Bytes())
	}
	return nil
}

func writeAll(w io.Writer, n int, draw func(i int) *Picture) error {
	for i := range n {
		p := draw(i)
		for _, plane := range [][]uint8{p.Y, p.U, p.V} {
			if _, err := w.Write(plane); err != nil {
				return err
			}
		}
	}
	return nil
}
