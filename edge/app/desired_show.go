package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"gridgate/edge/config"
	"gridgate/edge/desired"
	"gridgate/protocols/kit/conf"
)

// ConfigCommand are the subcommands of `config`. They work whether or not the edge runs.
type ConfigCommand struct {
	Show  ConfigShow  `cmd:"" help:"Print the configuration that is in force as YAML, from where each section comes, and what becomes of what central wants. No secret is in it."`
	Reset ConfigReset `cmd:"" help:"Go back to the edge's own file. What central wants now is refused until it wants something else; to let it say nothing any more, take central.manage out of the file."`
}

// ConfigOptions are the flags of both.
type ConfigOptions struct {
	Config string `help:"Configuration file of the edge." required:"" placeholder:"FILE"`
}

// ConfigShow are the flags of `config show`.
type ConfigShow struct{ ConfigOptions }

// ConfigReset are the flags of `config reset`.
type ConfigReset struct{ ConfigOptions }

// open reads the edge's own file and says where what central wants is kept. A code other than ExitOK ends the command.
func (o ConfigOptions) open(stderr io.Writer) (own *config.Config, dir string, code int) {
	own, err := config.Load(o.Config)
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
		return nil, "", ExitFailed
	case err != nil:
		fmt.Fprintln(stderr, "config:", err)
		return nil, "", ExitUsage
	}
	return own, own.Path(own.Data) + "/" + desiredFolder, ExitOK
}

// Run prints what is in force.
func (o ConfigShow) Run(_ context.Context, stdout, stderr io.Writer) int {
	own, dir, code := o.open(stderr)
	if code != ExitOK {
		return code
	}
	seen, err := desired.Look(dir)
	if err != nil {
		fmt.Fprintln(stderr, "config show:", err)
		return ExitFailed
	}
	cfg, said := own, []string(nil)
	if seen.Revision != "" {
		m, err := config.Merge(o.Config, seen.Text)
		if err != nil {
			fmt.Fprintln(stderr, "config show: the file takes no more what central said; the next start runs the file alone:", err)
			return ExitFailed
		}
		cfg, said = m.Config, m.Sections
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# file: %s, version %s\n", o.Config, own.Version)
	describe(&out, seen)
	for _, section := range config.Manageable {
		from := "file"
		if slices.Contains(said, section) {
			from = "central"
		} else if !slices.Contains(own.Central.Manage, section) {
			from = "file; central may not say it"
		}
		fmt.Fprintf(&out, "# %s: %s\n", section, from)
	}
	text, err := yaml.MarshalWithOptions(cfg, yaml.OmitZero(), yaml.IndentSequence(true))
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s%s", out.String(), text)
	}
	if err != nil {
		fmt.Fprintln(stderr, "config show:", err)
		return ExitFailed
	}
	return ExitOK
}

// describe tells what becomes of what central wants.
func describe(out io.Writer, s desired.Shown) {
	switch {
	case s.Revision == "" && s.Trying:
		fmt.Fprintln(out, "# in force: the file alone, on trial")
	case s.Revision == "":
		fmt.Fprintln(out, "# in force: the file alone")
	case s.Trying:
		fmt.Fprintf(out, "# in force: the file with central's revision %s, on trial\n", s.Revision)
	default:
		fmt.Fprintf(out, "# in force: the file with central's revision %s\n", s.Revision)
	}
	if s.Wanted != nil && s.Wanted.Revision != s.Revision {
		fmt.Fprintf(out, "# central wants: revision %s\n", s.Wanted.Revision)
	}
	if s.End != nil {
		fmt.Fprintf(out, "# %s: %s\n", s.End.State, s.End.Why)
		for _, p := range s.Problems {
			fmt.Fprintf(out, "#   line %d, %s: %s (%s)\n", p.Line, p.Field, p.What, p.Remedy)
		}
	}
}

// Run asks the edge, running or not, to go back to its own file.
func (o ConfigReset) Run(_ context.Context, _, stderr io.Writer) int {
	_, dir, code := o.open(stderr)
	if code != ExitOK {
		return code
	}
	if err := desired.Reset(dir); err != nil {
		fmt.Fprintln(stderr, "config reset:", err)
		return ExitFailed
	}
	fmt.Fprintln(stderr, "the edge goes back to its own file: within seconds if it runs, else when it starts")
	return ExitOK
}
