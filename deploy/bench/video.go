package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// videoParts are the figures of the video engine.
var videoParts = []Part{
	{"keyframe", partTime, videoKeyframe},
	{"quiet_main", cpuTimeLimit, quietMain.run},
	{"quiet_sub", cpuTimeLimit, quietSub.run},
	{"busy_main", cpuTimeLimit, busyMain.run},
	{"busy_sub", cpuTimeLimit, busySub.run},
	{"memory", cpuTimeLimit, videoMemory},
	{"hundred", 15 * time.Minute, videoHundred},
	{"onset_gop2", cpuTimeLimit, onsetGOP2.run},
	{"onset_gop10", cpuTimeLimit, onsetGOP10.run},
	{"detection", 15 * time.Minute, detection}, // recall and false
	{"readable", 20 * time.Minute, readable},   // and utility
}

// cpuTimeLimit leaves room for making the clips on a first run.
const cpuTimeLimit = 10 * time.Minute

// The sizes of the measurements. The environment may make them smaller while something is developed; such figures are none.
var (
	manyCameras = number64("BENCH_CAMERAS", 64)
	warmFor     = duration("BENCH_WARM", 45*time.Second) // detectors learn, keyframes come, heaps grow
	// busyWarmFor is longer: 64 busy cameras that begin at once raise 64 alerts, and their 256 pictures take two cores for more than a minute.
	busyWarmFor = duration("BENCH_WARM", 150*time.Second)
	windowFor   = duration("BENCH_WINDOW", 60*time.Second) // of processor time
	hundredFor  = duration("BENCH_HUNDRED", 5*time.Minute)
)

func duration(name string, usual time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv(name)); err == nil {
		told(name)
		return d
	}
	return usual
}

func number64(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 1 {
		told(name)
		return n
	}
	return usual
}

func told(name string) {
	fmt.Fprintf(os.Stderr, "video: %s is set: what follows is no figure of a release\n", name)
}
