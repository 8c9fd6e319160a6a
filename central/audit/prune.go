package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// MinKeep is how long entries are kept at least: the six months of China's Cybersecurity Law, article 21, and of GB/T 22239.
const MinKeep = 180 * 24 * time.Hour

// segment is how many entries go at once, once all of them were judged.
const segment = 5000

// Shelf is the log from which a [Pruner] takes the oldest part.
type Shelf interface {
	AuditEntries(ctx context.Context, after int64, limit int) ([]Entry, error)
	AuditEnds(ctx context.Context) (pruned, head Checkpoint, err error)
	PruneAudit(ctx context.Context, upTo Checkpoint) error
}

// Pruner deletes what is older than Keep, a day's worth of looking at a time. It never deletes a part that is not whole: that stays for
// whoever looks into it.
type Pruner struct {
	Shelf  Shelf
	Keep   time.Duration // at least [MinKeep]; 0: for ever
	Logger *slog.Logger
	Now    func() time.Time
}

// Run prunes once an hour until ctx ends, and returns nil.
func (p Pruner) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := p.Prune(ctx); err != nil && ctx.Err() == nil {
			p.Logger.Error("audit log not pruned", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Prune deletes segment by segment.
func (p Pruner) Prune(ctx context.Context) error {
	if p.Keep == 0 {
		return nil
	}
	before := p.Now().Add(-max(p.Keep, MinKeep))
	for {
		more, err := p.segment(ctx, before)
		if err != nil || !more {
			return err
		}
	}
}

// segment judges the oldest entries and deletes those that are older than before.
func (p Pruner) segment(ctx context.Context, before time.Time) (more bool, err error) {
	pruned, _, err := p.Shelf.AuditEnds(ctx)
	if err != nil {
		return false, err
	}
	entries, err := p.Shelf.AuditEntries(ctx, pruned.Position, segment)
	if err != nil {
		return false, err
	}
	v := NewVerifier(pruned)
	for _, e := range entries {
		if !e.At.Before(before) {
			break
		}
		if err := v.Next(e); err != nil {
			return false, fmt.Errorf("the oldest part is not whole and stays: %w", err)
		}
	}
	if v.Last() == pruned {
		return false, nil
	}
	return len(entries) == segment, p.Shelf.PruneAudit(ctx, v.Last())
}
