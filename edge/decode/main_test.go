package decode

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be its own worker.
func TestMain(m *testing.M) {
	switch os.Getenv("GRIDGATE_TEST_WORKER") {
	case "decode":
		os.Exit(WorkerMain())
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
