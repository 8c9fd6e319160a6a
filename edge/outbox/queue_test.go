package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func put(t testing.TB, b *Outbox, alerts ...alert.Alert) {
	t.Helper()
	if _, err := b.Commit(context.Background(), raise.Commit{Alerts: alerts}); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func ids(t testing.TB, b *Outbox, lane alert.Lane) string {
	t.Helper()
	entries, err := b.Peek(context.Background(), lane, Want{Limit: 1000})
	if err != nil {
		t.Fatalf("Peek: %v", err)
	}
	var out []string
	for i, e := range entries {
		if got := alert.PeekID(e.Event); got != e.ID {
			t.Errorf("entry %s holds event %s", e.ID, got)
		}
		if i > 0 && e.Seq <= entries[i-1].Seq {
			t.Errorf("sequence %d follows %d", e.Seq, entries[i-1].Seq)
		}
		out = append(out, e.ID)
	}
	return strings.Join(out, " ")
}

func stats(t testing.TB, b *Outbox) Stats {
	t.Helper()
	s, err := b.Stats(context.Background())
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return s
}

func TestOnlyReceiptsRemove(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	x, y, z := raisetest.Alert(alert.Gas, 1), raisetest.Alert(alert.Gas, 2), raisetest.Alert(alert.Gas, 3)
	door := raisetest.Alert(alert.Door, 4)
	put(t, b, x, y, door)
	put(t, b, z, x) // the same id again changes nothing
	if got, want := ids(t, b, alert.LifeSafety), x.ID+" "+y.ID+" "+z.ID; got != want {
		t.Fatalf("life-safety holds %s, want %s", got, want)
	}
	err := b.Settle(t.Context(),
		ingest.Receipt{ID: x.ID, Outcome: ingest.Accepted}, ingest.Receipt{ID: y.ID, Outcome: ingest.Rejected, Reason: "grid: unknown"},
		ingest.Receipt{ID: z.ID, Outcome: "perhaps"}, ingest.Receipt{ID: "stranger", Outcome: ingest.Accepted}, ingest.Receipt{Outcome: ingest.Rejected})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), ingest.Receipt{ID: door.ID, Outcome: ingest.Duplicate}); err != nil {
		t.Fatal(err)
	}
	after := open(t, Options{Dir: copyOf(t, dir)})
	for name, b := range map[string]*Outbox{"open": b, "after a crash": after} {
		s := stats(t, b)
		if got := ids(t, b, alert.LifeSafety) + ids(t, b, alert.Normal); got != z.ID {
			t.Errorf("%s: pending %s, want %s", name, got, z.ID)
		}
		if l := s.Lanes[0]; l.Pending != 1 || l.Lowest != 3 || l.Next != 4 || l.Oldest.IsZero() || l.Bytes <= 0 || s.DeadLetters != 1 {
			t.Errorf("%s: stats %+v", name, s)
		}
		if l := s.Lanes[1]; l.Pending != 0 || l.Bytes != 0 || l.Lowest != l.Next {
			t.Errorf("%s: stats of an empty lane %+v", name, l)
		}
	}
	if after.Epoch() != b.Epoch() || b.Epoch() == "" {
		t.Error("the epoch did not survive")
	}
}

