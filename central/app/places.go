package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"gridgate/central/api"
	"gridgate/central/calendar"
	"gridgate/central/classes"
	"gridgate/central/config"
	"gridgate/central/grid"
	"gridgate/central/loops"
	"gridgate/central/setup"
	"gridgate/central/setup/parts"
	"gridgate/central/store"
)

// commandActor is how a command stands in the history of what it set up: who may run it may read the database.
const commandActor = "command"

// maxSetupFile bounds a file that is imported, in bytes.
const maxSetupFile = 64 << 20

// setUp is what is set up, opened by a command beside a central that runs, or without one.
type setUp struct {
	cache   *setup.Cache
	places  *parts.Places
	classes *parts.Catalogue
	loops   *parts.Loops
}

// withSetup opens what the central that file configures has set up.
func withSetup(ctx context.Context, file string, do func(setUp) error) error {
	return withSetupAnd(ctx, file, func(d setUp, _ accounts) error { return do(d) })
}

// withSetupAnd is withSetup with the store.
func withSetupAnd(ctx context.Context, file string, do func(setUp, accounts) error) error {
	return withAccounts(ctx, file, func(_ *config.Config, a accounts) error {
		d := setUp{cache: setup.New(setup.Options{Store: a})}
		d.places = parts.AddMap(d.cache)
		var err error
		if d.classes, err = parts.AddCatalogue(d.cache); err != nil {
			return err
		}
		if d.loops, err = parts.AddLoops(d.cache); err != nil {
			return err
		}
		var refused *setup.Refused
		if err := d.cache.Load(ctx); err != nil && !errors.As(err, &refused) { // an import may be what mends it
			return err
		}
		return do(d, a)
	})
}

// readFile reads a file that is imported.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSetupFile {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", name, info.Size(), maxSetupFile)
	}
	return os.ReadFile(name)
}

// importing is what imports have in common.
type importing struct {
	configured
	File    string `arg:"" type:"existingfile" help:"The file."`
	Replace bool   `help:"What is not in the file is gone afterwards; else it stays."`
	DryRun  bool   `help:"Check and say what would change; change nothing."`
}

// run imports by one of the parts and tells what changed.
func (c *importing) run(t *Terminal, how func(setUp) func(context.Context, []byte, parts.Change) (parts.Result, error)) error {
	data, err := readFile(c.File)
	if err != nil {
		return err
	}
	return withSetup(t.Ctx, c.Config, func(d setUp) error {
		r, err := how(d)(t.Ctx, data, parts.Change{Actor: commandActor, At: t.Now(), Replace: c.Replace, Dry: c.DryRun})
		if err != nil {
			return fmt.Errorf("nothing was changed: %s: %w", c.File, err)
		}
		_, err = fmt.Fprintf(t.Out, "added %d, changed %d, gone %d, same %d\n", r.Added, r.Changed, r.Gone, r.Same)
		return err
	})
}

// GridCommands are `grid ...`.
type GridCommands struct {
	Import gridImport `cmd:"" help:"Import grids from GeoJSON, all or none. Central may be running."`
	Export gridExport `cmd:"" help:"Print all grids with their past as GeoJSON."`
	Check  gridCheck  `cmd:"" help:"Check a GeoJSON file against the grids and units that are set up; changes nothing."`
}

type gridImport struct{ importing }

// Run implements kong's command.
func (c *gridImport) Run(t *Terminal) error {
	return c.run(t, func(d setUp) func(context.Context, []byte, parts.Change) (parts.Result, error) {
		return d.places.Import
	})
}

type gridExport struct{ configured }

// Run implements kong's command.
func (c *gridExport) Run(t *Terminal) error {
	return withSetup(t.Ctx, c.Config, func(d setUp) error {
		data, err := grid.GeoJSON(d.places.Get().Grids())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%s\n", data)
		return err
	})
}

type gridCheck struct {
	configured
	File string `arg:"" type:"existingfile" help:"The file."`
}

// Run implements kong's command.
func (c *gridCheck) Run(t *Terminal) error {
	dry := gridImport{importing{configured: c.configured, File: c.File, DryRun: true}}
	return dry.Run(t)
}

// ClassCommands are `class ...`.
type ClassCommands struct {
	Import classImport `cmd:"" help:"Import event classes from CSV, all or none. Central may be running."`
	Export classExport `cmd:"" help:"Print all event classes as CSV."`
}

type classImport struct{ importing }

// Run implements kong's command.
func (c *classImport) Run(t *Terminal) error {
	return c.run(t, func(d setUp) func(context.Context, []byte, parts.Change) (parts.Result, error) {
		return d.classes.Import
	})
}

type classExport struct{ configured }

// Run implements kong's command.
func (c *classExport) Run(t *Terminal) error {
	return withSetup(t.Ctx, c.Config, func(d setUp) error {
		data, err := classes.CSV(d.classes.Get().Classes())
		if err != nil {
			return err
		}
		_, err = t.Out.Write(data)
		return err
	})
}

// UnitCommands are `unit ...`.
type UnitCommands struct {
	Import unitImport `cmd:"" help:"Import units from a JSON array, all or none. Central may be running."`
}

type unitImport struct{ importing }

// Run implements kong's command.
func (c *unitImport) Run(t *Terminal) error {
	return c.run(t, func(d setUp) func(context.Context, []byte, parts.Change) (parts.Result, error) {
		return d.places.ImportUnits
	})
}

// CalendarCommands are `calendar ...`.
type CalendarCommands struct {
	Import calendarImport `cmd:"" help:"Import a calendar: a whole one as JSON, or holidays and make-up days as CSV onto the one in force. Central may be running."`
}

type calendarImport struct {
	configured
	File string `arg:"" type:"existingfile" help:"The file, .json or .csv."`
}

// Run implements kong's command.
func (c *calendarImport) Run(t *Terminal) error {
	data, err := readFile(c.File)
	if err != nil {
		return err
	}
	return withSetup(t.Ctx, c.Config, func(d setUp) error {
		made, err := readCalendar(d, data)
		if err != nil {
			return fmt.Errorf("nothing was changed: %s: %w", c.File, err)
		}
		table := made.Table()
		body, err := json.Marshal(table)
		if err != nil {
			return err
		}
		how := parts.Change{Actor: commandActor, At: t.Now()}
		if err := d.loops.Put(t.Ctx, loops.CalendarKind, table.ID, body, how); err != nil {
			return fmt.Errorf("nothing was changed: %s: %w", c.File, err)
		}
		_, err = fmt.Fprintf(t.Out, "calendar %s\n", table.ID)
		return err
	})
}

// readCalendar tells JSON from CSV by how it begins.
func readCalendar(d setUp, data []byte) (*calendar.Calendar, error) {
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		return calendar.Parse(data)
	}
	return calendar.ImportCSV(d.loops.Get().Calendar().Table(), bytes.NewReader(data))
}

// setupAPI is what the API shows and changes of it.
func (a *App) setupAPI() api.Setup {
	return api.Setup{Places: a.places, Units: a.places, Classes: a.classes, Versions: a.store}
}

var (
	_ setup.Store = store.Store(nil)
	_ api.Places  = (*parts.Places)(nil)
	_ api.Classes = (*parts.Catalogue)(nil)
)
