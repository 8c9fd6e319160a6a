package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gridgate/central/cases"
	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/postgres"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

// replica is one of several centrals on one PostgreSQL.
type replica struct {
	*stage.Process
	url, log string
}

// centrals is a folder, a database and the token of whoever posts and reads.
type centrals struct {
	dir   string
	db    *postgres.Server
	token string
}

func startDatabase(t *testing.T) *centrals {
	t.Helper()
	db, err := postgres.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	if err := db.Create(t.Context(), "town"); err != nil {
		t.Fatal(err)
	}
	c := &centrals{dir: t.TempDir(), db: db}
	if err := os.WriteFile(filepath.Join(c.dir, "password"), []byte(postgres.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// start starts a central; tsdb is its section of the configuration.
func (c *centrals) start(t *testing.T, name, tsdb string) *replica {
	t.Helper()
	address, err := stage.FreeAddress("")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(c.dir, name+".yaml")
	text := fmt.Sprintf("listen: %s\ndata: pictures\nstore: {kind: postgres, url: %q, password: {file: password}}\ntsdb: %s\n", address, c.db.PublicURL("town"), tsdb)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.token == "" {
		out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "gridgate-central"), "token", "add", "rig", "--scope", "read,events,operate", "--config", config).Output()
		if err != nil {
			t.Fatal(err)
		}
		c.token = strings.TrimSpace(string(out))
	}
	r := &replica{url: "http://" + address, log: filepath.Join(c.dir, name+".log")}
	if r.Process, err = stage.Start(stage.Spec{Program: filepath.Join(bin, "gridgate-central"), Args: []string{"serve", "--config", config}, Log: r.log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func (r *replica) ready(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.WaitReady(ctx, r.url+"/readyz"); err != nil {
		log, _ := os.ReadFile(r.log)
		t.Fatalf("%v\n%s", err, log)
	}
}

// sender posts batches through any of several centrals, as an edge behind a load balancer does: what is not answered goes to another
// one. Its ledger is what was acknowledged.
type sender struct {
	token string
	http  http.Client

	mu    sync.Mutex
	acked map[string]bool
	grew  chan struct{} // a token now and then
}

// send posts one batch until it is acknowledged or ctx ends.
func (s *sender) send(ctx context.Context, urls []string) error {
	events := make([][]byte, 20)
	for i := range events {
		event, err := alert.Encode(sensorAlert(rand.N(40)))
		if err != nil {
			return err
		}
		events[i] = event
	}
	body := alert.EncodeBatch(events)
	for at := rand.N(len(urls)); ctx.Err() == nil; at++ {
		receipts, err := s.post(ctx, urls[at%len(urls)], body)
		if err != nil {
			backoff.Wait(ctx, 20*time.Millisecond)
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range receipts {
			if r.Outcome == ingest.Rejected {
				return fmt.Errorf("alert %s is rejected: %s", r.ID, r.Reason)
			}
			s.acked[r.ID] = true
		}
		select {
		case s.grew <- struct{}{}:
		default:
		}
		return nil
	}
	return ctx.Err()
}

func (s *sender) post(ctx context.Context, base string, body []byte) ([]ingest.Receipt, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+ingest.EventsPath, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", alert.BatchContentType)
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	var answer ingest.Receipts
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Receipts, err
}

// reach waits until n alerts are acknowledged.
func (s *sender) reach(t *testing.T, n int) {
	t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		have := len(s.acked)
		s.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-s.grew:
		case <-limit:
			t.Fatalf("%d of %d alerts were acknowledged in %v", have, n, patience)
		}
	}
}

func sensorAlert(n int) alert.Alert {
	now, id, device := time.Now().UTC(), alert.NewID(), fmt.Sprintf("sensor-%02d", n)
	return alert.Alert{
		ID: id, Source: alert.SensorSource("edge-1", device), Kind: alert.WaterLevel, State: alert.Raised, Situation: id, Severity: alert.Major,
		Key: alert.KeyOf("edge-1", device, "", alert.WaterLevel), Grid: grid, OccurredAt: now, RaisedAt: now, Clock: alert.EdgeClock, Origin: "rig",
	}
}

// watch reads a feed from the beginning and sends each position; the channel is closed when the feed ends.
func watch(t *testing.T, base, token string) <-chan int64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/feed?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("feed: status %d", resp.StatusCode)
	}
	positions := make(chan int64, 100_000)
	go func() {
		defer close(positions)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				n, _ := strconv.ParseInt(id, 10, 64) // 0 is out of order and fails the test
				positions <- n
			}
		}
	}()
	return positions
}

