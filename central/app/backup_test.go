package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gridgate/central/backup"
	"gridgate/central/config"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/seal"
)

// command runs a command and returns what it printed.
func command(t *testing.T, c interface{ Run(*Terminal) error }) (out, told string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = c.Run(&Terminal{Ctx: t.Context(), Out: &o, Err: &e, Now: time.Now})
	return strings.TrimSpace(o.String()), e.String(), err
}

// newKey makes a key pair by the command.
func newKey(t *testing.T) (file, public string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "backup.key")
	public, _, err := command(t, &backupKey{Out: file})
	if err != nil {
		t.Fatal(err)
	}
	return file, public
}

func (d *desk) picture(n int) (digest string) {
	d.t.Helper()
	data := fmt.Appendf([]byte("\xff\xd8\xff\xe0"), "picture %d", n)
	sum := sha256.Sum256(data)
	digest = hex.EncodeToString(sum[:])
	a := newAlert(fmt.Sprintf("smoke-%d", n))
	d.post(a)
	e, err := alert.EncodeEvidence(alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: digest, MediaType: alert.JPEG, Bytes: int64(len(data)), At: time.Now()})
	if err != nil {
		d.t.Fatal(err)
	}
	into[ingest.Receipts](d.t, d.do("POST", ingest.EventsPath, edgeToken, alert.BatchContentType, alert.EncodeBatch([][]byte{e})))
	if answer := d.do("PUT", ingest.EvidencePath+digest, edgeToken, alert.JPEG, data); answer.StatusCode/100 != 2 {
		d.t.Fatalf("picture: %s", answer.Status)
	}
	return digest
}

// reading writes readings of now and of ten days ago, which are late.
func (d *desk) reading(value float64) {
	d.t.Helper()
	var r ingest.Readings
	for _, ago := range []time.Duration{time.Minute, 10 * 24 * time.Hour} {
		r.Readings = append(r.Readings, alert.Reading{Source: alert.SensorSource("town-1", "t1"), Grid: "110101001001001", Quantity: "temperature", Value: value, Unit: "Cel", At: time.Now().UTC().Add(-ago)})
	}
	body, err := json.Marshal(r)
	if err != nil {
		d.t.Fatal(err)
	}
	into[ingest.ReadingsReceipt](d.t, d.do("POST", ingest.ReadingsPath, edgeToken, "application/json", body))
}

// answers are what a screen asks, as text.
func (d *desk) answers(span string) (all []string) {
	d.t.Helper()
	for _, path := range []string{"/v1/alerts?limit=500", "/v1/cases?limit=500", "/v1/series?quantity=temperature&device=t1&" + span, "/v1/series?quantity=temperature&device=t1&step=1h&" + span} {
		answer := d.do("GET", path, d.token, "", nil)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			d.t.Fatalf("%s: %s %s, %v", path, answer.Status, body, err)
		}
		all = append(all, string(body))
	}
	return all
}

// settled waits until the jobs have done with some cases of one fire what they do: all are in the loop, and all but one are merged.
func (d *desk) settled(cases int) {
	d.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		answer := d.do("GET", "/v1/cases?limit=500", d.token, "", nil)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			d.t.Fatalf("cases: %s %s, %v", answer.Status, body, err)
		}
		if strings.Count(string(body), `"workflow"`) == cases && strings.Count(string(body), `"mergedBy"`) == cases-1 {
			return
		}
		select {
		case <-tick.C:
		case <-d.t.Context().Done():
			d.t.Fatalf("the cases are not settled: %s", body)
		}
	}
}

// tree is every file below a folder, with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (d *desk) data() string { return filepath.Join(filepath.Dir(d.file), "data") }

func (d *desk) backUp(to, recipient string) string {
	d.t.Helper()
	dir, _, err := command(d.t, &backupCreate{configured: configured{d.file}, To: to, Recipient: recipient})
	if err != nil {
		d.t.Fatal(err)
	}
	return dir
}

