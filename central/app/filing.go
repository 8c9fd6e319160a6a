package app

import (
	"fmt"
	"text/tabwriter"

	"gridgate/central/config"
	"gridgate/central/register"
)

// FilingCommands are `filing ...`. They work on the store, beside a central that runs or without one.
type FilingCommands struct {
	Export filingExport `cmd:"" help:"Write the register of cameras, to be filed: CSV for spreadsheets, or JSON with what changed since the last filing."`
	Status filingStatus `cmd:"" help:"List what changed since the last filing, and by when it is to be filed."`
	Mark   filingMark   `cmd:"" help:"Note that the register as it stands was filed."`
	Drop   filingDrop   `cmd:"" help:"Take an edge that is gone for good out of the register; that its cameras are gone is filed next."`
}

// withRegister opens the register of the central that a file configures.
func withRegister(t *Terminal, file string, do func(accounts, *register.Register) error) error {
	return withAccounts(t.Ctx, file, func(c *config.Config, a accounts) error {
		r := register.New(a, t.Now)
		r.Keep = keepOf(c)
		return do(a, r)
	})
}

type filingExport struct {
	configured
	Format string `enum:"csv,json" default:"csv" help:"csv or json."`
}

// Run implements kong's command. The export is an entry of the audit log.
func (c *filingExport) Run(t *Terminal) error {
	return withRegister(t, c.Config, func(a accounts, r *register.Register) error {
		if err := recordCommand(t.Ctx, a, "filing-export", c.Format, t.Now(), nil); err != nil {
			return err
		}
		if c.Format == "json" {
			return r.WriteJSON(t.Ctx, t.Out)
		}
		return r.WriteCSV(t.Ctx, t.Out, 0)
	})
}

type filingStatus struct{ configured }

// Run implements kong's command.
func (c *filingStatus) Run(t *Terminal) error {
	return withRegister(t, c.Config, func(_ accounts, r *register.Register) error {
		table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "EDGE\tCAMERA\tCHANGE\tSINCE\tFILE BY\tSTATE")
		overdue := 0
		err := r.Each(t.Ctx, func(p register.Part) error {
			for _, change := range p.Changes {
				state := "-"
				switch {
				case change.Overdue:
					state = "overdue"
					overdue++
				case change.Soon:
					state = "soon"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", change.Edge, change.Camera, change.Sort, day(change.At), day(change.Due), state)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if overdue > 0 {
			return fmt.Errorf("%d changes were not filed within 30 days: filing export, file it, then filing mark", overdue)
		}
		return nil
	})
}

type filingMark struct {
	configured
	Note string `placeholder:"NUMBER" help:"The number of the file, say."`
}

// Run implements kong's command.
func (c *filingMark) Run(t *Terminal) error {
	return withRegister(t, c.Config, func(a accounts, r *register.Register) error {
		edges, cameras, err := r.Mark(t.Ctx, "command", c.Note)
		if recordErr := recordCommand(t.Ctx, a, "filing-mark", c.Note, t.Now(), err); err == nil {
			err = recordErr
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%d cameras of %d edges are marked as filed\n", cameras, edges)
		return err
	})
}

type filingDrop struct {
	configured
	Edge string `arg:"" help:"The edge's name."`
}

// Run implements kong's command.
func (c *filingDrop) Run(t *Terminal) error {
	return withRegister(t, c.Config, func(a accounts, r *register.Register) error {
		err := r.Drop(t.Ctx, c.Edge, "command")
		if recordErr := recordCommand(t.Ctx, a, "filing-drop", c.Edge, t.Now(), err); err == nil {
			err = recordErr
		}
		return err
	})
}
