package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"gridgate/central/config"
	"gridgate/central/store"
	"gridgate/central/store/postgres"
	"gridgate/central/store/sqlite"
	"gridgate/central/trace"
)

// TraceCommand is `trace`: the way of one alert through the ten steps.
type TraceCommand struct {
	configured
	ID   string   `arg:"" help:"An alert's id, a case's id (its first and its newest alert), or the SHA-256 of a picture."`
	Log  []string `placeholder:"FILE" help:"A log of the edge or of central; may be given several times. - is standard input."`
	JSON bool     `name:"json" help:"JSON instead of tables."`

	Stdin io.Reader `kong:"-"` // nil: the process's own
}

// view is what commands read that change nothing.
type view interface {
	trace.Lookup
	io.Closer
}

// openView opens the store to look at it, beside the central that runs or without one.
func openView(ctx context.Context, c *config.Config) (view, error) {
	if c.Store.Kind == config.Postgres {
		return postgres.Look(ctx, postgresOptions(c))
	}
	return sqlite.Look(ctx, databasePath(c))
}

// Run implements kong's command. An id that is in no store and no log is an error.
func (c *TraceCommand) Run(t *Terminal) (err error) {
	loaded, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	log, err := openView(t.Ctx, loaded)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	ids, err := trace.Find(t.Ctx, log, c.ID)
	if err != nil {
		return fmt.Errorf("look for %s: %w", c.ID, err)
	}
	lines := make([]trace.Lines, len(ids))
	if err := c.scan(ids, lines); err != nil {
		return err
	}
	traces, err := c.gather(t.Ctx, log, ids, lines)
	if err != nil {
		return err
	}
	return c.show(t.Out, traces)
}

func (c *TraceCommand) gather(ctx context.Context, r trace.Reader, ids []string, lines []trace.Lines) ([]trace.Trace, error) {
	var out []trace.Trace
	for i, id := range ids {
		f, err := trace.Read(ctx, r, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("read alert %s: %w", id, err)
		}
		if err == nil || lines[i].Found > 0 {
			f.Lines = lines[i]
			out = append(out, trace.Of(f))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s is nowhere: no alert, no case and no picture here has it, nor any line of the %d logs that were given; retention may have deleted it, or the edge that made it still has it: look for it in the edge's log with --log", c.ID, len(c.Log))
	}
	return out, nil
}

// scan reads each log once for each alert that is meant; standard input can be read for one only.
func (c *TraceCommand) scan(ids []string, lines []trace.Lines) error {
	for i, id := range ids {
		for _, name := range c.Log {
			if name == "-" && i > 0 {
				continue
			}
			if err := c.scanFile(name, id, &lines[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *TraceCommand) scanFile(name, id string, l *trace.Lines) error {
	if name == "-" {
		in := c.Stdin
		if in == nil {
			in = os.Stdin
		}
		return l.Scan(in, id)
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open a log: %w", err)
	}
	defer f.Close()
	return l.Scan(f, id)
}

func (c *TraceCommand) show(w io.Writer, traces []trace.Trace) error {
	if c.JSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"items": traces})
	}
	for i, t := range traces {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := t.Write(w); err != nil {
			return err
		}
	}
	return nil
}