// TestBackupAndRestore: a backup beside a central that runs, the folder destroyed, and restored: every answer is the same.
func TestBackupAndRestore(t *testing.T) {
	d := newDesk(t)
	key, public := newKey(t)
	to := filepath.Join(t.TempDir(), "backups")
	for n := range 3 {
		d.picture(n)
	}
	d.reading(21.5)
	d.reading(22.5)
	span := "from=" + time.Now().Add(-20*24*time.Hour).UTC().Format(time.RFC3339) + "&to=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	first := d.backUp(to, public)
	d.picture(4)
	write(t, filepath.Join(d.data(), "note"), "of another part of central")
	d.settled(4)
	want, pictures := d.answers(span), tree(t, filepath.Join(d.data(), "evidence"))
	next := d.feed("0")
	for range 4 {
		next()
	}
	second := d.backUpLater(to, public, first)
	d.post(newAlert("lost"))
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := command(t, &backupRestore{configured: configured{d.file}, oneBackup: oneBackup{From: second, Key: key}, EndSessions: true}); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("over what is there: %v", err)
	}
	if err := os.RemoveAll(d.data()); err != nil {
		t.Fatal(err)
	}
	if _, told, err := command(t, &backupRestore{configured: configured{d.file}, oneBackup: oneBackup{From: to, Key: key}, EndSessions: true}); err != nil || !strings.Contains(told, "4 alerts, 4 cases and 4 pictures") {
		t.Fatalf("%s, %v", told, err)
	}
	d.start()
	if got := d.answers(span); !slices.Equal(got, want) {
		t.Errorf("after the restore:\n%q\nwant\n%q", got, want)
	}
	if got := tree(t, filepath.Join(d.data(), "evidence")); !mapsEqual(got, pictures) || len(got) != 4 {
		t.Errorf("pictures %d, were %d", len(got), len(pictures))
	}
	if got, err := os.ReadFile(filepath.Join(d.data(), "note")); err != nil || string(got) != "of another part of central" {
		t.Errorf("the rest: %q, %v", got, err)
	}
	if out, _, err := command(t, &auditVerify{Config: d.file}); err != nil {
		t.Errorf("the audit log: %s, %v", out, err)
	}
	after := d.feed("5") // a position that is lost: nobody takes what comes now for what was there
	d.post(newAlert("smoke-9"))
	if id := after(); id <= 1<<32 {
		t.Errorf("the feed goes on with %d", id)
	}
}

func mapsEqual(a, b map[string]string) bool {
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return len(a) == len(b)
}

// backUpLater makes a backup in a later second than the one before, links what that has, and looks at what both tell.
func (d *desk) backUpLater(to, public, first string) string {
	d.t.Helper()
	m, err := backup.Read(first)
	if err != nil {
		d.t.Fatal(err)
	}
	var out, told bytes.Buffer
	later := func() time.Time { return m.MadeAt.Add(time.Minute) }
	c := &backupCreate{configured: configured{d.file}, To: to, Recipient: public, WithSecrets: true}
	if err := c.Run(&Terminal{Ctx: d.t.Context(), Out: &out, Err: &told, Now: later}); err != nil {
		d.t.Fatal(err)
	}
	second := strings.TrimSpace(out.String())
	if m, err = backup.Read(second); err != nil || m.Objects.Linked != 3 || m.Objects.Count != 4 || m.Objects.Missing != 0 || !m.Secrets[0].In {
		d.t.Errorf("%+v, %v", m, err)
	}
	list, _, err := command(d.t, &backupList{From: to})
	if err != nil || strings.Count(list, "sqlite") != 2 {
		d.t.Errorf("%s, %v", list, err)
	}
	metrics, err := io.ReadAll(d.do("GET", "/metrics", d.token, "", nil).Body)
	if want := fmt.Sprintf("gridgate_backup_last_success_timestamp_seconds %g", float64(m.MadeAt.Unix())); err != nil || !strings.Contains(string(metrics), want) {
		d.t.Errorf("metrics do not say %s, %v", want, err)
	}
	return second
}