func TestDeadLetters(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), DeadLetters: 2})
	a := raisetest.Alert(alert.Door, 1)
	put(t, b, a)
	if _, err := b.Commit(t.Context(), raise.Commit{Readings: []alert.Reading{raisetest.Reading(1), raisetest.Reading(2)}}); err != nil {
		t.Fatal(err)
	}
	readings, err := b.PeekReadings(t.Context(), 10)
	if err != nil || len(readings) != 2 || readings[1].Reading != raisetest.Reading(2) {
		t.Fatalf("PeekReadings: %v, %v", readings, err)
	}
	if err := b.SettleReadings(t.Context(), ReadingReceipt{Seq: readings[0].Seq}, ReadingReceipt{Seq: readings[1].Seq, Reason: "unit"}, ReadingReceipt{Seq: 99}); err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(t.Context(), ingest.Receipt{ID: a.ID, Outcome: ingest.Rejected, Reason: strings.Repeat("网", 1000)}); err != nil {
		t.Fatal(err)
	}
	dead, err := b.DeadLetters(t.Context(), 0, 10)
	if err != nil || len(dead) != 2 || dead[0].Stream != "reading" || dead[0].Reason != "unit" || dead[1].ID != a.ID || len(dead[1].Reason) > maxReason {
		t.Fatalf("DeadLetters: %+v, %v", dead, err)
	}
	for _, d := range dead {
		if err := b.Requeue(t.Context(), d.Seq); err != nil {
			t.Fatal(err)
		}
	}
	if s := stats(t, b); s.DeadLetters != 0 || s.Readings.Pending != 1 || ids(t, b, alert.Normal) != a.ID {
		t.Errorf("after requeue: %+v", s)
	}
	if err := b.Requeue(t.Context(), dead[0].Seq); !errors.Is(err, ErrNotFound) {
		t.Errorf("requeue twice: %v", err)
	}
	for range 3 {
		a := raisetest.Alert(alert.Door, 1)
		put(t, b, a)
		if err := b.Settle(t.Context(), ingest.Receipt{ID: a.ID, Outcome: ingest.Rejected, Reason: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	if s := stats(t, b); s.DeadLetters != 2 {
		t.Errorf("%d dead letters are kept, want 2", s.DeadLetters)
	}
}

func TestMessageIdentitiesAreBounded(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), Messages: 2})
	for _, m := range []string{"a", "b", "c"} {
		if _, err := b.Commit(t.Context(), raise.Commit{Message: m}); err != nil {
			t.Fatal(err)
		}
	}
	for m, want := range map[string]bool{"b": true, "c": true} {
		if duplicate, err := b.Commit(t.Context(), raise.Commit{Message: m}); err != nil || duplicate != want {
			t.Errorf("%s: duplicate %v, %v", m, duplicate, err)
		}
	}
	if duplicate, _ := b.Commit(t.Context(), raise.Commit{Message: "a"}); duplicate {
		t.Error("the oldest identity was not forgotten")
	}
}

func evidence(a alert.Alert, object []byte) alert.Evidence {
	sum := sha256.Sum256(object)
	return alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: hex.EncodeToString(sum[:]), MediaType: alert.JPEG,
		Bytes: int64(len(object)), At: raisetest.Start}
}

