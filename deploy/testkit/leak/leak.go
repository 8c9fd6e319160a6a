// Package leak finds goroutines that a test has left behind, on machines that are busy, too.
//
// In: what was there before, as options of goleak. Out: what is there that should not be, once it has had time to end: goleak by itself
// waits less than half a second, which a goroutine that is about to end may not get. It ends nothing itself.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a goroutine that is about to end may take.
const patience = 30 * time.Second

// Find returns an error that names the goroutines which are there and stay.
func Find(o ...goleak.Option) error {
	return find(patience, o...)
}

func find(patience time.Duration, o ...goleak.Option) error {
	for late := time.Now().Add(patience); ; {
		if err := goleak.Find(o...); err == nil || time.Now().After(late) {
			return err
		}
	}
}

// Main runs the tests of a package and ends the process; it has failed if goroutines are left.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left:", err)
			code = 1
		}
	}
	os.Exit(code)
}
