package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/backoff"
)

// motionWarm is how long Motion connects and tunes itself before it is measured.
const motionWarm = 20 * time.Second

// motionConfig turns everything off but detection; what it does not name is Motion's default.
const motionConfig = `daemon off
setup_mode off
log_level 5
target_dir %[1]s
netcam_url %[2]s
width %[3]d
height %[4]d
framerate %[5]d
text_left
text_right
picture_output off
movie_output off
snapshot_interval 0
webcontrol_port 0
stream_port 0
`

// motionShare is what Motion uses on one camera of the load server, in percent of one core, and the most memory that it held.
func motionShare(ctx context.Context, dir, url string, s size) (percent float64, rss int64, err error) {
	home, err := os.MkdirTemp(dir, "motion-")
	if err != nil {
		return 0, 0, err
	}
	config := filepath.Join(home, "motion.conf")
	text := fmt.Sprintf(motionConfig, home, url, s.width, s.height, videoFPS)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return 0, 0, err
	}
	p, err := stage.Start(stage.Spec{Program: "motion", Args: []string{"-n", "-c", config}, Log: filepath.Join(home, "motion.log")})
	if err != nil {
		return 0, 0, fmt.Errorf("the peer, Debian package motion: %w", err)
	}
	defer p.Kill() // it measured; how it ends does not matter
	if !backoff.Wait(ctx, motionWarm) {
		return 0, 0, ctx.Err()
	}
	percent, rss, err = share(ctx, p.PID(), windowFor)
	if err == nil && percent < 0.2 {
		err = withLog(fmt.Errorf("motion uses %.2f %% of a core: it does not decode", percent), home, "motion.log")
	}
	return percent, rss, err
}
