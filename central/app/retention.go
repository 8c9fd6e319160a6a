package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"gridgate/central/audit"
	"gridgate/central/config"
	"gridgate/central/register"
	"gridgate/central/retain"
)

// scrubber is a store in whose files deleted rows would stand on.
type scrubber interface {
	Scrub(ctx context.Context) error
}

// recordDeletion keeps what retention deleted in the audit log, by the rule that was in force.
func (a *App) recordDeletion(c *config.Config) func(context.Context, retain.Deletion) error {
	return func(ctx context.Context, d retain.Deletion) error { return a.audit.Record(ctx, d.Entry(ruleOf(c))) }
}

// ruleOf names what is kept for how long, as an entry of the audit log may hold it.
func ruleOf(c *config.Config) string {
	r := c.Retention
	rule := fmt.Sprintf("cases=%s,pictures=%s", hours(r.Cases), hours(r.Evidence))
	if r.Clips > 0 {
		rule += ",clips=" + hours(r.Clips)
	}
	if n := len(r.Cameras); n > 0 {
		rule += fmt.Sprintf(",cameras=%d", n)
	}
	return rule
}

// hours writes a time to keep; nothing is kept for ever by a number.
func hours(d time.Duration) string {
	if d == 0 {
		return "ever"
	}
	return fmt.Sprintf("%dh", int(d.Hours()))
}

// ownTimes are the cameras that are kept for a time of their own.
func ownTimes(c *config.Config) map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, one := range c.Retention.Cameras {
		out[one.Source()] = one.Keep
	}
	return out
}

// keepOf says how long pictures of a camera are kept by a configuration.
func keepOf(c *config.Config) func(string, register.Camera) time.Duration {
	own := ownTimes(c)
	return func(edge string, camera register.Camera) time.Duration {
		if keep, ok := own["/edges/"+edge+"/cameras/"+camera.ID]; ok {
			return keep
		}
		return c.Retention.Evidence
	}
}

// RetentionCommands are `retention ...`.
type RetentionCommands struct {
	Report retentionReport `cmd:"" help:"Say what is kept for how long, and what was deleted when, by which rule."`
}

type retentionReport struct {
	configured
	Since string `placeholder:"DATE" help:"Deletions from this day on (2026-03-01, UTC); left out: all that the audit log has."`
}

// Run implements kong's command. What was deleted is read from the audit log, which is verified apart.
func (c *retentionReport) Run(t *Terminal) error {
	var since time.Time
	if c.Since != "" {
		var err error
		if since, err = time.Parse(time.DateOnly, c.Since); err != nil {
			return fmt.Errorf("--since: %w", err)
		}
	}
	return withAccounts(t.Ctx, c.Config, func(cfg *config.Config, a accounts) error {
		if err := keeps(t, cfg); err != nil {
			return err
		}
		table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "\nDELETED AT\tRULE\tWHAT")
		pruned, _, err := a.AuditEnds(t.Ctx)
		for after, more := pruned.Position, true; more && err == nil; {
			var part []audit.Entry
			part, err = a.AuditEntries(t.Ctx, after, auditPage)
			for _, e := range part {
				if after = e.Position; e.Action == retain.Action && !e.At.Before(since) {
					fmt.Fprintf(table, "%s\t%s\t%s\n", day(e.At), e.Reason, strings.ReplaceAll(e.Target, ",", " "))
				}
			}
			more = len(part) > 0
		}
		if err != nil {
			return err
		}
		return table.Flush()
	})
}

// keeps prints what is kept for how long.
func keeps(t *Terminal, c *config.Config) error {
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEPT\tFOR\tDUE NOW: WHAT CAME BEFORE")
	row := func(what string, keep time.Duration) {
		due := "-"
		if keep > 0 {
			due = day(t.Now().Add(-keep))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", what, hours(keep), due)
	}
	row("pictures", c.Retention.Evidence)
	clips := c.Retention.Clips
	if clips == 0 {
		clips = c.Retention.Evidence
	}
	row("sealed clips", clips)
	own := ownTimes(c)
	for _, source := range slices.Sorted(maps.Keys(own)) {
		row("pictures and clips of "+strings.TrimPrefix(source, "/edges/"), own[source])
	}
	row("closed cases with their alerts, and alerts without a case", c.Retention.Cases)
	row("audit log", c.Retention.Audit)
	row("readings", c.TSDB.Retention)
	fmt.Fprintln(table, "what an open, acknowledged or held case has\tas long as it is so\t-")
	return table.Flush()
}
