package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gridgate/central/config"
	"gridgate/deploy/testkit/leak"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

func TestMain(m *testing.M) { leak.Main(m) }

const edgeToken = "0123456789abcdef0123456789abcdef"

// desk is a central that runs, with one edge, one operator's token and its configuration file.
type desk struct {
	t     *testing.T
	file  string
	url   string
	token string
	stop  func() error
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "town-1.token"), edgeToken+"\n")
	d := &desk{t: t, file: filepath.Join(folder, "central.yaml")}
	write(t, d.file, "listen: 127.0.0.1:0\nedges:\n  - id: town-1\n    token: {file: town-1.token}\n    config_version: v7\n")
	d.start()
	d.token = d.newToken("read", "operate")
	return d
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) start() {
	d.t.Helper()
	c, err := config.Load(d.file)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		d.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	d.url = "http://" + a.Addr().String()
	d.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	d.t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := d.stop(); err != nil {
			d.t.Errorf("stop: %v", err)
		}
	})
}

func (d *desk) newToken(scopes ...string) string {
	d.t.Helper()
	token, err := AddToken(d.t.Context(), d.file, NewToken{Name: "test", Scopes: scopes}, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

func (d *desk) do(method, path, token, media string, body []byte) *http.Response {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(string(body)))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", media)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// into reads a good answer.
func into[T any](t *testing.T, answer *http.Response) (v T) {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %s %v", answer.Request.Method, answer.Request.URL.Path, answer.Status, body, err)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// post delivers alerts as the edge does.
func (d *desk) post(alerts ...alert.Alert) []ingest.Receipt {
	d.t.Helper()
	var events [][]byte
	for _, a := range alerts {
		e, err := alert.Encode(a)
		if err != nil {
			d.t.Fatal(err)
		}
		events = append(events, e)
	}
	return into[ingest.Receipts](d.t, d.do("POST", ingest.EventsPath, edgeToken, alert.BatchContentType, alert.EncodeBatch(events))).Receipts
}

func newAlert(device string) alert.Alert {
	id := alert.NewID()
	return alert.Alert{
		ID: id, Source: alert.SensorSource("town-1", device), Kind: alert.Smoke, State: alert.Raised, Situation: id,
		Key: alert.KeyOf("town-1", device, "", alert.Smoke), Severity: alert.Critical, Grid: "110101001001001",
		OccurredAt: time.Now(), Clock: alert.EdgeClock, RaisedAt: time.Now(), Origin: "zigbee2mqtt",
	}
}

// feed opens the feed and returns the positions of its case events.
func (d *desk) feed(after string) func() int64 {
	d.t.Helper()
	answer := d.do("GET", "/v1/feed?after="+after, d.token, "", nil)
	in := bufio.NewReader(answer.Body)
	return func() int64 {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return -1
			}
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), "id: "); ok {
				id, _ := strconv.ParseInt(text, 10, 64)
				return id
			}
		}
	}
}

func TestFromEdgeToScreen(t *testing.T) {
	d := newDesk(t)
	next := d.feed("0")
	a := newAlert("smoke-1")
	if got := d.post(a, a); len(got) != 2 || got[0].Outcome != ingest.Accepted || got[1].Outcome != ingest.Duplicate {
		t.Fatalf("receipts %+v", got)
	}
	if id := next(); id != 1 {
		t.Errorf("the feed begins with event %d, want 1", id)
	}
	picture := []byte("\xff\xd8\xff\xe0 redacted")
	sum := sha256.Sum256(picture)
	digest := hex.EncodeToString(sum[:])
	if answer := d.do("PUT", ingest.EvidencePath+digest, edgeToken, alert.JPEG, picture); answer.StatusCode/100 != 2 {
		t.Fatalf("picture: %s", answer.Status)
	}
	if got, err := io.ReadAll(d.do("GET", ingest.EvidencePath+digest, d.token, "", nil).Body); err != nil || string(got) != string(picture) {
		t.Errorf("picture comes back as %q, %v", got, err)
	}
	type page struct {
		Items []struct{ ID, State, CaseID string }
	}
	if alerts := into[page](t, d.do("GET", "/v1/alerts", d.token, "", nil)); len(alerts.Items) != 1 || alerts.Items[0].ID != a.ID {
		t.Errorf("alerts %+v", alerts)
	}
	list := into[page](t, d.do("GET", "/v1/cases?state=open", d.token, "", nil))
	if len(list.Items) != 1 {
		t.Fatalf("cases %+v", list)
	}
	into[map[string]any](t, d.do("POST", "/v1/cases/"+list.Items[0].ID+"/acknowledge", d.token, "application/json", []byte("{}")))
	if id := next(); id != 2 {
		t.Errorf("the acknowledgement is event %d, want 2", id)
	}
}

