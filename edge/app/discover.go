package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gridgate/edge/config"
	"gridgate/edge/discover"
)

// DiscoverOptions are the flags of `discover`.
type DiscoverOptions struct {
	For          time.Duration `help:"How long to wait for answers to a search by WS-Discovery." default:"5s"`
	Interface    string        `help:"Search on this network interface only; else on each that has an address." placeholder:"NAME"`
	At           []string      `help:"Ask these addresses directly instead of by multicast, where that does not pass: IP addresses, with a port if it is not 3702." placeholder:"IP[:PORT]"`
	Subnet       string        `help:"Also knock at every address of this IPv4 subnet, a /22 at most, at 50 addresses a second. Only with its owner's leave." placeholder:"192.0.2.0/24"`
	Username     string        `help:"User name at the devices, to ask which streams they have; else they are asked without." placeholder:"NAME"`
	PasswordFile string        `help:"File that holds the password." placeholder:"FILE"`
	PasswordEnv  string        `help:"Variable of the environment that holds the password." placeholder:"NAME"`
	Format       string        `help:"text: a list and a proposal; json: a line for each device; yaml: the proposal alone." default:"text" enum:"text,json,yaml"`

	Announce discover.Announcer                             `kong:"-"` // nil: WS-Discovery
	Ask      func(username, password string) discover.Asker `kong:"-"` // nil: ONVIF
	Knock    discover.Knocker                               `kong:"-"`
}

const (
	leastDiscover = time.Second
	mostDiscover  = time.Minute
)

// Discover finds cameras and recorders and proposes their configuration. It returns 0 if it searched, whatever was found, 1 if it could not
// in one of the ways, 2 for a wrong request.
func Discover(ctx context.Context, o DiscoverOptions, stdout, stderr io.Writer) int {
	search, err := o.search()
	if err != nil {
		fmt.Fprintln(stderr, "discover:", err)
		return ExitUsage
	}
	report, failed := discover.Run(ctx, search)
	if err := o.write(report, stdout); err != nil {
		fmt.Fprintln(stderr, "discover:", err)
		return ExitFailed
	}
	if report.More {
		fmt.Fprintf(stderr, "discover: there are more than %d devices: search with --interface, or a smaller --subnet\n", discover.MaxFound)
	}
	if failed != nil {
		fmt.Fprintln(stderr, "discover:", failed)
		return ExitFailed
	}
	fmt.Fprintf(stderr, "discover: found %d; what nobody announces, or what has WS-Discovery turned off, is not among them\n", len(report.Found))
	return ExitOK
}

// search checks the request.
func (o DiscoverOptions) search() (discover.Options, error) {
	s := discover.Options{For: o.For, Announce: o.Announce, Knock: o.Knock, Account: discover.Account{Username: o.Username, Env: o.PasswordEnv}}
	if o.For < leastDiscover || o.For > mostDiscover {
		return s, fmt.Errorf("--for: search for %s to %s", leastDiscover, mostDiscover)
	}
	password, err := secretOf(o.PasswordFile, o.PasswordEnv)
	if err != nil {
		return s, err
	}
	if password != "" && o.Username == "" {
		return s, errors.New("--username: whose password is it?")
	}
	if o.PasswordFile != "" {
		if s.Account.File, err = filepath.Abs(o.PasswordFile); err != nil {
			return s, fmt.Errorf("--password-file: %w", err)
		}
	}
	if s.Announce == nil {
		at, err := config.Discovery{At: o.At}.Addresses()
		if err != nil {
			return s, fmt.Errorf("--at: %w", err)
		}
		if s.Announce, err = searcher(o.Interface, at); err != nil {
			return s, fmt.Errorf("--interface: %w", err)
		}
	}
	ask := o.Ask
	if ask == nil {
		ask = onvifAsker
	}
	s.Ask = ask(o.Username, password)
	if o.Subnet == "" {
		return s, nil
	}
	if s.Subnet, err = netip.ParsePrefix(o.Subnet); err != nil {
		return s, errors.New("--subnet: write it like 192.0.2.0/24")
	}
	if err := discover.CheckSubnet(s.Subnet); err != nil {
		return s, fmt.Errorf("--subnet: %w", err)
	}
	return s, nil
}

// secretOf reads a password from one of two places; empty if neither is named.
func secretOf(file, env string) (string, error) {
	switch {
	case file != "" && env != "":
		return "", errors.New("--password-file and --password-env: give one of them")
	case env != "":
		return os.Getenv(env), nil
	case file == "":
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read --password-file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (o DiscoverOptions) write(r discover.Report, w io.Writer) error {
	var b strings.Builder
	if o.Format == "json" {
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		for _, f := range r.Found {
			if err := out.Encode(f); err != nil {
				return fmt.Errorf("write what was found: %w", err)
			}
		}
	} else {
		propose(&b, r, o.Format == "text")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	return nil
}

// propose writes a document for the configuration, with what is known and what is not before it as comments.
func propose(b *strings.Builder, r discover.Report, list bool) {
	for _, f := range r.Found {
		if !list {
			break
		}
		fmt.Fprintf(b, "# %-15s  %s\n", f.Address, f.Title())
		for _, note := range f.Notes {
			fmt.Fprintf(b, "# %-15s    %s\n", "", note)
		}
	}
	if len(r.Found) == 0 {
		b.WriteString("# nothing was found\n")
		return
	}
	b.WriteString("cameras:\n")
	for _, f := range r.Found {
		b.WriteString(f.Proposal)
	}
}
