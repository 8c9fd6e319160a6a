package leak

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestFind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	stay, slow := make(chan struct{}), time.Now().Add(time.Second)
	go func() { time.Sleep(time.Until(slow)) }() // longer than goleak itself waits
	if err := Find(before); err != nil || time.Now().Before(slow) {
		t.Errorf("one that ends: %v", err)
	}
	go func() { <-stay }()
	if err := find(time.Millisecond, before); err == nil {
		t.Error("one that stays was not found")
	}
	close(stay)
	if err := Find(before); err != nil {
		t.Error(err)
	}
}
