package retain_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/retain"
)

// book keeps what is recorded; it fails where it is told to.
type book struct {
	mu       sync.Mutex
	told     []retain.Deletion
	scrubbed int
	err      error // of the next call
}

func (b *book) record(_ context.Context, d retain.Deletion) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.err; err != nil {
		b.err = nil
		return err
	}
	b.told = append(b.told, d)
	return nil
}

func (b *book) scrub(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scrubbed++
	return nil
}

// What was deleted is recorded once with counts and a root over the objects, even if the book was shut, and then scrubbed.
func TestEachDeletionIsRecorded(t *testing.T) {
	for _, shut := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, b := &shelf{marks: marks{slices: 2, orphans: []string{"a", "b"}}}, &book{}
			if shut {
				b.err = errors.New("disk on fire")
			}
			start(t, retain.Options{Store: s, Objects: s, Evidence: 48 * time.Hour, Record: b.record, Scrub: b.scrub})
			time.Sleep(3 * time.Hour) // of synctest's clock
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.told) != 1 || b.scrubbed != 1 {
				t.Fatalf("recorded %+v, scrubbed %d times", b.told, b.scrubbed)
			}
			d := b.told[0]
			first := sha256.Sum256([]byte("a"))
			root := sha256.Sum256([]byte(hex.EncodeToString(first[:]) + "b"))
			if d.Cases != 2 || d.Alerts != 4 || d.Objects != 2 || d.Root != hex.EncodeToString(root[:]) || d.Before.IsZero() {
				t.Errorf("%+v", d)
			}
			e := d.Entry("pictures=48h").Clean()
			if e.Action != retain.Action || e.Reason != "pictures=48h" || !strings.Contains(e.Target, "objects=2,before=") || !strings.HasSuffix(e.Target, "root="+d.Root) {
				t.Errorf("%+v", e)
			}
		})
	}
}

// The longest record that there can be fits into an entry.
func TestARecordFits(t *testing.T) {
	const most = 1 << 62
	d := retain.Deletion{Cases: most, Alerts: most, Events: most, Evidence: most, Objects: most, Root: strings.Repeat("ab", 32), Before: time.Now()}
	if e := d.Entry("cases=4320h,pictures=720h,clips=72h,cameras=1000").Clean(); e.Target == "" || e.Reason == "" {
		t.Errorf("%+v", e)
	}
}