func TestSyncAndReadings(t *testing.T) {
	d := newDesk(t)
	now := time.Now().UTC()
	report := ingest.SyncRequest{Schema: 1, Software: "test", StartedAt: now, Now: now, ConfigVersion: "v6", Metrics: map[string]float64{"go_goroutines": 9}}
	body, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	got := into[ingest.SyncResponse](t, d.do("POST", "/v1/edges/town-1/sync", edgeToken, "application/json", body))
	if got.ConfigVersion != "v7" {
		t.Errorf("central wants %q, want v7", got.ConfigVersion)
	}
	readings := ingest.Readings{Readings: []alert.Reading{{Source: alert.SensorSource("town-1", "t1"), Grid: "110101001001001", Quantity: "temperature", Value: 21.5, Unit: "Cel", At: now.Add(-time.Minute)}}}
	if body, err = json.Marshal(readings); err != nil {
		t.Fatal(err)
	}
	into[ingest.ReadingsReceipt](t, d.do("POST", ingest.ReadingsPath, edgeToken, "application/json", body))
	type list struct {
		Items []struct{ Points []struct{ Value float64 } }
	}
	for query, want := range map[string]float64{"metric=go_goroutines&step=30s": 9, "quantity=temperature&device=t1": 21.5} {
		until := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		series := into[list](t, d.do("GET", "/v1/series?"+query+"&to="+until, d.token, "", nil))
		if len(series.Items) != 1 || series.Items[0].Points[0].Value != want {
			t.Errorf("%s: %+v, want %v", query, series, want)
		}
	}
}

// A restart keeps everything but sessions, and a screen goes on where it was.
func TestRestart(t *testing.T) {
	d := newDesk(t)
	d.post(newAlert("smoke-1"), newAlert("smoke-2"))
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d.start()
	d.post(newAlert("smoke-3"))
	next := d.feed("1")
	if a, b := next(), next(); a != 2 || b != 3 {
		t.Errorf("after the restart the feed resumes with %d, %d, want 2, 3", a, b)
	}
}

// No event is lost or doubled on any screen while edges deliver at once, on the real store.
func TestFeedUnderConcurrentCommits(t *testing.T) {
	const writers, batches, size = 4, 10, 5
	d := newDesk(t)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for b := range batches {
				var alerts []alert.Alert
				for i := range size {
					alerts = append(alerts, newAlert(fmt.Sprintf("s-%d-%d-%d", w, b, i)))
				}
				d.post(alerts...)
			}
		})
	}
	for range 3 {
		next := d.feed("0")
		wg.Go(func() {
			for want := int64(1); want <= writers*batches*size; want++ {
				if got := next(); got != want {
					t.Errorf("got event %d, want %d", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A feed ends by itself when central stops: one that is cut off, as what does not end in time is, has no clean end.
func TestStopEndsFeedsSoon(t *testing.T) {
	d := newDesk(t)
	feed := d.do("GET", "/v1/feed?after=0", d.token, "", nil)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if told, err := io.ReadAll(feed.Body); err != nil || strings.Contains(string(told), "id: ") {
		t.Errorf("the feed tells %q and ends with %v", told, err)
	}
}

func TestUsersWhileServing(t *testing.T) {
	d := newDesk(t)
	signIn := func(password string) int {
		body := fmt.Sprintf(`{"user":"夜班","password":%q}`, password)
		answer, err := http.Post(d.url+"/v1/session", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if code := signIn("first password"); code != http.StatusUnauthorized {
		t.Errorf("before the account exists: %d", code)
	}
	for _, password := range []string{"first password", "second password"} {
		if err := AddUser(t.Context(), d.file, NewUser{Name: "夜班", Role: "operator", Password: password + "\n"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if code := signIn(password); code != http.StatusOK {
			t.Errorf("%s: %d", password, code)
		}
	}
	if code := signIn("first password"); code != http.StatusUnauthorized {
		t.Errorf("the old password: %d", code)
	}
}

func TestOneCentralPerFolder(t *testing.T) {
	d := newDesk(t)
	c, err := config.Load(d.file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second central on one folder: %v", err)
	}
}

// A start that fails half way leaves nothing behind: the leak check and the folder's lock tell.
func TestFailedStart(t *testing.T) {
	d := newDesk(t)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(d.file)
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = "192.0.2.1:1"
	if _, err := New(t.Context(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Fatalf("got %v", err)
	}
	d.start()
}
