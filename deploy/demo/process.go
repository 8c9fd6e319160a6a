package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// serve runs a program until ctx ends, then asks it to stop and waits. A program that ends by itself is an error. Its output
// goes to a log file. The kernel ends it should the demonstration itself be killed.
func (t *town) serve(ctx context.Context, program string, args ...string) error {
	logFile, err := os.OpenFile(t.path("logs", program+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", program, err)
	}
	defer logFile.Close()
	cmd := t.command(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return fmt.Errorf("%s: %w; see %s", program, err, logFile.Name())
}

// command prepares a program of ours: SIGTERM when ctx ends, SIGKILL if that does not help.
func (t *town) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, t.bin+"/"+program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	// A group of its own, so that Ctrl-C reaches it once, from here, in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return cmd
}
