package app

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"gridgate/central/audit"
	"gridgate/central/auth"
	"gridgate/central/config"
	"gridgate/central/store"
)

// UserCommands are those of `user ...` that need no password. They work on the store, beside a central that runs or without one.
type UserCommands struct {
	List   userList   `cmd:"" help:"List the staff accounts."`
	Change userChange `cmd:"" help:"Give an account another role, other grids and another unit, or end it."`
}

type userList struct{ configured }

// Run implements kong's command.
func (c *userList) Run(t *Terminal) error {
	var list []store.User
	err := withAccounts(t.Ctx, c.Config, func(_ *config.Config, a accounts) (err error) {
		list, err = a.Users(t.Ctx)
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tROLE\tGRIDS\tUNIT\tSIGNS IN\tCHANGED")
	for _, u := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Role, joined(u.Grids), joined([]string{u.Unit}), signsIn(u), day(u.At))
	}
	return table.Flush()
}

func signsIn(u store.User) string {
	switch {
	case u.Disabled:
		return "no"
	case u.Subject != "" && u.Hash == "":
		return "single sign-on"
	case u.Subject != "":
		return "both"
	}
	return "password"
}

// joined is a list for a table.
func joined(list []string) string {
	if text := strings.Join(list, ","); text != "" {
		return text
	}
	return "-"
}

type userChange struct {
	configured
	Name    string   `arg:"" help:"The account."`
	Role    string   `required:"" help:"operator, worker, supervisor, verifier, administrator, auditor or integrator."`
	Grid    []string `placeholder:"CODE,..." help:"First digits of the grids that it may see; left out: all."`
	Unit    string   `help:"Unit that it belongs to; left out: none."`
	Disable bool     `help:"It cannot sign in any more; its name stays in histories."`
}

// Run implements kong's command.
func (c *userChange) Run(t *Terminal) error {
	place := auth.Place{Role: c.Role, Grids: c.Grid, Unit: c.Unit}
	return atDesk(t.Ctx, c.Config, "user-change", c.Name, t.Now(), func(a accounts) error {
		_, err := office(a, t.Now()).Change(t.Ctx, c.Name, time.Time{}, place, c.Disable)
		return err
	})
}

// TokenCommands are those of `token ...` that make no token.
type TokenCommands struct {
	List   tokenList   `cmd:"" help:"List the tokens; what they are is not kept."`
	Revoke tokenRevoke `cmd:"" help:"End a token, at once."`
}

type tokenList struct{ configured }

// Run implements kong's command.
func (c *tokenList) Run(t *Terminal) error {
	var list []store.Token
	err := withAccounts(t.Ctx, c.Config, func(_ *config.Config, a accounts) (err error) {
		list, err = a.Tokens(t.Ctx)
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPES\tGRIDS\tEDGE\tUNTIL\tMADE BY")
	for _, k := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.SHA256[:store.TokenID], k.Name, joined(k.Scopes), joined(k.Grids),
			joined([]string{k.Edge}), day(k.Expires), joined([]string{k.Actor}))
	}
	return table.Flush()
}

type tokenRevoke struct {
	configured
	ID string `arg:"" help:"As token list shows it."`
}

// Run implements kong's command.
func (c *tokenRevoke) Run(t *Terminal) error {
	return atDesk(t.Ctx, c.Config, "token-revoke", c.ID, t.Now(), func(a accounts) error {
		err := a.RemoveToken(t.Ctx, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			return auth.BadError{What: "there is no token with this id"}
		}
		return err
	})
}

// AuditCommands are `audit ...`.
type AuditCommands struct {
	Verify auditVerify `cmd:"" help:"Judge the audit log, or an export of it: was an entry changed, removed, inserted or moved?"`
	Export auditExport `cmd:"" help:"Write the audit log as lines of JSON, which verify judges without the database."`
}

// auditPage is how many entries are read at a time.
const auditPage = 1000

