// Package fleet simulates thousands of edges by the real protocol, from one process.
//
// In: where central is, which certificate it shows, and the names and credentials of the edges. Out: what became of their syncs and
// alerts, and how long each took. An edge here is the client and the sync loop of edge/forward, over connections of its own; what it
// tells is made up, and it has neither cameras nor an outbox. It decides nothing about figures.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"gridgate/edge/forward"
	"gridgate/protocols/kit/backoff"
	"gridgate/protocols/kit/tlspin"
)

// Options say what to simulate. URL, Edges, Name and Token are demanded.
type Options struct {
	URL   string // of central
	Trust tlspin.Trust
	Edges int
	Name  func(i int) string
	Token func(i int) string

	Every time.Duration // between two syncs of an edge, and the time over which their first ones are spread; default 1 min

	Cameras, Sensors int // of each edge; default 4 and 8

	Senders    int           // so many of the edges send alerts
	AlertEvery time.Duration // between two alerts of one of those, the first at a moment of its own; default 2 s

	ReadingsEvery time.Duration // between two batches of readings of an edge; 0: none
	Readings      int           // of a batch, of the sensors in turns
}

// Fleet is some edges that run.
type Fleet struct {
	o     Options
	begin time.Time

	mu    sync.Mutex
	tally Tally
}

// Tally is what happened in some time.
type Tally struct {
	Syncs, Alerts, Readings []time.Duration // how long each took that central answered for, from the request on
	Failures                map[string]int  // by reason
	Edges                   map[int]int     // syncs of an edge that central answered for
}

// Failed is how often something was not answered for.
func (t Tally) Failed() (n int) {
	for _, times := range t.Failures {
		n += times
	}
	return n
}

// New checks the options.
func New(o Options) (*Fleet, error) {
	if o.URL == "" || o.Edges < 1 || o.Name == nil || o.Token == nil {
		return nil, errors.New("fleet: URL, Edges, Name and Token are demanded")
	}
	o.Every = cmp.Or(o.Every, time.Minute)
	o.AlertEvery = cmp.Or(o.AlertEvery, 2*time.Second)
	o.Cameras, o.Sensors = cmp.Or(o.Cameras, 4), cmp.Or(o.Sensors, 8)
	return &Fleet{o: o, tally: newTally()}, nil
}

func newTally() Tally { return Tally{Failures: map[string]int{}, Edges: map[int]int{}} }

// Take returns what happened since it was asked last.
func (f *Fleet) Take() Tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tally
	f.tally = newTally()
	return t
}

// Run lets the edges run until ctx ends. It returns once all of them ended and closed their connections.
func (f *Fleet) Run(ctx context.Context) error {
	f.begin = time.Now()
	edges := make([]*edge, f.o.Edges)
	for i := range edges {
		var err error
		if edges[i], err = f.newEdge(i); err != nil {
			return fmt.Errorf("prepare edge %d: %w", i, err)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, e := range edges {
		wg.Go(func() {
			defer e.client.Close()
			if backoff.Wait(ctx, offset(i, f.o.Edges, f.o.Every)) {
				e.run(ctx)
			}
		})
	}
	return nil
}

// offset is when the i-th of n edges begins, so that all syncs are spread evenly over the time between two of one edge.
func offset(i, n int, every time.Duration) time.Duration {
	return time.Duration(float64(every) * float64(i) / float64(n))
}

// synced notes the end of a sync of the i-th edge.
func (f *Fleet) synced(i int, took time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.tally.Failures["sync: "+reason(err)]++
		return
	}
	f.tally.Syncs = append(f.tally.Syncs, took)
	f.tally.Edges[i]++
}

// sent notes the end of the delivery of an alert.
func (f *Fleet) sent(took time.Duration, err error) { f.note(&f.tally.Alerts, "alert: ", took, err) }

// read notes the end of the delivery of readings.
func (f *Fleet) read(took time.Duration, err error) {
	f.note(&f.tally.Readings, "readings: ", took, err)
}

func (f *Fleet) note(times *[]time.Duration, what string, took time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.tally.Failures[what+reason(err)]++
		return
	}
	*times = append(*times, took)
}

// reason is what failures are counted by: few different texts, without addresses.
func reason(err error) string {
	var status *forward.StatusError
	var number syscall.Errno
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, errNotTaken):
		return errNotTaken.Error()
	}
	return "the connection failed"
}

// Files lets this process, and those that it starts, have n open files.
func Files(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	limit = syscall.Rlimit{Cur: max(n, limit.Cur), Max: max(n, limit.Max)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("allow %d open files (as root, or after: ulimit -n %d): %w", n, n, err)
	}
	return nil
}
