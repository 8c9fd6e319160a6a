package courier

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil { // each goes through days of a clock on a real store; the command line may ask for more
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
