package decode

import (
	"bufio"
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"slices"
	"testing"
	"time"

	"gridgate/edge/source"
	"gridgate/protocols/picture"
)

// kinds are streams as cameras send them.
func kinds(t *testing.T) map[string][]source.AccessUnit {
	t.Helper()
	return map[string][]source.AccessUnit{
		"H.264 baseline":    x264(t, "mp4", "bframes=0:cabac=0:ref=1:8x8dct=0"),
		"H.264 B pyramid":   x264(t, "mp4", "bframes=3:b-adapt=0:b-pyramid=normal"),
		"H.264 interlaced":  x264(t, "mp4", "tff=1:bframes=2:b-adapt=0"),
		"H.264 four slices": x264(t, "mp4", "slices=4:bframes=0"),
		"H.264 open groups": x264(t, "mp4", "open-gop=1:bframes=2:b-adapt=0"),
		"H.265 B pyramid":   x265(t, "bframes=4:b-adapt=0:b-pyramid=1:open-gop=0"),
		"H.265 open groups": x265(t, "bframes=3:b-adapt=0:open-gop=1"),
		"H.265 layers":      x265(t, "bframes=4:b-adapt=0:b-pyramid=1:temporal-layers=1"),
		"H.265 four slices": x265(t, "bframes=0:slices=4"),
		"MJPEG 4:2:0":       mjpeg(t, "yuvj420p"),
		"MJPEG 4:2:2":       mjpeg(t, "yuvj422p"),
		"MJPEG 4:4:4":       mjpeg(t, "yuvj444p"),
		"MJPEG grey":        mjpeg(t, "gray"),
	}
}

// wanted are numbers on the clock, for which the times between them and the next are asked for.
var wanted = []int{0, 1, 5, 13, 22, 23, 35}

func between(times []time.Duration) (at []time.Duration) {
	for _, n := range wanted {
		at = append(at, times[n]+(times[1]-times[0])/2)
	}
	return at
}

func TestPicturesAreOfTheMomentsWanted(t *testing.T) {
	lib, err := loadLibav()
	if err != nil {
		t.Fatal(err)
	}
	for name, units := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			r, err := newRequest(opPictures, "", units, between(shown(units)), nil)
			if err != nil {
				t.Fatal(err)
			}
			d, err := lib.newDecoder(r.codec, full)
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			var got []int
			s := shooter{at: r.at, open: true, redact: func(img image.Image, _ []picture.Mask, _ int) (shot, error) {
				got = append(got, numberOf(img))
				return shot{jpeg: []byte{1}}, nil
			}}
			in, err := readRequest(bufio.NewReaderSize(bytes.NewReader(r.onWire()), readBuffer))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.decodeAll(in, func(p raw) { s.show(p); d.keep() }); err != nil {
				t.Fatal(err)
			}
			if _, err := s.end(len(r.at)); err != nil || !slices.Equal(got, wanted) {
				t.Errorf("pictures %v, want %v; error %v", got, wanted, err)
			}
		})
	}
}

// TestSeveralPicturesInOneAnswer goes all the way, with redaction.
func TestSeveralPicturesInOneAnswer(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	units := x264(t, "mp4", "bframes=3:b-adapt=0:b-pyramid=normal")
	times := shown(units)
	at := []time.Duration{-time.Hour, times[0], times[7], times[7] + 1, times[30]} // two pairs fall on one picture each
	pics, err := p.Pictures(t.Context(), PictureRequest{Units: units, At: at})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, pic := range pics {
		img, err := jpeg.Decode(bytes.NewReader(pic.JPEG))
		if err != nil || img.Bounds().Dx() != pic.Width || img.Bounds().Dy() != pic.Height {
			t.Fatalf("picture of %v, want %dx%d; error %v", img.Bounds(), pic.Width, pic.Height, err)
		}
		n := numberOf(img)
		got = append(got, n)
		if want := time.Unix(1000, 0).Add(times[n]); pic.At.Sub(want).Abs() > time.Microsecond {
			t.Errorf("picture %d is of %v, want %v", n, pic.At, want)
		}
	}
	if want := []int{0, 7, 30}; !slices.Equal(got, want) {
		t.Errorf("pictures %v, want %v", got, want)
	}
}

func numberOf(img image.Image) int {
	b := img.Bounds()
	luma := image.NewGray(b)
	if ycc, ok := img.(*image.YCbCr); ok { // by rows: the race detector makes a picture drawn point by point slow
		for y := range b.Dy() {
			copy(luma.Pix[y*luma.Stride:], ycc.Y[ycc.YOffset(b.Min.X, b.Min.Y+y):][:b.Dx()])
		}
	} else {
		draw.Draw(luma, b, img, b.Min, draw.Src)
	}
	return number(luma.Pix, b.Dx())
}

func TestSequenceShowsTheNewestPicture(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	for name, units := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			times := shown(units)
			last := -1
			for batch := range slices.Chunk(units, 5) {
				f, ok, err := p.Sequence(t.Context(), name, batch)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				n := slices.Index(times, f.PTS)
				if got := number(f.Luma, FrameWidth); got != n || n <= last {
					t.Errorf("picture %d at the time of %d, after %d", got, n, last)
				}
				last = n
			}
			if last < len(units)-6 {
				t.Errorf("the newest picture is %d of %d", last, len(units))
			}
		})
	}
}

func TestKeyframesOfAllKinds(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	for name, units := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			times := shown(units)
			keys := 0
			for _, u := range units {
				if !u.Key || (keys >= 3 && u.Codec == source.MJPEG) {
					continue
				}
				keys++
				f, err := p.Keyframe(t.Context(), u)
				if err != nil {
					t.Fatal(err)
				}
				if n := slices.Index(times, u.PTS); number(f.Luma, FrameWidth) != n || f.PTS != u.PTS {
					t.Errorf("picture %d at %v, want %d at %v", number(f.Luma, FrameWidth), f.PTS, n, u.PTS)
				}
			}
			if keys == 0 {
				t.Error("no keyframe")
			}
		})
	}
}

