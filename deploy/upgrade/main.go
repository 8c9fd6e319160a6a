// Command upgrade takes a centre and an edge from an earlier commit to this one and on to later builds, while sensors go on, and compares what
// was acknowledged with what central holds.
//
// In: a commit to come from. Out: a line for each step with what it took, and exit code 1 if something was lost, changed, or not gone back
// from. The edge of the earlier commit knows nothing of signed builds, so it is upgraded by its file; from there on builds come over central,
// signed by keys that are made for the run: one that writes a later outbox, one that dies at its start, one that never reaches central, one
// that a stranger signed, one that is older.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	from := flag.String("from", "", "tag or commit to come from; empty: the last tag")
	bin := flag.String("bin", "", "folder to build in and keep; what is there is not built again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *from, *bin); err != nil {
		fmt.Fprintln(os.Stderr, "upgrade:", err)
		os.Exit(1)
	}
}

// before is the last commit whose edge takes no builds over the air.
const before = "008e7be"

func run(ctx context.Context, from, bin string) (err error) {
	if from == "" {
		from = before
		if tag, err := output(ctx, ".", "git", "describe", "--tags", "--abbrev=0"); err == nil {
			from = tag
		}
	}
	dir, err := os.MkdirTemp("", "gridgate-upgrade-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w; what was written is kept in %s", err, dir)
			return
		}
		err = os.RemoveAll(dir)
	}()
	fmt.Println("from", from)
	if bin == "" {
		bin = dir
	}
	if err := build(ctx, from, bin); err != nil {
		return err
	}
	w, err := newWorld(ctx, dir, bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	began := time.Now()
	for _, step := range steps {
		at := time.Now()
		if err := step.do(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("ok %-64s %5.1f s %s\n", step.name, time.Since(at).Seconds(), w.told())
	}
	fmt.Printf("upgrade from=%s published=%d lost=%d doubled=%d pause=%s seconds=%.0f\n", from, w.sensors.count(), w.lost, w.doubled, w.sensors.longest().Round(time.Millisecond), time.Since(began).Seconds())
	return nil
}

// output runs a command and returns what it says.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
