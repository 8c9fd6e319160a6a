package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"gridgate/edge/outbox"
)

func TestAnEdgeIsAliveWhileItsLoopTurnsAndItsOutboxAnswers(t *testing.T) {
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var p pulse
	healthy := alive(&p, box)
	if err := healthy(t.Context()); err != nil {
		t.Errorf("a good edge: %v", err)
	}
	p.beat(time.Now().Add(-maxStill - time.Minute))
	if err := healthy(t.Context()); err == nil || !strings.Contains(err.Error(), "settled") {
		t.Errorf("an edge that stands still: %v", err)
	}
	p.beat(time.Now())
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := healthy(ctx); err == nil || !strings.Contains(err.Error(), "outbox") {
		t.Errorf("an edge without its outbox: %v", err)
	}
}
