package recording

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/source"
)

// read returns all access units of a file.
func read(t testing.TB, s Source) ([]source.AccessUnit, error) {
	t.Helper()
	var all []source.AccessUnit
	err := s.Run(context.Background(), func(u source.AccessUnit) { all = append(all, u) })
	return all, err
}

// remux has ffmpeg put a raw stream into another container without coding it anew.
func remux(t testing.TB, in, name string, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	full := append([]string{"-loglevel", "error", "-nostdin", "-y", "-r", "10", "-i", in, "-c", "copy"}, append(args, out)...)
	if b, err := exec.Command("ffmpeg", full...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg): %v\n%s", err, b)
	}
	return out
}

func TestForms(t *testing.T) {
	plain := footage.H264(t, footage.Clip{Seconds: 2, GOP: 5})
	h265 := footage.H265(t, footage.Clip{Seconds: 2, GOP: 5})
	for name, path := range map[string]string{
		"raw H.264":             plain,
		"raw H.265":             h265,
		"MP4":                   remux(t, plain, "a.mp4"),
		"MP4, index first":      remux(t, plain, "b.mp4", "-movflags", "+faststart"),
		"MP4, fragmented":       remux(t, plain, "c.mp4", "-movflags", "+frag_keyframe+empty_moov"),
		"MP4, default base":     remux(t, plain, "d.mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"),
		"MP4 with H.265":        remux(t, h265, "e.mp4"),
		"QuickTime":             remux(t, plain, "f.mov"),
		"MP4 with another name": remux(t, plain, "g.bin", "-f", "mp4"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(50, 0)
			all, err := read(t, Source{Path: path, Start: start})
			if err != nil || len(all) != 20 {
				t.Fatalf("%d units, error %v; want 20", len(all), err)
			}
			for i, u := range all {
				want := time.Duration(i) * 100 * time.Millisecond
				if (u.PTS-want).Abs() > time.Millisecond || !u.At.Equal(start.Add(u.PTS)) {
					t.Errorf("unit %d at %v (%v), want %v", i, u.PTS, u.At, want)
				}
				if u.Key != (i%5 == 0) {
					t.Errorf("unit %d: key %v", i, u.Key)
				}
				if u.Key && !hasParams(u) {
					t.Errorf("keyframe %d carries no parameter sets", i)
				}
			}
		})
	}
}

func hasParams(u source.AccessUnit) bool {
	for _, n := range u.NALUs {
		if source.KindOf(u.Codec, n) == source.SequenceSet {
			return true
		}
	}
	return false
}

func TestAGivenFrameRateWins(t *testing.T) {
	clip := footage.H264(t, footage.Clip{Seconds: 2, GOP: 5}) // tells 10 pictures a second
	all, err := read(t, Source{Path: clip, FPS: 20})
	if err != nil || len(all) != 20 || all[10].PTS != 500*time.Millisecond {
		t.Errorf("%d units, the eleventh at %v, error %v; want it at 500ms", len(all), all[10].PTS, err)
	}
}

func TestReorderedPicturesKeepTheirTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.mp4")
	b, err := exec.Command("ffmpeg", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=10", "-t", "2",
		"-c:v", "libx264", "-g", "20", "-bf", "2", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg): %v\n%s", err, b)
	}
	all, err := read(t, Source{Path: path})
	if err != nil || len(all) != 20 {
		t.Fatalf("%d units, error %v", len(all), err)
	}
	seen := map[time.Duration]bool{}
	back := false
	for i, u := range all {
		seen[u.PTS.Round(100*time.Millisecond)] = true
		back = back || (i > 0 && u.PTS < all[i-1].PTS)
	}
	if all[0].PTS != 0 || !back || len(seen) != 20 {
		t.Errorf("first %v, reordered %v, %d different times", all[0].PTS, back, len(seen))
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mp4, err := os.ReadFile(remux(t, footage.H264(t, footage.Clip{Seconds: 2, GOP: 5}), "a.mp4", "-movflags", "+faststart"))
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe.h264")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"a pipe":       {pipe, "no regular file"},
		"a folder":     {dir, "no regular file"},
		"missing":      {filepath.Join(dir, "none.mp4"), "no such file"},
		"empty":        {write("empty.mp4", nil), "0 bytes"},
		"AVI":          {write("a.avi", []byte("RIFF....AVI LIST....")), "convert it with: ffmpeg"},
		"no picture":   {write("a.h264", []byte{0, 0, 0, 1, 0x67, 1, 2, 3, 4}), "holds no picture"},
		"cut short":    {write("cut.mp4", mp4[:len(mp4)*2/3]), "cut short"},
		"no index":     {write("noindex.mp4", []byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x08mdat")), "was not closed"},
		"sound only":   {write("free.mp4", []byte("\x00\x00\x00\x08free")), "was not closed"},
		"box too long": {write("long.mp4", []byte("\x00\x00\x10\x00moov\x00\x00\x00\x08trak")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, Source{Path: c.path})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestContextEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s := Source{Path: footage.H264(t, footage.Clip{})}
	err := s.Run(ctx, func(source.AccessUnit) {
		if n++; n == 3 {
			cancel()
		}
	})
	if err != nil || n != 3 {
		t.Errorf("%d units, error %v; want 3 and none", n, err)
	}
}

func TestSplitter(t *testing.T) {
	s := newSplitter(bytes.NewReader([]byte{9, 9, 0, 0, 1, 0x65, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 1, 0x41, 7, 0}))
	for _, want := range [][]byte{{0x65, 0, 0, 2}, {0x41, 7}} {
		if got, err := s.next(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v, error %v; want %v", got, err, want)
		}
	}
}

// TestSplitterIsBounded: zeros without end are held no more than anything else.
func TestSplitterIsBounded(t *testing.T) {
	b := make([]byte, 3*maxUnit)
	b[2], b[3], b[len(b)-1] = 1, 0x65, 2
	if got, err := newSplitter(bytes.NewReader(b)).next(); err == nil {
		t.Errorf("a NAL unit of %d bytes", len(got))
	}
}

func FuzzAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 0x42, 0, 10, 1, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65, 0x88, 1, 0, 0, 1, 0x41, 0x9A})
	f.Add([]byte{0, 0, 1, 0x40, 1, 2, 0, 0, 1, 0x26, 1, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []source.Codec{"", source.H264, source.H265} {
			_ = readAnnexB(bytes.NewReader(b), c, 25, func(u source.AccessUnit) error {
				if len(u.NALUs) == 0 || u.Bytes() > maxUnit+1<<16 {
					t.Errorf("unit of %d NAL units and %d bytes", len(u.NALUs), u.Bytes())
				}
				return nil
			})
		}
	})
}

