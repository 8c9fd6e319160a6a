package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/central/audit"
	"gridgate/central/config"
	"gridgate/central/correlate"
	"gridgate/central/retain"
	"gridgate/central/store"
	"gridgate/central/store/objects"
	"gridgate/central/store/sqlite"
	"gridgate/central/store/sqlite/sqlitetest"
	"gridgate/protocols/alert"
)

// holding lists the files below a folder that hold a text.
func holding(t *testing.T, folder, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			files = append(files, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What retention deleted is in no file of the data folder any more, neither in free pages nor in the write-ahead log, and the audit log says
// that it was deleted.
func TestWhatIsDeletedIsGone(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	db, err := sqlitetest.Open(ctx, sqlite.Options{Path: filepath.Join(folder, "central.db"), CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	dir, err := objects.Open(filepath.Join(folder, "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	old := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	gone := plant(t, db, dir, "planted-picture-7391", old)
	stays := plant(t, db, dir, "younger-picture", old.Add(1000*time.Hour)) // the newest case stays in any event
	for _, mark := range gone {
		if len(holding(t, folder, mark)) == 0 {
			t.Fatalf("%x stands nowhere: the test looks for nothing", mark)
		}
	}
	recorded := make(chan retain.Deletion, 1)
	job, err := retain.New(retain.Options{
		Store: db, Objects: dir, Cases: 48 * time.Hour, Evidence: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return old.Add(1001 * time.Hour) },
		Record: func(ctx context.Context, d retain.Deletion) error {
			return db.Record(ctx, []audit.Entry{d.Entry("cases=48h")})
		},
		Scrub: func(ctx context.Context) error {
			err := db.Scrub(ctx)
			if err == nil {
				recorded <- retain.Deletion{}
			}
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- job.Run(running) }()
	<-recorded
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i := range gone {
		if files := holding(t, folder, gone[i]); len(files) > 0 {
			t.Errorf("%x was deleted and still stands in %q", gone[i], files)
		}
		if len(holding(t, folder, stays[i])) == 0 {
			t.Errorf("%x is not due, and gone, too", stays[i])
		}
	}
	entries, err := db.AuditEntries(ctx, 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Action != retain.Action || !strings.Contains(entries[0].Target, "cases=1,alerts=2,") || !strings.Contains(entries[0].Target, "objects=1,") {
		t.Errorf("%+v, %v", entries, err)
	}
}

// plant stores a case that has ended, with a picture, and returns what to look for: the bytes of the alert's id, the picture's words and its
// digest. The name of a place stays: it is no one event's.
func plant(t *testing.T, db *sqlite.Store, dir *objects.Dir, marker string, at time.Time) []string {
	t.Helper()
	raised := alert.Alert{
		ID: alert.NewID(), Source: "/edges/town-1/cameras/" + marker[:7], Kind: alert.Motion, Object: "unknown", State: alert.Raised, Key: "town-1/" + marker[:7] + "//motion",
		Severity: alert.Minor, Grid: "110101001001001", OccurredAt: at, RaisedAt: at, Clock: alert.EdgeClock, Origin: "motion",
	}
	raised.Situation = raised.ID
	over := raised
	over.ID, over.State = alert.NewID(), alert.Cleared
	for _, a := range []alert.Alert{raised, over} {
		if _, err := db.Ingest(t.Context(), store.Group{Alerts: []store.Received{{Alert: a, ReceivedAt: at}}}, correlate.ByKey, at); err != nil {
			t.Fatal(err)
		}
	}
	picture := []byte("\xff\xd8\xff\xe0 " + marker)
	sum := sha256.Sum256(picture)
	digest := hex.EncodeToString(sum[:])
	if _, err := dir.Put(t.Context(), digest, bytes.NewReader(picture), 1000); err != nil {
		t.Fatal(err)
	}
	e := alert.Evidence{ID: alert.NewID(), Source: raised.Source, AlertID: raised.ID, SHA256: digest, MediaType: alert.JPEG, Bytes: int64(len(picture)), At: at}
	if _, err := db.AddEvidence(t.Context(), []alert.Evidence{e}, at); err != nil {
		t.Fatal(err)
	}
	id, err := hex.DecodeString(strings.ReplaceAll(raised.ID, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return []string{string(id), marker, digest}
}

func TestRuleFitsAnEntry(t *testing.T) {
	c := config.Defaults()
	c.Retention.Clips = 72 * time.Hour
	c.Retention.Cameras = []config.CameraRetention{{Camera: "a/b", Keep: time.Hour}}
	if e := (retain.Deletion{Cases: 1}).Entry(ruleOf(&c)).Clean(); e.Reason != "cases=4320h,pictures=2160h,clips=72h,cameras=1" {
		t.Errorf("%+v", e)
	}
}