// TestIntraRefresh: a stream without keyframes, entered in its middle, gives no picture before one is whole.
func TestIntraRefresh(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	silent := coded(t, "h265", "-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=10:intra-refresh=1:bframes=0:repeat-headers=1:pools=1:frame-threads=1:log-level=error")
	for i := 10; i < len(silent); i += 10 { // x265 does not tell where decoding may begin: the source has to guess
		silent[i].NALUs, silent[i].Refresh = slices.Concat(silent[0].NALUs[:3], silent[i].NALUs), true
	}
	for name, units := range map[string][]source.AccessUnit{
		"H.264": coded(t, "h264", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-x264-params", "keyint=10:intra-refresh=1:bframes=0:repeat-headers=1:threads=1"),
		"H.265": silent,
	} {
		t.Run(name, func(t *testing.T) {
			start := slices.IndexFunc(units, func(u source.AccessUnit) bool { return u.Refresh && !u.Key })
			if start < 0 || slices.ContainsFunc(units[start:], func(u source.AccessUnit) bool { return u.Key }) {
				t.Fatalf("the stream has keyframes, or no recovery point")
			}
			seen := 0
			for i := start; i < len(units); i++ {
				f, ok, err := p.Sequence(t.Context(), name, units[i:i+1])
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				seen++
				if n := number(f.Luma, FrameWidth); f.PTS != units[i].PTS || (name == "H.264" && n != i) { // x265 refreshes but in part
					t.Errorf("picture %d of %v after unit %d", n, f.PTS, i)
				}
			}
			if seen < 10 || seen > len(units)-start-9 { // not before it is refreshed once
				t.Errorf("%d pictures from %d units", seen, len(units)-start)
			}
			pics, err := p.Pictures(t.Context(), PictureRequest{Units: units[start:]})
			if err != nil || len(pics) != 1 {
				t.Fatalf("%d pictures, error %v", len(pics), err)
			}
			if last := units[len(units)-1].At; !pics[0].At.Equal(last) {
				t.Errorf("picture of %v, want %v", pics[0].At, last)
			}
		})
	}
}

// TestSizeChange: a camera that is set to another size goes on with another parameter set.
func TestSizeChange(t *testing.T) {
	p := startPool(t, "decode", PoolOptions{})
	scaled := func(size string) []source.AccessUnit {
		return coded(t, "h264", "-vf", "scale="+size, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast",
			"-x264-params", "keyint=12:min-keyint=12:scenecut=0:repeat-headers=1:threads=1:bframes=0")
	}
	var units []source.AccessUnit
	for i, size := range []string{"640:360", "320:240", "1280:720"} {
		for _, u := range scaled(size)[:18] {
			u.PTS += time.Duration(i) * time.Minute
			units = append(units, u)
		}
	}
	for batch := range slices.Chunk(units, 6) {
		f, ok, err := p.Sequence(t.Context(), "resized", batch)
		if err != nil || !ok {
			t.Fatalf("ok %v, error %v", ok, err)
		}
		last := batch[len(batch)-1].PTS
		if want := int((last%time.Minute + time.Millisecond) / (100 * time.Millisecond)); number(f.Luma, FrameWidth) != want || f.PTS != last {
			t.Errorf("picture %d at %v, want %d at %v", number(f.Luma, FrameWidth), f.PTS, want, last)
		}
	}
	pics, err := p.Pictures(t.Context(), PictureRequest{Units: units, At: []time.Duration{time.Second, time.Minute + time.Second, 2*time.Minute + time.Second}})
	if err != nil || len(pics) != 3 {
		t.Fatalf("%d pictures, error %v", len(pics), err)
	}
	for i, want := range []float64{16.0 / 9, 4.0 / 3, 16.0 / 9} {
		img, err := jpeg.Decode(bytes.NewReader(pics[i].JPEG))
		if err != nil {
			t.Fatal(err)
		}
		if shape := float64(pics[i].Width) / float64(pics[i].Height); math.Abs(shape-want) > 0.02 || numberOf(img) != 10 {
			t.Errorf("picture %d of %dx%d; want 10, of shape %v", numberOf(img), pics[i].Width, pics[i].Height, want)
		}
	}
}

// TestNeeded: what is not wanted and not referred to is not sent to the worker at all.
func TestNeeded(t *testing.T) {
	b := x264(t, "mp4", "bframes=3:b-adapt=0:b-pyramid=none")
	layers := x265(t, "bframes=4:b-adapt=0:b-pyramid=1:temporal-layers=1")
	jpegs := mjpeg(t, "yuvj420p")
	at := []time.Duration{shown(b)[13]}
	for name, c := range map[string]struct {
		op    op
		units []source.AccessUnit
		at    []time.Duration
		most  int
	}{
		"B pictures":             {opSequence, b[:12], nil, 5},
		"from the last keyframe": {opSequence, b[:23], nil, 5},
		"pictures of one moment": {opPictures, b, at, 3},
		"the last picture":       {opFaces, b, nil, 4},
		"the highest layer":      {opSequence, layers[:12], nil, 8},
		"one JPEG":               {opSequence, jpegs, nil, 1},
		"a JPEG of each moment":  {opPictures, jpegs, []time.Duration{0, time.Second, 2 * time.Second}, 3},
	} {
		if got := needed(c.op, c.units, c.at); len(got) > c.most || len(got) == 0 {
			t.Errorf("%s: %d of %d units are decoded, want at most %d", name, len(got), len(c.units), c.most)
		}
	}
}