// TestReplicas lets an edge post through two centrals on one PostgreSQL, kills one of them and looks at what the other holds and shows.
func TestReplicas(t *testing.T) {
	c := startDatabase(t)
	const influx = `{kind: influx, url: "http://127.0.0.1:9", bucket: none}` // no reading is sent
	a := c.start(t, "a", influx)
	a.ready(t)
	conn, err := pgx.Connect(t.Context(), c.db.URL("town"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	leader := leads(t, conn, 0) // a: it is the only one
	b := c.start(t, "b", influx)
	b.ready(t)

	feed := watch(t, b.url, c.token)
	s := &sender{token: c.token, acked: map[string]bool{}, grew: make(chan struct{}, 1)}
	s.http.Timeout = 30 * time.Second
	ctx, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for ctx.Err() == nil {
				if err := s.send(ctx, []string{a.url, b.url}); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	s.reach(t, 1000)
	a.Kill()
	s.reach(t, 3000)
	stop()
	senders.Wait()

	stored, err := client.Client{Base: b.url, Token: c.token}.Alerts(t.Context(), url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	compareLedgers(t, s.acked, stored)
	follow(t, conn, feed)
	eachJobOnce(t, conn)
	t.Logf("acknowledged=%d stored=%d; the jobs moved from session %d to %d", len(s.acked), len(stored), leader, leads(t, conn, leader))
}

// compareLedgers: what was acknowledged is stored once. What was stored and not acknowledged is known to nobody but central.
func compareLedgers(t *testing.T, acked map[string]bool, stored []client.Alert) {
	t.Helper()
	times := map[string]int{}
	for _, a := range stored {
		times[a.ID]++
		if times[a.ID] == 2 {
			t.Errorf("alert %s is stored twice", a.ID)
		}
		if a.CaseID == "" {
			t.Errorf("alert %s joined no case", a.ID)
		}
	}
	for id := range acked {
		if times[id] == 0 {
			t.Errorf("alert %s was acknowledged and is lost", id)
		}
	}
}

// follow reads a feed up to the end of the log: each position once, in order, none skipped.
func follow(t *testing.T, conn *pgx.Conn, feed <-chan int64) {
	t.Helper()
	var last int64
	if err := conn.QueryRow(t.Context(), "SELECT max(position) FROM case_events").Scan(&last); err != nil {
		t.Fatal(err)
	}
	limit := time.After(patience)
	for at := int64(0); at < last; {
		select {
		case position, open := <-feed:
			if !open || position != at+1 {
				t.Fatalf("after position %d the feed shows %d (open: %v)", at, position, open)
			}
			at = position
		case <-limit:
			t.Fatalf("the feed shows %d of %d events", at, last)
		}
	}
}

// eachJobOnce waits until the jobs have done with every case what they do with each, and wants it once, although their leader was killed:
// the loop takes it in, the figures count it.
func eachJobOnce(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		var made, begun, twice, opened int
		err := conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM heads WHERE step <> ''),
			(SELECT count(*) FROM (SELECT FROM case_events WHERE event::json ->> 'effect' = $1 GROUP BY case_ref HAVING count(*) > 1) d),
			(SELECT coalesce(sum(n), 0) FROM counts WHERE measure = 'opened' AND period LIKE 'AM%')`, string(cases.Begins)).Scan(&made, &begun, &twice, &opened)
		if err != nil {
			t.Fatal(err)
		}
		if twice > 0 || opened > made {
			t.Fatalf("of %d cases %d were taken into their loop twice, and %d were counted", made, twice, opened)
		}
		if made > 0 && begun == made && opened == made {
			return
		}
		if !backoff.Wait(ctx, 50*time.Millisecond) {
			t.Fatalf("of %d cases %d are in their loop and %d are counted", made, begun, opened)
		}
	}
}

// leads waits until a session other than not holds the lock of a job, and returns it.
func leads(t *testing.T, conn *pgx.Conn, not int) (pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := conn.QueryRow(ctx, `SELECT coalesce(max(pid), 0) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1735551332
			AND objid::bigint & 3 = 3 AND pid <> $1`, not).Scan(&pid)
		if err != nil {
			t.Fatal(err)
		}
		if pid != 0 {
			return pid
		}
		backoff.Wait(ctx, 50*time.Millisecond)
	}
}

// TestEmbeddedSeriesAreForOneCentral: a second central on the same store stops and says why.
func TestEmbeddedSeriesAreForOneCentral(t *testing.T) {
	c := startDatabase(t)
	c.start(t, "a", "{kind: embedded}").ready(t)
	b := c.start(t, "b", "{kind: embedded}")
	if err := b.Err(); err == nil {
		t.Error("a second central served")
	}
	log, err := os.ReadFile(b.log)
	if err != nil || !strings.Contains(string(log), "tsdb.kind: embedded is for one central") {
		t.Errorf("it said %q, %v", log, err)
	}
}
