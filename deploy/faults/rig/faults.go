package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"time"

	"gridgate/deploy/testkit/faultlink"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/backoff"
)

// Fault is one kind of trouble.
type Fault struct {
	Name   string
	weight int // how often it is in a deck
	do     func(ctx context.Context, f *field) error
}

// Faults are all kinds of trouble. Those that need what the options do not give are left out by [For].
var Faults = []Fault{
	{"kill edge", 5, func(ctx context.Context, f *field) error { return f.kill(ctx, f.edge()) }},
	{"kill central", 5, func(ctx context.Context, f *field) error { return f.kill(ctx, f.central()) }},
	{"kill edge and central", 2, killBoth},
	{"kill worker", 3, killWorker},
	{"kill broker", 3, killBroker},
	{"stop edge", 1, func(ctx context.Context, f *field) error { return f.pause(ctx, f.Edge) }},
	{"stop central", 1, func(ctx context.Context, f *field) error { return f.pause(ctx, f.Central) }},
	{"stop worker", 1, stopWorker},
	{"stop broker", 1, func(ctx context.Context, f *field) error { return f.pause(ctx, f.external.broker.Process()) }},
	{"link cut", 1, weather(func(f *field) faultlink.Weather { return faultlink.Weather{Cut: true} })},
	{"link delays and reorders", 1, weather(func(f *field) faultlink.Weather {
		return faultlink.Weather{Delay: f.between(200*time.Millisecond, 3*time.Second)}
	})},
	{"link loses answers", 1, weather(func(f *field) faultlink.Weather { return faultlink.Weather{LoseAnswers: 0.5, LoseRequests: 0.1} })},
	{"link slow", 1, weather(func(f *field) faultlink.Weather { return faultlink.Weather{BytesPerSecond: 2000 + f.rng.IntN(20_000)} })},
	{"link replays", 1, weather(func(f *field) faultlink.Weather {
		return faultlink.Weather{Replay: 0.8, Delay: 300 * time.Millisecond, LoseAnswers: 0.2}
	})},
	{"power cut of the edge", 3, powerCut},
	{"damaged outbox", 1, damage},
	{"edge's disk full", 1, func(ctx context.Context, f *field) error { return f.fill(ctx, f.edge(), f.disks.edge) }},
	{"central's disk full", 1, func(ctx context.Context, f *field) error { return f.fill(ctx, f.central(), f.disks.central) }},
	{"edge's clock steps", 2, stepClock},
}

// For are the faults that o has what it takes for, none of them named in except.
func For(o Options, except ...string) []Fault {
	lacking := map[string]bool{}
	for _, name := range except {
		lacking[name] = true
	}
	for _, need := range []struct {
		has   bool
		names []string
	}{
		{o.Footage != "", []string{"kill worker", "stop worker"}},
		{o.External > 0, []string{"kill broker", "stop broker"}},
		{o.Link, []string{"link cut", "link delays and reorders", "link loses answers", "link slow", "link replays"}},
		{o.Disk, []string{"edge's disk full", "central's disk full"}},
		{o.Clock != "", []string{"edge's clock steps"}},
	} {
		for _, name := range need.names {
			lacking[name] = lacking[name] || !need.has
		}
	}
	var out []Fault
	for _, fault := range Faults {
		if !lacking[fault.Name] {
			out = append(out, fault)
		}
	}
	return out
}

// victim is a program that can be killed and started again.
type victim struct {
	name    string
	process func() *stage.Process
	restart func(context.Context) error
}

func (f *field) edge() victim {
	return victim{"edge", func() *stage.Process { return f.Edge }, f.StartEdge}
}

func (f *field) central() victim {
	return victim{"central", func() *stage.Process { return f.Central }, f.StartCentral}
}

// kill kills a program and starts it again after a random pause.
func (f *field) kill(ctx context.Context, v victim) error {
	v.process().Kill()
	f.result.Kills++
	f.log.Info("killed", "program", v.name, "pid", v.process().PID())
	if err := wait(ctx, f.between(0, 400*time.Millisecond)); err != nil {
		return err
	}
	if err := v.restart(ctx); err != nil {
		return fmt.Errorf("start the %s again: %w", v.name, err)
	}
	return nil
}

