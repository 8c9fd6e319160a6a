package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gridgate/edge/outbox"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestPeers(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:20E4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:20E4 0100007F:8001 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:20E4 0100007F:8002 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   3: 0100007F:8001 0100007F:20E4 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   4: 0100007F:20E4 0100007F:8003 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 20 4 30 10 -1
`
	got := parsePeers(table, 8420)
	if len(got) != 2 || !got["0100007F:8001"] || !got["0100007F:8003"] {
		t.Errorf("peers %v", got)
	}
	if n := common(got, map[string]bool{"0100007F:8003": true, "0100007F:8004": true}); n != 1 {
		t.Errorf("%d in common", n)
	}
}

func TestComplaints(t *testing.T) {
	c := &centre{home: t.TempDir()}
	const log = `{"level":"INFO","msg":"a"}
{"level":"WARN","msg":"b"}
{"level":"ERROR","msg":"c"}
`
	if err := os.WriteFile(c.log(), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, first, err := c.complaints(); n != 2 || first != `{"level":"WARN","msg":"b"}` || err != nil {
		t.Errorf("%d, %q, %v", n, first, err)
	}
}

// The backlog is a whole one, older than what the forwarder calls live, in the order of its times.
func TestTheBacklogIsOld(t *testing.T) {
	const n = 2500
	dir := t.TempDir()
	if err := fillOutbox(t.Context(), dir, n); err != nil {
		t.Fatal(err)
	}
	box, err := outbox.Open(t.Context(), outbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	entries, err := box.Peek(t.Context(), alert.Normal, outbox.Want{Limit: 2 * n})
	if err != nil || len(entries) != n {
		t.Fatalf("%d alerts, %v", len(entries), err)
	}
	first, last := time.Since(entries[0].At), time.Since(entries[n-1].At)
	if first < drainWeek/2 || first > drainWeek+2*time.Hour || last < time.Hour/2 || last >= first {
		t.Errorf("the first is %v old, the last %v", first, last)
	}
}

func TestReceiptsAreCounted(t *testing.T) {
	begin := time.Now()
	w := &watched{
		raised: map[string]time.Time{"live": begin, "sos": begin}, left: 2, drained: make(chan struct{}), settled: make(chan struct{}, 1),
	}
	for id, lane := range map[string]alert.Lane{"a": alert.Normal, "live": alert.Normal, "sos": alert.LifeSafety} {
		w.note(ingest.Receipt{ID: id, Outcome: ingest.Accepted}, lane, begin.Add(time.Second))
	}
	select {
	case <-w.drained:
		t.Fatal("drained while one is left")
	default:
	}
	w.note(ingest.Receipt{ID: "b", Outcome: ingest.Duplicate}, alert.Normal, begin.Add(2*time.Second))
	<-w.drained
	if len(w.live) != 1 || w.live[0] != time.Second || len(w.urgent) != 1 || w.waiting() != 0 || w.undone() != 0 || w.strange != 1 {
		t.Errorf("%+v", w)
	}
	if err := w.await(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.check(t.Context(), nil); err == nil {
		t.Error("a duplicate was taken for accepted once")
	}
}

func TestKept(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fills := 0
	fill := func(dir string) error {
		fills++
		return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600)
	}
	failed := errors.New("no room")
	if _, err := kept("a", func(string) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a failure is told as %v", err)
	}
	for range 2 {
		dir, err := kept("a", fill)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err != nil {
			t.Error(err)
		}
	}
	if fills != 1 {
		t.Errorf("filled %d times", fills)
	}
}
