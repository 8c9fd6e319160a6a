// Command gridgate-edge is the edge agent and the tools that integrators use on the same code.
//
// In: flags, a configuration file, signals. Out: an exit code; results as JSON lines on standard output, reasons on standard error.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"gridgate/edge/app"
	"gridgate/edge/decode"
)

// version is set by the linker.
var version = "unknown"

type cli struct {
	Run       app.RunOptions       `cmd:"" help:"Run the edge agent until SIGINT or SIGTERM."`
	Enrol     app.EnrolOptions     `cmd:"" help:"Trade a one-time code from the centre for this edge's credential. Exit 0: kept, 1: no credential, 2: wrong usage."`
	Check     app.CheckOptions     `cmd:"" help:"Check a configuration file; one JSON line per problem. Exit 0: none, 1: problems, 2: not readable."`
	Replay    app.ReplayCommand    `cmd:"" help:"Run detection over a recording as fast as it goes; one JSON line per alert. Exit 0: read to its end, 1: not readable, 2: wrong usage."`
	Probe     app.ProbeOptions     `cmd:"" help:"Look at a camera's streams and say what they are, what they would cost on this machine, and which to detect on; one JSON line per stream and one with advice. Exit 0: looked at, 1: no stream could be, 2: wrong usage."`
	Discover  app.DiscoverOptions  `cmd:"" help:"Find cameras and recorders near this machine and propose their configuration; no password is tried but yours. Exit 0: searched, 1: could not, 2: wrong usage."`
	Redact    app.RedactOptions    `cmd:"" help:"Make a picture fit to be stored: faces unreadable, small, without metadata; one JSON line with the boxes of the faces found. Exit 0: written, 1: no picture, 2: wrong usage."`
	Translate app.TranslateOptions `cmd:"" help:"Translate recorded payloads of a dialect; one JSON line per file. Exit 0: all read, 1: a file was not readable, 2: wrong usage."`
	Sniff     app.SniffOptions     `cmd:"" help:"Listen to a broker and print what is understood, lines for the configuration, and the skeleton of a mapping for the rest. Exit 0: listened, 1: no broker, 2: wrong usage."`
	Rules     app.RulesOptions     `cmd:"" help:"List which rules watch which sensors, and why, or play recorded numbers through them; JSON lines. Exit 0: done, 1: a configuration with problems, or numbers that cannot be read, 2: a file that cannot be opened."`
	Outbox    app.OutboxCommand    `cmd:"" help:"Look into the outbox and at what central refused, also while the edge runs. Exit 0: done, 1: failed, 2: wrong usage."`
	Config    app.ConfigCommand    `cmd:"" help:"Show the configuration that is in force, with what central says in it, or go back to the edge's own file. Exit 0: done, 1: failed, 2: a file that cannot be opened."`
	Backup    app.BackupCommand    `cmd:"" help:"Put what makes this box this edge into one sealed file, and make another box of it."`
	Password  app.PasswordOptions  `cmd:"" help:"Read a password, one line, from standard input and write its hash for the status page. Exit 0: written, 1: no password, 2: wrong usage."`
	Doctor    app.DoctorOptions    `cmd:"" help:"Look at this edge, running or not, and say what is wrong and what to do; nothing is changed. Exit 0: nothing is wrong, 1: something is, 2: could not look."`
	Version   struct{}             `cmd:"" help:"Print the version."`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == decode.WorkerArg {
		os.Exit(decode.WorkerMain())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx))
}

// runner is a subcommand of `outbox`, `config` or `backup`.
type runner interface {
	Run(ctx context.Context, stdout, stderr io.Writer) int
}

func run(ctx context.Context) int {
	var c cli
	parser := kong.Must(&c, kong.Name("gridgate-edge"), kong.UsageOnError(),
		kong.Description("Notices that something happens at a place, never who, and delivers every alert exactly once."))
	command, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gridgate-edge:", err)
		return app.ExitUsage
	}
	if parent := command.Selected().Parent.Name; parent == "outbox" || parent == "config" || parent == "backup" {
		return command.Selected().Target.Interface().(runner).Run(ctx, os.Stdout, os.Stderr)
	}
	switch command.Selected().Name {
	case "run":
		return app.Run(ctx, c.Run, version, os.Stderr)
	case "enrol":
		return app.Enrol(ctx, c.Enrol, os.Stdin, os.Stdout, os.Stderr)
	case "check":
		return app.Check(c.Check, os.Stdout, os.Stderr)
	case "replay":
		return c.Replay.Run(ctx, os.Stdout, os.Stderr)
	case "probe":
		return app.Probe(ctx, c.Probe, os.Stdout, os.Stderr)
	case "discover":
		return app.Discover(ctx, c.Discover, os.Stdout, os.Stderr)
	case "redact":
		return app.Redact(c.Redact, os.Stdout, os.Stderr)
	case "rules":
		return app.RunRules(ctx, c.Rules, os.Stdin, os.Stdout, os.Stderr)
	case "password":
		return app.Password(c.Password, os.Stdin, os.Stdout, os.Stderr)
	case "doctor":
		return app.Doctor(ctx, c.Doctor, os.Stdout, os.Stderr)
	case "translate":
		return app.Translate(c.Translate, os.Stdin, os.Stdout, os.Stderr)
	case "sniff":
		return app.Sniff(ctx, c.Sniff, os.Stdout, os.Stderr)
	}
	fmt.Println(version)
	return app.ExitOK
}
