package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/township"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
)

// WeekOptions say how long a week is.
type WeekOptions struct {
	Dir, Bin string
	Alerts   int // that the edge could not deliver
	Log      *slog.Logger
}

// WeekResult is what became of a week.
type WeekResult struct {
	Acknowledged, Lost, Doubled int

	Preloaded time.Duration // it took to write the week
	Help      time.Duration // from a button's press, once central was there, until central listed it; and the one pressed before
	Before    int64         // alerts of the week that still waited then
	Drained   time.Duration // from central's start until the outbox was empty
	Gaps      int64
}

// Good says that nothing was lost, doubled or believed missing, and that the call for help did not wait for the week.
func (r WeekResult) Good() bool {
	return r.Lost == 0 && r.Doubled == 0 && r.Gaps == 0 && r.Acknowledged > 0 && r.Help < helpWithin
}

func (r WeekResult) String() string {
	return fmt.Sprintf("week: acknowledged=%d lost=%d doubled=%d gaps=%d help_after=%v with=%d_waiting drained_in=%v rate=%.0f/s",
		r.Acknowledged, r.Lost, r.Doubled, r.Gaps, r.Help.Round(time.Millisecond), r.Before, r.Drained.Round(time.Second), float64(r.Acknowledged)/r.Drained.Seconds())
}

const (
	weekKeys    = 10_000
	weekGroup   = 1000 // alerts of one commit
	weekDrained = 20 * time.Minute
	weekHelp    = time.Minute // is waited
	helpWithin  = 10 * time.Second
	weekCalls   = 2 // for help
)

// Week fills an edge's outbox as a week without central would, starts both, presses a button, and sees what arrives when.
func Week(ctx context.Context, o WeekOptions) (r WeekResult, err error) {
	town, err := township.Open(township.Options{Dir: o.Dir, Bin: o.Bin, Sensors: sosSensors(1, 0), AnyPorts: true})
	if err != nil {
		return r, err
	}
	if err := town.Configure(ctx); err != nil {
		return r, err
	}
	begun := time.Now()
	ids, err := preload(ctx, town.Path("edge"), o.Alerts)
	if err != nil {
		return r, fmt.Errorf("write a week: %w", err)
	}
	r.Preloaded = time.Since(begun)
	o.Log.Info("a week is written", "alerts", len(ids), "took", r.Preloaded.String())
	defer func() { err = errors.Join(err, town.Stop()) }()
	if err := town.StartEdge(ctx); err != nil {
		return r, err
	}
	w := &week{Township: town, api: client.Client{Base: town.CentralURL(), Token: town.Token()}, r: &r}
	if err := w.run(ctx, ids); err != nil {
		return r, err
	}
	return r, nil
}

type week struct {
	*township.Township
	api client.Client
	r   *WeekResult
}

func (w *week) run(ctx context.Context, ids map[string]int) error {
	b := &button{addr: w.MQTTAddr(), device: device(0), user: township.SensorUser, password: w.Secret(township.SensorPassword)}
	defer b.close()
	if err := b.press(ctx, payload(0)); err != nil { // while nobody listens
		return err
	}
	begun := time.Now()
	if err := w.StartCentral(ctx); err != nil {
		return err
	}
	if !backoff.Wait(ctx, pause()) { // sooner it were the bounce of the first
		return ctx.Err()
	}
	pressed := time.Now()
	if err := b.press(ctx, payload(1)); err != nil { // in the midst of it
		return err
	}
	err := eventually(ctx, weekHelp, "the calls for help arrived", func() (bool, error) {
		alerts, err := w.api.Alerts(ctx, url.Values{"kind": {"sos"}})
		return len(alerts) >= weekCalls, err
	})
	if err != nil {
		return err
	}
	w.r.Help = time.Since(pressed)
	if w.r.Before, err = waiting(ctx, w.Township); err != nil {
		return err
	}
	err = eventually(ctx, weekDrained, "the week was delivered", func() (bool, error) {
		n, err := waiting(ctx, w.Township)
		return err == nil && n == 0, err
	})
	if err != nil {
		return err
	}
	w.r.Drained = time.Since(begun)
	return w.compare(ctx, ids)
}

func (w *week) compare(ctx context.Context, ids map[string]int) error {
	alerts, err := w.api.Alerts(ctx, url.Values{})
	if err != nil {
		return fmt.Errorf("read central's alerts: %w", err)
	}
	help := 0
	for _, a := range alerts {
		if a.Kind == string(alert.SOS) {
			help++
		} else {
			ids[a.ID]++
		}
	}
	w.r.Acknowledged = len(ids) + weekCalls
	w.r.Lost, w.r.Doubled = max(0, weekCalls-help), max(0, help-weekCalls)
	for _, n := range ids { // 0: it did not come; an id that was never made counts as one too many
		w.r.Lost += max(0, 1-n)
		w.r.Doubled += max(0, n-1)
	}
	w.r.Gaps, err = gaps(ctx, w.api, func(string, ...any) {})
	return err
}

// preload writes n alerts that were raised in the last week and returns their ids.
func preload(ctx context.Context, dir string, n int) (map[string]int, error) {
	box, err := outbox.Open(ctx, outbox.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer box.Close()
	ids := make(map[string]int, n)
	start := time.Now().Add(-7 * 24 * time.Hour)
	for done := 0; done < n; {
		var c raise.Commit
		for len(c.Alerts) < weekGroup && done < n {
			at := start.Add(7 * 24 * time.Hour / time.Duration(n) * time.Duration(done))
			c.Alerts = append(c.Alerts, bygone(done, at))
			ids[c.Alerts[len(c.Alerts)-1].ID] = 0
			done++
		}
		if _, err := box.Commit(ctx, c); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// bygone is a vibration that some sensor felt.
func bygone(n int, at time.Time) alert.Alert {
	name := fmt.Sprintf("old-%05d", n%weekKeys)
	return alert.Alert{
		ID: alert.NewID(), Source: alert.SensorSource(township.EdgeName, name), Kind: alert.Vibration, State: alert.Momentary,
		Key: alert.KeyOf(township.EdgeName, name, "", alert.Vibration), Severity: alert.Minor, Grid: grid,
		OccurredAt: at.UTC(), Clock: alert.EdgeClock, RaisedAt: at.UTC(), Origin: "rig",
	}
}