// TestBackupIsJudged: whatever is changed in a backup is found without the key, a wrong key is told, and nothing of it is restored.
func TestBackupIsJudged(t *testing.T) {
	d := newDesk(t)
	d.picture(1)
	key, public := newKey(t)
	wrong, _ := newKey(t)
	dir := d.backUp(t.TempDir(), public)
	verify := func(key string) error {
		_, _, err := command(t, &backupVerify{oneBackup{From: dir, Key: key}})
		return err
	}
	if err := errors.Join(verify(""), verify(key)); err != nil {
		t.Fatal(err)
	}
	if err := verify(wrong); err == nil || !strings.Contains(err.Error(), "sealed to") {
		t.Errorf("a wrong key: %v", err)
	}
	for name, data := range tree(t, dir) {
		if strings.Contains(data, "picture 1") || strings.Contains(data, "smoke-1") || strings.Contains(data, edgeToken) {
			t.Errorf("%s is not sealed", name)
		}
		path := filepath.Join(dir, name)
		for _, bad := range []string{data[:len(data)-1] + string(data[len(data)-1]^1), data[:len(data)/2]} {
			write(t, path, bad)
			if err := verify(""); err == nil {
				t.Errorf("%s was changed, and nobody tells", name)
			}
			if name == "manifest.json" {
				continue
			}
			c := &backupRestore{configured: configured{d.file}, oneBackup: oneBackup{From: dir, Key: key}, Force: true}
			if _, _, err := command(t, c); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("%s was changed: %v", name, err)
			}
		}
		write(t, path, data)
	}
	if err := verify(key); err != nil {
		t.Error(err)
	}
	c := &backupRestore{configured: configured{d.file}, oneBackup: oneBackup{From: dir, Key: key}, Force: true}
	if _, _, err := command(t, c); err == nil || !strings.Contains(err.Error(), "stop central first") {
		t.Errorf("beside a central that runs: %v", err)
	}
}

// TestRestoreBrokenOff: central does not start on half a restore, says what to do, and that helps; nothing is deleted on the way.
func TestRestoreBrokenOff(t *testing.T) {
	d := newDesk(t)
	d.picture(1)
	key, public := newKey(t)
	dir := d.backUp(t.TempDir(), public)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := seal.ParseSecretKey(string(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(d.file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pictures := picturesToRestore(c)
	_, err = backup.Restore(ctx, backup.RestoreOptions{
		From: dir, Key: &secret, Data: c.Data, SeriesDir: seriesDir(c), Force: true, Now: time.Now, Target: storeToBackUp(c, true),
		Pictures: func() (backup.Putter, error) { cancel(); return pictures() }, // broken off in the middle
	})
	if err == nil {
		t.Fatal("it was not broken off")
	}
	if _, err := New(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "backup restore") {
		t.Fatalf("central starts on half a restore: %v", err)
	}
	again := &backupRestore{configured: configured{d.file}, oneBackup: oneBackup{From: dir, Key: key}}
	if _, _, err := command(t, again); err == nil {
		t.Error("restored over half a restore without --force")
	}
	again.Force = true
	again.oneBackup.From = filepath.Dir(dir)
	var out bytes.Buffer
	if err := again.Run(&Terminal{Ctx: t.Context(), Out: &out, Err: &out, Now: func() time.Time { return time.Now().Add(time.Minute) }}); err != nil {
		t.Fatal(err)
	}
	aside, err := filepath.Glob(filepath.Join(c.Data, "before-restore-*", "central.db"))
	if err != nil || len(aside) != 1 {
		t.Errorf("moved aside: %v, %v", aside, err)
	}
	d.start()
	d.answers("step=1h")
}
