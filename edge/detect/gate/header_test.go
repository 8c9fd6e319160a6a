package gate

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gridgate/deploy/testkit/footage"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
)

// load reads a raw stream.
func load(t testing.TB, path string, fps float64) (units []source.AccessUnit) {
	t.Helper()
	err := recording.Source{Path: path, FPS: fps}.Run(t.Context(), func(u source.AccessUnit) { units = append(units, u) })
	if err != nil {
		t.Fatal(err)
	}
	return units
}

// encode makes a stream with ffmpeg that package footage has no setting for.
func encode(t testing.TB, ext string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "made."+ext)
	all := append([]string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10", "-t", "2.4", "-pix_fmt", "yuv420p"}, args...)
	if out, err := exec.CommandContext(ctx, "ffmpeg", append(all, path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg (Debian package ffmpeg): %v\n%s", err, out)
	}
	return path
}

var traced = regexp.MustCompile(`\] \d+ +(first_mb_in_slice|first_slice_segment_in_pic_flag|slice_type|init_qp_minus26|pic_init_qp_minus26|slice_qp_delta) +\d+ = (-?\d+)`)

// oracle is what ffmpeg's own reader says of the first slice of each picture: its quantiser and its slice_type as coded.
func oracle(t testing.TB, path string) (qps, types []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-hide_banner", "-i", path, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-").CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	base, first, typ := 0, false, 0
	for _, m := range traced.FindAllStringSubmatch(string(out), -1) {
		v, _ := strconv.Atoi(m[2])
		switch m[1] {
		case "first_mb_in_slice":
			first = v == 0
		case "first_slice_segment_in_pic_flag":
			first = v == 1
		case "slice_type":
			typ = v
		case "slice_qp_delta":
			if first {
				qps, types = append(qps, 26+base+v), append(types, typ)
			}
		default:
			base = v
		}
	}
	return qps, types
}

// TestHeadersAgreeWithFFmpeg compares with an independent reader, on what two encoders can make.
func TestHeadersAgreeWithFFmpeg(t *testing.T) {
	for name, path := range map[string]string{
		"plain":             footage.H264(t, footage.Clip{Kbps: 200}),
		"baseline":          encode(t, "h264", "-c:v", "libx264", "-profile:v", "baseline"),
		"B pictures":        encode(t, "h264", "-c:v", "libx264", "-preset", "fast", "-threads", "1", "-x264-params", "bframes=3:b-pyramid=normal:ref=4:weightp=2:weightb=1"),
		"several slices":    encode(t, "h264", "-c:v", "libx264", "-preset", "fast", "-threads", "1", "-x264-params", "slices=4"),
		"interlaced":        encode(t, "h264", "-c:v", "libx264", "-preset", "fast", "-threads", "1", "-x264-params", "interlaced=1:bframes=2"),
		"intra refresh":     encode(t, "h264", "-c:v", "libx264", "-preset", "fast", "-threads", "1", "-x264-params", "intra-refresh=1:keyint=10"),
		"faded, weighted":   encode(t, "h264", "-vf", "fade=out:0:24", "-c:v", "libx264", "-preset", "fast", "-threads", "1", "-x264-params", "weightp=2:bframes=0:ref=3"),
		"4:4:4":             encode(t, "h264", "-c:v", "libx264", "-vf", "format=yuv444p", "-preset", "fast", "-threads", "1", "-x264-params", "weightp=2"),
		"H.265 plain":       footage.H265(t, footage.Clip{}),
		"H.265 B pictures":  encode(t, "h265", "-c:v", "libx265", "-preset", "superfast", "-x265-params", "bframes=4:b-pyramid=1:ref=4:weightb=1:pools=1:log-level=error"),
		"H.265 slices":      encode(t, "h265", "-c:v", "libx265", "-preset", "superfast", "-x265-params", "slices=2:wpp=1:pools=1:log-level=error"),
		"H.265 layers":      encode(t, "h265", "-c:v", "libx265", "-preset", "superfast", "-x265-params", "temporal-layers=1:bframes=2:pools=1:log-level=error"),
		"H.265 weighted":    encode(t, "h265", "-vf", "fade=out:0:24", "-c:v", "libx265", "-preset", "superfast", "-x265-params", "weightp=1:bframes=0:pools=1:log-level=error"),
		"H.265 open groups": encode(t, "h265", "-c:v", "libx265", "-preset", "superfast", "-x265-params", "open-gop=1:keyint=10:scaling-list=default:pools=1:log-level=error"),
	} {
		t.Run(name, func(t *testing.T) {
			qps, types := oracle(t, path)
			h := New().headers
			units := load(t, path, 10)
			if len(units) != len(qps) || len(units) < 20 {
				t.Fatalf("%d units, ffmpeg counts %d pictures", len(units), len(qps))
			}
			for i, u := range units {
				bits, first, ok := h.picture(u)
				want := type264(types[i] % 5)
				if u.Codec == source.H265 {
					want = type265(types[i])
				}
				if !ok || first.qp != qps[i] || first.slice != want || bits == 0 {
					t.Fatalf("picture %d: %+v, %d bits, ok %v; ffmpeg: QP %d, type %d", i, first, bits, ok, qps[i], want)
				}
			}
		})
	}
}

// FuzzObserve feeds anything as a picture, after a stream that sets the reader up: nothing may panic, hang or grow.
func FuzzObserve(f *testing.F) {
	var prefix []source.AccessUnit
	for _, path := range []string{footage.H264(f, footage.Clip{Width: 64, Height: 64, Seconds: 1}), footage.H265(f, footage.Clip{Width: 64, Height: 64, Seconds: 1})} {
		err := recording.Source{Path: path, FPS: 10}.Run(context.Background(), func(u source.AccessUnit) { prefix = append(prefix, u) })
		if err != nil {
			f.Fatal(err)
		}
	}
	for _, u := range prefix {
		for _, nalu := range u.NALUs {
			f.Add(nalu[:min(len(nalu), 300)], u.Codec == source.H265, true, int64(u.PTS))
		}
	}
	f.Fuzz(func(t *testing.T, nalu []byte, h265, key bool, pts int64) {
		g := New()
		u := source.AccessUnit{Codec: source.H264, NALUs: [][]byte{nalu, nalu}, Key: key, PTS: time.Duration(pts)}
		if h265 {
			u.Codec = source.H265
		}
		for _, before := range prefix {
			if before.Codec == u.Codec {
				g.Observe(before)
			}
		}
		for range 3 {
			g.Observe(u)
			g.Confirm(u.PTS, key)
		}
		for _, after := range prefix {
			g.Observe(after)
		}
		if z := g.model.score; z != z {
			t.Fatal("the score is not a number any more")
		}
		if n := len(g.headers.avc.pps) + len(g.headers.hevc.pps); n > 256+64 {
			t.Fatalf("%d picture parameter sets are kept", n)
		}
	})
}

// The corpus in testdata holds inputs that once were hard.
func TestTheCorpusIsThere(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzObserve"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") {
			t.Errorf("stray file %s", f.Name())
		}
	}
}
