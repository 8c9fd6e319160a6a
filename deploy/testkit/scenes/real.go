package scenes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
)

// cutting is a part of a real recording, coded again. Its labels are read off by eye.
type cutting struct {
	Name, What string
	File       string
	X, Y, W, H int // part of the recording
	SW, SH     int // size of the recording
	OutW, OutH int
	Seconds    float64
	Coding     Coding
	Events     []Span
}

func (c cutting) key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %+v", renderer, c))
	return c.Name + "-" + hex.EncodeToString(sum[:8])
}

func (c cutting) scene() Scene {
	return Scene{Name: c.Name, What: c.What, FPS: c.Coding.FPS, Width: c.OutW, Height: c.OutH, Length: seconds(c.Seconds)}
}

func (r recipe) scene() Scene {
	return Scene{Name: r.Name, What: r.What, FPS: r.Coding.FPS, Width: r.W, Height: r.H, Length: seconds(r.Seconds), Composite: true}
}

func (c cutting) make(ctx context.Context, m *material, path string) ([]Span, error) {
	var frames []*Picture
	n := int(c.Seconds * float64(c.Coding.FPS))
	err := decode(ctx, filepath.Join(m.dir, c.File), c.SW, c.SH, float64(c.Coding.FPS), func(p *Picture) {
		if len(frames) < n {
			frames = append(frames, p.window(c.X, c.Y, c.W, c.H))
		}
	})
	if err != nil {
		return nil, err
	}
	out := NewPicture(c.OutW, c.OutH)
	return c.Events, encode(ctx, path, c.OutW, c.OutH, len(frames), c.Coding, func(i int) *Picture {
		enlarge(out, frames[i])
		return out
	})
}

// window copies a part of p; x, y, w and h are even.
func (p *Picture) window(x, y, w, h int) *Picture {
	out := NewPicture(w, h)
	for r := range h {
		copy(out.Y[r*w:(r+1)*w], p.Y[(y+r)*p.W+x:])
	}
	for r := range h / 2 {
		copy(out.U[r*w/2:(r+1)*w/2], p.U[(y/2+r)*p.W/2+x/2:])
		copy(out.V[r*w/2:(r+1)*w/2], p.V[(y/2+r)*p.W/2+x/2:])
	}
	return out
}

// enlarge scales src to the size of dst.
func enlarge(dst, src *Picture) {
	scale := func(d, s []uint8, dw, dh, sw, sh int) {
		for i := range d {
			x, y := (float64(i%dw)+0.5)*float64(sw)/float64(dw)-0.5, (float64(i/dw)+0.5)*float64(sh)/float64(dh)-0.5
			d[i] = clamp(bilinear(s, sw, sh, x, y))
		}
	}
	scale(dst.Y, src.Y, dst.W, dst.H, src.W, src.H)
	scale(dst.U, src.U, dst.W/2, dst.H/2, src.W/2, src.H/2)
	scale(dst.V, src.V, dst.W/2, dst.H/2, src.W/2, src.H/2)
}
