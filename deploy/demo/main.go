// Command demo runs a demonstration township on loopback: RTSP cameras that play real footage in a loop, sensors that
// publish real dialect payloads, one edge with an embedded MQTT broker, and central with SQLite and the embedded TSDB.
//
// In: the footage and the two built programs. Out: an address, a login, and .run/demo.env for scripts. Everything it keeps
// is in one folder, so that a second run goes on where the first stopped.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	var o Options
	kong.Parse(&o, kong.Name("demo"), kong.Description("Runs a demonstration township on loopback until SIGINT or SIGTERM."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, leave := withParent(ctx)
	defer leave()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	if err := Run(ctx, o, log); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
