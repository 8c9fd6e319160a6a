package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gridgate/deploy/testkit/stage"
)

// detectMotionHold is Motion's event_gap: an event ends so long after the last motion.
const detectMotionHold = 2 * time.Second

// detectMotionConfig is Motion's own, as Debian ships it (threshold 1500, despeckle EedDl, noise level tuned by itself), with
// files, streams and texts off and its event gap of a minute made short.
const detectMotionConfig = `daemon off
setup_mode off
log_level 5
target_dir %[1]s
framerate 15
threshold 1500
despeckle_filter EedDl
minimum_motion_frames 1
event_gap %[2]d
emulate_motion off
picture_output off
movie_output off
snapshot_interval 0
webcontrol_port 0
stream_port 0
on_event_start %[1]s/note on %%t
on_event_end %[1]s/note off %%t
`

// detectMotionNote writes "on|off camera seconds" for each change.
const detectMotionNote = "#!/bin/sh\necho \"$1 $2 $(date +%%s.%%N)\" >> %s/events\n"

// startDetectMotion runs one Motion on all cameras.
func startDetectMotion(dir string, s *screening) (p *stage.Process, events string, err error) {
	home := filepath.Join(dir, "motion")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, "", err
	}
	main := fmt.Sprintf(detectMotionConfig, home, int(detectMotionHold.Seconds()))
	for _, b := range s.booths {
		file := filepath.Join(home, fmt.Sprintf("camera%d.conf", b.scene))
		sc := s.scenes[b.scene]
		text := fmt.Sprintf("camera_id %d\nnetcam_url %s\nwidth %d\nheight %d\n", b.scene+1, b.camera.URL(), sc.Width, sc.Height)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, "", err
		}
		main += "camera " + file + "\n"
	}
	config := filepath.Join(home, "motion.conf")
	if err := os.WriteFile(config, []byte(main), 0o600); err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(filepath.Join(home, "note"), fmt.Appendf(nil, detectMotionNote, home), 0o700); err != nil {
		return nil, "", err
	}
	p, err = stage.Start(stage.Spec{Program: "motion", Args: []string{"-n", "-c", config}, Log: filepath.Join(home, "motion.log")})
	if err != nil {
		return nil, "", fmt.Errorf("the peer, Debian package motion: %w", err)
	}
	return p, filepath.Join(home, "events"), nil
}

// readMotionAlarms reads what the notes say, by scene.
func readMotionAlarms(events string, n int) ([][]change, error) {
	f, err := os.Open(events)
	if err != nil {
		return nil, fmt.Errorf("motion told nothing: %w", err)
	}
	defer f.Close()
	out := make([][]change, n)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		part := strings.Fields(lines.Text())
		if len(part) != 3 {
			return nil, fmt.Errorf("a note of motion is %q", lines.Text())
		}
		camera, err := strconv.Atoi(part[1])
		at, err2 := strconv.ParseFloat(part[2], 64)
		if err != nil || err2 != nil || camera < 1 || camera > n {
			return nil, fmt.Errorf("a note of motion is %q", lines.Text())
		}
		out[camera-1] = append(out[camera-1], change{time.Unix(0, int64(at*1e9)), part[0] == "on"})
	}
	return out, lines.Err()
}
