package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
)

// The drawn figure: a head without a face, a striped coat, arms and legs that swing once in eight pictures.
const (
	figureWidth  = 64
	figureHeight = 170
	figureSteps  = 8
)

var (
	skin   = color.NRGBA{176, 140, 120, 255}
	coat   = [2]color.NRGBA{{52, 60, 92, 255}, {92, 100, 128, 255}}
	cloth  = [2]color.NRGBA{{40, 38, 36, 255}, {64, 60, 56, 255}}
	nobody = color.NRGBA{}
)

// figurePixel is the colour of a place of the figure at a step of its walk.
func figurePixel(x, y, step int) color.NRGBA {
	dx := float64(x) - figureWidth/2
	swing := math.Sin(2 * math.Pi * float64(step) / figureSteps)
	down := float64(y) / figureHeight
	switch {
	case math.Hypot(dx/11, (float64(y)-15)/14) < 1:
		return skin
	case y >= 30 && y < 98:
		if math.Abs(dx) < 17 {
			return coat[y/7%2]
		}
		if arm := 20 + swing*10*(down-0.18)*2; y < 90 && (math.Abs(dx-arm) < 4 || math.Abs(dx+arm) < 4) {
			return coat[x/5%2]
		}
	case y >= 98:
		if spread := 7 + 15*swing*(down-0.57)*2; math.Abs(dx-spread) < 6 || math.Abs(dx+spread) < 6 {
			return cloth[y/9%2]
		}
	}
	return nobody
}

// figure draws the walk and returns the pattern of its files. The name holds a sum of what they show.
func figure() (string, error) {
	frames := make([]*image.NRGBA, figureSteps)
	sum := sha256.New()
	for step := range frames {
		frames[step] = image.NewNRGBA(image.Rect(0, 0, figureWidth, figureHeight))
		for y := range figureHeight {
			for x := range figureWidth {
				frames[step].SetNRGBA(x, y, figurePixel(x, y, step))
			}
		}
		sum.Write(frames[step].Pix)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "gridgate", "bench", "figure-"+hex.EncodeToString(sum.Sum(nil)[:12]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for step, frame := range frames {
		if err := writePNG(filepath.Join(dir, fmt.Sprintf("%d.png", step)), frame); err != nil {
			return "", fmt.Errorf("draw the figure: %w", err)
		}
	}
	return filepath.Join(dir, "%d.png"), nil
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}

// walk is how a figure crosses the picture.
type walk struct {
	height int  // of the figure, pixels
	feet   int  // y of them
	speed  int  // pixels a picture
	left   bool // goes from right to left
}

// The walks of a sub-stream take turns: near, and further away. They take 6 and 7.5 s.
var walks = [2]walk{
	{height: 170, feet: 400, speed: 8},
	{height: 100, feet: 250, speed: 6, left: true},
}

func (w walk) width() int { return w.height * figureWidth / figureHeight }

// half is how many pictures after it began, out of the picture, half of the figure is in it.
func (w walk) half() int { return ((w.width()+1)/2 + w.speed - 1) / w.speed }

// overlay is the ffmpeg filter that lets the figure begin its walk in picture start and again each period, before picture end.
func (w walk) overlay(s size, start, period, end int) string {
	step := fmt.Sprintf(`mod(n-%d\,%d)*%d`, start, period, w.speed)
	x := fmt.Sprintf("%s-%d", step, w.width())
	if w.left {
		x = fmt.Sprintf("%d-%s", s.width, step)
	}
	return fmt.Sprintf(`overlay=x='if(between(n\,%d\,%d)\,%s\,-%d)':y=%d:eval=frame`, start, end-1, x, s.width, w.feet-w.height)
}

// The entries of an onset clip: one every 22.4 s, which is never a whole number of groups of 2 or of 10 s, so that they
// fall on five different places of a group. A sixth would be cut off where the clip ends, and stand in no list.
const (
	entryFirst  = 60
	entryEvery  = 336
	entries     = 5
	entryEnd    = entryFirst + entries*entryEvery // from here on nobody comes
	onsetFrames = 1800                            // a whole number of groups of both lengths
)

// walking is the part of an ffmpeg graph that lets the figure of input 1 walk through the pictures of [scene].
func walking() string {
	graph := "[1]split[f0][f1]"
	at := "scene"
	for i, w := range walks {
		graph += fmt.Sprintf(";[f%[1]d]scale=%[2]d:%[3]d[w%[1]d];[%[4]s][w%[1]d]%[5]s",
			i, w.width(), w.height, at, w.overlay(subSize, entryFirst+i*entryEvery, len(walks)*entryEvery, entryEnd))
		if at = fmt.Sprintf("s%d", i); i < len(walks)-1 {
			graph += "[" + at + "]"
		}
	}
	return graph
}

// entered are the pictures that first show half of a figure.
func entered() (pictures []int) {
	for i := range entries {
		pictures = append(pictures, entryFirst+i*entryEvery+walks[i%len(walks)].half())
	}
	return pictures
}

// onsetClip is two minutes of the quiet scene with five entries. The figure's pictures and the noise come on top of it
// before it is coded, as in a camera.
func onsetClip(ctx context.Context, gop int, r rate) (clipSpec, error) {
	still, err := quietScene(ctx)
	if err != nil {
		return clipSpec{}, err
	}
	pattern, err := figure()
	if err != nil {
		return clipSpec{}, err
	}
	graph := fmt.Sprintf("[0]%s,loop=-1:1,fps=%d[scene];%s[walked];[walked]%s", subSize.scale, videoFPS, walking(), sensorNoise)
	args := []string{"-i", still, "-framerate", fmt.Sprint(videoFPS), "-stream_loop", "-1", "-i", pattern, "-filter_complex", graph}
	path, err := produce(ctx, "h264", append(args, r.coded(gop, onsetFrames)...)...)
	return clipSpec{path: path, entries: entered()}, err
}
