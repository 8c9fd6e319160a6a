// Command screenshots starts the demonstration in a folder of its own, waits until something has happened, and refreshes the
// pictures of the README.
//
// In: the built programs and the footage. Out: deploy/screenshots/*.png.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/deploy/e2e/browser"
	"gridgate/deploy/testkit/stage"
	"gridgate/deploy/testkit/township"
)

func main() {
	footage := flag.String("footage", "", "folder of the demonstration's footage")
	out := flag.String("out", "deploy/screenshots", "where the pictures go")
	flag.Parse()
	if err := run(*footage, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(footage, out string) (err error) {
	dir, err := os.MkdirTemp("", "gridgate-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	demo, err := stage.Start(stage.Spec{Program: "bin/demo", Args: []string{"--dir", dir, "--footage", footage}, Log: filepath.Join(dir, "demo.log")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, demo.Stop()) }()
	env, err := waitForEnv(demo, filepath.Join(dir, "demo.env"))
	if err != nil {
		return err
	}
	page, err := browser.Open(env["GRIDGATE_URL"])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.Close()) }()
	return shoot(page, desk(env, out))
}

// lawnWithPicture is the newest alert but one of a camera, with its picture there.
const lawnWithPicture = "[data-testid=feed-row][data-kind=motion]:has(img) >> nth=1"

// desk is an operator's way through the pages.
func desk(env map[string]string, out string) [][]string {
	return [][]string{
		{"login", env["GRIDGATE_USER"], env["GRIDGATE_PASSWORD"]},
		{"see", "[data-testid=feed-row][data-kind=gas]"},
		{"see", lawnWithPicture},
		{"click", lawnWithPicture},
		{"see", "[data-testid=alert-detail] img"},
		{"shot", filepath.Join(out, "feed.png")},
		{"go", "/cases"},
		{"see", "[data-testid=case-row]"},
		{"shot", filepath.Join(out, "cases.png")},
		{"click", "[data-testid=case-row]"},
		{"see", "[data-testid=case-page]"},
		{"shot", filepath.Join(out, "case.png")},
		{"go", "/map"},
		{"see", "[data-testid=map-canvas][data-idle=true]"},
		{"click", "[data-testid=map-tab-grids]"},
		{"click", "[data-testid=map-grid] >> nth=0"},
		{"see", "[data-testid=map-chosen]"},
		{"shot", filepath.Join(out, "map.png")},
		{"go", "/report"},
		{"see", "[data-testid=report-class]"},
		{"shot", filepath.Join(out, "report.png")},
		{"go", "/devices"},
		{"see", "[data-testid=camera-state]"},
		{"shot", filepath.Join(out, "devices.png")},
		{"go", "/devices/" + township.EdgeName + "/square"},
		{"see", "[data-testid=recent-alert] img"},
		{"shot", filepath.Join(out, "device.png")},
		{"go", "/figures"},
		{"see", "[data-testid=figures-row]"},
		{"shot", filepath.Join(out, "figures.png")},
		{"go", "/shift"},
		{"click", "[data-testid=shift-begin]"},
		{"see", "[data-testid=shift-tally]"},
		{"shot", filepath.Join(out, "shift.png")},
	}
}

func shoot(page *browser.Page, steps [][]string) error {
	for _, s := range steps {
		if _, err := page.Do(s[0], s[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// waitForEnv waits for the demonstration's last file and reads it.
func waitForEnv(demo *stage.Process, file string) (map[string]string, error) {
	for {
		if env, err := township.ReadEnv(file); err == nil {
			return env, nil
		}
		select {
		case <-demo.Done():
			return nil, fmt.Errorf("the demonstration ended: %w", demo.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
