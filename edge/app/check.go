package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gridgate/edge/config"
	"gridgate/protocols/kit/conf"
)

// Exit codes of every subcommand.
const (
	ExitOK     = 0
	ExitFailed = 1 // problems in a configuration; a recording or a message that cannot be read
	ExitUsage  = 2 // wrong flags; a configuration file that cannot be opened
)

// CheckOptions are the flags of `check`.
type CheckOptions struct {
	Config string `help:"Configuration file." required:"" placeholder:"FILE"`
}

// Check prints every problem of a configuration file: a JSON line each on stdout, the same for the eye on stderr.
func Check(o CheckOptions, stdout, stderr io.Writer) int {
	c, err := config.Load(o.Config)
	if err == nil {
		_, err = devicesOf(c)
	}
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		for _, p := range problems {
			out.Encode(p)
			fmt.Fprintln(stderr, p)
		}
		return ExitFailed
	case err != nil:
		fmt.Fprintln(stderr, "check:", err)
		return ExitUsage
	}
	fmt.Fprintf(stderr, "%s: good: %d cameras, %d sensors, version %s\n", o.Config, len(c.Cameras), len(c.Sensors), c.Version)
	return ExitOK
}
