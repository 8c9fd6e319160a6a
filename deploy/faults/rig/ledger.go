package rig

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/protocols/kit/backoff"
)

// Result is the comparison of the ledgers.
type Result struct {
	Rounds, Kills, Acknowledged, Lost, Doubled int

	Stops    int   // SIGSTOP and SIGCONT
	Weathers int   // times that the link was bad
	Disks    int   // times that a disk was full
	Cuts     int   // power cuts
	Damages  int   // outboxes damaged
	Steps    int   // of the edge's clock
	Gaps     int64 // alerts that central says are missing
	Stored   int   // alerts that central lists
	Seed     uint64

	Differences []string // at most ten, for the eye
}

// Good says that nothing was lost or doubled, that central misses nothing, and that something was done at all.
func (r Result) Good() bool {
	return r.Lost == 0 && r.Doubled == 0 && r.Gaps == 0 && r.Acknowledged > 0
}

func (r Result) String() string {
	return fmt.Sprintf("rounds=%d kills=%d acknowledged=%d lost=%d doubled=%d stops=%d links=%d disks=%d power_cuts=%d damaged=%d clock_steps=%d gaps=%d stored=%d seed=%d",
		r.Rounds, r.Kills, r.Acknowledged, r.Lost, r.Doubled, r.Stops, r.Weathers, r.Disks, r.Cuts, r.Damages, r.Steps, r.Gaps, r.Stored, r.Seed)
}

func (r *Result) differ(format string, args ...any) {
	if len(r.Differences) < 10 {
		r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
	}
}

const (
	settleWithin = 3 * time.Minute // bounds the wait for the last alerts to arrive once everything runs again
	doubleWithin = 2 * time.Second // by then a batch that was sent twice has arrived twice
)

func (l *Load) api() client.Client { return client.Client{Base: l.CentralURL(), Token: l.Token()} }

// compare waits until central holds what was acknowledged, then looks at everything once more for what is there too often.
func (f *field) compare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	logged, err := loggedAlerts(f.LogOf("gridgate-edge"))
	if err != nil {
		return err
	}
	for settled := false; ; {
		alerts, err := f.api().Alerts(ctx, url.Values{})
		if ctx.Err() != nil && f.result.Acknowledged > 0 {
			return nil // the last whole look is the result
		}
		if err != nil {
			return fmt.Errorf("read central's alerts: %w", err)
		}
		f.balance(logged, alerts)
		if f.result.Lost == 0 && settled {
			missing, err := gaps(ctx, f.api(), f.result.differ)
			if err != nil && (f.result.Gaps == 0 || ctx.Err() == nil) {
				return err
			}
			if err == nil {
				f.result.Gaps = missing
			}
			if f.result.Gaps == 0 {
				return nil
			} // what central tells of its edges may be of a moment ago
		}
		settled = f.result.Lost == 0
		if !backoff.Wait(ctx, doubleWithin) {
			return nil
		}
	}
}

// balance fills the result from the ledgers: presses by device, and alerts that the edge said it had committed.
func (f *field) balance(logged map[string]bool, alerts []client.Alert) {
	r := f.result
	r.Acknowledged, r.Lost, r.Doubled, r.Stored, r.Differences = 0, 0, 0, len(alerts), nil
	stored, ids := map[string]int{}, map[string]int{}
	for _, a := range alerts {
		ids[a.ID]++
		if a.Kind == "sos" {
			stored[a.Device]++
		}
	}
	for device, n := range f.press.acknowledged {
		r.weigh(device, stored[device], n, n)
	}
	for device, n := range f.press.sent {
		r.weigh(device, stored[device], f.external.tap.least(device), n)
	}
	for id := range logged {
		if ids[id] == 0 && !f.forgiven[id] {
			r.Lost++
			r.differ("alert %s was committed by the edge and is not at central", id)
		}
	}
	for id, n := range ids {
		if n > 1 {
			r.Doubled += n - 1
			r.differ("alert %s is listed %d times", id, n)
		}
	}
}

// weigh compares what is stored of a device with the least and the most that may be.
func (r *Result) weigh(device string, stored, least, most int) {
	r.Acknowledged += least
	r.Lost += max(0, least-stored)
	r.Doubled += max(0, stored-most)
	if stored < least || stored > most {
		r.differ("%s: stored %d, acknowledged %d, sent at most %d", device, stored, least, most)
	}
}
