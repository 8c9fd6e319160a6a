package clip_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/abema/go-mp4"

	"gridgate/edge/clip"
	"gridgate/edge/source"
	"gridgate/edge/source/recording"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/seal"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s (Debian package ffmpeg): %v\n%s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// video is a recording of 20 pictures in 2 s. Its 100 rows do not fill the last row of coding blocks.
type video struct {
	pictures []string // digests of the decoded pictures, in the order of their times
	units    []source.AccessUnit
}

// made are the videos of this run by their codec, since ffmpeg takes its time.
var made sync.Map

func videoOf(t testing.TB, codec ...string) video {
	t.Helper()
	name := strings.Join(codec, " ")
	if v, ok := made.Load(name); ok {
		return v.(video)
	}
	path := filepath.Join(t.TempDir(), "in.mp4")
	args := []string{"-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=160x100:rate=10", "-t", "2", "-pix_fmt", "yuv420p", "-g", "10"}
	run(t, "ffmpeg", append(append(args, codec...), path)...)
	v := video{pictures: digests(t, path), units: unitsOf(t, path)}
	if len(v.pictures) != 20 || len(v.units) != 20 {
		t.Fatalf("%d pictures, %d units", len(v.pictures), len(v.units))
	}
	made.Store(name, v)
	return v
}

func unitsOf(t testing.TB, path string) (units []source.AccessUnit) {
	t.Helper()
	if err := (recording.Source{Path: path, Start: start}).Run(t.Context(), func(u source.AccessUnit) { units = append(units, u) }); err != nil {
		t.Fatal(err)
	}
	return units
}

func h264(bFrames string) []string {
	return []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", bFrames, "-threads", "1"}
}

