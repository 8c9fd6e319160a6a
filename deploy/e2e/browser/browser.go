// Package browser drives the operator's console in a headless Chromium through playwright.
//
// In: an address and commands. Out: what the page shows. The script beside it is the other half.
package browser

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Page is one open page.
type Page struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// Open starts a Chromium for the console at base.
func Open(base string) (*Page, error) {
	_, self, _, _ := runtime.Caller(0)
	cmd := exec.Command("node", filepath.Join(filepath.Dir(self), "console.mjs"), base)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return &Page{cmd: cmd, in: in, answers: bufio.NewScanner(out)}, nil
}

// Do runs one command and returns what it answers. Waiting commands wait up to two minutes.
func (p *Page) Do(command string, args ...string) (string, error) {
	if _, err := fmt.Fprintln(p.in, strings.Join(append([]string{command}, args...), "\t")); err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	if !p.answers.Scan() {
		return "", fmt.Errorf("%s: the browser is gone", command)
	}
	verdict, answer, _ := strings.Cut(p.answers.Text(), "\t")
	if verdict != "ok" {
		return "", fmt.Errorf("%s %s: %s", command, strings.Join(args, " "), answer)
	}
	return answer, nil
}

// Close ends the browser. It reports what the page did wrong on the way: a request to another host, a script error, a
// violated content-security policy.
func (p *Page) Close() error {
	faults, err := p.Do("faults")
	if faults != "" {
		err = errors.Join(err, errors.New(faults))
	}
	fmt.Fprintln(p.in, "quit")
	p.in.Close()
	return errors.Join(err, p.cmd.Wait())
}
