// Command gridgate-central collects the alerts of a township's edges, raises grid cases and shows them.
//
// In: flags and signals. Out: calls of central/app, and an exit code: 0 done, 1 failed, 2 wrong usage or a bad configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"gridgate/central/app"
	"gridgate/protocols/kit/conf"
	"gridgate/protocols/kit/logs"
)

const maxPasswordFile = 4 << 10

const exitFailed, exitUsage = 1, 2 // exit codes

// program is what the commands need of the outside.
type program struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

type configFlag struct {
	Config string `required:"" placeholder:"FILE" help:"Configuration file (YAML)."`
}

type commands struct {
	Serve serveCommand `cmd:"" help:"Run central until it is interrupted."`
	Check checkCommand `cmd:"" help:"Judge a configuration and say what is wrong with it."`
	User  struct {
		Add userAddCommand `cmd:"" help:"Add a staff account, or give one a new password, role, grids and unit."`
		app.UserCommands
	} `cmd:"" help:"Staff accounts."`
	Token struct {
		Add tokenAddCommand `cmd:"" help:"Make a bearer token and print it once."`
		app.TokenCommands
	} `cmd:"" help:"Tokens of programs."`
	Edge      app.EdgeCommands      `cmd:"" help:"Edges that enrol by a one-time code."`
	Audit     app.AuditCommands     `cmd:"" help:"The log of who did what at the centre."`
	Grid      app.GridCommands      `cmd:"" help:"The map of the grids."`
	Unit      app.UnitCommands      `cmd:"" help:"Units that events are dispatched to."`
	Class     app.ClassCommands     `cmd:"" help:"The catalogue of event classes."`
	Calendar  app.CalendarCommands  `cmd:"" help:"Working days, holidays and make-up days."`
	Notify    app.NotifyCommands    `cmd:"" help:"The channels by which people are told."`
	Config    app.ConfigCommands    `cmd:"" help:"What edges are configured as, from here."`
	Release   app.ReleaseCommands   `cmd:"" help:"Signed builds of the edge, and bringing them to edges."`
	Cert      app.CertCommand       `cmd:"" help:"Make a private authority and a certificate for this central."`
	Backup    app.BackupCommands    `cmd:"" help:"Backups: make, judge, list, prune and restore them."`
	Clips     app.ClipCommands      `cmd:"" help:"The key of sealed clips."`
	Filing    app.FilingCommands    `cmd:"" help:"The register of cameras as it is filed."`
	Retention app.RetentionCommands `cmd:"" help:"What is kept for how long, and what was deleted."`
	Impact    app.ImpactCommand     `cmd:"" help:"Write a data-protection impact sheet of what is configured and registered."`
	Correlate app.CorrelateCommand  `cmd:"" help:"Try rules on history and say what would have differed; changes nothing."`
	Trace     app.TraceCommand      `cmd:"" help:"Say when each of the ten steps had an alert, and how that is known. Exit 0: found, 1: it is nowhere."`
	Doctor    app.DoctorCommand     `cmd:"" help:"Look at this central, running or not, and say what is wrong and what to do; changes nothing. Exit 0: nothing is wrong, 1: something is, 2: could not look."`
	Version   versionCommand        `cmd:"" help:"Say which build this is."`
}

type serveCommand struct {
	configFlag
	Debug     bool   `help:"Log more."`
	LogFormat string `default:"auto" enum:"auto,text,json" help:"How to log: text, json, or auto: text at a terminal, else json."`
}

// Run implements kong's command.
func (c *serveCommand) Run(p *program) error {
	return app.Serve(p.ctx, c.Config, logs.New(p.stderr, c.LogFormat, c.Debug))
}

type checkCommand struct{ configFlag }

// Run implements kong's command.
func (c *checkCommand) Run(p *program) error {
	if err := app.Check(c.Config); err != nil {
		return usageError{err}
	}
	_, err := fmt.Fprintf(p.stdout, "%s: good\n", c.Config)
	return err
}

type userAddCommand struct {
	configFlag
	Name         string   `arg:"" help:"Account, for example the post's name."`
	Role         string   `required:"" enum:"operator,worker,supervisor,verifier,administrator,auditor,integrator" help:"operator, worker, supervisor, verifier, administrator, auditor or integrator."`
	Grid         []string `placeholder:"CODE,..." help:"First digits of the grids that it may see; left out: all."`
	Unit         string   `help:"Unit that it belongs to."`
	PasswordFile string   `xor:"password" required:"" placeholder:"FILE" help:"File that holds the password."`
	Stdin        bool     `xor:"password" required:"" help:"Read the password from standard input."`
}

// Run implements kong's command.
func (c *userAddCommand) Run(p *program) error {
	password, err := c.password(p.stdin)
	if err != nil {
		return err
	}
	return app.AddUser(p.ctx, c.Config, app.NewUser{Name: c.Name, Role: c.Role, Grids: c.Grid, Unit: c.Unit, Password: password}, time.Now())
}

func (c *userAddCommand) password(stdin io.Reader) (string, error) {
	in := stdin
	if c.PasswordFile != "" {
		f, err := os.Open(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("open the password file: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPasswordFile))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(data), nil
}

type tokenAddCommand struct {
	configFlag
	Name    string        `arg:"" help:"What the token is for."`
	Scope   []string      `placeholder:"SCOPE,..." help:"read, operate, events (post the events of any edge), configure, administer, audit."`
	Grid    []string      `placeholder:"CODE,..." help:"First digits of the grids that it may see; left out: all."`
	Edge    string        `help:"The one edge that the token speaks for."`
	Expires time.Duration `placeholder:"720h" help:"When it ends, from now; left out: after 366 days."`
}

// Run implements kong's command.
func (c *tokenAddCommand) Run(p *program) error {
	n := app.NewToken{Name: c.Name, Scopes: c.Scope, Grids: c.Grid, Edge: c.Edge, Expires: c.Expires}
	token, err := app.AddToken(p.ctx, c.Config, n, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, token)
	return err
}

type versionCommand struct{}

// Run implements kong's command.
func (c *versionCommand) Run(p *program) error {
	_, err := fmt.Fprintln(p.stdout, "gridgate-central", app.Version())
	return err
}

// usageError makes the exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	app.SetGarbage()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(&program{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run parses args and runs the command; the error, if any, is told on stderr.
func run(p *program, args []string) int {
	code := -1
	parser, err := kong.New(&commands{}, kong.Name("gridgate-central"), kong.Bind(p, &app.Terminal{Ctx: p.ctx, Out: p.stdout, Err: p.stderr, Now: time.Now}), kong.Writers(p.stdout, p.stderr),
		kong.Description("Collects alerts of edges, raises grid cases and shows them."), kong.Exit(func(n int) { code = n }))
	if err != nil {
		return tell(p, err)
	}
	command, err := parser.Parse(args)
	switch {
	case code >= 0: // help was asked for
		return code
	case err != nil:
		return tell(p, usageError{err})
	}
	return tell(p, command.Run())
}

func tell(p *program, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(p.stderr, err)
	var usage usageError
	var problems conf.Problems
	if errors.As(err, &usage) || errors.As(err, &problems) {
		return exitUsage
	}
	return exitFailed
}
