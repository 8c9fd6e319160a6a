package decode

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) {
	switch os.Getenv("GRIDGATE_TEST_WORKER") {
	case "decode":
		os.Exit(WorkerMain())
	case "escape":
		os.Exit(escape())
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
	goleak.VerifyTestMain(m)
}

// escape enters the sandbox and tries what a stream that took over a worker would: it greets only if all of it fails.
func escape() int {
	if err := sandbox(); err != nil {
		return 1
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil || fd >= 0 {
		return 1
	}
	if _, err := os.Open(os.Args[0]); err == nil {
		return 1
	}
	time.Sleep(time.Millisecond) // timers still run
	if writeMessage(os.Stdout, response{status: statusNone}.append(nil)) != nil {
		return 1
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}
