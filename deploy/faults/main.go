// Command faults does everything to an edge and central that goes wrong at night, while sensors and a camera go on, and compares what
// was acknowledged with what central holds.
//
// In: how many rounds, and a seed. Out: one line, rounds=N kills=N acknowledged=N lost=N doubled=N and more, and exit code 1 if anything
// was lost, doubled or believed missing; before it the same of a week without central, where one is asked for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"gridgate/deploy/faults/rig"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 25, "how many faults")
	flag.Uint64Var(&o.seed, "seed", 0, "that a run before printed; 0: any")
	flag.StringVar(&o.bin, "bin", "bin", "folder of the programs")
	flag.StringVar(&o.clip, "clip", "", "Annex-B clip that a camera plays meanwhile")
	flag.BoolVar(&o.disk, "disk", true, "fill the disks too, which needs root")
	flag.BoolVar(&o.clock, "clock", true, "step the edge's clock too, which builds an edge of its own")
	flag.StringVar(&o.only, "only", "", "only faults whose names this regular expression finds")
	flag.IntVar(&o.week, "week", 0, "alerts of a week without central; 0: no week")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds, week int
	seed         uint64
	bin, clip    string
	only         string
	disk, clock  bool
}

func run(ctx context.Context, o options) (err error) {
	if o.seed == 0 {
		o.seed = rig.Seed()
	}
	dir, err := os.MkdirTemp("", "gridgate-faults-")
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
	fmt.Printf("seed=%d\n", o.seed)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if o.week > 0 {
		if err := week(ctx, o, filepath.Join(dir, "week"), log); err != nil {
			return fmt.Errorf("a week without central: %w", err)
		}
	}
	return rounds(ctx, o, dir, log)
}

func rounds(ctx context.Context, o options, dir string, log *slog.Logger) error {
	r := rig.Options{
		Dir: filepath.Join(dir, "township"), Bin: o.bin, Rounds: o.rounds, Seed: o.seed, Devices: 40, External: 20, Link: true, Disk: o.disk,
		Footage: o.clip, Log: log,
	}
	if o.clock {
		r.Bin, r.Clock = filepath.Join(dir, "bin"), filepath.Join(dir, "clock")
		log.Info("building an edge whose clock can step; the first time takes minutes")
		if err := os.Mkdir(r.Bin, 0o700); err != nil {
			return err
		}
		if err := rig.BuildSteppedEdge(ctx, ".", o.bin, r.Bin); err != nil {
			return err
		}
	}
	pattern, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if r.Faults = rig.Only(rig.For(r), pattern); len(r.Faults) == 0 {
		return fmt.Errorf("-only %q leaves no fault", o.only)
	}
	result, err := rig.Run(ctx, r)
	fmt.Println(result)
	switch {
	case err != nil:
		return err
	case !result.Good():
		return fmt.Errorf("the ledgers differ: %q", result.Differences)
	}
	return nil
}

var errWeek = errors.New("the ledgers differ")

func week(ctx context.Context, o options, dir string, log *slog.Logger) error {
	result, err := rig.Week(ctx, rig.WeekOptions{Dir: dir, Bin: o.bin, Alerts: o.week, Log: log})
	if err != nil {
		return err
	}
	fmt.Println(result)
	if !result.Good() {
		return errWeek
	}
	return os.RemoveAll(dir)
}
