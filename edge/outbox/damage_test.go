package outbox

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// messages is how many an outbox has seen that is filled, each with ten alerts.
const messages = 40

// filled makes an outbox with some of everything in it and closes it. It returns the alerts, in the order of their sequence.
func filled(t *testing.T, dir string) (epoch string, all []alert.Alert) {
	t.Helper()
	b := open(t, Options{Dir: dir})
	for n := range messages {
		c := raise.Commit{Message: fmt.Sprint("m", n), Readings: []alert.Reading{raisetest.Reading(n)}}
		for i := range 10 {
			a := raisetest.Alert(alert.Door, 10*n+i)
			c.Alerts, c.Opened = append(c.Alerts, a), append(c.Opened, raisetest.SituationOf(a))
		}
		all = append(all, c.Alerts...)
		if _, err := b.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	object := []byte("a redacted picture")
	if err := b.PutEvidence(t.Context(), evidence(all[0], object), object); err != nil {
		t.Fatal(err)
	}
	dead := raisetest.Alert(alert.Gas, 1)
	put(t, b, dead)
	settle(t, b, ingest.Receipt{ID: dead.ID, Outcome: ingest.Rejected, Reason: "no"})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Epoch(), all
}

// rewrite changes a file.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// execute runs SQL on the file of a closed outbox.
func execute(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, path string)
		least  int // alerts saved, of 400
	}{
		"not a database": {func(t *testing.T, path string) {
			rewrite(t, path, func([]byte) []byte {
				return []byte("this is no database, it only looks like a long enough file to be one")
			})
		}, 0},
		"torn pages": {func(t *testing.T, path string) {
			rewrite(t, path, func(data []byte) []byte {
				for i := 8192; i < len(data); i++ {
					data[i] ^= 0x5a
				}
				return data
			})
		}, 0},
		"truncated": {func(t *testing.T, path string) {
			rewrite(t, path, func(data []byte) []byte { return data[:len(data)/2/4096*4096] })
		}, 1},
		"zeroed pages": {func(t *testing.T, path string) {
			rewrite(t, path, func(data []byte) []byte {
				clear(data[len(data)/2/4096*4096:][:5*4096])
				return data
			})
		}, 300},
		"another program's": {func(t *testing.T, path string) { execute(t, path, `PRAGMA application_id = 7`) }, 400},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			epoch, all := filled(t, dir)
			c.damage(t, path)
			if _, err := Open(t.Context(), Options{Dir: dir, LeaveDamaged: true}); !errors.Is(err, ErrDamaged) {
				t.Errorf("a tool that only looks: %v", err)
			}
			b := open(t, Options{Dir: dir})
			s := stats(t, b)
			if b.Epoch() == epoch || s.Damage == nil || s.SetAside != 1 || s.Damage.Why == "" {
				t.Fatalf("epoch %s again, or no word of it: %+v", epoch, s)
			}
			if _, err := os.Stat(filepath.Join(dir, s.Damage.File)); err != nil {
				t.Errorf("the damaged file is gone: %v", err)
			}
			checkSaved(t, b, all, c.least)
			put(t, b, raisetest.Alert(alert.Smoke, 3))
		})
	}
}

// checkSaved: what is there is what was, in its order, and is not minted again.
func checkSaved(t *testing.T, b *Outbox, all []alert.Alert, least int) {
	t.Helper()
	known := map[string]int{}
	for n, a := range all {
		known[a.ID] = n
	}
	entries, last := peek(t, b, alert.Normal), -1
	for _, e := range entries {
		n, ok := known[e.ID]
		if !ok || n <= last || !bytes.Equal(e.Event, mustEncode(t, all[n])) {
			t.Errorf("entry %s, number %d after %d, is not what was written", e.ID, n, last)
		}
		last = n
	}
	d := stats(t, b).Damage
	if len(entries) < least || d.Saved.Alerts != len(entries) || len(entries) < len(all) && len(d.Lost) == 0 {
		t.Errorf("%d of %d alerts saved, at least %d should be: %+v", len(entries), len(all), least, d)
	}
	open, err := b.Situations(t.Context())
	if err != nil || len(open) != d.Saved.Situations {
		t.Errorf("%d situations, %v: %+v", len(open), err, d)
	}
	again := 0
	for n := range messages {
		if duplicate, err := b.Commit(t.Context(), raise.Commit{Message: fmt.Sprint("m", n)}); err != nil {
			t.Fatal(err)
		} else if duplicate {
			again++
		}
	}
	if again != d.Saved.Messages {
		t.Errorf("%d messages are known: %+v", again, d)
	}
	t.Logf("%+v", d)
}

