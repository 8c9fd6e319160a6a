package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gridgate/deploy/testkit/scenes"
	"gridgate/deploy/testkit/stage"
)

// The bars of detection.
const (
	detectRecall = 90.0 // percent of the onsets
	detectFewer  = 5.0  // so many times fewer wrong events than each peer has
)

// detection plays labelled scenes to Motion and to the edge, live, and runs a detector like Frigate's over them. It takes about four
// minutes; a first run makes the scenes before, in two more. With BENCH_REPLAY ("live", or pictures a second such as "1 4") set, the edge's replay is told
// scene by scene instead, without figures.
func detection(ctx context.Context, dir string) ([]Result, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	all, err := scenes.All(ctx, filepath.Join(cache, "gridgate", "footage"))
	if err != nil {
		return nil, err
	}
	average, err := averageOffline(ctx, all)
	if err != nil {
		return nil, err
	}
	if os.Getenv("BENCH_REPLAY") != "" {
		return nil, tellReplays(ctx, all, average)
	}
	motion, err := motionLive(ctx, dir, all)
	if err != nil {
		return nil, err
	}
	ours, err := edgeLive(ctx, dir, all)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(os.Stderr, detectTable(all, ours, motion, average))
	return detectResults(ours.sum(), motion.sum(), average.sum()), nil
}

// contestant is one detector with its verdict on each scene.
type contestant struct {
	name     string
	hold     time.Duration
	verdicts []verdict
	others   []map[string]int // alerts of other kinds
}

// with is c with the verdicts on its alarms, one list for each scene.
func (c contestant) with(all []scenes.Scene, alarms [][]lit) contestant {
	for i := range alarms {
		c.verdicts = append(c.verdicts, score(all[i].Events, alarms[i], c.hold))
	}
	return c
}

func (c contestant) sum() (all verdict) {
	for _, v := range c.verdicts {
		all = all.and(v)
	}
	return all
}

// starter starts a detector on the cameras and names the file in which it tells its alarms.
type starter func(dir string, s *screening) (p *stage.Process, told string, err error)

// screen plays all scenes once to a detector and returns the alarms of each, by media time. read reads the file that it wrote.
func screen(ctx context.Context, dir string, all []scenes.Scene, start starter, read func(told string, n int) ([][]change, error)) (_ [][]lit, err error) {
	s, err := openScreening(ctx, all)
	if err != nil {
		return nil, err
	}
	defer s.close()
	p, told, err := start(dir, s)
	if err != nil {
		return nil, err
	}
	playErr := s.play(ctx)
	p.Kill() // how it ends does not matter
	if err := errors.Join(playErr, s.interrupted()); err != nil {
		return nil, err
	}
	changes, err := read(told, len(all))
	if err != nil {
		return nil, err
	}
	alarms := make([][]lit, len(all))
	for i, b := range s.booths {
		alarms[i] = s.media(b, changes[i])
	}
	return alarms, nil
}

// edgeLive is the real edge over RTSP.
func edgeLive(ctx context.Context, dir string, all []scenes.Scene) (contestant, error) {
	c := contestant{name: "Gridgate"}
	alarms, err := screen(ctx, dir, all, startDetectEdge, func(log string, n int) (motion [][]change, err error) {
		motion, c.others, err = readEdgeAlarms(log, n)
		return motion, err
	})
	return c.with(all, alarms), err
}

// motionLive is Motion over RTSP.
func motionLive(ctx context.Context, dir string, all []scenes.Scene) (contestant, error) {
	alarms, err := screen(ctx, dir, all, startDetectMotion, readMotionAlarms)
	return contestant{name: "Motion", hold: detectMotionHold}.with(all, alarms), err
}

// averageOffline is the detector like Frigate's over the files.
func averageOffline(ctx context.Context, all []scenes.Scene) (contestant, error) {
	c := contestant{name: "like Frigate", hold: averageHold}
	for _, s := range all {
		alarms, err := averageAlarms(ctx, s)
		if err != nil {
			return c, fmt.Errorf("detector like Frigate's: %w", err)
		}
		c.verdicts = append(c.verdicts, score(s.Events, alarms, c.hold))
	}
	return c, nil
}

// interrupted fails where a viewer lost its stream in the middle: its times are wrong then.
func (s *screening) interrupted() (err error) {
	for _, b := range s.booths {
		if b.broken {
			err = errors.Join(err, fmt.Errorf("the viewer of %s lost the stream: this machine is too busy", b.camera.URL()))
		}
	}
	return err
}

// detectResults are the rows of the group. A ratio to 0 wrong events is that to half an event, so that it can be printed; where a peer
// has fewer than five, only 0 holds.
func detectResults(ours, motion, average verdict) []Result {
	recall := func(v verdict) float64 { return 100 * float64(v.found()) / float64(v.Events) }
	wrong := func(name string, peer verdict, of string) Result {
		r := Cost(name, max(0.5, float64(ours.wrong())), "events", of, float64(peer.wrong()), detectFewer)
		r.Value = float64(ours.wrong())
		r.Holds = float64(ours.wrong())*detectFewer <= float64(peer.wrong())
		return r
	}
	return []Result{
		Rate("video.recall", recall(ours), "%", "the bar", detectRecall, 1),
		Note("video.recall_motion", recall(motion), "%"),
		Note("video.recall_frigate", recall(average), "%"),
		Note("video.recall_delay_p50", percentile(ours.Delays, 50).Seconds(), "s"),
		Note("video.recall_onsets", float64(ours.Events), "onsets"),
		wrong("video.false", motion, "Motion"),
		wrong("video.false_frigate", average, "like Frigate"),
		Note("video.false_ghosts", float64(len(ours.Ghosts)), "of them"),
	}
}

// detectTable is for reading: found, false and ghosts of each detector on each scene, and when ours was wrong.
func detectTable(all []scenes.Scene, who ...contestant) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "scene\tonsets\t")
	for _, c := range who {
		fmt.Fprintf(w, "%s found\tfalse\tghosts\t", c.name)
	}
	fmt.Fprintln(w, who[0].name+": missed; false; ghosts; other kinds")
	for i, s := range all {
		fmt.Fprintf(w, "%s\t%d\t", s.Name, len(s.Events))
		for _, c := range who {
			v := c.verdicts[i]
			fmt.Fprintf(w, "%d\t%d\t%d\t", v.found(), len(v.False), len(v.Ghosts))
		}
		v := who[0].verdicts[i]
		fmt.Fprintf(w, "%s; %s; %s; %s\n", at(v.Missed), at(v.False), at(v.Ghosts), kinds(other(who[0].others, i)))
	}
	fmt.Fprintf(w, "all\t%d\t", who[0].sum().Events)
	for _, c := range who {
		v := c.sum()
		fmt.Fprintf(w, "%d\t%d\t%d\t", v.found(), len(v.False), len(v.Ghosts))
	}
	fmt.Fprintln(w)
	_ = w.Flush() // into memory
	return out.String()
}

// at writes moments as seconds.
func at(moments []time.Duration) string {
	var out []string
	for _, m := range moments {
		out = append(out, fmt.Sprintf("%.1f", m.Seconds()))
	}
	return strings.Join(out, " ")
}

// other are the other kinds of scene i, if anybody tells them.
func other(counts []map[string]int, i int) map[string]int {
	if i < len(counts) {
		return counts[i]
	}
	return nil
}

func kinds(counts map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", k, counts[k]))
	}
	return strings.Join(out, ", ")
}
