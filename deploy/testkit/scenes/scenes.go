// Package scenes makes labelled footage to measure detectors on: fixed cameras, in front of which people and vehicles come and go
// at known times, under clouds, rain, lamps and wind.
//
// In: the folder of deploy/setup/footage.sh (OpenCV's example recordings and photos). Out: [Scene] values: coded files as a camera
// sends them, with the spans in which something is there. Most are composites, and are called so: real photos of empty places,
// people cut out of a real recording, drawn vehicles, drawn nuisances. Two are cuts of real recordings. Everything is deterministic
// and is kept in the user's cache by its recipe. It is for benchmarks and tests only, and no detector is tuned on it.
package scenes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// Span is a stretch of media time.
type Span struct{ From, To time.Duration }

// Scene is one labelled stream.
type Scene struct {
	Name      string
	What      string
	File      string // H.264, Annex B
	FPS       int
	Width     int // samples
	Height    int
	Length    time.Duration
	Composite bool   // false: a cut of a real recording
	Events    []Span // in order; something that counts is visible. Outside of them nothing happens, whatever the light does.
}

// All makes every scene, or takes it from the cache. footage is the folder that deploy/setup/footage.sh prints. The first time takes
// one to two minutes on two cores.
func All(ctx context.Context, footage string) ([]Scene, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "gridgate", "testkit", "scenes")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return build(ctx, all(), footage, dir)
}

// maker makes a stream at a path and tells its events.
type maker interface {
	key() string
	scene() Scene // without file and events
	make(ctx context.Context, m *material, path string) ([]Span, error)
}

func build(ctx context.Context, makers []maker, footage, dir string) ([]Scene, error) {
	out := make([]Scene, len(makers))
	var missing []int
	for i, mk := range makers {
		out[i] = mk.scene()
		out[i].File = filepath.Join(dir, mk.key()+".h264")
		label, err := os.ReadFile(out[i].File + ".json")
		if err != nil {
			missing = append(missing, i)
		} else if err := json.Unmarshal(label, &out[i].Events); err != nil {
			return nil, fmt.Errorf("read the labels of %s: %w", mk.key(), err)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	m, err := load(ctx, footage)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, i := range missing {
		group.Go(func() (err error) {
			out[i].Events, err = produce(ctx, makers[i], m, out[i].File)
			return err
		})
	}
	return out, group.Wait()
}

// produce makes one stream beside its place and moves it there once it is whole; the labels come last and say that it is there.
func produce(ctx context.Context, mk maker, m *material, path string) ([]Span, error) {
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	defer os.Remove(part)
	events, err := mk.make(ctx, m, part)
	if err != nil {
		return nil, fmt.Errorf("make the scene %s: %w", mk.key(), err)
	}
	label, err := json.Marshal(events)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(part, path); err != nil {
		return nil, err
	}
	return events, os.WriteFile(path+".json", label, 0o644)
}

// joined: spans closer than this, in seconds, are one event.
const joined = 3.0

// spans turns a mark for each frame into events.
func spans(there []bool, fps float64) (out []Span) {
	last := -1
	for i, t := range there {
		if !t {
			continue
		}
		to := seconds(float64(i+1) / fps)
		if last >= 0 && float64(i-last) <= joined*fps {
			out[len(out)-1].To = to
		} else {
			out = append(out, Span{seconds(float64(i) / fps), to})
		}
		last = i
	}
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
