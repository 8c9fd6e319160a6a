// Command faults kills the edge and central at random moments while sensors and a camera go on, and compares what was
// acknowledged with what central holds.
//
// In: how many rounds. Out: one line, rounds=N kills=N acknowledged=N lost=N doubled=N, and exit code 1 if anything was lost or doubled.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"gridgate/deploy/faults/rig"
)

func main() {
	rounds := flag.Int("rounds", 25, "how many kills")
	bin := flag.String("bin", "bin", "folder of the programs")
	clip := flag.String("clip", "", "Annex-B clip that a camera plays meanwhile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *bin, *clip); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, bin, clip string) error {
	dir, err := os.MkdirTemp("", "gridgate-faults-")
	if err != nil {
		return err
	}
	result, err := rig.Run(ctx, rig.Options{Dir: dir, Bin: bin, Rounds: rounds, Footage: clip, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return fmt.Errorf("%w; what was written is kept in %s", err, dir)
	}
	fmt.Println(result)
	if !result.Good() {
		return fmt.Errorf("the ledgers differ: %v; what was written is kept in %s", result.Differences, dir)
	}
	return os.RemoveAll(dir)
}
