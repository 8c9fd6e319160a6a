package audit

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// shelf is a log in memory.
type shelf struct {
	entries []Entry
	pruned  Checkpoint
}

func (s *shelf) AuditEntries(_ context.Context, after int64, limit int) (out []Entry, _ error) {
	for _, e := range s.entries {
		if e.Position > after && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *shelf) AuditEnds(context.Context) (Checkpoint, Checkpoint, error) {
	return s.pruned, Checkpoint{}, nil
}

func (s *shelf) PruneAudit(_ context.Context, upTo Checkpoint) error {
	s.pruned = upTo
	for len(s.entries) > 0 && s.entries[0].Position <= upTo.Position {
		s.entries = s.entries[1:]
	}
	return nil
}

func TestPruneKeepsSixMonths(t *testing.T) {
	all := written(t, 10) // a second apart
	for name, tc := range map[string]struct {
		keep time.Duration
		now  time.Time
		left int
	}{
		"for ever":      {0, t0.AddDate(50, 0, 0), 10},
		"too young":     {MinKeep, t0.Add(MinKeep), 10},
		"half":          {MinKeep, t0.Add(MinKeep + 5*time.Second), 5},
		"never earlier": {time.Hour, t0.Add(MinKeep + 5*time.Second), 5},
		"all":           {MinKeep, t0.AddDate(1, 0, 0), 0},
	} {
		s := &shelf{entries: all}
		p := Pruner{Shelf: s, Keep: tc.keep, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return tc.now }}
		if err := p.Prune(t.Context()); err != nil || len(s.entries) != tc.left {
			t.Errorf("%s: %d are left, want %d; %v", name, len(s.entries), tc.left, err)
		}
		if tc.left == 5 && s.pruned != all[4].checkpoint() {
			t.Errorf("%s: the kept hash is that of %s", name, s.pruned)
		}
	}
}

func TestPruneLeavesWhatIsNotWhole(t *testing.T) {
	all := written(t, 10)
	all[3].Actor = "other"
	s := &shelf{entries: all}
	p := Pruner{Shelf: s, Keep: MinKeep, Now: func() time.Time { return t0.AddDate(1, 0, 0) }}
	var broken BrokenError
	if err := p.Prune(t.Context()); !errors.As(err, &broken) || broken.Position != 4 || len(s.entries) != 10 {
		t.Errorf("%v, %d are left", err, len(s.entries))
	}
}
