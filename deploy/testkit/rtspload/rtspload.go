// Package rtspload plays coded loops to very many RTSP viewers from one process, so cheaply that what the viewers cost can be
// measured on the same machine.
//
// In: a [Plan], a file of JSON. Out: H.264 or H.265 over RTSP on loopback (TCP), with RTCP sender reports, and over HTTP what
// was sent and when. A loop is cut into RTP packets once and shared by all paths that play it; each path has a phase,
// sequence numbers and timestamps of its own, which go on over the end of the loop. Like a camera it plays whether or not
// somebody watches. It checks no credentials, and is never part of the product.
package rtspload

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Arg is the first argument that makes a program built with this package the load server; the second is the plan's file.
const Arg = "rtspload"

// Plan says what to play.
type Plan struct {
	RTSP  string // host:port to listen on
	HTTP  string // host:port of the reports
	Paths []Path
}

// Path is one camera.
type Path struct {
	Name   string  // of the path in its address, without a slash
	Clip   string  // file of a raw stream
	FPS    float64 // access units a second
	Skip   int     // units at the head of the clip that are never played
	Offset int     // unit that is played first, counted behind Skip
	Marks  []int   // units, counted behind Skip, whose departures are kept
}

// Report tells what a path sent since the start.
type Report struct {
	Name       string
	Units      uint64 // played, whether or not somebody watched
	Viewers    int
	Dropped    uint64 // packets that a viewer was too slow to take
	Departures []Departure
}

// Departure tells when the last packet of a marked unit was handed to the connection.
type Departure struct {
	Unit int
	At   time.Time
}

// maxDepartures bounds what is kept of one path, the oldest go first.
const maxDepartures = 4096

// Main serves the plan in file until SIGTERM or an interrupt and returns an exit code.
func Main(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serveFile(ctx, file); err != nil {
		fmt.Fprintln(os.Stderr, "rtspload:", err)
		return 1
	}
	return 0
}

func serveFile(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	return Serve(ctx, p)
}
