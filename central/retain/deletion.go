package retain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"gridgate/central/audit"
	"gridgate/central/store"
)

// Action is the action of the audit entries that tell of deletions.
const Action = "retention"

// Deletion is what was deleted since the last record of it.
type Deletion struct {
	Cases, Alerts, Events, Evidence, Objects int64
	// Root is the SHA-256 over the digests of the deleted objects: H(H(...H("" + first) + second...) + last), in hexadecimal digits. It is what
	// somebody who knows which objects there were can hold the record to.
	Root string
	// Before is the latest time of what was due: nothing younger was deleted.
	Before time.Time
}

// Empty says whether nothing was deleted.
func (d Deletion) Empty() bool { return d.Cases+d.Alerts+d.Events+d.Evidence+d.Objects == 0 }

func (d *Deletion) add(p store.Pruned, h store.Horizon) {
	if p == (store.Pruned{}) {
		return
	}
	d.Cases, d.Alerts, d.Events, d.Evidence = d.Cases+p.Cases, d.Alerts+p.Alerts, d.Events+p.Events, d.Evidence+p.Evidence
	for _, t := range []time.Time{h.Cases, h.Latest()} {
		if t.After(d.Before) {
			d.Before = t
		}
	}
}

func (d *Deletion) object(digest string) {
	sum := sha256.Sum256([]byte(d.Root + digest))
	d.Root = hex.EncodeToString(sum[:])
	d.Objects++
}

// Entry is d as an entry of the audit log: counts, the root, and nothing of what was deleted.
func (d Deletion) Entry(rule string) audit.Entry {
	parts := []string{
		fmt.Sprintf("cases=%d,alerts=%d,events=%d,evidence=%d,objects=%d", d.Cases, d.Alerts, d.Events, d.Evidence, d.Objects),
	}
	if !d.Before.IsZero() {
		parts = append(parts, "before="+d.Before.UTC().Format("2006-01-02T15:04Z"))
	}
	if d.Root != "" {
		parts = append(parts, "root="+d.Root)
	}
	return audit.Entry{Actor: "retention", Role: "job", Action: Action, Target: strings.Join(parts, ","), Reason: rule, Outcome: audit.Done}
}

// horizon is what is due at a time.
func (j *Job) horizon(now time.Time) store.Horizon {
	h := store.Horizon{Cases: before(now, j.o.Cases), Evidence: before(now, j.o.Evidence), Clips: before(now, j.o.Clips)}
	if len(j.o.Sources) > 0 {
		h.Sources = make(map[string]time.Time, len(j.o.Sources))
		for source, keep := range j.o.Sources {
			h.Sources[source] = before(now, keep)
		}
	}
	return h
}

// settle records what was deleted, and has it vanish from the files. What fails is tried again with the next round.
func (j *Job) settle(ctx context.Context) error {
	if !j.pending.Empty() {
		j.unclean = true
		if j.o.Record != nil {
			if err := j.o.Record(ctx, j.pending); err != nil {
				return fmt.Errorf("record what was deleted: %w", err)
			}
		}
		j.pending = Deletion{}
	}
	if j.unclean && j.o.Scrub != nil {
		if err := j.o.Scrub(ctx); err != nil {
			return fmt.Errorf("scrub what was deleted: %w", err)
		}
	}
	j.unclean = false
	return nil
}
