package guides

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Machine is a fresh Debian that was made and booted for this by deploy/packages/root.sh, and that nobody needs afterwards.
type Machine struct {
	Inside []string  // the command by which a command is run in it, see the function inside of root.sh
	Root   string    // its files, as seen from here
	Log    io.Writer // what is run, and what it prints

	kept map[string]string // variables
}

// Follow runs the blocks in order. The error names the block.
func (m *Machine) Follow(ctx context.Context, blocks []Block) error {
	if m.kept == nil {
		m.kept = map[string]string{}
	}
	for _, b := range blocks {
		do := m.run
		if b.File != "" {
			do = m.save
		}
		if err := do(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", b.Where(), err)
		}
	}
	return nil
}

// save writes a file. It keeps the mode and the owner of one that is there.
func (m *Machine) save(ctx context.Context, b Block) error {
	fmt.Fprintf(m.Log, "== %s: %s\n", b.Where(), b.File)
	path := filepath.Join(m.Root, b.File)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(b.Text), 0o644); err != nil {
		return err
	}
	for _, change := range [][]string{{"chmod", b.Mode}, {"chown", b.Owner}} {
		if change[1] == "" {
			continue
		}
		if out, err := m.command(ctx, change[0], change[1], b.File).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", change[0], err, out)
		}
	}
	return nil
}

func (m *Machine) run(ctx context.Context, b Block) error {
	fmt.Fprintf(m.Log, "== %s\n%s", b.Where(), b.Text)
	c := m.command(ctx, "bash", "-euo", "pipefail", "-c", "cd /root\n"+b.Text)
	var printed strings.Builder
	c.Stdout, c.Stderr = io.MultiWriter(&printed, m.Log), m.Log
	if b.Type != "" {
		c.Stdin = strings.NewReader(m.kept[b.Type] + "\n")
	}
	err := c.Run()
	switch {
	case b.Fails && err == nil:
		return fmt.Errorf("it should have failed")
	case err != nil && !b.Fails:
		return fmt.Errorf("it failed: %w", err)
	}
	if b.Save != "" {
		m.kept[b.Save] = strings.TrimSuffix(printed.String(), "\n")
	}
	return nil
}

// command runs in the machine with nothing of our environment but the variables that were saved.
func (m *Machine) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	all := append(slices.Clone(m.Inside), "env", "HOME=/root", "TERM=dumb")
	for name, value := range m.kept {
		all = append(all, name+"="+value)
	}
	all = append(append(all, name), args...)
	return exec.CommandContext(ctx, all[0], all[1:]...)
}
