package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/kit/durable"
)

const (
	asideMark   = ".damaged-"      // in the name of a file that was set aside; the time follows
	readMark    = "-read"          // ends the name once all that could be read is in the new file
	suspectName = "outbox.suspect" // is there while damage was met by a running process
	movingName  = "outbox.moving"  // is there while a file is set aside, and names it
	keepAside   = 3                // files set aside; older ones are deleted
)

// ErrDamaged says that the file is damaged, and that the outbox was opened so that it is left alone.
var ErrDamaged = errors.New("the outbox file is damaged")

// Damage tells of the last file that was set aside, and what of it could be read and is queued again under the same ids.
type Damage struct {
	At    time.Time `json:"at"`
	File  string    `json:"file"` // its name now, in the outbox's directory
	Why   string    `json:"why"`
	Saved Saved     `json:"saved"`
	Lost  []string  `json:"lost,omitempty"` // tables that could not be read to their end, with the error
}

// Saved counts rows.
type Saved struct {
	Alerts      int `json:"alerts"`
	Readings    int `json:"readings"`
	Evidence    int `json:"evidence"`
	Situations  int `json:"situations"`
	Messages    int `json:"messages"`
	DeadLetters int `json:"deadLetters"`
}

// openChecked opens the file for writing. One that fails the integrity check is set aside and a new one made; why says so then.
func openChecked(ctx context.Context, o Options) (db *sql.DB, why string, err error) {
	path := filepath.Join(o.Dir, fileName)
	if err := finishMove(o); err != nil {
		return nil, "", fmt.Errorf("set aside damaged outbox: %w", err)
	}
	db, err = openFile(ctx, path, o)
	if err == nil {
		return db, "", nil
	}
	if !damaged(err) {
		return nil, "", fmt.Errorf("open outbox %s: %w", path, err)
	}
	if o.LeaveDamaged {
		return nil, "", fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	why = err.Error()
	aside, err := asideName(o)
	if err != nil {
		return nil, "", fmt.Errorf("set aside damaged outbox: %w", err)
	}
	o.Log.ErrorContext(ctx, "the outbox file is damaged: it is set aside and a new epoch begins", "file", path, "aside", aside, "error", err)
	if err := setAside(o, aside); err != nil {
		return nil, "", fmt.Errorf("set aside damaged outbox: %w", err)
	}
	if err := os.Remove(suspectFile(o.Dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("set aside damaged outbox: %w", err)
	}
	if db, err = openFile(ctx, path, o); err != nil {
		return nil, "", fmt.Errorf("make new outbox %s: %w", path, err)
	}
	return db, why, nil
}

// setAside gives the file the name aside. Where it goes is noted first: of a move that a crash broke off the file might be left without
// its log, and would look whole.
func setAside(o Options, aside string) error {
	if err := durable.Write(filepath.Join(o.Dir, movingName), []byte(aside), 0o600); err != nil {
		return err
	}
	return finishMove(o)
}

// finishMove brings a move that was begun to its end.
func finishMove(o Options) error {
	note := filepath.Join(o.Dir, movingName)
	aside, err := os.ReadFile(note)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case o.LeaveDamaged:
		return fmt.Errorf("%w: it was being set aside", ErrDamaged)
	}
	if err := moveFile(filepath.Join(o.Dir, fileName), filepath.Join(o.Dir, filepath.Base(string(aside)))); err != nil {
		return err
	}
	return durable.Remove(note)
}

// moveFile renames a file and what SQLite keeps beside it, so that all of it can be examined. What was moved before is left alone.
func moveFile(path, to string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return durable.SyncDir(filepath.Dir(path))
}

// checkIntegrity looks through the whole file, within o.CheckTime unless an earlier process met damage.
func checkIntegrity(ctx context.Context, db *sql.DB, o Options) error {
	pragma, limit := `PRAGMA quick_check(1)`, o.CheckTime
	if _, err := os.Stat(suspectFile(o.Dir)); err == nil {
		pragma, limit = `PRAGMA integrity_check(1)`, time.Hour
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var verdict string
	err := db.QueryRowContext(within, pragma).Scan(&verdict)
	switch {
	case within.Err() != nil && ctx.Err() == nil && !damaged(err):
		o.Log.WarnContext(ctx, "the outbox file was not checked to its end in time; damage shows when it is met, or with `outbox check`", "time", limit.String())
	case err != nil:
		return fmt.Errorf("check integrity: %w", err)
	case verdict != "ok":
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

func suspectFile(dir string) string { return filepath.Join(dir, suspectName) }

// suspect takes note of an error: if it tells of damage, the next start checks the file to its end whatever that takes, and
// [Outbox.Wait] returns.
func (b *Outbox) suspect(err error) error {
	if !damaged(err) {
		return err
	}
	b.spoil.Do(func() {
		b.o.Log.Error("the outbox file is damaged; it is looked into at the next start", "error", err)
		if err := noteSuspicion(b.o.Dir, err); err != nil {
			b.o.Log.Error("could not note the damage for the next start", "error", err)
		}
		b.spoilt <- fmt.Errorf("the outbox file is damaged: start again, and it is repaired or set aside: %w", err)
	})
	return err
}

// noteSuspicion has the next start check the file to its end.
func noteSuspicion(dir string, why error) error {
	return errors.Join(os.WriteFile(suspectFile(dir), []byte(why.Error()+"\n"), 0o600), durable.SyncDir(dir))
}

// Wait blocks until ctx ends, and returns nil, or until damage is met in the file, and returns that. The outbox takes what it still
// can then, but only a new start helps.
func (b *Outbox) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-b.spoilt:
		return err
	}
}

const asideTime = "20060102T150405.000Z"

// asideName is a name that comes after those of all files set aside before, whatever the clock was set to meanwhile.
func asideName(o Options) (string, error) {
	names, err := asideFiles(o.Dir)
	if err != nil {
		return "", err
	}
	at := o.Now().UTC()
	if len(names) > 0 {
		text := strings.TrimSuffix(strings.TrimPrefix(names[len(names)-1], fileName+asideMark), readMark)
		if last, err := time.Parse(asideTime, text); err == nil && at.Before(last.Add(time.Millisecond)) {
			at = last.Add(time.Millisecond)
		}
	}
	return fileName + asideMark + at.Format(asideTime), nil
}

// asideFiles are the names of files set aside, oldest first.
func asideFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), fileName+asideMark) && !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// recover reads files set aside that were not read yet, and deletes the oldest beyond the bound. What it finds is already in the new
// file when a file is marked as read, so that a crash in between costs a second reading and nothing else.
func (b *Outbox) recover(ctx context.Context, why string) error {
	names, err := asideFiles(b.o.Dir)
	if err != nil {
		return fmt.Errorf("list files set aside: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, readMark) {
			continue
		}
		d := Damage{At: b.o.Now().UTC(), File: name + readMark, Why: why}
		b.salvage(ctx, filepath.Join(b.o.Dir, name), &d)
		if err := b.storeDamage(d); err != nil {
			return fmt.Errorf("note the damage: %w", err)
		}
		if err := moveFile(filepath.Join(b.o.Dir, name), filepath.Join(b.o.Dir, d.File)); err != nil {
			return fmt.Errorf("mark a file set aside as read: %w", err)
		}
		b.o.Log.WarnContext(ctx, "what could be read of the damaged outbox is queued again", "file", d.File, "saved", d.Saved, "lost", d.Lost)
	}
	return b.deleteOldest()
}

