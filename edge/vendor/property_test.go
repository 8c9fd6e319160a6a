package vendor_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gridgate/edge/vendor"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/observation"
	protocol "gridgate/protocols/vendor"
)

// device is a recorder with regions in which something goes on or not, whoever listens. It tells all that holds at the start of a
// connection, and then what changes; one that ends nothing repeats what holds once a second.
type device struct {
	repeats bool

	mu    sync.Mutex
	holds map[string]bool
	moved chan struct{} // closed when something changes
	drop  context.CancelFunc
}

func (d *device) Run(ctx context.Context, emit protocol.Emit) error {
	line, drop := context.WithCancel(ctx)
	defer drop()
	told := map[string]bool{}
	for {
		d.mu.Lock()
		d.drop = drop
		now, moved := maps.Clone(d.holds), d.moved
		d.mu.Unlock()
		d.tell(emit, told, now)
		told = now
		select {
		case <-line.Done():
			return protocol.ErrUnreachable
		case <-moved:
		case <-time.After(time.Second):
		}
	}
}

func (d *device) tell(emit protocol.Emit, before, now map[string]bool) {
	tr := observation.Translation{Quiet: true}
	say := func(region string, phase observation.Phase) {
		o := observation.Observation{Device: "1", Kind: alert.Intrusion, Zone: region, Phase: phase}
		if d.repeats && phase == observation.Active {
			o.Expires = 5 * time.Second
		}
		tr.Observations = append(tr.Observations, o)
	}
	for _, region := range slices.Sorted(maps.Keys(now)) {
		if d.repeats || !before[region] {
			say(region, observation.Active)
		}
	}
	for _, region := range slices.Sorted(maps.Keys(before)) {
		if !d.repeats && !now[region] {
			say(region, observation.Inactive)
		}
	}
	emit(tr)
}

func (d *device) set(region string, holds bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holds = maps.Clone(d.holds)
	if delete(d.holds, region); holds {
		d.holds[region] = true
	}
	close(d.moved)
	d.moved = make(chan struct{})
}

// book is a camera on stable storage: it outlives the process that tells it.
type book struct {
	mu      sync.Mutex
	fails   int
	open    map[string]bool
	since   map[string]bool // of them, told to this process
	trouble []string
}

func (b *book) Tell(_ context.Context, told []observation.Observation, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails > 0 {
		b.fails--
		return errors.New("disk full")
	}
	for _, o := range told {
		switch active := o.Phase == observation.Active; {
		case active && b.since[o.Zone]:
			b.trouble = append(b.trouble, "told twice: "+o.Zone)
		case active:
			b.open[o.Zone], b.since[o.Zone] = true, true
		default:
			delete(b.open, o.Zone)
			delete(b.since, o.Zone)
		}
	}
	return nil
}

func (b *book) Settle(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.open, func(region string, _ bool) bool { return !b.since[region] })
	return nil
}

func (b *book) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// step is one thing that happens: seconds, then a change.
type step struct {
	seconds int
	what    string
	region  string
}

// TestWhatIsOpenIsWhatHolds: whatever begins, ends, is lost, cannot be stored or is restarted, in the end a camera holds what its
// device does, and no process is told of a state twice.
func TestWhatIsOpenIsWhatHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		repeats := rapid.Bool().Draw(r, "repeats")
		var steps []step
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			steps = append(steps, step{
				seconds: rapid.SampledFrom([]int{0, 1, 4, 20, 90, 200}).Draw(r, "seconds"),
				what:    rapid.SampledFrom([]string{"begin", "begin", "end", "drop", "full", "restart"}).Draw(r, "what"),
				region:  rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "region"),
			})
		}
		var trouble []string
		synctest.Test(t, func(t *testing.T) { trouble = played(t, repeats, steps) })
		if len(trouble) > 0 {
			r.Fatalf("%v", trouble)
		}
	})
}

func played(t *testing.T, repeats bool, steps []step) []string {
	d := &device{repeats: repeats, holds: map[string]bool{}, moved: make(chan struct{}), drop: func() {}}
	b := &book{open: map[string]bool{}, since: map[string]bool{}}
	stop := process(t, d, b)
	for _, s := range steps {
		backoff.Wait(t.Context(), time.Duration(s.seconds)*time.Second)
		switch s.what {
		case "begin", "end":
			d.set(s.region, s.what == "begin")
		case "drop":
			d.mu.Lock()
			d.drop()
			d.mu.Unlock()
		case "full":
			b.set(func() { b.fails = s.seconds / 4 })
		case "restart":
			stop()
			b.set(func() { b.since = map[string]bool{} })
			stop = process(t, d, b)
		}
	}
	backoff.Wait(t.Context(), 8*time.Minute) // the longest wait, as long as nothing can be stored, and the time to settle
	stop()
	if !maps.Equal(b.open, d.holds) {
		b.trouble = append(b.trouble, fmt.Sprintf("the camera holds %v, its device %v", b.open, d.holds))
	}
	return b.trouble
}

// process runs a line until stop is called.
func process(t *testing.T, d *device, b *book) (stop func()) {
	l, err := vendor.New(vendor.Options{Name: "gate", Stream: d, Targets: []vendor.Target{{Teller: b, Channel: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}
