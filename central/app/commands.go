package app

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"gridgate/central/certs"
	"gridgate/central/store"
)

// Terminal is what the commands of this package need of the outside: results go to Out, explanations to Err.
type Terminal struct {
	Ctx      context.Context
	Out, Err io.Writer
	Now      func() time.Time
}

type configured struct {
	Config string `required:"" placeholder:"FILE" help:"Configuration file (YAML)."`
}

// EdgeCommands are `edge ...`. They work on the store, beside a central that runs or without one.
type EdgeCommands struct {
	Add    edgeAdd    `cmd:"" help:"Add an edge and print a one-time code for it, once."`
	Code   edgeCode   `cmd:"" help:"Print a new code for an edge that was added; the last one ends."`
	List   edgeList   `cmd:"" help:"List the edges that were added."`
	Revoke edgeRevoke `cmd:"" help:"End an edge's credential, token and code, at once."`
}

type invitation struct {
	configured
	Name  string        `arg:"" help:"The edge's name, as its configuration has it."`
	Valid time.Duration `default:"24h" help:"How long the code is good, 1m to 720h."`
}

type edgeAdd struct{ invitation }

// Run implements kong's command.
func (c *edgeAdd) Run(t *Terminal) error {
	in, err := AddEdge(t.Ctx, c.Config, c.Name, c.Valid, t.Now())
	if err != nil {
		return err
	}
	return t.show(in)
}

type edgeCode struct{ invitation }

// Run implements kong's command.
func (c *edgeCode) Run(t *Terminal) error {
	in, err := NewCode(t.Ctx, c.Config, c.Name, c.Valid, t.Now())
	if err != nil {
		return err
	}
	return t.show(in)
}

// show prints the code alone on standard output, for scripts, and what to do with it beside that.
func (t *Terminal) show(in Invitation) error {
	fmt.Fprintf(t.Err, "One-time code for %s, good until %s, shown this once:\n", in.Edge, in.Expires.Format("2006-01-02 15:04 MST"))
	if _, err := fmt.Fprintln(t.Out, in.Code); err != nil {
		return err
	}
	fmt.Fprintf(t.Err, "\nAt the edge, edge.yaml says (nothing of it is secret):\n\n    edge: %s\n    central:\n      url: %s\n", in.Edge, in.URL)
	if in.Fingerprint != "" {
		fmt.Fprintf(t.Err, "      fingerprint: %q   # or ca: %s, which outlasts this certificate\n", in.Fingerprint, certs.AuthorityFile)
	}
	fmt.Fprint(t.Err, "      token: {file: token}   # written by the command below\n\nThen, there, as the user that runs the edge; it asks for the code:\n\n    gridgate-edge enrol --config edge.yaml\n")
	return nil
}

type edgeList struct{ configured }

// Run implements kong's command.
func (c *edgeList) Run(t *Terminal) error {
	list, err := ListEdges(t.Ctx, c.Config)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "EDGE\tSTATE\tCREDENTIAL UNTIL\tCODE UNTIL")
	for _, e := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", e.Edge, stateOf(e, t.Now()), day(e.Expires), day(e.CodeExpires))
	}
	return table.Flush()
}

// stateOf says in a word how an edge stands.
func stateOf(e store.Enrolment, now time.Time) string {
	switch {
	case !e.Revoked.IsZero():
		return "revoked"
	case now.Before(e.Expires):
		return "enrolled"
	case !e.Expires.IsZero():
		return "run-out"
	case now.Before(e.CodeExpires):
		return "invited"
	}
	return "added"
}

func day(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02T15:04Z")
}

type edgeRevoke struct {
	configured
	Name string `arg:"" help:"The edge's name."`
}

// Run implements kong's command.
func (c *edgeRevoke) Run(t *Terminal) error {
	if err := RevokeEdge(t.Ctx, c.Config, c.Name, t.Now()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Err, "%s is not let in any more; what it has not delivered stays in its outbox\n", c.Name)
	return err
}

// CertCommand is `cert`.
type CertCommand struct {
	Out  string   `required:"" placeholder:"DIR" help:"Folder for the certificates and their keys."`
	Host []string `required:"" placeholder:"NAME,..." help:"Names and addresses by which edges and browsers reach central."`
}

// Run implements kong's command.
func (c *CertCommand) Run(t *Terminal) error {
	made, err := certs.Make(c.Out, c.Host, t.Now())
	if err != nil {
		return err
	}
	authority := "the authority that was there: edges that trust it go on, those that know the last fingerprint need this one"
	if made.NewAuthority {
		authority = "a new authority"
	}
	fmt.Fprintf(t.Err, "Signed by %s.\nGood until %s; again with the same --out makes the next one. central.yaml says:\n\n    tls: {cert: %s, key: %s}\n\nEdges trust it by `central.ca: %s` (a copy of %s) or by `central.fingerprint`:\n",
		authority, made.Expires.Format("2006-01-02"), filepath.Join(c.Out, certs.CertificateFile), filepath.Join(c.Out, certs.KeyFile), certs.AuthorityFile, filepath.Join(c.Out, certs.AuthorityFile))
	_, err = fmt.Fprintln(t.Out, made.Fingerprint)
	return err
}