func TestEvidenceFollowsItsAlert(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	a, other := raisetest.Alert(alert.Motion, 1), raisetest.Alert(alert.Motion, 2)
	put(t, b, a, other)
	object := bytes.Repeat([]byte("picture"), 1000)
	first, twin := evidence(a, object), evidence(other, object)
	for _, e := range []alert.Evidence{first, twin, first} {
		if err := b.PutEvidence(t.Context(), e, object); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.PutEvidence(t.Context(), evidence(a, object), object[1:]); err == nil {
		t.Error("an object that does not match was taken")
	}
	wantEvidence(t, b) // both alerts are pending
	settle(t, b, ingest.Receipt{ID: a.ID, Outcome: ingest.Accepted}, ingest.Receipt{ID: other.ID, Outcome: ingest.Rejected, Reason: "no"})
	wantEvidence(t, b, first.ID) // a dead alert holds its evidence back

	f, err := b.OpenEvidence(first.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, object) {
		t.Fatalf("the object came back as %d bytes, %v", len(got), err)
	}
	if err := b.SettleEvidence(t.Context(), ingest.Receipt{ID: first.ID, Outcome: ingest.Accepted}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.object(first.SHA256)); err != nil {
		t.Fatal("the object that another event needs was removed")
	}
	if err := b.SettleEvidence(t.Context(), ingest.Receipt{ID: twin.ID, Outcome: ingest.Rejected, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(filepath.Join(dir, evidenceDir)); len(files) != 0 {
		t.Errorf("%d objects are left", len(files))
	}
	if s := stats(t, b); s.Evidence.Pending != 0 || s.Evidence.Bytes != 0 || s.DeadLetters != 2 {
		t.Errorf("stats %+v", s)
	}
}

func settle(t *testing.T, b *Outbox, receipts ...ingest.Receipt) {
	t.Helper()
	if err := b.Settle(t.Context(), receipts...); err != nil {
		t.Fatal(err)
	}
}

func wantEvidence(t *testing.T, b *Outbox, want ...string) {
	t.Helper()
	list, err := b.PeekEvidence(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, e.ID)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("evidence to send: %v, want %v", got, want)
	}
}

func TestEvidenceBudgetAndSweep(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir, MaxEvidence: 25})
	a := raisetest.Alert(alert.Motion, 1)
	var all []alert.Evidence
	for i := range 3 {
		object := bytes.Repeat([]byte{byte(i)}, 10)
		all = append(all, evidence(a, object))
		if err := b.PutEvidence(t.Context(), all[i], object); err != nil {
			t.Fatal(err)
		}
	}
	wantEvidence(t, b, all[1].ID, all[2].ID)
	if err := b.PutEvidence(t.Context(), evidence(a, make([]byte, 26)), make([]byte, 26)); !errors.Is(err, ErrFull) {
		t.Errorf("too large: %v", err)
	}
	to := copyOf(t, dir)
	for name, data := range map[string]string{"0123": "stray", all[1].SHA256 + temporary: "half"} {
		if err := os.WriteFile(filepath.Join(to, evidenceDir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(to, evidenceDir, all[2].SHA256)); err != nil {
		t.Fatal(err)
	}
	after := open(t, Options{Dir: to})
	wantEvidence(t, after, all[1].ID)
	files, _ := os.ReadDir(filepath.Join(to, evidenceDir))
	if s := stats(t, after); len(files) != 1 || s.Evidence.Pending != 1 || s.Evidence.Shed != 1 || s.DeadLetters != 1 {
		t.Errorf("%d files, stats %+v", len(files), s)
	}
	if _, err := b.OpenEvidence("../outbox.db"); err == nil {
		t.Error("a path was taken for a digest")
	}
}

// TestWhatCannotBeReadHoldsUpNothing: a reading and evidence that are no longer what was written.
func TestWhatCannotBeReadHoldsUpNothing(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir()})
	a := raisetest.Alert(alert.Motion, 1)
	for i := range 2 {
		if _, err := b.Commit(t.Context(), raise.Commit{Readings: []alert.Reading{raisetest.Reading(i)}}); err != nil {
			t.Fatal(err)
		}
		object := []byte{byte(i)}
		if err := b.PutEvidence(t.Context(), evidence(a, object), object); err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range []string{`UPDATE readings SET reading = x'7b00' WHERE seq = 1`, `UPDATE evidence SET event = x'7b00' WHERE seq = 1`} {
		if err := b.submit(t.Context(), func(t *tx) error { _, err := t.exec(damage); return err }); err != nil {
			t.Fatal(err)
		}
	}
	readings, err := b.PeekReadings(t.Context(), 10)
	if err != nil || len(readings) != 1 || readings[0].Seq != 2 {
		t.Errorf("readings %+v, %v", readings, err)
	}
	pictures, err := b.PeekEvidence(t.Context(), 10)
	if err != nil || len(pictures) != 1 {
		t.Errorf("evidence %+v, %v", pictures, err)
	}
	files, err := os.ReadDir(b.object(""))
	if s := stats(t, b); err != nil || len(files) != 1 || s.Readings.Pending != 1 || s.Evidence.Pending != 1 || s.DeadLetters != 2 {
		t.Errorf("%d files, %v, %+v", len(files), err, s)
	}
}

// TestEvidenceLeavesTheDiskToAlerts: on a disk that is nearly full there are no pictures, and alerts go on.
func TestEvidenceLeavesTheDiskToAlerts(t *testing.T) {
	dir := t.TempDir()
	b := open(t, Options{Dir: dir})
	a, object := raisetest.Alert(alert.Motion, 1), []byte("a redacted picture")
	b.free = func() (int64, error) { return spare + int64(len(object)) - 1, nil }
	if err := b.PutEvidence(t.Context(), evidence(a, object), object); !errors.Is(err, ErrFull) {
		t.Errorf("a picture: %v", err)
	}
	put(t, b, a)
	if files, err := os.ReadDir(filepath.Join(dir, evidenceDir)); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
	b.free = func() (int64, error) { return spare + int64(len(object)), nil }
	if err := b.PutEvidence(t.Context(), evidence(a, object), object); err != nil {
		t.Errorf("with room: %v", err)
	}
}

// TestAClipYieldsToPictures: a sealed clip as large as one may be is sent after pictures that came later, and shed before them.
func TestAClipYieldsToPictures(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir(), MaxEvidence: alert.MaxEvidence + 100})
	a := raisetest.Alert(alert.Motion, 1)
	add := func(object []byte) alert.Evidence {
		e := evidence(a, object)
		if len(object) > 1<<20 {
			e.MediaType, e.Sealed = alert.SealedMP4, true
		}
		if err := b.PutEvidence(t.Context(), e, object); err != nil {
			t.Fatal(err)
		}
		return e
	}
	first, clip := add([]byte("the onset")), add(make([]byte, alert.MaxEvidence))
	later := add([]byte("a second after"))
	wantEvidence(t, b, first.ID, later.ID, clip.ID)
	if list, err := b.PeekEvidence(t.Context(), 2); err != nil || len(list) != 2 {
		t.Errorf("%d of 2, %v", len(list), err)
	}
	last := add(make([]byte, 90))
	wantEvidence(t, b, first.ID, later.ID, last.ID)
	if s := stats(t, b); s.Evidence.Shed != 1 {
		t.Errorf("stats %+v", s)
	}
}

