package decode

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sandbox gives up, for the rest of this process, what decoding does not need: core files (they would hold pictures),
// writing files, opening any file or connection beside the two pipes, being dumped, and new privileges.
func sandbox() error {
	time.Sleep(time.Microsecond) // the runtime opens its poller with the first timer, and could not later
	for _, l := range []struct {
		name     string
		resource int
	}{
		{"core", unix.RLIMIT_CORE},
		{"fsize", unix.RLIMIT_FSIZE},
		{"nofile", unix.RLIMIT_NOFILE},
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{}); err != nil {
			return fmt.Errorf("limit %s: %w", l.name, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("give up being dumped: %w", err)
	}
	return nil
}

// threadTime is the processor time of the calling thread, or 0.
func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ownGroup keeps a signal of the terminal from the worker.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
