package decode

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gridgate/deploy/testkit/leak"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) {
	switch os.Getenv("GRIDGATE_TEST_WORKER") {
	case "decode":
		os.Exit(WorkerMain())
	case "escape":
		os.Exit(escape(os.Getenv("GRIDGATE_TEST_ESCAPE")))
	case "hang":
		_ = writeMessage(os.Stdout, response{status: statusNone}.append(nil))
		select {}
	case "missing":
		_ = writeMessage(os.Stdout, failure(0, errTestMissing).append(nil))
		os.Exit(1)
	case "greedy":
		_ = writeMessage(os.Stdout, response{status: statusNone}.append(nil))
		hoard := make([]byte, 200<<20)
		for i := range hoard {
			hoard[i] = 1
		}
		time.Sleep(time.Minute) // of the process that the test expects to be killed
		_ = hoard[len(hoard)-1]
	}
	leak.Main(m)
}

// attempts is what a stream that took over a worker would try.
var attempts = map[string]func() error{
	"open":   func() error { _, err := os.Open(os.Args[0]); return err },
	"create": func() error { _, err := os.Create("/tmp/escaped"); return err },
	"socket": func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
	"unix":   func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
	"exec":   func() error { return unix.Exec("/bin/true", nil, nil) },
	"ptrace": func() error { return unix.PtraceAttach(os.Getppid()) },
	"kill":   func() error { return unix.Kill(os.Getppid(), unix.SIGCONT) },
	"tgkill": func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), unix.SIGCONT) },
	"chdir":  func() error { return os.Chdir("/") },
	"prctl":  func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) },
	"run": func() error {
		_, err := unix.Mmap(-1, 0, 4096, unix.PROT_EXEC|unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
		return err
	},
	"process": func() error {
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		if pid == 0 {
			unix.Exit(0)
		}
		return nil
	},
	"clone3": func() error {
		if _, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); errno != unix.ENOSYS {
			return nil
		}
		return unix.ENOSYS
	},
}

// escape enters the sandbox and makes one of the attempts: it greets only if that fails and the rest of the process lives on.
func escape(attempt string) int {
	if err := sandbox(); err != nil {
		return 1
	}
	if try := attempts[attempt]; try == nil || try() == nil {
		return 1
	}
	time.Sleep(time.Millisecond) // timers still run
	var threads sync.WaitGroup
	for range 8 { // and threads can be made
		threads.Go(func() {
			runtime.LockOSThread()
			time.Sleep(time.Millisecond)
		})
	}
	threads.Wait()
	if writeMessage(os.Stdout, response{status: statusNone}.append(nil)) != nil {
		return 1
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}
