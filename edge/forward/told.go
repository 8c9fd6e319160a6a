package forward

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// maxTries bounds what is remembered of alerts that were sent and not answered for; of more than that the first attempt is not told.
const maxTries = 10_000

// tries remembers when alerts that were not answered for were first sent, and how often.
type tries struct {
	mu sync.Mutex
	of map[string]try
}

type try struct {
	first time.Time
	n     int
}

// failed notes that entries were sent at a time, and no answer said what became of them.
func (t *tries) failed(entries []outbox.Entry, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]try{}
	}
	for _, e := range entries {
		one, known := t.of[e.ID]
		switch {
		case known:
			one.n++
		case len(t.of) < maxTries:
			one = try{first: at, n: 1}
		default:
			continue
		}
		t.of[e.ID] = one
	}
}

// ended takes out what is known of an alert that was sent at a time and answered for.
func (t *tries) ended(id string, at time.Time) try {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, known := t.of[id]
	if !known {
		return try{first: at, n: 1}
	}
	delete(t.of, id)
	one.n++
	return one
}

// tell writes a line for each alert that central answered for: when it was first sent, how often, and the outcome. A trace of the alert reads
// it. What went as most do is told in detail only.
func (f *Forwarder) tell(ctx context.Context, lane alert.Lane, receipts []ingest.Receipt, sent time.Time) {
	for _, r := range receipts {
		one := f.tries.ended(r.ID, sent)
		level := slog.LevelDebug
		if lane == alert.LifeSafety || one.n > 1 || r.Outcome != ingest.Accepted {
			level = slog.LevelInfo
		}
		f.o.Log.Log(ctx, level, "alert answered", "alert", r.ID, "outcome", r.Outcome, "sent", one.first.UTC(), "attempts", one.n)
	}
}
