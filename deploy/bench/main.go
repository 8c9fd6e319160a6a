// Command bench measures Gridgate beside a peer or a physical limit, in one run, so that the ratio holds on any machine.
//
//	go run ./deploy/bench            all groups
//	go run ./deploy/bench NAME=tsdb  one group
//
// In: the built tree and what is installed. Out: a table, and .run/bench.json. A group is one file here and one row in
// the table of groups. It measures and never tunes: every figure is what a caller of the package gets.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gridgate/edge/decode"
)

// Group measures one part. It has [groupTime], and a directory on disk that is empty and goes away afterwards.
type Group struct {
	Name string
	What string
	Run  func(ctx context.Context, dir string) ([]Result, error)
}

// groups is the table of what can be measured, in the order of the pipeline.
var groups = []Group{
	{"video", "a keyframe, decoded in a worker process, beside one ffmpeg process for each", video},
	{"outbox", "commits of the edge's durable log, beside bare fdatasync", outboxCommits},
	{"delivery", "alerts over HTTP to a receipt (stored, de-duplicated, correlated), beside bare SQLite inserts", delivery},
	{"latency", "a sensor's publish to the case event on an operator's feed, with the real programs, beside the design's bar", latency},
	{"tsdb", "readings into the embedded time-series database, beside VictoriaMetrics", timeSeries},
}

// groupTime bounds one group.
const groupTime = 2 * time.Minute

func main() {
	if len(os.Args) > 1 && os.Args[1] == decode.WorkerArg {
		os.Exit(decode.WorkerMain())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	chosen, err := choose(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(".run", 0o755); err != nil {
		return err
	}
	var all []Result
	for _, g := range chosen {
		fmt.Fprintf(os.Stderr, "%s: %s\n", g.Name, g.What)
		results, err := measure(ctx, g)
		if err != nil {
			return fmt.Errorf("%s: %w", g.Name, err)
		}
		all = append(all, results...)
	}
	fmt.Print(Table(all))
	return WriteJSON(filepath.Join(".run", "bench.json"), all)
}

// choose reads NAME=group; no argument, or an empty name, means all.
func choose(args []string) ([]Group, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("usage: bench [NAME=group]")
	}
	name := strings.TrimPrefix(strings.Join(args, ""), "NAME=")
	if name == "" {
		return groups, nil
	}
	i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		return nil, fmt.Errorf("no group %q: there are %s", name, strings.Join(names, ", "))
	}
	return groups[i : i+1], nil
}

// measure runs one group, with the probes of disk and processor right before it: both drift.
func measure(ctx context.Context, g Group) ([]Result, error) {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	dir, err := os.MkdirTemp(".run", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	probes, err := probe(ctx, g.Name, dir)
	if err != nil {
		return nil, err
	}
	results, err := g.Run(ctx, dir)
	slices.SortStableFunc(results, func(a, b Result) int { return cmp.Compare(a.Name, b.Name) })
	return append(probes, results...), err
}
