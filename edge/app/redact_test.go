package app

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// coded is a plain picture as a JPEG or a PNG.
func coded(t *testing.T, format string, w, h int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	var b bytes.Buffer
	var err error
	if format == "png" {
		err = png.Encode(&b, img)
	} else {
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRedactWritesAPictureForItsOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := RedactOptions{In: filepath.Join(dir, "in.jpg"), Out: filepath.Join(dir, "out.jpg")}
	for name, b := range map[string][]byte{o.In: coded(t, "jpeg", 960, 540), o.Out: []byte("older")} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, reasons bytes.Buffer
	if code := Redact(o, &out, &reasons); code != ExitOK {
		t.Fatalf("exit %d: %s", code, &reasons)
	}
	if got := out.String(); !strings.HasPrefix(got, `{"boxes":[`) || !strings.HasSuffix(got, `],"width":480,"height":270}`+"\n") {
		t.Errorf("printed %q", got)
	}
	b, err := os.ReadFile(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(b)); err != nil || c.Width != 480 || c.Height != 270 {
		t.Errorf("written: %dx%d, error %v", c.Width, c.Height, err)
	}
	if info, err := os.Stat(o.Out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestRedactLeavesNothingWhereItFails(t *testing.T) {
	t.Parallel()
	good := coded(t, "jpeg", 64, 64)
	for name, tt := range map[string]struct {
		in   []byte
		out  string
		code int
	}{
		"a PNG":               {coded(t, "png", 64, 64), "out.jpg", ExitFailed},
		"nothing":             {nil, "out.jpg", ExitFailed},
		"half a picture":      {good[:len(good)/2], "out.jpg", ExitFailed},
		"no such folder":      {good, "none/out.jpg", ExitFailed},
		"onto itself":         {good, "in.jpg", ExitUsage},
		"too many bytes":      {append(bytes.Clone(good), make([]byte, 17<<20)...), "out.jpg", ExitFailed},
		"a folder for output": {good, ".", ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := filepath.Join(dir, "in.jpg")
			if err := os.WriteFile(in, tt.in, 0o600); err != nil {
				t.Fatal(err)
			}
			var out, reasons bytes.Buffer
			if code := Redact(RedactOptions{In: in, Out: filepath.Join(dir, tt.out)}, &out, &reasons); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if out.Len() > 0 || reasons.Len() == 0 {
				t.Errorf("printed %q, reasons %q", &out, &reasons)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, error %v", left, err)
			}
			if b, err := os.ReadFile(in); err != nil || !bytes.Equal(b, tt.in) {
				t.Errorf("the input was changed, or error %v", err)
			}
		})
	}
	var out, reasons bytes.Buffer
	if code := Redact(RedactOptions{In: "no-such-file", Out: "x.jpg"}, &out, &reasons); code != ExitUsage {
		t.Errorf("exit %d for a missing file, want %d", code, ExitUsage)
	}
}

// TestRedactOpensNoPipeAndNoDevice would not end if the pipe were opened: nobody writes to it.
func TestRedactOpensNoPipeAndNoDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, good := filepath.Join(dir, "pipe"), filepath.Join(dir, "in.jpg")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(good, coded(t, "jpeg", 64, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]RedactOptions{
		"from a pipe":   {In: pipe, Out: filepath.Join(dir, "out.jpg")},
		"from a device": {In: "/dev/zero", Out: filepath.Join(dir, "out.jpg")},
		"from a folder": {In: dir, Out: filepath.Join(dir, "out.jpg")},
		"to a pipe":     {In: good, Out: pipe},
	} {
		var out, reasons bytes.Buffer
		if code := Redact(o, &out, &reasons); code != ExitUsage || !strings.Contains(reasons.String(), "no regular file") || out.Len() > 0 {
			t.Errorf("%s: exit %d, printed %q, reasons %q", name, code, &out, &reasons)
		}
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe was replaced: %v, error %v", info, err)
	}
}
