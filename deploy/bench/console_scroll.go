package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

const (
	scrollRows   = 100_000
	scrollTarget = 50.0 // frames a second, by the design
)

// scrolled is what dev/scroll.mjs prints.
type scrolled struct {
	Rows        int     `json:"rows"`
	BytesPerRow float64 `json:"bytesPerRow"`
	Wheel       motion  `json:"wheel"`
	Jumps       motion  `json:"jumps"`
	Storm       motion  `json:"storm"`
}

// motion is how one way of scrolling went. Blank is in how many of a hundred frames no row was drawn in the middle.
type motion struct {
	FPS   float64 `json:"fps"`
	P99Ms float64 `json:"p99Ms"`
	Blank float64 `json:"blank"`
}

// consoleScroll lets the console's own script scroll through a long feed in Chromium: by the wheel, by jumps, and while alerts arrive. The
// limit of all is what a screen shows, 60 frames a second.
func consoleScroll(ctx context.Context, _ string) ([]Result, error) {
	node := exec.CommandContext(ctx, "node", "dev/scroll.mjs", strconv.Itoa(scrollRows))
	node.Dir, node.Stderr = "central/console/web", os.Stderr
	out, err := node.Output()
	if err != nil {
		return nil, fmt.Errorf("scroll: %w", err)
	}
	var got scrolled
	if err := json.Unmarshal(out, &got); err != nil {
		return nil, fmt.Errorf("scroll: %w", err)
	}
	results := []Result{Note("console.scroll_rows", float64(got.Rows), "rows"), Note("console.scroll_bytes_a_row", got.BytesPerRow, "bytes")}
	for name, m := range map[string]motion{"wheel": got.Wheel, "jumps": got.Jumps, "storm": got.Storm} {
		results = append(results, Rate("console.scroll_"+name, m.FPS, "frames/s", "design", scrollTarget, 1),
			Note("console.scroll_"+name+"_p99", m.P99Ms, "ms a frame"), Note("console.scroll_"+name+"_blank", m.Blank, "% of frames"))
	}
	return results, nil
}