// TestCancelledEvidenceLeavesNoObject: an object without its row would stay on the disk until the next start.
func TestCancelledEvidenceLeavesNoObject(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	object := []byte("a redacted picture")
	// A cancelled caller may still be served; what counts is that row and object go together.
	err := b.PutEvidence(ctx, evidence(raisetest.Alert(alert.Motion, 1), object), object)
	files, _ := os.ReadDir(filepath.Join(b.o.Dir, evidenceDir))
	if stored := stats(t, b).Evidence.Pending == 1; stored != (err == nil) || stored != (len(files) == 1) {
		t.Errorf("error %v, stored %v, %d objects", err, stored, len(files))
	}
}

func TestAnnouncements(t *testing.T) {
	b := open(t, Options{Dir: t.TempDir()})
	put(t, b, raisetest.Alert(alert.Door, 1))
	put(t, b, raisetest.Alert(alert.Door, 2))
	<-b.Appended()
	select {
	case <-b.Urgent():
		t.Error("a door is not urgent")
	case <-b.Appended():
	case <-time.After(0):
	}
	put(t, b, raisetest.Alert(alert.SOS, 1))
	<-b.Urgent()
}

func peek(t testing.TB, b *Outbox, lane alert.Lane) []Entry {
	t.Helper()
	entries, err := b.Peek(context.Background(), lane, Want{Limit: 1 << 20})
	if err != nil {
		t.Fatalf("Peek: %v", err)
	}
	return entries
}

func accepted(a alert.Alert) ingest.Receipt {
	return ingest.Receipt{ID: a.ID, Outcome: ingest.Accepted}
}

func clearOf(a alert.Alert) alert.Alert {
	a.Situation, a.ID, a.State = a.ID, alert.NewID(), alert.Cleared
	return a
}
