package decode

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

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
	if want := []byte{255, 128}; two[0] != want[0] || two[1] != want[1] {
		t.Errorf("10-bit samples became %v, want %v", two, want)
	}
}

// TestScaleIsTheMean compares the packed sums with the plain mean, for sizes that are no multiple of anything.
func TestScaleIsTheMean(t *testing.T) {
	for _, size := range [][2]int{{1920, 1080}, {641, 363}, {321, 181}, {100, 40}, {16, 16}, {2047, 1079}} {
		p := noise(size[0], size[1])
		got := make([]byte, FrameWidth*FrameHeight)
		(&scaler{width: FrameWidth, height: FrameHeight}).scale(got, p, pixelLayout{bytes: 1})
		for i, v := range got {
			if want := plainMean(p, i%FrameWidth, i/FrameWidth); v != want {
				t.Fatalf("%v: cell %d is %d, want %d", size, i, v, want)
			}
		}
	}
}

func noise(w, h int) plane {
	p := plane{pix: make([]byte, (w+3)*h), stride: w + 3, width: w, height: h}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.pix {
		p.pix[i] = byte(r.Uint32())
	}
	return p
}

func plainMean(p plane, x, y int) byte {
	left, right := span(x, FrameWidth, p.width)
	top, bottom := span(y, FrameHeight, p.height)
	sum, n := 0, 0
	for row := top; row < bottom; row++ {
		for _, v := range p.pix[row*p.stride+left : row*p.stride+right] {
			sum += int(v)
			n++
		}
	}
	return byte((sum + n/2) / n)
}

func BenchmarkScale(b *testing.B) {
	for _, size := range [][2]int{{640, 360}, {1920, 1080}, {3840, 2160}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			p, out := noise(size[0], size[1]), make([]byte, FrameWidth*FrameHeight)
			s := &scaler{width: FrameWidth, height: FrameHeight}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start := threadTime()
			for b.Loop() {
				s.scale(out, p, pixelLayout{bytes: 1})
			}
			b.ReportMetric(float64((threadTime()-start).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
