package trial

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestOneTrialAtATime: of two that begin at once one does, and the other one once that is over.
func TestOneTrialAtATime(t *testing.T) {
	dir := t.TempDir()
	var turns Turns
	keepers := []*Keeper{open(t, filepath.Join(dir, "a")), open(t, filepath.Join(dir, "b"))}
	turns.Join("a", open(t, filepath.Join(dir, "old")))
	turns.Join("a", keepers[0])
	turns.Join("b", keepers[1])
	errs := make([]error, len(keepers))
	var both sync.WaitGroup
	for i, k := range keepers {
		both.Go(func() { errs[i] = turns.Begin(k, "2", time.Minute) })
	}
	both.Wait()
	on, off := 0, 1
	if errs[0] != nil {
		on, off = 1, 0
	}
	if errs[on] != nil || !errors.Is(errs[off], ErrTurn) || keepers[off].State().Trial != nil || turns.Free(keepers[off]) || !turns.Free(keepers[on]) {
		t.Fatalf("%v", errs)
	}
	must(t, keepers[on].Back("why"))
	must(t, turns.Begin(keepers[off], "2", time.Minute))
	var none *Turns
	none.Join("a", keepers[on])
	must(t, none.Begin(keepers[on], "3", time.Minute))
}
