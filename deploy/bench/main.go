// Command bench measures Gridgate beside a peer or a physical limit, in one run, so that the ratio holds on any machine.
//
//	go run ./deploy/bench                        all groups
//	go run ./deploy/bench NAME=tsdb              one group
//	go run ./deploy/bench NAME=video.quiet_main  one part of a group
//
// In: the built tree and what is installed. Out: a table, and .run/bench.json. A group is a row in the table of groups and
// one file here, or one for each of its parts. It measures and never tunes: every figure is what a caller of the package
// gets, or what a user of the programs gets.
//
// How the group video is made: a process of its own (deploy/testkit/rtspload) plays coded loops on as many RTSP paths as
// there are cameras, and tells what it sent and when. bin/gridgate-edge runs with its defaults and a central that is not
// there; its processor time and memory, workers included, are the kernel's (/proc) over a minute, after it has learnt for
// three quarters of one. Motion gets one of the same streams, with everything but detection off. The quiet scene is the
// median of a real recording with the noise of a sensor, the busy one is the recording; both are coded here once, with
// ffmpeg, to the stated bit rate. Onsets are composites and called so: a drawn figure walks into the quiet scene in known
// pictures, and the clock starts when the picture that first shows half of it is sent.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gridgate/deploy/testkit/rtspload"
	"gridgate/edge/decode"
)

// Group measures one area, part by part.
type Group struct {
	Name  string
	What  string
	Parts []Part
}

// Part measures some figures of a group. It has a directory on disk that is empty and goes away afterwards.
type Part struct {
	Name  string        // "" where the group is one part
	Limit time.Duration // bounds the part, default [partTime]
	Run   func(ctx context.Context, dir string) ([]Result, error)
}

// groups is the table of what can be measured, in the order of the pipeline.
var groups = []Group{
	{"video", "what a camera costs and how fast it is noticed, beside Motion", videoParts},
	{"sensors", "MQTT messages of sensors to their acknowledgement, which waits for the outbox: embedded broker, and Mosquitto beside a subscriber that stores nothing", sensorParts},
	{"vendors", "a thousand devices of GB/T 28181 that register, live and tell their channels, beside a process that returns their packets", vendorParts},
	{"outbox", "commits of the edge's durable log, beside bare fdatasync", whole(outboxCommits)},
	{"delivery", "alerts over HTTP to a receipt (stored, de-duplicated, correlated), beside Alertmanager and bare inserts; the whole way, a backlog and many edges, with the real programs", slices.Concat(deliveryParts, loadParts)},
	{"cases", "lists of a million cases by every filter, and while a storm comes in", casesParts},
	{"console", "the operator's console in a real Chromium: feeds beside a bare server of events, scrolling, the first load", consoleParts},
	{"scale", "a province's alerts and numbers on one central, at ten times the pace of a day, from two thousand edges with fifty devices each", scaleParts},
	{"tsdb", "readings into the embedded time-series database, beside VictoriaMetrics", whole(timeSeries)},
}

// partTime bounds one part.
const partTime = 2 * time.Minute

// whole is a group of one part.
func whole(run func(context.Context, string) ([]Result, error)) []Part { return []Part{{Run: run}} }

func main() {
	if len(os.Args) == 3 && os.Args[1] == rtspload.Arg {
		os.Exit(rtspload.Main(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == barePeerArg {
		os.Exit(barePeer(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == gbServerArg {
		os.Exit(gbServer(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == gbEchoArg {
		os.Exit(gbEcho(os.Args[2]))
	}
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
	var failed error
	for _, g := range chosen {
		fmt.Fprintf(os.Stderr, "%s: %s\n", g.Name, g.What)
		for _, p := range g.Parts {
			results, err := measure(ctx, g, p)
			if err != nil { // the other figures stand
				failed = errors.Join(failed, fmt.Errorf("%s: %w", full(g, p), err))
			}
			all = append(all, results...)
		}
	}
	fmt.Print(Table(all))
	return errors.Join(failed, WriteJSON(filepath.Join(".run", "bench.json"), all))
}

// full is the name that a part is chosen by.
func full(g Group, p Part) string { return strings.TrimSuffix(g.Name+"."+p.Name, ".") }

// choose reads NAME=group or NAME=group.part; no argument, or an empty name, means all.
func choose(args []string) ([]Group, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("usage: bench [NAME=group[.part]]")
	}
	name := strings.TrimPrefix(strings.Join(args, ""), "NAME=")
	if name == "" {
		return groups, nil
	}
	var names []string
	for _, g := range groups {
		if g.Name == name {
			return []Group{g}, nil
		}
		names = append(names, g.Name)
		for _, p := range g.Parts {
			if p.Name == "" {
				continue
			}
			if full(g, p) == name {
				return []Group{{g.Name, g.What, []Part{p}}}, nil
			}
			names = append(names, full(g, p))
		}
	}
	return nil, fmt.Errorf("no group %q: there are %s", name, strings.Join(names, ", "))
}

// measure runs one part, with the probes of disk and processor right before it: both drift.
func measure(ctx context.Context, g Group, p Part) ([]Result, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.Limit, partTime))
	defer cancel()
	dir, err := os.MkdirTemp(".run", "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	probes, err := probe(ctx, full(g, p), dir)
	if err != nil {
		return nil, err
	}
	end, err := profiles(full(g, p))
	if err != nil {
		return nil, err
	}
	results, err := p.Run(ctx, dir)
	err = errors.Join(err, end())
	slices.SortStableFunc(results, func(a, b Result) int { return cmp.Compare(a.Name, b.Name) })
	return append(probes, results...), err
}
