package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"gridgate/edge/outbox"
	"gridgate/edge/raise"
	"gridgate/edge/raise/raisetest"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

// refusedBox makes an outbox with an alert that waits and three that central refused.
func refusedBox(t *testing.T, dir string) *outbox.Outbox {
	t.Helper()
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		a := raisetest.Alert(alert.Door, n)
		if _, err := box.Commit(t.Context(), raise.Commit{Alerts: []alert.Alert{a}}); err != nil {
			t.Fatal(err)
		}
		if n == 3 {
			break
		}
		if err := box.Settle(t.Context(), ingest.Receipt{ID: a.ID, Outcome: ingest.Rejected, Reason: fmt.Sprintf("grid unknown\n%d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	return box
}

// stoppedBox and runningBox are the two ways in which the commands reach an outbox.
func stoppedBox(t *testing.T, dir string) {
	t.Helper()
	if err := refusedBox(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
}

func runningBox(t *testing.T, dir string) {
	t.Helper()
	box := refusedBox(t, dir)
	admin, err := newOutboxAdmin(dir, ownOutbox{Outbox: box, accepts: func() int { return 1 }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- admin.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, box.Close()); err != nil {
			t.Error(err)
		}
	})
}

type runs interface {
	Run(ctx context.Context, stdout, stderr io.Writer) int
}

func TestOutboxCommands(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, string){"stopped": stoppedBox, "running": runningBox} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), strings.Repeat("a long name ", 12)) // longer than a socket's path may be
			prepare(t, dir)
			at := OutboxPlace{Data: dir}
			file := filepath.Join(t.TempDir(), "dead.jsonl")
			for _, c := range []struct {
				command runs
				code    int
				want    string // in the output, or in what is said
			}{
				{OutboxStatusCommand{OutboxPlace: at}, ExitOK, "dead letters     3"},
				{OutboxStatusCommand{OutboxPlace: at, JSON: true}, ExitOK, `"deadLetters": 3`},
				{OutboxDeadCommand{OutboxPlace: at, Limit: 100}, ExitOK, `"grid unknown\n2"`},
				{OutboxDeadCommand{OutboxPlace: at, Limit: 2, JSON: true}, ExitOK, "--after 2"},
				{OutboxDeadCommand{OutboxPlace: at, Limit: 100, After: 2, JSON: true}, ExitOK, `{"seq":3,"stream":"alert"`},
				{OutboxExportCommand{OutboxPlace: at, File: file}, ExitOK, "3 dead letters in"},
				{OutboxExportCommand{OutboxPlace: at, File: file}, ExitFailed, "is there already"},
				{OutboxRequeueCommand{OutboxPlace: at}, ExitUsage, "either --all or numbers"},
				{OutboxRequeueCommand{OutboxPlace: at, Seq: []int64{2, 99}}, ExitFailed, "dead letter 99: no such entry"},
				{OutboxDropCommand{OutboxPlace: at, Seq: 1}, ExitUsage, "add --yes"},
				{OutboxDropCommand{OutboxPlace: at, Seq: 1, Yes: true}, ExitOK, "1 dropped"},
				{OutboxDropCommand{OutboxPlace: at, Seq: 1, Yes: true}, ExitFailed, "no such entry"},
				{OutboxRequeueCommand{OutboxPlace: at, All: true}, ExitOK, "1 queued again"},
				{OutboxCheckCommand{at}, ExitOK, "nothing is wrong"},
				{OutboxStatusCommand{OutboxPlace: at, JSON: true}, ExitOK, `"waiting": 3`},
			} {
				var out bytes.Buffer
				if code := c.command.Run(t.Context(), &out, &out); code != c.code || !strings.Contains(out.String(), c.want) {
					t.Errorf("%T: code %d, want %d, and %q in\n%s", c.command, code, c.code, c.want, &out)
				}
			}
			checkExport(t, file)
		})
	}
}

// checkExport: three lines, each with its event, for the owner's eyes.
func checkExport(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	for _, line := range lines {
		var d deadLetter
		if err := json.Unmarshal(line, &d); err != nil || alert.PeekID(d.Body) != d.ID {
			t.Errorf("%s: %v", line, err)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestADamagedBodyIsShownAsText(t *testing.T) {
	for body, want := range map[string]string{`{"id":1}`: `{"id":1}`, "{\"i\x00\xff": `"{\"i\u0000\ufffd"`} {
		var out bytes.Buffer
		if err := printLines(&out, []deadLetter{{Body: shownBody([]byte(body))}}); err != nil {
			t.Fatal(err)
		}
		var back deadLetter
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || !strings.HasPrefix(out.String(), `{"seq":0,`) {
			t.Errorf("%q is shown as %s: %v", body, &out, err)
		}
		var a, b any
		if json.Unmarshal(back.Body, &a) != nil || json.Unmarshal([]byte(want), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%q is shown as %s, want %s", body, back.Body, want)
		}
	}
}

// TestOutboxCommandsSayWhatToDo where they cannot work.
func TestOutboxCommandsSayWhatToDo(t *testing.T) {
	busy, damaged, dead := t.TempDir(), t.TempDir(), t.TempDir()
	box := refusedBox(t, busy)
	defer box.Close()
	stoppedBox(t, damaged)
	file := filepath.Join(damaged, "outbox.db")
	data, err := os.ReadFile(file)
	if err == nil {
		clear(data[8192:])
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	stoppedBox(t, dead)
	l, err := net.Listen("unix", filepath.Join(dead, adminSocket)) // what a killed edge leaves
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	for _, c := range []struct {
		dir     string
		command func(OutboxPlace) runs
		code    int
		want    string
	}{
		{t.TempDir(), func(p OutboxPlace) runs { return OutboxStatusCommand{OutboxPlace: p} }, ExitUsage, "holds no outbox"},
		{busy, func(p OutboxPlace) runs { return OutboxStatusCommand{OutboxPlace: p} }, ExitFailed, "stop it and try again"},
		{busy, func(p OutboxPlace) runs { return OutboxCheckCommand{p} }, ExitFailed, "stop it and try again"},
		{damaged, func(p OutboxPlace) runs { return OutboxDeadCommand{OutboxPlace: p, Limit: 1} }, ExitFailed, "start the edge"},
		{damaged, func(p OutboxPlace) runs { return OutboxCheckCommand{p} }, ExitFailed, "the file is damaged"},
		{dead, func(p OutboxPlace) runs { return OutboxStatusCommand{OutboxPlace: p} }, ExitOK, "dead letters     3"},
	} {
		var out bytes.Buffer
		if code := c.command(OutboxPlace{Data: c.dir}).Run(t.Context(), &out, &out); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("code %d, want %d, and %q in\n%s", code, c.code, c.want, &out)
		}
	}
	if names, err := filepath.Glob(filepath.Join(damaged, "outbox.db.damaged*")); err != nil || len(names) != 0 {
		t.Errorf("a command set a file aside: %v, %v", names, err)
	}
}

// TestTheSocketIsItsOwnersAlone, and takes the place of a dead one.
func TestTheSocketIsItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		box := refusedBox(t, dir)
		admin, err := newOutboxAdmin(dir, ownOutbox{Outbox: box, accepts: func() int { return 1 }})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, adminSocket))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if err := errors.Join(admin.listener.Close(), admin.dir.Close(), box.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
