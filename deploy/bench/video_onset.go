package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gridgate/deploy/testkit/rtspload"
	"gridgate/protocols/alert"
	"gridgate/protocols/kit/backoff"
)

// onsetPart measures the time from an entry to the alert on stable storage.
type onsetPart struct {
	name     string
	gop      int     // pictures
	p50, p99 float64 // bars, s
}

var (
	onsetGOP2  = onsetPart{"video.onset_gop2", 2 * videoFPS, 1.2, 2.5}
	onsetGOP10 = onsetPart{"video.onset_gop10", 10 * videoFPS, 1.5, 3}
)

// onsetRates are the ways to spend bits: half of the cameras hold a quality, the other half a bit rate.
var onsetRates = []rate{{crf: 25}, {kbps: 512, steady: true}}

const (
	onsetCameras = 24
	// onsetWithin is how long after an entry its alert may come: the figure is gone by then. An entry without one counts as
	// having taken that long.
	onsetWithin = 8 * time.Second
	// onsetEarly is how long before half of the figure is in the picture an alert is that of its entry.
	onsetEarly = time.Second
)

func (p onsetPart) run(ctx context.Context, dir string) (_ []Result, err error) {
	var clips []clipSpec
	for _, r := range onsetRates {
		c, err := onsetClip(ctx, p.gop, r)
		if err != nil {
			return nil, err
		}
		clips = append(clips, c)
	}
	l, err := startLoad(ctx, dir, slices.Repeat(clips, onsetCameras/len(clips)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.process.Stop()) }()
	e, err := startEdge(ctx, dir, l, onsetCameras)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.process.Stop()) }()
	if !backoff.Wait(ctx, warmFor) {
		return nil, ctx.Err()
	}
	from := time.Now()
	if !backoff.Wait(ctx, onsetFrames*time.Second/videoFPS) {
		return nil, ctx.Err()
	}
	to := time.Now()
	if !backoff.Wait(ctx, onsetWithin+2*time.Second) {
		return nil, ctx.Err()
	}
	paths, err := l.paths(ctx)
	if err != nil {
		return nil, err
	}
	alarms, err := readAlarms(e.log)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.check(ctx), e.tell(ctx, p.name)); err != nil {
		return nil, err
	}
	found := match(paths, alarms, from, to)
	found.tell(p.name)
	return p.figures(found)
}

// onsets is how long each entry took, by the way its camera spends bits.
type onsets struct {
	took   [][]time.Duration // by index of [onsetRates]
	missed int
	again  int // further alarms of an entry that had one
	other  int // alarms that belong to no entry
}

// tell says on standard error how the times are spread, in tenths of the entries.
func (o onsets) tell(part string) {
	for i, took := range o.took {
		var tenths []string
		for percent := 0; percent <= 100; percent += 10 {
			tenths = append(tenths, fmt.Sprintf("%.2f", percentile(took, percent).Seconds()))
		}
		fmt.Fprintf(os.Stderr, "%s: %+v: %s s\n", part, onsetRates[i], strings.Join(tenths, " "))
	}
}

func (p onsetPart) figures(o onsets) ([]Result, error) {
	all := slices.Concat(o.took...)
	if len(all) < 100 {
		return nil, fmt.Errorf("only %d entries: too few for a 99th percentile", len(all))
	}
	seconds := func(took []time.Duration, percent int) float64 { return percentile(took, percent).Seconds() }
	return []Result{
		AtMost(p.name+"_p50", seconds(all, 50), "s", p.p50),
		AtMost(p.name+"_p99", seconds(all, 99), "s", p.p99),
		Note(p.name+"_p50_vbr", seconds(o.took[0], 50), "s"),
		Note(p.name+"_p50_cbr", seconds(o.took[1], 50), "s"),
		Note(p.name+"_missed", float64(o.missed), fmt.Sprintf("of %d", len(all))),
		Note(p.name+"_again", float64(o.again), "further alarms of one"),
		Note(p.name+"_other", float64(o.other), "alarms without an entry"),
	}, nil
}

// alarm is when a camera's motion alarm went on or off.
type alarm struct {
	at time.Time
	on bool
}

// readAlarms reads the edge's log: when each motion alert was on stable storage, by camera.
func readAlarms(log string) (map[string][]alarm, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return nil, err
	}
	alarms := map[string][]alarm{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var l struct {
			Time                     time.Time
			Msg, Kind, State, Source string
		}
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Msg != "alert committed" || l.Kind != string(alert.Motion) {
			continue
		}
		camera := l.Source[strings.LastIndexByte(l.Source, '/')+1:]
		alarms[camera] = append(alarms[camera], alarm{l.Time, l.State == string(alert.Raised)})
	}
	return alarms, lines.Err()
}

// match finds the alarm of each entry that was sent between from and to. An alarm that was already on is none.
func match(paths []rtspload.Report, alarms map[string][]alarm, from, to time.Time) onsets {
	o := onsets{took: make([][]time.Duration, len(onsetRates))}
	for i, p := range paths {
		on := slices.DeleteFunc(slices.Clone(alarms[p.Name]), func(a alarm) bool { return !a.on })
		for _, d := range p.Departures {
			k := slices.IndexFunc(on, func(a alarm) bool { return belongs(a, d) })
			took := onsetWithin
			if k >= 0 {
				took = max(0, on[k].at.Sub(d.At))
				on = slices.Delete(on, k, k+1)
			}
			if d.At.Before(from) || d.At.After(to) {
				continue
			}
			if k < 0 {
				o.missed++
			}
			o.took[i%len(onsetRates)] = append(o.took[i%len(onsetRates)], took)
		}
		for _, a := range on {
			switch {
			case a.at.Before(from) || a.at.After(to):
			case slices.ContainsFunc(p.Departures, func(d rtspload.Departure) bool { return belongs(a, d) }):
				o.again++
			default:
				o.other++
			}
		}
	}
	return o
}

// belongs says whether an alarm is that of an entry.
func belongs(a alarm, entry rtspload.Departure) bool {
	took := a.at.Sub(entry.At)
	return took > -onsetEarly && took < onsetWithin
}