func FuzzMP4(f *testing.F) {
	clip := footage.H264(f, footage.Clip{Width: 64, Height: 48, Seconds: 0.4, GOP: 2})
	for _, flags := range []string{"+faststart", "+frag_keyframe+empty_moov"} {
		b, err := os.ReadFile(remux(f, clip, "seed.mp4", "-movflags", flags))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		stop := errors.New("enough")
		n := 0
		_ = readMP4(bytes.NewReader(b), func(source.AccessUnit) error {
			if n++; n > 1000 {
				return stop
			}
			return nil
		})
	})
}

func TestMJPEGRecordings(t *testing.T) {
	raw := footage.MJPEG(t, footage.Clip{Width: 160, Height: 96, Seconds: 1})
	for name, path := range map[string]string{
		"raw": raw, "QuickTime": remux(t, raw, "a.mov", "-f", "mov"), "MP4": remux(t, raw, "a.mp4", "-f", "mp4"),
	} {
		t.Run(name, func(t *testing.T) {
			all, err := read(t, Source{Path: path, FPS: 25}) // which is what ffmpeg gives such a stream
			if err != nil || len(all) != 10 {
				t.Fatalf("%d units, %v; want 10", len(all), err)
			}
			for i, u := range all {
				if u.Codec != source.MJPEG || !u.Key || len(u.NALUs) != 1 || bytes.Contains(u.NALUs[0], []byte("Lavc")) {
					t.Errorf("unit %d: %s, key %v, %d NAL units", i, u.Codec, u.Key, len(u.NALUs))
				}
				if want := time.Duration(i) * 40 * time.Millisecond; (u.PTS - want).Abs() > time.Millisecond {
					t.Errorf("unit %d at %v, want %v", i, u.PTS, want)
				}
			}
		})
	}
}

func TestRecordingsBeginAtRecoveryPoints(t *testing.T) {
	all, err := read(t, Source{Path: footage.IntraRefresh(t, footage.Clip{Width: 160, Height: 96, Seconds: 3, GOP: 10})})
	if err != nil || len(all) != 30 {
		t.Fatalf("%d units, %v", len(all), err)
	}
	for i, u := range all {
		if u.Key != (i == 0) || u.Begins() != (i%10 == 0) {
			t.Errorf("unit %d: key %v, refresh %v", i, u.Key, u.Refresh)
		}
		for _, nalu := range u.NALUs {
			if source.KindOf(u.Codec, nalu) == source.Message && len(nalu) > 8 {
				t.Errorf("unit %d carries a message of %d bytes", i, len(nalu))
			}
		}
	}
}

func FuzzMJPEG(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\xd9\xff\xd8\xff\xe0\x00\x04\xff\xd9\xff\xd9"))
	f.Add([]byte("\xff\xd8\xff\xfe\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		_ = readMJPEG(bytes.NewReader(b), 25, func(u source.AccessUnit) error {
			total += u.Bytes()
			return nil
		})
		if total > 2*len(b) {
			t.Errorf("%d bytes from %d", total, len(b))
		}
	})
}
