// Package rig drives a township of real processes through faults and keeps a ledger outside of it.
//
// In: where the programs are, which faults, how many, and a seed. Out: a [Result]: what sensors were told is safe, beside what central
// holds. The ledger knows nothing of outboxes or stores: a sensor's acknowledgement is MQTT's PUBACK, read from the wire between the edge
// and its broker where that is an external one; a camera's is the edge's log line; what central holds is what its API lists.
//
// It assumes of the machine what the promise assumes: what was synced stays. A disk that lies about that is not tried.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"gridgate/deploy/testkit/faultlink"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
	"gridgate/protocols/kit/backoff"
)

// Options say what to do.
type Options struct {
	Dir, Bin string
	Rounds   int
	Faults   []Fault // to choose from, each round one
	Seed     uint64  // chooses the faults, how long they last and what they hit; when they hit is the machine's

	Devices  int    // sensors on the embedded broker that press SOS, default 60
	External int    // sensors on a Mosquitto that press SOS; 0: there is none
	Link     bool   // between edge and central is a link that can be made bad
	Disk     bool   // the data folders are on file systems that can be filled, see [Fault]
	Footage  string // Annex-B clip for a camera, optional
	Clock    string // file that the clock of the edge follows, see [BuildSteppedEdge]; empty: it is the machine's
	Log      *slog.Logger
}

// Load is a township whose sensors are being pressed and whose camera plays.
type Load struct {
	*township.Township
	o        Options
	press    *pressing
	external *external       // nil without
	link     *faultlink.Link // nil without
	disks    *disks          // nil without
	closers  []func() error
}

// Start starts a township and its load.
func Start(ctx context.Context, o Options) (_ *Load, err error) {
	if o.Devices == 0 {
		o.Devices = 60
	}
	l := &Load{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := l.open(ctx); err != nil {
		return l, err
	}
	if err := l.Configure(ctx); err != nil {
		return l, err
	}
	l.closers = append(l.closers, l.Stop)
	if err := l.Start(ctx); err != nil {
		return l, err
	}
	l.press = startPressing(ctx, l.Township, l.o, l.external)
	return l, nil
}

// open prepares what stands around the two programs, then them.
func (l *Load) open(ctx context.Context) (err error) {
	t := township.Options{Dir: l.o.Dir, Bin: l.o.Bin, Sensors: sosSensors(l.o.Devices, l.o.External), AnyPorts: true, Embedded: true}
	if l.o.External > 0 {
		if l.external, err = startExternal(l.o.Dir); err != nil {
			return err
		}
		l.closers = append(l.closers, l.external.close)
		t.Brokers = []string{"tcp://" + l.external.tap.addr()}
	}
	if l.o.Link {
		if l.link, err = faultlink.Listen(); err != nil {
			return err
		}
		l.closers = append(l.closers, l.link.Close)
		t.Through = l.link.URL()
	}
	if l.o.Clock != "" {
		t.Env = []string{ClockFile + "=" + l.o.Clock}
	}
	if l.Township, err = township.Open(t); err != nil {
		return err
	}
	if l.link != nil {
		l.link.Aim(l.CentralURL())
	}
	if l.o.Disk {
		if l.disks, err = openDisks(l.Township); err != nil {
			return err
		}
		l.closers = append(l.closers, l.disks.close)
	}
	stopCamera, err := addCamera(ctx, l.Township, l.o.Footage)
	if err != nil {
		return err
	}
	l.closers = append(l.closers, func() error { stopCamera(); return nil })
	return nil
}

// Close ends the load and the programs.
func (l *Load) Close() error {
	var errs []error
	if l.press != nil {
		errs = append(errs, l.press.stop())
	}
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i]())
	}
	l.closers = nil
	return errors.Join(errs...)
}

// field is a load under attack.
type field struct {
	*Load
	rng    *rand.Rand
	log    *slog.Logger
	result *Result

	forgiven map[string]bool // ids of alerts that were in a file which the rig destroyed
}

// Run lets sensors press their buttons while one fault after the other is done to the programs and what is around them, then compares
// the ledgers.
func Run(ctx context.Context, o Options) (Result, error) {
	result := Result{Seed: o.Seed}
	load, err := Start(ctx, o)
	if err != nil {
		return result, err
	}
	f := &field{Load: load, rng: rand.New(rand.NewPCG(o.Seed, 0)), log: o.Log, result: &result, forgiven: map[string]bool{}}
	err = f.rounds(ctx)
	err = errors.Join(err, f.calm(), load.press.stop())
	if err == nil {
		err = f.compare(ctx)
	}
	return result, errors.Join(err, load.Close())
}

// rounds does every fault of a deck once, in an order by the seed, then of a new one.
func (f *field) rounds(ctx context.Context) error {
	var deck []Fault
	for f.result.Rounds < f.o.Rounds {
		if len(deck) == 0 {
			deck = f.deck()
		}
		fault := deck[0]
		deck = deck[1:]
		if !backoff.Wait(ctx, f.between(50*time.Millisecond, 900*time.Millisecond)) {
			return ctx.Err()
		}
		f.log.Info("fault", "round", f.result.Rounds, "fault", fault.Name)
		if err := fault.do(ctx, f); err != nil {
			return fmt.Errorf("round %d, %s: %w", f.result.Rounds, fault.Name, err)
		}
		if err := f.alive(); err != nil {
			return fmt.Errorf("round %d, %s: %w", f.result.Rounds, fault.Name, err)
		}
		f.result.Rounds++
	}
	return nil
}

// alive says whether both programs run: nothing but a kill may end them.
func (f *field) alive() error {
	for name, p := range map[string]*stage.Process{"edge": f.Edge, "central": f.Central} {
		select {
		case <-p.Done():
			return fmt.Errorf("the %s ended by itself: %w", name, errors.Join(p.Err(), errEnded))
		default:
		}
	}
	return nil
}

var errEnded = errors.New("see its log")

// deck holds each fault as often as it weighs, shuffled.
func (f *field) deck() []Fault {
	var deck []Fault
	for _, fault := range f.o.Faults {
		for range fault.weight {
			deck = append(deck, fault)
		}
	}
	f.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

// calm makes everything around the programs good again.
func (f *field) calm() error {
	if f.link != nil {
		f.link.Set(faultlink.Weather{})
	}
	if f.o.Clock != "" {
		return setClock(f.o.Clock, 0)
	}
	return nil
}

func (f *field) between(min, max time.Duration) time.Duration {
	return min + time.Duration(f.rng.Int64N(int64(max-min)))
}

// wait is [backoff.Wait] that says why it ended early.
func wait(ctx context.Context, d time.Duration) error {
	if !backoff.Wait(ctx, d) {
		return ctx.Err()
	}
	return nil
}