// deleteOldest deletes files set aside beyond the bound.
func (b *Outbox) deleteOldest() error {
	names, err := asideFiles(b.o.Dir)
	if err != nil {
		return fmt.Errorf("list files set aside: %w", err)
	}
	for _, name := range names[:max(0, len(names)-keepAside)] {
		for _, suffix := range []string{"-wal", "-shm", ""} {
			if err := os.Remove(filepath.Join(b.o.Dir, name+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("delete the oldest file set aside: %w", err)
			}
		}
	}
	return nil
}

const damageName = "damage" // in meta

func (b *Outbox) storeDamage(d Damage) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return b.directly(func(t *tx) error {
		_, err := t.exec(`INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)`, damageName, string(body))
		return err
	})
}

// lastDamage tells of the last file set aside, nil if there was none.
func (b *Outbox) lastDamage(ctx context.Context) (*Damage, error) {
	var body string
	err := b.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, damageName).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read what was damaged: %w", err)
	}
	var d Damage
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return nil, fmt.Errorf("read what was damaged: %w", err)
	}
	return &d, nil
}

// directly runs applies in one transaction before the writing goroutine does.
func (b *Outbox) directly(applies ...func(*tx) error) error {
	group := make([]*request, len(applies))
	for i, apply := range applies {
		group[i] = &request{apply: apply, done: make(chan error, 1)}
	}
	b.write.commit(group)
	var errs []error
	for _, r := range group {
		errs = append(errs, <-r.done)
	}
	return errors.Join(errs...)
}