type auditVerify struct {
	Config string `xor:"log" required:"" placeholder:"FILE" help:"Configuration file (YAML) of the central whose log is judged."`
	File   string `xor:"log" required:"" placeholder:"FILE" help:"An export; no database is needed."`
	Expect string `placeholder:"POSITION:HASH" help:"An entry that verify told earlier and that must still be there: so a log that was written anew is found out."`
}

// Run implements kong's command.
func (c *auditVerify) Run(t *Terminal) error {
	expect, err := c.expected()
	if err != nil {
		return err
	}
	judge := &judge{expect: expect}
	if c.File != "" {
		err = judge.file(c.File)
	} else {
		err = withAccounts(t.Ctx, c.Config, func(_ *config.Config, a accounts) error { return judge.log(t, a) })
	}
	if err != nil {
		return fmt.Errorf("the audit log is not whole: %w", err)
	}
	_, err = fmt.Fprintf(t.Out, "%d entries are whole, the last one is\n%s\n", judge.count, judge.verifier.Last())
	return err
}

func (c *auditVerify) expected() (audit.Checkpoint, error) {
	if c.Expect == "" {
		return audit.Checkpoint{}, nil
	}
	return audit.ParseCheckpoint(c.Expect)
}

// judge goes through a log once.
type judge struct {
	expect   audit.Checkpoint
	verifier *audit.Verifier
	count    int64
	met      bool
}

func (j *judge) one(e audit.Entry) error {
	if err := j.verifier.Next(e); err != nil {
		return err
	}
	j.count++
	j.met = j.met || j.verifier.Last() == j.expect
	return nil
}

// end says whether the expected entry was there.
func (j *judge) end() error {
	if j.expect != (audit.Checkpoint{}) && !j.met {
		return audit.BrokenError{Position: j.expect.Position, What: "does not stand the entry that was expected"}
	}
	return nil
}

func (j *judge) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	j.verifier = audit.NewPartVerifier()
	if err := audit.Read(f, j.one); err != nil {
		return err
	}
	return j.end()
}

func (j *judge) log(t *Terminal, a accounts) error {
	pruned, head, err := a.AuditEnds(t.Ctx)
	if err != nil {
		return err
	}
	j.verifier, j.met = audit.NewVerifier(pruned), pruned == j.expect
	for j.verifier.Last().Position < head.Position {
		part, err := a.AuditEntries(t.Ctx, j.verifier.Last().Position, auditPage)
		if err != nil {
			return err
		}
		for _, e := range part {
			if e.Position > head.Position { // central goes on meanwhile
				break
			}
			if err := j.one(e); err != nil {
				return err
			}
		}
		if len(part) == 0 {
			break
		}
	}
	return errors.Join(j.verifier.Ends(head), j.end())
}

type auditExport struct {
	configured
	Since string `placeholder:"DATE" help:"Entries from this day on (2026-03-01, UTC); left out: all."`
}

// Run implements kong's command. The export itself is an entry, the last one.
func (c *auditExport) Run(t *Terminal) error {
	var since time.Time
	if c.Since != "" {
		day, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			return fmt.Errorf("--since: %w", err)
		}
		since = day
	}
	return withAccounts(t.Ctx, c.Config, func(_ *config.Config, a accounts) error {
		if err := recordCommand(t.Ctx, a, "audit-export", c.Since, t.Now(), nil); err != nil {
			return err
		}
		pruned, _, err := a.AuditEnds(t.Ctx)
		for after, more := pruned.Position, true; more && err == nil; {
			after, more, err = exportPart(t, a, after, since)
		}
		return err
	})
}

func exportPart(t *Terminal, a accounts, after int64, since time.Time) (last int64, more bool, err error) {
	part, err := a.AuditEntries(t.Ctx, after, auditPage)
	if err != nil || len(part) == 0 {
		return after, false, err
	}
	last = part[len(part)-1].Position
	for len(part) > 0 && part[0].At.Before(since) {
		part = part[1:]
	}
	return last, true, audit.Write(t.Out, part)
}
