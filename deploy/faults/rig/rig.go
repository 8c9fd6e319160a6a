// Package rig drives a township of real processes through kills and keeps a ledger outside of it.
//
// In: where the programs are and how many kills. Out: a [Result]: what sensors were told is safe, beside what central holds.
// The ledger knows nothing of outboxes or stores: a sensor's acknowledgement is MQTT's PUBACK, a camera's is the edge's log line.
package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/township"
	"gridgate/protocols/kit/backoff"
)

// Options say what to do.
type Options struct {
	Dir, Bin string
	Rounds   int
	Devices  int    // sensors that press SOS, default 60
	Footage  string // Annex-B clip for a camera, optional
	Log      *slog.Logger
}

// Result is the comparison of the ledgers.
type Result struct {
	Rounds, Kills, Acknowledged, Lost, Doubled int
	Differences                                []string // at most ten, for the eye
}

// Good says that nothing was lost or doubled and that something was done at all.
func (r Result) Good() bool { return r.Lost == 0 && r.Doubled == 0 && r.Acknowledged > 0 }

func (r Result) String() string {
	return fmt.Sprintf("rounds=%d kills=%d acknowledged=%d lost=%d doubled=%d", r.Rounds, r.Kills, r.Acknowledged, r.Lost, r.Doubled)
}

const (
	settleWithin = 60 * time.Second // bounds the wait for the last alerts to arrive once everything runs again
	doubleWithin = 2 * time.Second  // by then a batch that was sent twice has arrived twice
)

// Load is a township whose sensors are being pressed and whose camera plays.
type Load struct {
	*township.Township
	press      *pressing
	stopCamera func()
}

// Start starts a township and its load.
func Start(ctx context.Context, o Options) (*Load, error) {
	if o.Devices == 0 {
		o.Devices = 60
	}
	town, err := township.Open(township.Options{Dir: o.Dir, Bin: o.Bin, Sensors: sosSensors(o.Devices), AnyPorts: true})
	if err != nil {
		return nil, err
	}
	stopCamera, err := addCamera(ctx, town, o.Footage)
	if err != nil {
		return nil, err
	}
	if err := town.Configure(ctx); err != nil {
		stopCamera()
		return nil, err
	}
	if err := town.Start(ctx); err != nil {
		stopCamera()
		return nil, errors.Join(err, town.Stop())
	}
	return &Load{Township: town, press: startPressing(ctx, town, o.Devices), stopCamera: stopCamera}, nil
}

// Close ends the load and the programs.
func (l *Load) Close() error {
	_, pressErr := l.press.stop()
	l.stopCamera()
	return errors.Join(pressErr, l.Stop())
}

// Run lets sensors press their buttons while one program after the other is killed with SIGKILL and started again, and
// compares the ledgers.
func Run(ctx context.Context, o Options) (Result, error) {
	load, err := Start(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer load.Close()
	result := Result{Rounds: o.Rounds}
	for range o.Rounds {
		if err = killOne(ctx, load.Township, o.Log); err != nil {
			break
		}
		result.Kills++
	}
	acknowledged, pressErr := load.press.stop()
	if err := errors.Join(err, pressErr); err != nil {
		return result, err
	}
	return compare(ctx, load.Township, acknowledged, result)
}

// killOne waits for a random moment, kills one of the two programs and starts it again after a random pause.
func killOne(ctx context.Context, town *township.Township, log *slog.Logger) error {
	if !backoff.Wait(ctx, 100*time.Millisecond+rand.N(1200*time.Millisecond)) {
		return ctx.Err()
	}
	victim, name, restart := town.Edge, "edge", town.StartEdge
	if rand.N(2) == 0 {
		victim, name, restart = town.Central, "central", town.StartCentral
	}
	victim.Kill()
	log.Info("killed", "program", name, "pid", victim.PID())
	backoff.Wait(ctx, rand.N(400*time.Millisecond))
	return restart(ctx)
}

// compare waits until central holds what was acknowledged, then looks at everything once more for what is there too often.
func compare(ctx context.Context, town *township.Township, acknowledged map[string]int, result Result) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	central := client.Client{Base: town.CentralURL(), Token: town.Token()}
	logged, err := loggedAlerts(town.LogOf("gridgate-edge"))
	if err != nil {
		return result, err
	}
	for settled := false; ; {
		alerts, err := central.Alerts(ctx, url.Values{})
		if err != nil {
			return result, fmt.Errorf("read central's alerts: %w", err)
		}
		balance(&result, acknowledged, logged, alerts)
		if result.Lost == 0 && settled {
			return result, nil
		}
		settled = result.Lost == 0
		if !backoff.Wait(ctx, doubleWithin) {
			return result, nil
		}
	}
}

// balance fills the result from the two ledgers: presses by device, and alerts that the edge said it had committed.
func balance(result *Result, pressed map[string]int, logged map[string]bool, alerts []client.Alert) {
	result.Acknowledged, result.Lost, result.Doubled, result.Differences = 0, 0, 0, nil
	differ := func(format string, args ...any) {
		if len(result.Differences) < 10 {
			result.Differences = append(result.Differences, fmt.Sprintf(format, args...))
		}
	}
	stored, ids := map[string]int{}, map[string]int{}
	for _, a := range alerts {
		ids[a.ID]++
		if a.Kind == "sos" {
			stored[a.Device]++
		}
	}
	for device, n := range pressed {
		result.Acknowledged += n
		result.Lost += max(0, n-stored[device])
		result.Doubled += max(0, stored[device]-n)
		if n != stored[device] {
			differ("%s: acknowledged %d, stored %d", device, n, stored[device])
		}
	}
	for id := range logged {
		if ids[id] == 0 {
			result.Lost++
			differ("alert %s was committed by the edge and is not at central", id)
		}
	}
	for id, n := range ids {
		if n > 1 {
			result.Doubled += n - 1
			differ("alert %s is listed %d times", id, n)
		}
	}
}
