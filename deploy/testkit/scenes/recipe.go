package scenes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
)

// recipe says how a composite is made. It is plain data: its digest names the cached file.
type recipe struct {
	Name    string
	What    string
	Place   string // a file of the footage; the square means its median
	W, H    int
	Seconds float64
	Coding  Coding
	Behind  []effect // before anybody is drawn
	Actors  []actor
	Over    []effect // after
	Freezes []freeze
}

// renderer is the version of the drawing code: a change that alters pictures changes it.
const renderer = 1

// key names the cached files of a recipe.
func (r recipe) key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %v %+v", renderer, cuts, r))
	return r.Name + "-" + hex.EncodeToString(sum[:8])
}

// The tree that sways: tree.avi of OpenCV's examples. Later on a hand comes into that picture.
const (
	treeFile         = "tree.avi"
	treeW, treeH     = 320, 240
	treeFPS          = 15
	treeQuietSeconds = 22
)

// make draws and codes the composite and returns its events.
func (r recipe) make(ctx context.Context, m *material, path string) ([]Span, error) {
	place, err := m.place(ctx, r.Place, r.W, r.H)
	if err != nil {
		return nil, err
	}
	tree, err := r.tree(ctx, m.dir)
	if err != nil {
		return nil, err
	}
	vehicles := map[string]*sprite{}
	for _, a := range r.Actors {
		if a.Figure == "" {
			vehicles[a.key()] = vehicle(int(a.Aspect*vehicleHeight)&^1, vehicleHeight, a.Luma, a.U, a.V)
		}
	}
	out, spare := NewPicture(r.W, r.H), NewPicture(r.W, r.H)
	n := int(r.Seconds * float64(r.Coding.FPS))
	there := make([]bool, n)
	err = encode(ctx, path, r.W, r.H, n, r.Coding, func(i int) *Picture {
		t := frozen(r.Freezes, float64(i)/float64(r.Coding.FPS))
		mo := moment{t: t, rng: rand.New(rand.NewPCG(uint64(len(r.Name)), uint64(t*1000))), behind: tree, spare: spare}
		out.copyFrom(place)
		for _, e := range r.Behind {
			e.apply(out, mo)
		}
		covered := 0
		for _, a := range r.Actors {
			covered += a.draw(out, t, m.figures, vehicles)
		}
		there[i] = float64(covered) >= visible*float64(r.W*r.H)
		for _, e := range r.Over {
			e.apply(out, mo)
		}
		return out
	})
	return spans(there, float64(r.Coding.FPS)), err
}

// tree returns the swaying tree over time, forwards and backwards; nothing is decoded where nothing sways.
func (r recipe) tree(ctx context.Context, dir string) (func(t float64) *Picture, error) {
	sways := false
	for _, e := range r.Behind {
		_, is := e.(sway)
		sways = sways || is
	}
	if !sways {
		return nil, nil
	}
	var frames []*Picture
	err := decode(ctx, filepath.Join(dir, treeFile), treeW, treeH, treeFPS, func(p *Picture) {
		if len(frames) < treeQuietSeconds*treeFPS {
			frames = append(frames, p.clone())
		}
	})
	return func(t float64) *Picture { return frames[bounce(int(t*treeFPS), len(frames))] }, err
}

// vehicleHeight is the height in samples at which vehicles are drawn before they are scaled.
const vehicleHeight = 120

// key tells vehicles apart.
func (a actor) key() string { return fmt.Sprint(a.Luma, a.U, a.V, a.Aspect) }
