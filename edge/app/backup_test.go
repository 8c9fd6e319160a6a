package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridgate/edge/backup"
	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/seal"
)

// backedUpBox is a folder with a configuration, and its outbox, open, in which n alerts wait.
func backedUpBox(t *testing.T, n int) (file string, box *outbox.Outbox, ids []string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "edge.yaml")
	for name, text := range map[string]string{
		"edge.yaml": "edge: town-1\ndata: data\nplace: {grid: \"330106109001\", kind: public}\ncentral: {url: \"http://127.0.0.1:1\", token: {file: token}}\n", "token": "only-this-edge-has-it-0123",
		"data/orders.json": "{\"what\": \"was ordered\"}",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		a := waitingAlert(i)
		ids = append(ids, a.ID)
		if _, err := box.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
			t.Fatal(err)
		}
	}
	return file, box, ids
}

func waitingAlert(i int) alert.Alert {
	id := alert.NewID()
	device := fmt.Sprintf("smoke-%d", i)
	return alert.Alert{
		ID: id, Source: alert.SensorSource("town-1", device), Kind: alert.Smoke, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("town-1", device, "", alert.Smoke), Severity: alert.Critical, Grid: "330106109001",
		OccurredAt: time.Now(), Clock: alert.EdgeClock, RaisedAt: time.Now(), Origin: "zigbee2mqtt",
	}
}

func backupKeyPair(t *testing.T) (file, public string) {
	t.Helper()
	key, err := seal.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key.File()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, key.Recipient().String()
}

// TestABoxIsReplaced: what waited when the backup was made waits on the other box under its ids, numbered from 1 in an epoch of its own.
func TestABoxIsReplaced(t *testing.T) {
	file, box, ids := backedUpBox(t, 40)
	first, err := box.Peek(t.Context(), alert.LifeSafety, outbox.Want{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range first {
		if err := box.Settle(t.Context(), ingest.Receipt{ID: e.ID, Outcome: ingest.Accepted}); err != nil {
			t.Fatal(err)
		}
	}
	key, public := backupKeyPair(t)
	to := filepath.Join(t.TempDir(), "town-1.backup")
	var out, told bytes.Buffer
	if code := (BackupCreateCommand{Config: file, To: to, Recipient: public}).Run(t.Context(), &out, &told); code != ExitOK { // beside the edge that runs
		t.Fatal(told.String())
	}
	var m backup.Manifest
	if err := json.Unmarshal(out.Bytes(), &m); err != nil || m.Waiting.Alerts != 30 || m.Edge != "town-1" {
		t.Errorf("%s, %v", out.String(), err)
	}
	if data, err := os.ReadFile(to); err != nil || bytes.Contains(data, []byte("only-this-edge")) || bytes.Contains(data, []byte("smoke-")) {
		t.Errorf("it is not sealed, or %v", err)
	}
	epoch := box.Epoch()
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "new", "edge.yaml")
	if code := (BackupRestoreCommand{From: to, Key: key, Config: other}).Run(t.Context(), &out, &told); code != ExitOK {
		t.Fatal(told.String())
	}
	for name, want := range map[string]string{"token": "only-this-edge-has-it-0123", "data/orders.json": "{\"what\": \"was ordered\"}"} {
		if got, err := os.ReadFile(filepath.Join(filepath.Dir(other), name)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	waitAgain(t, filepath.Join(filepath.Dir(other), "data"), epoch, ids[10:])
	if code := (BackupRestoreCommand{From: to, Key: key, Config: other}).Run(t.Context(), &out, &told); code != ExitFailed || !strings.Contains(told.String(), "writes over nothing") {
		t.Errorf("restored over a box: %s", told.String())
	}
}

func waitAgain(t *testing.T, dir, epoch string, want []string) {
	t.Helper()
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	got, err := box.Peek(t.Context(), alert.LifeSafety, outbox.Want{Limit: 100})
	if err != nil || len(got) != len(want) || box.Epoch() == epoch {
		t.Fatalf("%d alerts of %d, epoch %s, was %s, %v", len(got), len(want), box.Epoch(), epoch, err)
	}
	for i, e := range got {
		if e.ID != want[i] || e.Seq != int64(i+1) {
			t.Errorf("%d is %s with number %d, want %s", i, e.ID, e.Seq, want[i])
		}
	}
	stats, err := box.Stats(t.Context())
	if err != nil || stats.Damage != nil {
		t.Errorf("the outbox tells of damage %+v, %v", stats.Damage, err)
	}
}

// TestAHalfBackupMakesNoEdge: of a backup that is cut off or changed, or with another key, nothing comes to be that starts.
func TestAHalfBackupMakesNoEdge(t *testing.T) {
	file, box, _ := backedUpBox(t, 3)
	defer box.Close()
	key, public := backupKeyPair(t)
	wrong, _ := backupKeyPair(t)
	to := filepath.Join(t.TempDir(), "town-1.backup")
	var out, told bytes.Buffer
	if code := (BackupCreateCommand{Config: file, To: to, Recipient: public}).Run(t.Context(), &out, &told); code != ExitOK {
		t.Fatal(told.String())
	}
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(data)
	changed[len(changed)-20] ^= 1
	for name, tc := range map[string]struct {
		data []byte
		key  string
	}{"cut off": {data[:len(data)-30], key}, "changed": {changed, key}, "another key": {data, wrong}, "no key": {data, ""}} {
		from := filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(from, tc.data, 0o600); err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(t.TempDir(), "edge.yaml")
		if code := (BackupRestoreCommand{From: from, Key: tc.key, Config: other}).Run(context.Background(), &out, &told); code != ExitFailed {
			t.Errorf("%s: exit %d", name, code)
		}
		if left, err := os.ReadDir(filepath.Dir(other)); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v, %v", name, left, err)
		}
	}
}
