package app

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"gridgate/protocols/kit/durable"
	"gridgate/protocols/kit/password"
)

// PasswordOptions are the flags of `password`.
type PasswordOptions struct {
	Out string `help:"File that the hash is written to, readable by the owner only; else standard output." placeholder:"FILE"`
}

// passwordCost is what a hash takes.
var passwordCost = password.Standard

// Password reads a password, one line, from stdin and writes its hash: what local.page.password names.
func Password(o PasswordOptions, stdin io.Reader, stdout, stderr io.Writer) int {
	line, err := bufio.NewReader(io.LimitReader(stdin, 2*password.Max)).ReadString('\n')
	if err != nil && err != io.EOF {
		fmt.Fprintln(stderr, "password: read standard input:", err)
		return ExitFailed
	}
	hash, err := password.Hash(strings.TrimRight(line, "\r\n"), passwordCost)
	if err != nil {
		fmt.Fprintln(stderr, "password:", err)
		return ExitFailed
	}
	if o.Out == "" {
		fmt.Fprintln(stdout, hash)
		return ExitOK
	}
	if err := durable.Write(o.Out, []byte(hash+"\n"), 0o600); err != nil {
		fmt.Fprintln(stderr, "password: write the hash:", err)
		return ExitUsage
	}
	return ExitOK
}
