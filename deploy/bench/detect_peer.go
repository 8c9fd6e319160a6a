package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"

	"gridgate/deploy/testkit/scenes"
)

// A detector like Frigate's, written for this benchmark from a short description of its algorithm: five luma frames a second at
// a height of 100, contrast stretched, blurred, compared with a running average. Details that the description leaves out are
// from general knowledge of Frigate. It is not Frigate itself: its figures say "like Frigate".
const (
	averageFPS       = 5
	averageW         = 133
	averageH         = 100
	averageThreshold = 30   // grey levels from the average
	averageArea      = 10   // pixels that a region must have more than
	averageAlpha     = 0.01 // of a frame in the average
	averageFast      = 0.2  // the same while it calibrates
	averageStubborn  = 10   // frames of motion after which they are learnt, too
	averageWhole     = 0.80 // share of the picture from which on it calibrates again
	averageCalm      = 0.01 // share of the picture below which it is calibrated
	averageContrasts = 50   // frames over which the contrast is averaged
	averageHold      = 2 * time.Second
)

// averageDetector keeps what such a detector knows of one camera.
type averageDetector struct {
	average     []float64
	stretched   []float64
	blurred     []float64
	scratch     []float64
	lows, highs []float64
	calibrating bool
	motions     int // frames with motion in a row
}

func newAverageDetector() *averageDetector {
	n := averageW * averageH
	return &averageDetector{stretched: make([]float64, n), blurred: make([]float64, n), scratch: make([]float64, n), calibrating: true}
}

// see takes one frame and says whether it shows motion. While it calibrates it reports nothing but the frame that began that.
func (d *averageDetector) see(luma []uint8) bool {
	d.stretch(luma)
	blurSigma1(d.blurred, d.stretched, d.scratch)
	if d.average == nil {
		d.average = slices.Clone(d.blurred)
		return false
	}
	mask := make([]bool, len(luma))
	for i, v := range d.blurred {
		diff := v - d.average[i]
		mask[i] = diff > averageThreshold || diff < -averageThreshold
	}
	regions := areas(dilate3(mask))
	total, moving := 0, false
	for _, a := range regions {
		total += a
		moving = moving || a > averageArea
	}
	share := float64(total) / float64(len(luma))
	report := moving && !d.calibrating
	d.calibrating = d.calibrating && share >= averageCalm || share > averageWhole
	d.learn(moving)
	return report
}

// stretch spreads the 4th to the 96th percentile, averaged over the last frames, over all grey levels.
func (d *averageDetector) stretch(luma []uint8) {
	sorted := slices.Clone(luma)
	slices.Sort(sorted)
	if low, high := sorted[len(sorted)*4/100], sorted[len(sorted)*96/100]; low < high {
		d.lows, d.highs = append(d.lows, float64(low)), append(d.highs, float64(high))
		d.lows = d.lows[max(0, len(d.lows)-averageContrasts):]
		d.highs = d.highs[max(0, len(d.highs)-averageContrasts):]
	}
	low, high := mean(d.lows), mean(d.highs)
	for i, v := range luma {
		d.stretched[i] = float64(v)
		if low < high {
			d.stretched[i] = (max(low, min(high, float64(v))) - low) / (high - low) * 255
		}
	}
}

// learn takes the frame into the average; motion only once it persists.
func (d *averageDetector) learn(moving bool) {
	if !moving {
		d.motions = 0
	} else if d.motions++; d.motions < averageStubborn {
		return
	}
	alpha := averageAlpha
	if d.calibrating {
		alpha = averageFast
	}
	for i, v := range d.blurred {
		d.average[i] += alpha * (v - d.average[i])
	}
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// blurSigma1 is a Gaussian of sigma 1 over three samples each way.
func blurSigma1(dst, src, scratch []float64) {
	const edge, middle = 0.27406862, 0.45186276
	for y := range averageH {
		for x := range averageW {
			i := y*averageW + x
			scratch[i] = middle*src[i] + edge*(src[i-min(x, 1)]+src[i+min(averageW-1-x, 1)])
		}
	}
	for y := range averageH {
		for x := range averageW {
			i := y*averageW + x
			dst[i] = middle*scratch[i] + edge*(scratch[i-averageW*min(y, 1)]+scratch[i+averageW*min(averageH-1-y, 1)])
		}
	}
}

// dilate3 grows a mask by one pixel.
func dilate3(mask []bool) []bool {
	out := make([]bool, len(mask))
	for i, on := range mask {
		if !on {
			continue
		}
		for y := max(0, i/averageW-1); y <= min(averageH-1, i/averageW+1); y++ {
			for x := max(0, i%averageW-1); x <= min(averageW-1, i%averageW+1); x++ {
				out[y*averageW+x] = true
			}
		}
	}
	return out
}

// areas are the sizes of the connected regions of a mask, which is used up.
func areas(mask []bool) (out []int) {
	for i, on := range mask {
		if !on {
			continue
		}
		mask[i] = false
		n := 0
		for open := []int{i}; len(open) > 0; n++ {
			k := open[len(open)-1]
			open = open[:len(open)-1]
			for y := max(0, k/averageW-1); y <= min(averageH-1, k/averageW+1); y++ {
				for x := max(0, k%averageW-1); x <= min(averageW-1, k%averageW+1); x++ {
					if j := y*averageW + x; mask[j] {
						mask[j] = false
						open = append(open, j)
					}
				}
			}
		}
		out = append(out, n)
	}
	return out
}

// averageAlarms runs the detector over a scene, by media time; an alarm ends two seconds after the last motion.
func averageAlarms(ctx context.Context, s scenes.Scene) ([]lit, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "h264", "-framerate", fmt.Sprint(s.FPS), "-i", s.File,
		"-vf", fmt.Sprintf("fps=%d,scale=%d:%d:flags=bilinear", averageFPS, averageW, averageH), "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d, r, luma := newAverageDetector(), bufio.NewReader(out), make([]uint8, averageW*averageH)
	var marks []time.Duration
	for n := 0; ; n++ {
		if _, err = io.ReadFull(r, luma); err != nil {
			break
		}
		if d.see(luma) {
			marks = append(marks, time.Duration(n)*time.Second/averageFPS)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return joinMarks(marks, averageHold), errors.Join(err, cmd.Wait())
}
