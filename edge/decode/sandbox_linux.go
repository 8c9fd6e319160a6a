package decode

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// sandbox gives up, for the rest of this process, what decoding does not need: core files (they would hold pictures),
// writing files, opening any file or connection beside the two pipes, being dumped, new privileges, and every system call that
// is not on a short list. The libraries must be loaded before.
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
	return filterCalls()
}

// filterCalls puts a system call filter on every thread of this process, present and future (seccomp(2)).
func filterCalls() error {
	machine, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	err = seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy:     policy(machine, os.Getpid()),
	})
	if err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	// Where one thread cannot take the filter the kernel gives it to none, which the library takes for success.
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != unix.EPERM {
		return errors.New("filter system calls: the filter is not in force")
	}
	return nil
}

// The system calls by what becomes of them. Names that a machine does not have are left out there (arm64 has no open, fork and
// poll, only their successors).
var (
	// allowedCalls are what the Go runtime, the C library's memory and the two pipes need.
	allowedCalls = []string{
		"read", "write", "close",
		"munmap", "mremap", "madvise", "brk",
		"futex", "set_robust_list", "rseq", "set_tid_address", "membarrier",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
		"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
		"clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "getrusage",
		"gettid", "getpid", "sched_yield", "sched_getaffinity", "getrandom",
		"exit", "exit_group",
	}
	// fatalCalls are made by nobody but a stream that has taken over the worker. What is on neither list is refused (EPERM).
	fatalCalls = []string{
		"execve", "execveat", "fork", "vfork", "kill", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
		"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg",
		"io_uring_setup", "bpf", "perf_event_open", "userfaultfd", "keyctl", "unshare", "setns", "mount", "chroot", "open_by_handle_at",
		"memfd_create", "init_module", "finit_module",
	}
	// absentCalls look as if the kernel were older, so that the C library falls back to one that the filter can judge.
	absentCalls = []string{"clone3"}
)

// policy is the filter for a process pid on a machine: threads but no processes, no memory that can be run, and signals to
// nobody but itself.
func policy(machine *arch.Info, pid int) seccomp.Policy {
	on := func(argument uint32, o seccomp.Operation, value uint64) seccomp.ArgumentConditions {
		return seccomp.ArgumentConditions{{Argument: argument, Operation: o, Value: value}}
	}
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, // EPERM
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: present(machine, allowedCalls), NamesWithCondtions: []seccomp.NameWithConditions{
				{Name: "clone", Conditions: on(0, seccomp.BitsSet, unix.CLONE_THREAD)},
				{Name: "mmap", Conditions: on(2, seccomp.BitsNotSet, unix.PROT_EXEC)},
				{Name: "mprotect", Conditions: on(2, seccomp.BitsNotSet, unix.PROT_EXEC)},
				{Name: "tgkill", Conditions: on(0, seccomp.Equal, uint64(pid))},
			}},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: present(machine, absentCalls)},
			{Action: seccomp.ActionKillProcess, Names: present(machine, fatalCalls)},
		},
	}
}

func present(machine *arch.Info, names []string) []string {
	var out []string
	for _, n := range names {
		if _, ok := machine.SyscallNames[n]; ok {
			out = append(out, n)
		}
	}
	return out
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
