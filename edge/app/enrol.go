package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"gridgate/edge/config"
	"gridgate/edge/enrol"
	"gridgate/protocols/kit/conf"
)

// EnrolOptions are the flags of `enrol`. The code is none of them: whoever lists processes sees those.
type EnrolOptions struct {
	Config   string `help:"Configuration file; it says where central is and which file the token goes to." required:"" placeholder:"FILE"`
	CodeFile string `help:"File that holds the one-time code; else the variable GRIDGATE_CODE, else standard input." placeholder:"FILE"`
	Replace  bool   `help:"Overwrite a credential that works."`
}

const (
	codeVariable = "GRIDGATE_CODE"
	maxCodeText  = 1 << 10 // bytes
)

// Enrol trades a one-time code for this edge's credential. A running edge takes it at once. It prints one JSON line, without the token.
func Enrol(ctx context.Context, o EnrolOptions, stdin io.Reader, stdout, stderr io.Writer) int {
	cfg, err := config.Load(o.Config)
	var problems conf.Problems
	switch {
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems)
		return ExitUsage
	case err != nil:
		fmt.Fprintln(stderr, "enrol:", err)
		return ExitUsage
	case cfg.Central.Token.File == "":
		fmt.Fprintln(stderr, "enrol: central.token names no file, so there is no place for the credential: write token: {file: token}")
		return ExitUsage
	}
	line, err := enrolWith(ctx, cfg, o, stdin, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "enrol:", err)
		return ExitFailed
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(line); err != nil {
		return ExitFailed
	}
	return ExitOK
}

// enrolWith returns what is to be told of an enrolment.
func enrolWith(ctx context.Context, cfg *config.Config, o EnrolOptions, stdin io.Reader, stderr io.Writer) (map[string]any, error) {
	central, err := credentialClient(cfg)
	if err != nil {
		return nil, err
	}
	code, err := codeFrom(o, stdin, stderr)
	if err != nil {
		return nil, err
	}
	file := cfg.Path(cfg.Central.Token.File)
	got, err := enrol.Get(ctx, enrol.Request{Edge: cfg.Edge, Code: code, File: file, Replace: o.Replace, Central: central})
	if err != nil {
		return nil, err
	}
	return map[string]any{"edge": got.Edge, "file": file, "expires": got.Expires}, nil
}

// codeFrom reads the code from a file, the environment or standard input, in this order.
func codeFrom(o EnrolOptions, stdin io.Reader, stderr io.Writer) (string, error) {
	if o.CodeFile != "" {
		f, err := os.Open(o.CodeFile)
		if err != nil {
			return "", fmt.Errorf("open the file of the code: %w", err)
		}
		defer f.Close()
		stdin = f
	} else if code := os.Getenv(codeVariable); code != "" {
		return code, nil
	} else {
		fmt.Fprint(stderr, "One-time code: ")
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, maxCodeText)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the code: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("there is no code: it is given by --code-file, by " + codeVariable + " or on standard input")
	}
	return line, nil
}

func credentialClient(cfg *config.Config) (*enrol.Client, error) {
	trust, err := trusted(cfg.Path(cfg.Central.CA), cfg.Central.Fingerprint)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(cfg.Central.URL)
	if err != nil {
		return nil, errors.New("central.url is not an address")
	}
	return enrol.NewClient(base, cfg.Edge, trust.Config()), nil
}

// newKeeper follows the credential where it stands in a file, else it returns nil.
func newKeeper(cfg *config.Config, log *slog.Logger) (*enrol.Keeper, error) {
	if cfg.Central.Token.File == "" {
		return nil, nil
	}
	central, err := credentialClient(cfg)
	if err != nil {
		return nil, err
	}
	return enrol.New(enrol.Options{File: cfg.Path(cfg.Central.Token.File), Central: central, Log: log.With("part", "credential")})
}
