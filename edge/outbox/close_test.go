package outbox

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"gridgate/edge/raise"
)

// TestCommitsWhileItCloses are answered, and what was not refused is there afterwards.
func TestCommitsWhileItCloses(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir, Group: 8})
	var stored sync.Map
	var wg, begun sync.WaitGroup
	for c := range 64 {
		begun.Add(1)
		answered := sync.OnceFunc(begun.Done)
		wg.Go(func() {
			defer answered()
			for n := 0; ; n++ {
				message := fmt.Sprintf("%d of %d", n, c)
				_, err := b.Commit(t.Context(), raise.Commit{Message: message})
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("Commit: %v", err)
					}
					return
				}
				stored.Store(message, true)
				answered()
			}
		})
	}
	begun.Wait() // each was answered once
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	again := open(t, Options{Dir: dir})
	stored.Range(func(message, _ any) bool {
		if known, err := again.Commit(t.Context(), raise.Commit{Message: message.(string)}); err != nil || !known {
			t.Errorf("%s is gone: %v", message, err)
		}
		return true
	})
}
