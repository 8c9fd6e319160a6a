package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/deploy/testkit/rtspload"
)

func TestOnsetsAreMatchedWithTheirAlarms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edge.log")
	const log = `{"time":"2026-01-02T03:04:05.5Z","msg":"alert committed","kind":"motion","state":"raised","source":"/edges/bench/cameras/cam-000"}
{"time":"2026-01-02T03:04:07Z","msg":"alert committed","kind":"defocused","state":"raised","source":"/edges/bench/cameras/cam-000"}
not a line of ours
{"time":"2026-01-02T03:04:12Z","msg":"alert committed","kind":"motion","state":"cleared","source":"/edges/bench/cameras/cam-000"}
{"time":"2026-01-02T03:04:20Z","msg":"alert committed","kind":"motion","state":"raised","source":"/edges/bench/cameras/cam-001"}
`
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	alarms, err := readAlarms(path)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s float64) time.Time {
		return time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
	}
	sent := func(name string, at ...time.Time) rtspload.Report {
		r := rtspload.Report{Name: name}
		for _, a := range at {
			r.Departures = append(r.Departures, rtspload.Departure{At: a})
		}
		return r
	}
	got := match([]rtspload.Report{
		sent("cam-000", at(5), at(10), at(40)), // found after 0.5 s; the alarm is still on; too late to count
		sent("cam-001", at(20.4), at(1)),       // noticed before half of it was there; missed
	}, alarms, at(0), at(30))
	want := onsets{took: [][]time.Duration{{500 * time.Millisecond, onsetWithin}, {0, onsetWithin}}, missed: 2, other: 0}
	if got.missed != want.missed || got.other != want.other || len(got.took[0]) != 2 || got.took[0][0] != want.took[0][0] || got.took[0][1] != onsetWithin ||
		got.took[1][0] != 0 || got.took[1][1] != onsetWithin {
		t.Errorf("%+v, want %+v", got, want)
	}
	if early := match([]rtspload.Report{sent("cam-000", at(20))}, alarms, at(0), at(30)); early.other != 1 || early.missed != 1 {
		t.Errorf("an alarm that belongs to no entry: %+v", early)
	}
}

func TestLossIsWhatDidNotArriveOrWasNotLookedAt(t *testing.T) {
	before := lossCount{played: 100, dropped: 1, edge: edgeCounters{Units: 90, Skipped: 3}}
	after := lossCount{played: 300, dropped: 2, edge: edgeCounters{Units: 285, Skipped: 5, NoWorker: 1}}
	if got := lost(before, after); got != 5+1+2+1 {
		t.Errorf("%d", got)
	}
	if got := lost(before, lossCount{played: 300, dropped: 1, edge: edgeCounters{Units: 290, Skipped: 3}}); got != 0 {
		t.Errorf("%d lost of those that all came", got)
	}
}

func TestUsageHoldsThatOfThisProcess(t *testing.T) {
	u, err := usageOf(os.Getpid())
	if err != nil || u.rss < 1<<20 {
		t.Errorf("%+v, %v", u, err)
	}
	if got := parentOf(os.Getpid()); got != os.Getppid() {
		t.Errorf("parent %d, want %d", got, os.Getppid())
	}
	if _, err := usageOf(-1); err == nil {
		t.Error("a process that is not there has used something")
	}
}

// TestTheFigureIsHalfVisibleWhenPromised follows the walk in pixels.
func TestTheFigureIsHalfVisibleWhenPromised(t *testing.T) {
	for i, w := range walks {
		visible := func(step int) int { return min(w.width(), step*w.speed) }
		if n := w.half(); visible(n)*2 < w.width() || visible(n-1)*2 >= w.width() {
			t.Errorf("walk %d: %d of %d pixels in picture %d, %d the one before", i, visible(n), w.width(), n, visible(n-1))
		}
		if steps := (subSize.width + w.width()) / w.speed; steps > entryEvery-8*videoFPS {
			t.Errorf("walk %d takes %d pictures: the place is not empty long enough before the next", i, steps)
		}
	}
}

// TestWhoeverWalksIsListed looks for the figure, drawn white on black, in each picture of a clip.
func TestWhoeverWalksIsListed(t *testing.T) {
	const pixels = 16 * 12
	graph := fmt.Sprintf("color=black:s=%dx%d:r=%d[scene];color=white:s=%dx%d:r=%[3]d[1];%[6]s,format=gray,scale=16:12:flags=area",
		subSize.width, subSize.height, videoFPS, figureWidth, figureHeight, walking())
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-filter_complex", graph, "-frames:v", fmt.Sprint(onsetFrames), "-f", "rawvideo", "-").Output()
	if err != nil || len(out) != onsetFrames*pixels {
		t.Fatalf("%d bytes: %v", len(out), err)
	}
	var came []int
	there := false
	for n := range onsetFrames {
		was := there
		if there = slices.Max(out[n*pixels:(n+1)*pixels]) > 20; there && !was {
			came = append(came, n)
		}
	}
	want := entered()
	if len(came) != len(want) || there {
		t.Fatalf("somebody comes in pictures %v and is listed in %v; in the last picture: %v", came, want, there)
	}
	for i, n := range came {
		if n > want[i] || n < want[i]-videoFPS {
			t.Errorf("somebody comes in picture %d and is half there in %d", n, want[i])
		}
	}
}

// TestTheFigureHasAShape counts the pixels of each step that are not transparent.
func TestTheFigureHasAShape(t *testing.T) {
	for step := range figureSteps {
		n := 0
		for y := range figureHeight {
			for x := range figureWidth {
				if figurePixel(x, y, step) != nobody {
					n++
				}
			}
		}
		if n < figureWidth*figureHeight/4 || n > figureWidth*figureHeight*3/4 {
			t.Errorf("step %d: %d pixels", step, n)
		}
	}
}

func TestSettledIsWhatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		rises := func(context.Context) (uint64, error) { return uint64(min(time.Since(begin), 2*time.Second)), nil }
		if err := settle(t.Context(), rises); err != nil || time.Since(begin) < 2*time.Second+calm || time.Since(begin) > 3*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		endless := func(context.Context) (uint64, error) { return uint64(time.Since(begin)), nil }
		if err := settle(t.Context(), endless); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("what never settles: %v", err)
		}
	})
}
