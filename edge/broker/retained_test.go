package broker

import (
	"fmt"
	"testing"
)

func TestRetainedIsBounded(t *testing.T) {
	var r retained
	kept := 0
	for i := range 1000 {
		if r.keep(fmt.Sprintf("s/%03d", i), 1<<20) {
			kept++
		}
	}
	if kept == 0 || kept > maxRetained>>20 || r.total > maxRetained {
		t.Fatalf("%d messages of 1 MiB are kept, %d bytes", kept, r.total)
	}
	if !r.keep("s/000", 1<<20) {
		t.Error("a message does not replace the one before it")
	}
	if !r.keep("s/000", 0) || !r.keep("s/999", 1<<20) {
		t.Error("removing a message makes no room")
	}
	for i := range 1000 {
		r.keep(fmt.Sprintf("s/%03d", i), 0)
	}
	if r.total != 0 || len(r.sizes) != 0 {
		t.Errorf("%d bytes of %d topics are left", r.total, len(r.sizes))
	}
}
