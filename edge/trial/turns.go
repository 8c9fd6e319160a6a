package trial

import (
	"errors"
	"sync"
	"time"
)

// ErrTurn is of [Turns]: something of another keeper is on trial.
var ErrTurn = errors.New("something else is on trial")

// TurnPause is when to ask for a turn again.
const TurnPause = 10 * time.Second

// Turns let one of several keepers have a trial at a time: of two, none could say what the edge is ill with. A nil one lets each.
type Turns struct {
	mu      sync.Mutex
	keepers map[string]*Keeper
}

// Join takes part under a name, in the place of the keeper that had it.
func (t *Turns) Join(name string, k *Keeper) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keepers == nil {
		t.keepers = map[string]*Keeper{}
	}
	t.keepers[name] = k
}

// Free says whether a keeper could begin now.
func (t *Turns) Free(k *Keeper) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free(k)
}

func (t *Turns) free(k *Keeper) bool {
	for _, other := range t.keepers {
		if other != k && other.State().Trial != nil {
			return false
		}
	}
	return true
}

// Begin is [Keeper.Begin], or [ErrTurn].
func (t *Turns) Begin(k *Keeper, wanted string, long time.Duration) error {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.free(k) {
			return ErrTurn
		}
	}
	return k.Begin(wanted, long)
}
