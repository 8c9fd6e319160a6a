package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"gridgate/deploy/testkit/scenes"
	"gridgate/protocols/alert"
)

// replayAlarms is what "gridgate-edge replay" tells about a scene, by media time: the same detectors without network and without the
// load of this machine. how is "live", which looks at the pictures that a running edge would look at, or pictures a second.
func replayAlarms(ctx context.Context, s scenes.Scene, how string) ([]lit, map[string]int, error) {
	args := []string{"replay", "--fps", fmt.Sprint(s.FPS), "--rate=" + how, s.File}
	if how == "live" {
		args[3] = "--live"
	}
	cmd := exec.CommandContext(ctx, edgeProgram(), args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("replay %s: %w\n%s", s.Name, err, complaint.Bytes())
	}
	return readReplay(text, s.Length)
}

// readReplay reads the lines of replay.
func readReplay(text []byte, end time.Duration) ([]lit, map[string]int, error) {
	var switches []lightSwitch
	others := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var l struct {
			At          float64
			Kind, State string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, nil, fmt.Errorf("read a line of replay: %w", err)
		}
		raised := l.State == string(alert.Raised)
		switch {
		case l.Kind == string(alert.Motion):
			switches = append(switches, lightSwitch{time.Duration(l.At * float64(time.Second)), raised})
		case raised:
			others[l.Kind]++
		}
	}
	return joinSwitches(switches, end), others, lines.Err()
}

// replayed is the edge as a contestant without playing live.
func replayed(ctx context.Context, all []scenes.Scene, how string) (contestant, error) {
	c := contestant{name: "replay " + how}
	for _, s := range all {
		alarms, others, err := replayAlarms(ctx, s, how)
		if err != nil {
			return c, err
		}
		c.verdicts = append(c.verdicts, score(s.Events, alarms, 0))
		c.others = append(c.others, others)
	}
	return c, nil
}

// tellReplays prints what replay makes of the scenes in the ways of BENCH_REPLAY.
func tellReplays(ctx context.Context, all []scenes.Scene, peer contestant) error {
	for _, how := range strings.Fields(os.Getenv("BENCH_REPLAY")) {
		c, err := replayed(ctx, all, how)
		if err != nil {
			return err
		}
		fmt.Fprint(os.Stderr, detectTable(all, c, peer))
	}
	return nil
}