// TestSavingSavesAll: from a file that is whole but for its mark, everything comes over, with its order, evidence and dead letters.
func TestSavingSavesAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	_, all := filled(t, dir)
	execute(t, path, `PRAGMA application_id = 7`)
	if err := moveFile(path, path+asideMark+"20260101T000000.000Z"); err != nil {
		t.Fatal(err) // as a crash right after the file was set aside leaves it
	}
	for range 2 {
		b := open(t, Options{Dir: dir})
		s := stats(t, b)
		if want := (Saved{Alerts: 400, Readings: 40, Evidence: 1, Situations: 400, Messages: 40, DeadLetters: 1}); s.Damage.Saved != want || len(s.Damage.Lost) != 0 {
			t.Errorf("saved %+v, lost %v", s.Damage.Saved, s.Damage.Lost)
		}
		if s.Lanes[1].Pending != 400 || s.Readings.Pending != 40 || s.Evidence.Pending != 1 || s.DeadLetters != 1 {
			t.Errorf("%+v", s)
		}
		if got := peek(t, b, alert.Normal); got[0].ID != all[0].ID || got[399].ID != all[399].ID || got[399].Seq != 400 {
			t.Error("not in their order")
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAMoveThatWasBrokenOffIsFinished: the file without its log would look whole, and lack what was in there.
func TestAMoveThatWasBrokenOffIsFinished(t *testing.T) {
	running := t.TempDir()
	put(t, open(t, Options{Dir: running}), raisetest.Alert(alert.Gas, 1)) // which is in the log only
	dir := copyOf(t, running)
	aside := fileName + asideMark + "20260101T000000.000Z"
	if err := os.WriteFile(filepath.Join(dir, movingName), []byte(aside), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, fileName+"-wal"), filepath.Join(dir, aside+"-wal")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, LeaveDamaged: true}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a tool that only looks: %v", err)
	}
	for range 2 {
		b := open(t, Options{Dir: dir})
		if s := stats(t, b); s.Lanes[0].Pending != 1 || s.SetAside != 1 || s.Damage == nil {
			t.Errorf("%+v", s)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesSetAsideAreBounded(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for range keepAside + 2 {
		b := open(t, Options{Dir: dir, Now: func() time.Time { return now }})
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		rewrite(t, filepath.Join(dir, fileName), func([]byte) []byte { return []byte("no database, and long enough to be looked at as one") })
		now = now.Add(time.Hour)
	}
	if s := stats(t, open(t, Options{Dir: dir, Now: func() time.Time { return now }})); s.SetAside != keepAside || s.Damage.File == "" {
		t.Errorf("%+v", s)
	}
	names, err := asideFiles(dir)
	if err != nil || len(names) != keepAside || names[0] != fileName+asideMark+"20261122T040000.000Z"+readMark {
		t.Errorf("%v, %v", names, err)
	}
}

// The clock of a box without a battery begins in 1970: the file that was set aside last is not the one that goes.
func TestAClockSetBackDeletesNoNewerFile(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	var last string
	for i := range keepAside + 3 {
		if i == keepAside {
			now = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		b := open(t, Options{Dir: dir, Now: func() time.Time { return now }})
		if i > 0 {
			last = stats(t, b).Damage.File
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		rewrite(t, filepath.Join(dir, fileName), func([]byte) []byte { return []byte("no database, and long enough to be looked at as one") })
	}
	names, err := asideFiles(dir)
	if err != nil || len(names) != keepAside || names[keepAside-1] != last {
		t.Errorf("kept %q, %v: want the last one, %s, at the end", names, err, last)
	}
}

func TestAFileOfANewerReleaseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	filled(t, dir)
	execute(t, path, fmt.Sprintf(`PRAGMA user_version = %d`, fileVersion+1))
	execute(t, path, fmt.Sprintf(`UPDATE meta SET value = '%d' WHERE name = 'readable since'`, fileVersion+1))
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrNewer) {
		t.Fatalf("a newer file: %v", err)
	}
	if names, err := asideFiles(dir); err != nil || len(names) != 0 {
		t.Errorf("set aside: %v, %v", names, err)
	}
	execute(t, path, fmt.Sprintf(`PRAGMA user_version = %d`, fileVersion))
	if s := stats(t, open(t, Options{Dir: dir})); s.Lanes[1].Pending != 400 {
		t.Errorf("%+v", s)
	}
}

// After a release that only added to the file, the release before goes on with it, loses nothing, and leaves its version as it is.
func TestAReleaseThatWasPutBackGoesOnWithAFileThatSaysSo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	filled(t, dir)
	execute(t, path, `ALTER TABLE alerts ADD COLUMN later TEXT NOT NULL DEFAULT ''`)
	execute(t, path, fmt.Sprintf(`PRAGMA user_version = %d`, fileVersion+1))
	for range 2 {
		b := open(t, Options{Dir: dir})
		if s := stats(t, b); s.Lanes[1].Pending != 400 {
			t.Errorf("%+v", s)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if version, err := readVersion(t.Context(), db); err != nil || version != fileVersion+1 {
		t.Errorf("version %d, %v", version, err)
	}
}

// TestAFileOfTheFirstVersionIsBroughtUp, and loses nothing.
func TestAFileOfTheFirstVersionIsBroughtUp(t *testing.T) {
	dir := t.TempDir()
	a := raisetest.Alert(alert.Gas, 1)
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName)))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{steps[0], `INSERT INTO meta VALUES ('epoch', 'old')`, `UPDATE lanes SET next = 4, shed = 2 WHERE lane = 0`, `PRAGMA user_version = 1`} {
		if _, err := db.Exec(step); err != nil {
			t.Fatal(err)
		}
	}
	_, err = db.Exec(`INSERT INTO alerts (lane, seq, id, at, event) VALUES (0, 3, ?, 5, ?)`, a.ID, mustEncode(t, a))
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b := open(t, Options{Dir: dir})
		if got := peek(t, b, alert.LifeSafety); b.Epoch() != "old" || got[0].Seq != 3 || got[0].ID != a.ID || got[0].Schema != 1 {
			t.Errorf("epoch %s, %+v", b.Epoch(), got)
		}
		if s := stats(t, b).Lanes[0]; s.Next != 4 || s.Shed != 2 || s.Coalesced != 0 {
			t.Errorf("%+v", s)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamageThatIsMetLater: the check at start is bounded, so that damage may show when a page is needed. The process is told, and
// the next start looks at all of it.
func TestDamageThatIsMetLater(t *testing.T) {
	dir := t.TempDir()
	_, all := filled(t, dir)
	zeroRoot(t, filepath.Join(dir, fileName), "situations")
	b := open(t, Options{Dir: dir, CheckTime: time.Nanosecond})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ended); err != nil {
		t.Fatalf("before it is met: %v", err)
	}
	if _, err := b.Commit(t.Context(), raise.Commit{Message: "m", Closed: []string{"k"}}); !damaged(err) {
		t.Fatalf("a commit into a damaged table: %v", err)
	}
	if err := b.Wait(t.Context()); !damaged(err) {
		t.Errorf("Wait: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Dir: dir, CheckTime: time.Nanosecond})
	checkSaved(t, again, all, len(all))
	if _, err := os.Stat(suspectFile(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the suspicion stays: %v", err)
	}
}

// TestDamageThatIsReadTellsToo: whoever reads first.
func TestDamageThatIsReadTellsToo(t *testing.T) {
	for table, read := range map[string]func(*Outbox) error{
		"readings":     func(b *Outbox) error { _, err := b.PeekReadings(t.Context(), 10); return err },
		"dead_letters": func(b *Outbox) error { _, err := b.DeadLetters(t.Context(), 0, 10); return err },
	} {
		t.Run(table, func(t *testing.T) {
			dir := t.TempDir()
			filled(t, dir)
			b := open(t, Options{Dir: dir})
			zeroRoot(t, filepath.Join(dir, fileName), table)
			if err := read(b); !damaged(err) {
				t.Fatalf("read: %v", err)
			}
			if err := b.Wait(t.Context()); !damaged(err) {
				t.Errorf("Wait: %v", err)
			}
		})
	}
}

// TestDamageThatShowsWhileOpening: counting reads what the bounded check did not.
func TestDamageThatShowsWhileOpening(t *testing.T) {
	dir := t.TempDir()
	_, all := filled(t, dir)
	zeroRoot(t, filepath.Join(dir, fileName), "evidence")
	checkSaved(t, open(t, Options{Dir: dir, CheckTime: time.Nanosecond}), all, len(all))
}

// zeroRoot makes the first page of a table unreadable.
func zeroRoot(t *testing.T, path, table string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	var page int
	err = db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = ?`, table).Scan(&page)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	rewrite(t, path, func(data []byte) []byte {
		clear(data[(page-1)*4096:][:4096])
		return data
	})
}

func TestCheckFindsDamageAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir)
	path := filepath.Join(dir, fileName)
	if found, err := Check(t.Context(), dir); err != nil || len(found) != 0 {
		t.Errorf("a good file: %v, %v", found, err)
	}
	rewrite(t, path, func(data []byte) []byte {
		clear(data[len(data)/2/4096*4096:][:5*4096])
		return data
	})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := Check(t.Context(), dir); err != nil || len(found) == 0 {
		t.Errorf("a damaged one: %v, %v", found, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
	b := open(t, Options{Dir: dir})
	if found, err := b.Check(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("the new file: %v, %v", found, err)
	}
	if _, err := Check(t.Context(), dir); !errors.Is(err, ErrInUse) {
		t.Errorf("while it is in use: %v", err)
	}
}
