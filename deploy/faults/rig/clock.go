package rig

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ClockFile is the environment variable that tells an edge of [BuildSteppedEdge] which file its clock follows.
const ClockFile = "GRIDGATE_FAULT_CLOCK"

//go:embed step/follow.go.txt
var followSource []byte

const (
	nowBegins = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	stepVar   = "package time\n\nimport \"sync/atomic\"\n\n// ClockStep is by how many seconds Now is off.\nvar ClockStep atomic.Int64\n"
)

// BuildSteppedEdge fills a folder with the programs of bin, the edge built anew from source so that its wall clock, and that of all its
// libraries, is off by what a file says. Its steady clock is not, as with a real step. The program's own source has nothing of this:
// the build lays a changed time.Now over the standard library's.
func BuildSteppedEdge(ctx context.Context, source, bin, dir string) error {
	source, errSource := filepath.Abs(source)
	bin, errBin := filepath.Abs(bin)
	if err := errors.Join(errSource, errBin); err != nil {
		return err
	}
	overlay, err := layOver(ctx, source, dir)
	if err != nil {
		return fmt.Errorf("change the clock: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", filepath.Join(dir, "gridgate-edge"), "./edge/cmd/gridgate-edge")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build an edge whose clock can step: %w: %s", err, out)
	}
	return os.Symlink(filepath.Join(bin, "gridgate-central"), filepath.Join(dir, "gridgate-central"))
}

// layOver writes the changed files and returns the list of what replaces what (go help build, -overlay).
func layOver(ctx context.Context, source, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	std := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		return "", err
	}
	before, after, ok := strings.Cut(string(text), nowBegins)
	if !ok {
		return "", errors.New("time.Now of this Go release does not begin as expected")
	}
	replace := map[string]string{}
	for name, file := range map[string]struct{ of, text string }{
		"time.go":   {filepath.Join(std, "time.go"), before + nowBegins + "\tsec += ClockStep.Load()\n" + after},
		"step.go":   {filepath.Join(std, "clockstep.go"), stepVar},
		"follow.go": {filepath.Join(source, "edge/cmd/gridgate-edge/follow.go"), string(followSource)},
	} {
		replace[file.of] = filepath.Join(dir, name)
		if err := os.WriteFile(replace[file.of], []byte(file.text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

// setClock has the edge's clock off by so much, at once, within what the edge takes to look.
func setClock(file string, off time.Duration) error {
	next := file + ".next"
	if err := os.WriteFile(next, []byte(strconv.FormatInt(int64(off/time.Second), 10)), 0o600); err != nil {
		return fmt.Errorf("step the clock: %w", err)
	}
	return os.Rename(next, file)
}

// stepClock steps the edge's clock, kills the edge meanwhile in a third of the cases, and puts the clock right again in two of three.
func stepClock(ctx context.Context, f *field) error {
	steps := []time.Duration{-time.Second, time.Hour, -time.Hour, 10 * time.Minute, -time.Duration(time.Now().Unix()) * time.Second}
	step := steps[f.rng.IntN(len(steps))]
	f.log.Info("clock", "step", step.String())
	if err := setClock(f.o.Clock, step); err != nil {
		return err
	}
	f.result.Steps++
	if err := wait(ctx, f.between(time.Second, 3*time.Second)); err != nil {
		return err
	}
	if f.rng.IntN(3) == 0 {
		if err := f.kill(ctx, f.edge()); err != nil {
			return err
		}
	}
	if f.rng.IntN(3) == 0 {
		return nil
	}
	return setClock(f.o.Clock, 0)
}