func killBoth(ctx context.Context, f *field) error {
	f.Edge.Kill()
	f.Central.Kill()
	f.result.Kills += 2
	f.log.Info("killed", "program", "edge and central")
	if f.rng.IntN(2) == 0 { // the edge comes up while central is away
		return errors.Join(f.StartEdge(ctx), f.StartCentral(ctx))
	}
	return errors.Join(f.StartCentral(ctx), f.StartEdge(ctx))
}

func killBroker(ctx context.Context, f *field) error {
	f.external.kill()
	f.result.Kills++
	if err := wait(ctx, f.between(0, 400*time.Millisecond)); err != nil {
		return err
	}
	return f.external.broker.Start()
}

// workerWithin is how long a decoder worker may take to be there: the edge starts one when there is something to decode.
const workerWithin = 2 * time.Minute

// worker is one of the edge's decoder workers.
func (f *field) worker(ctx context.Context) (*os.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, workerWithin)
	defer cancel()
	for {
		workers, err := f.Edge.Children()
		if err != nil {
			return nil, err
		}
		if len(workers) > 0 {
			return workers[f.rng.IntN(len(workers))], nil
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return nil, fmt.Errorf("the edge has no decoder worker: %w", err)
		}
	}
}

// killWorker kills a worker; the edge starts another by itself.
func killWorker(ctx context.Context, f *field) error {
	w, err := f.worker(ctx)
	if err != nil {
		return err
	}
	if err := w.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill a worker: %w", err)
	}
	f.result.Kills++
	f.log.Info("killed", "program", "worker", "pid", w.Pid)
	return nil
}

// stopped is how long a program is stopped at most: longer than a sensor waits for its acknowledgement before it connects anew.
const stopped = packetTime + time.Second

// pause stops a process, which keeps its connections and says nothing, and lets it go on.
func (f *field) pause(ctx context.Context, p pausable) error {
	if err := p.Pause(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	f.result.Stops++
	err := wait(ctx, f.between(100*time.Millisecond, stopped))
	return errors.Join(err, p.Resume())
}

type pausable interface {
	Pause() error
	Resume() error
}

func stopWorker(ctx context.Context, f *field) error {
	w, err := f.worker(ctx)
	if err != nil {
		return err
	}
	return f.pause(ctx, worker{w})
}

// weather makes the link bad for a while, and kills a program in the midst of it in half of the cases.
func weather(of func(*field) faultlink.Weather) func(context.Context, *field) error {
	return func(ctx context.Context, f *field) error {
		f.link.Set(of(f))
		defer f.link.Set(faultlink.Weather{})
		f.result.Weathers++
		if err := wait(ctx, f.between(500*time.Millisecond, 2*time.Second)); err != nil {
			return err
		}
		if f.rng.IntN(2) == 0 {
			return f.strike(ctx)
		}
		return wait(ctx, f.between(500*time.Millisecond, 2*time.Second))
	}
}

// strike kills the edge or central.
func (f *field) strike(ctx context.Context) error {
	victims := []victim{f.edge(), f.central()}
	return f.kill(ctx, victims[f.rng.IntN(len(victims))])
}

// Seed returns one to begin with where none is given.
func Seed() uint64 { return rand.Uint64() }

// eventually waits until done says yes.
func eventually(ctx context.Context, within time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		if !backoff.Wait(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%s did not happen within %v: %w", what, within, errors.Join(err, ctx.Err()))
		}
	}
}

// Once are the same faults, each once in a deck.
func Once(faults []Fault) []Fault {
	out := slices.Clone(faults)
	for i := range out {
		out[i].weight = 1
	}
	return out
}

// Only are those of the faults whose names match.
func Only(faults []Fault, pattern *regexp.Regexp) []Fault {
	return slices.DeleteFunc(slices.Clone(faults), func(f Fault) bool { return !pattern.MatchString(f.Name) })
}
