package courier

import (
	"flag"
	"testing"

	"gridgate/deploy/testkit/leak"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil { // each goes through days of a clock on a real store; the command line may ask for more
		panic(err)
	}
	leak.Main(m)
}