func h265(bFrames string) []string {
	return []string{"-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "bframes=" + bFrames + ":pools=1:frame-threads=1:log-level=error:open-gop=0"}
}

func maker(t testing.TB, edit func(*clip.Options)) (*clip.Maker, seal.SecretKey) {
	t.Helper()
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	opt := clip.Options{Recipient: key.Recipient()}
	if edit != nil {
		edit(&opt)
	}
	m, err := clip.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return m, key
}

// opened writes what is sealed to a file, as central would for two people.
func opened(t testing.TB, sealed []byte, key seal.SecretKey) string {
	t.Helper()
	r, err := seal.Open(bytes.NewReader(sealed), key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// digests are those of the decoded pictures of a file, in the order of their times.
func digests(t testing.TB, path string) (out []string) {
	t.Helper()
	for line := range strings.Lines(run(t, "ffmpeg", "-loglevel", "error", "-nostdin", "-xerror", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-")) {
		if fields := strings.Split(line, ","); !strings.HasPrefix(line, "#") && len(fields) == 6 {
			out = append(out, strings.TrimSpace(fields[5]))
		}
	}
	return out
}

// TestTheClipPlays seals whole recordings, opens them and has them decoded by ffmpeg: every picture, in order, at its time.
func TestTheClipPlays(t *testing.T) {
	for name, codec := range map[string][]string{
		"h264": h264("0"), "h264 with b pictures": h264("2"), "h265": h265("0"), "h265 with b pictures": h265("3"),
	} {
		t.Run(name, func(t *testing.T) {
			in := videoOf(t, codec...)
			if reordered := !slices.IsSortedFunc(in.units, byPTS); reordered != strings.Contains(name, "b pictures") {
				t.Fatalf("reordered: %v", reordered)
			}
			m, key := maker(t, nil)
			sealed, err := m.Seal(t.Context(), in.units, start.Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			out := opened(t, sealed, key)
			if got := digests(t, out); !slices.Equal(got, in.pictures) {
				t.Errorf("%d pictures of %d, or others", len(got), len(in.pictures))
			}
			checkSize(t, out)
			checkTimes(t, out)
		})
	}
}

func byPTS(a, b source.AccessUnit) int { return int(a.PTS - b.PTS) }

// checkSize looks at what the track says of itself.
func checkSize(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	boxes, err := mp4.ExtractBoxWithPayload(f, nil, mp4.BoxPath{mp4.BoxTypeMoov(), mp4.BoxTypeTrak(), mp4.BoxTypeTkhd()})
	if err != nil || len(boxes) != 1 {
		t.Fatalf("%d track headers, %v", len(boxes), err)
	}
	if h := boxes[0].Payload.(*mp4.Tkhd); h.Width>>16 != 160 || h.Height>>16 != 100 {
		t.Errorf("the track has %dx%d", h.Width>>16, h.Height>>16)
	}
}

// checkTimes asks ffprobe for a picture every tenth of a second. The last one has no duration.
func checkTimes(t *testing.T, path string) {
	t.Helper()
	text := run(t, "ffprobe", "-loglevel", "error", "-select_streams", "v", "-show_entries", "stream=width,height,nb_frames,duration:frame=pts_time", "-of", "csv", path)
	last, n := time.Duration(-1), 0
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(line, ",\n"), ",")
		if fields[0] == "stream" {
			if got := strings.Join(fields[1:], ","); got != "160,100,1.900000,20" {
				t.Errorf("ffprobe: %s", got)
			}
			continue
		}
		at, err := time.ParseDuration(fields[1] + "s")
		if err != nil {
			t.Fatal(err)
		}
		if gap := at - last; n > 0 && (gap < 99*time.Millisecond || gap > 101*time.Millisecond) {
			t.Errorf("%v between two pictures", gap)
		}
		last = at
		n++
	}
	if n != 20 {
		t.Errorf("ffprobe: %d pictures", n)
	}
}

// edit is a copy of units with unit i changed.
func edit(units []source.AccessUnit, i int, change func(*source.AccessUnit)) []source.AccessUnit {
	out := slices.Clone(units)
	out[i].NALUs = slices.Clone(out[i].NALUs)
	for j, n := range out[i].NALUs {
		out[i].NALUs[j] = bytes.Clone(n)
	}
	change(&out[i])
	return out
}

// TestWhatIsNotValidIsLeftOut damages a stream; the clip has as many pictures as are left.
func TestWhatIsNotValidIsLeftOut(t *testing.T) {
	h264Units, h265Units := videoOf(t, h264("0")...).units, videoOf(t, h265("0")...).units
	other := videoOf(t, append(h264("0"), "-vf", "scale=320:200")...).units
	last := func(u *source.AccessUnit) []byte { return u.NALUs[len(u.NALUs)-1] }
	for _, c := range []struct {
		name  string
		units []source.AccessUnit
		want  int
	}{
		{"h264, an empty NAL unit", edit(h264Units, 15, func(u *source.AccessUnit) { u.NALUs = append(u.NALUs, nil) }), 19},
		{"h264, the forbidden bit", edit(h264Units, 15, func(u *source.AccessUnit) { last(u)[0] |= 0x80 }), 19},
		{"h264, a slice without its set", edit(h264Units, 15, func(u *source.AccessUnit) { last(u)[1] = 0x04 }), 19},
		{"h264, a slice of one byte", edit(h264Units, 15, func(u *source.AccessUnit) { u.NALUs = [][]byte{{0x41}} }), 19},
		{"h264, nothing but supplements", edit(h264Units, 15, func(u *source.AccessUnit) { u.NALUs = [][]byte{{6, 5, 4}} }), 19},
		{"h264, another size", slices.Concat(h264Units[:10], other[:10]), 10},
		{"h264, another codec", slices.Concat(h264Units[:10], h265Units[:10]), 10},
		{"h265, the forbidden bit", edit(h265Units, 15, func(u *source.AccessUnit) { last(u)[0] |= 0x80 }), 19},
		{"h265, a slice of three bytes", edit(h265Units, 15, func(u *source.AccessUnit) { u.NALUs = [][]byte{{2, 1, 0}} }), 19},
		{"h265, two bytes", edit(h265Units, 15, func(u *source.AccessUnit) { u.NALUs = [][]byte{{2, 1}} }), 19},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, key := maker(t, nil)
			sealed, err := m.Seal(t.Context(), c.units, start.Add(500*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(unitsOf(t, opened(t, sealed, key))); n != c.want {
				t.Errorf("%d pictures, want %d", n, c.want)
			}
		})
	}
}

func TestNoClipOfWhatHasNone(t *testing.T) {
	units := videoOf(t, h264("0")...).units
	jpeg := source.AccessUnit{Codec: source.MJPEG, NALUs: [][]byte{{0xff, 0xd8, 0xff}}, Key: true, At: start}
	bare := edit(units, 0, func(u *source.AccessUnit) { u.NALUs = u.NALUs[len(u.NALUs)-1:] })
	broken := edit(units, 0, func(u *source.AccessUnit) { u.NALUs[0] = u.NALUs[0][:5] })
	for name, c := range map[string]struct {
		units []source.AccessUnit
		onset time.Duration
	}{
		"nothing":               {nil, 0},
		"motion jpeg":           {[]source.AccessUnit{jpeg}, 0},
		"no beginning":          {units[1:5], 200 * time.Millisecond},
		"no parameter sets":     {bare, time.Millisecond},
		"a broken set":          {broken, time.Millisecond},
		"it ends before onset":  {units, 10 * time.Second},
		"a set that is no such": {edit(units, 0, func(u *source.AccessUnit) { u.NALUs[0] = bytes.Repeat([]byte{0x67}, 5000) }), time.Millisecond},
	} {
		m, _ := maker(t, nil)
		if sealed, err := m.Seal(t.Context(), c.units, start.Add(c.onset)); !errors.Is(err, clip.ErrNoClip) || sealed != nil {
			t.Errorf("%s: %d bytes, %v", name, len(sealed), err)
		}
	}
	m, _ := maker(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Seal(ctx, units, start); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestTooMuchIsLeftOut puts so much into the supplements of slices that not all fits: half of the clip is for what follows.
func TestTooMuchIsLeftOut(t *testing.T) {
	units := videoOf(t, h264("0")...).units
	large := slices.Clone(units)
	for i := range large { // trailing bytes do not disturb a decoder of what is before them
		nalus := slices.Clone(large[i].NALUs)
		nalus[len(nalus)-1] = slices.Concat(nalus[len(nalus)-1], bytes.Repeat([]byte{1}, 150<<10))
		large[i].NALUs = nalus
	}
	for _, c := range []struct {
		max  int64
		want int
	}{{0, 20}, {2 << 20, 10}, {1 << 20, 5}} {
		m, key := maker(t, func(o *clip.Options) { o.MaxBytes = c.max })
		sealed, err := m.Seal(t.Context(), large, start.Add(1050*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		if c.max > 0 && int64(len(sealed)) > c.max || len(sealed) > alert.MaxEvidence {
			t.Errorf("%d bytes, at most %d", len(sealed), c.max)
		}
		if n := len(unitsOf(t, opened(t, sealed, key))); n != c.want {
			t.Errorf("at most %d bytes: %d pictures, want %d", c.max, n, c.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]clip.Options{
		"no recipient": {},
		"too long":     {Recipient: key.Recipient(), After: time.Hour},
		"negative":     {Recipient: key.Recipient(), Before: -1},
		"too large":    {Recipient: key.Recipient(), MaxBytes: alert.MaxEvidence + 1},
		"too small":    {Recipient: key.Recipient(), MaxBytes: 10},
	} {
		if _, err := clip.New(opt); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	m, _ := maker(t, nil)
	if before, after := m.Span(); before != 5*time.Second || after != 10*time.Second {
		t.Errorf("%v and %v", before, after)
	}
}
