package feed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridgate/central/cases"
	"gridgate/central/store"
	"gridgate/deploy/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// memory is a case-event log in memory; each case has one id and any number of events.
type memory struct {
	mu     sync.Mutex
	events []cases.Event
	first  int64 // positions begin after this one
	fail   error
	reads  int // of cases
}

func (m *memory) append(n int) (last int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		last = m.first + int64(len(m.events)) + 1
		m.events = append(m.events, cases.Event{Position: last, CaseID: fmt.Sprint("case-", last%7), Type: cases.EventJoined, AlertID: "alert"})
	}
	return last
}

func (m *memory) Events(_ context.Context, after int64, limit int) ([]cases.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	from := min(int(max(after-m.first, 0)), len(m.events))
	return append([]cases.Event(nil), m.events[from:min(from+limit, len(m.events))]...), nil
}

func (m *memory) LastPosition(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first + int64(len(m.events)), nil
}

func (m *memory) Case(_ context.Context, id string) (cases.Case, error) {
	m.mu.Lock()
	m.reads++
	m.mu.Unlock()
	last, err := m.LastPosition(context.Background())
	return cases.Case{ID: id, Position: last, Opening: cases.Opening{Grid: strings.TrimPrefix(id, "case-")}}, err
}

func (m *memory) Alert(_ context.Context, id string) (store.StoredAlert, error) {
	if id != "alert" {
		return store.StoredAlert{}, store.ErrNotFound
	}
	return store.StoredAlert{CaseID: "case"}, nil
}

// desk is a hub that runs, behind a server.
type desk struct {
	*Hub
	log    *memory
	server *httptest.Server
}

func newDesk(t *testing.T, log *memory, change func(*Options)) *desk {
	t.Helper()
	o := Options{
		Log: log, Logger: slog.New(slog.DiscardHandler), EncodeAlert: func(a store.StoredAlert) any { return a.CaseID },
		WriteWithin: time.Minute, // a screen of a test may stand still with the whole machine
	}
	if change != nil {
		change(&o)
	}
	d := &desk{Hub: New(o), log: log}
	d.server = httptest.NewServer(d.Hub)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := d.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		d.server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	<-d.ready
	return d
}

func (d *desk) commit(n int) int64 {
	last := d.log.append(n)
	d.Wake(last)
	return last
}

// event is one server-sent event.
type event struct {
	id   int64
	name string
	data string
}

// screen is a client of a feed.
type screen struct {
	t    *testing.T
	body io.Closer
	in   *bufio.Reader
}

func (d *desk) open(t *testing.T, lastEventID string) *screen {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", lastEventID)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" || answer.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("answer is %s %v", answer.Status, answer.Header)
	}
	t.Cleanup(func() { answer.Body.Close() })
	s := &screen{t: t, body: answer.Body, in: bufio.NewReader(answer.Body)}
	if line := s.line(); line != "retry: 2000" {
		t.Fatalf("stream begins with %q", line)
	}
	return s
}

func (s *screen) line() string {
	s.t.Helper()
	text, err := s.in.ReadString('\n')
	if err != nil {
		s.t.Fatalf("read the feed: %v", err)
	}
	return strings.TrimSuffix(text, "\n")
}

// next reads one event and skips comments.
func (s *screen) next() (e event) {
	s.t.Helper()
	for {
		key, value, _ := strings.Cut(s.line(), ": ")
		switch key {
		case "id":
			e.id, _ = strconv.ParseInt(value, 10, 64)
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e
			}
		}
	}
}

// expect reads the events of positions from to to, each once and in order.
func (s *screen) expect(from, to int64) {
	s.t.Helper()
	for want := from; want <= to; want++ {
		if e := s.next(); e.name != "case" || e.id != want {
			s.t.Fatalf("got %s %d, want case %d", e.name, e.id, want)
		}
	}
}

// While no screen looks, events are passed over unread; a screen that comes then has them all.
func TestNobodyLooks(t *testing.T) {
	log := &memory{}
	d := newDesk(t, log, nil)
	changed := d.Changed()
	last := d.commit(ringSize + 10)
	<-changed
	log.mu.Lock()
	reads := log.reads
	log.mu.Unlock()
	if reads != 0 || d.position() != last {
		t.Errorf("%d cases were read for nobody; the hub is at %d of %d", reads, d.position(), last)
	}
	s := d.open(t, "5")
	s.expect(6, last)
	s.expect(last+1, d.commit(3))
}

func TestFeedStartsNow(t *testing.T) {
	log := &memory{}
	log.append(5)
	d := newDesk(t, log, nil)
	s := d.open(t, "")
	d.commit(2)
	s.expect(6, 7)
}

// A screen that may see some grids gets the events of those; its position moves on with the others all the same.
func TestFeedStaysInItsGrids(t *testing.T) {
	d := newDesk(t, &memory{}, func(o *Options) {
		o.Sees = func(r *http.Request) func(string) bool {
			return func(grid string) bool { return grid == r.URL.Query().Get("grid") }
		}
	})
	last := d.commit(20)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL+"?grid=3&after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var told []string
	position := ""
	for lines := bufio.NewScanner(answer.Body); position != fmt.Sprint(last) && lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			position = id
		}
		if _, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			told = append(told, position)
			if !strings.Contains(lines.Text(), `"caseId":"case-3"`) {
				t.Errorf("told %s", lines.Text())
			}
		}
	}
	if strings.Join(told, " ") != "3 10 17" || position != fmt.Sprint(last) {
		t.Errorf("told %v, up to %s of %d", told, position, last)
	}
}

func TestMessage(t *testing.T) {
	d := newDesk(t, &memory{}, nil)
	s := d.open(t, "0")
	d.commit(1)
	var got struct {
		Event cases.Event
		Case  cases.Case
		Alert string
	}
	if err := json.Unmarshal([]byte(s.next().data), &got); err != nil {
		t.Fatal(err)
	}
	if got.Event.Position != 1 || got.Case.ID != "case-1" || got.Alert != "case" {
		t.Errorf("data is %+v", got)
	}
}

func TestResume(t *testing.T) {
	log := &memory{}
	log.append(1000)
	d := newDesk(t, log, nil)
	s := d.open(t, "400")
	d.commit(ringSize + 100) // the backlog is no longer in the ring
	s.expect(401, 1000+ringSize+100)
	late := d.open(t, strconv.Itoa(1000+ringSize))
	late.expect(1000+ringSize+1, 1000+ringSize+100)
}

func TestResumeBeyondTheHub(t *testing.T) {
	log := &memory{}
	d := newDesk(t, log, nil)
	last := log.append(3) // committed, but the hub was not woken yet
	s := d.open(t, strconv.FormatInt(last, 10))
	d.Wake(last)
	d.commit(1)
	s.expect(4, 4)
}

func TestReset(t *testing.T) {
	log := &memory{first: 1_000_000}
	log.append(FarBehind + 1)
	d := newDesk(t, log, nil)
	last := log.first + FarBehind + 1
	for name, id := range map[string]string{"too far behind": "1000000", "of another log": "99999999999"} {
		t.Run(name, func(t *testing.T) {
			s := d.open(t, id)
			if e := s.next(); e.name != "reset" || e.id != last || e.data != fmt.Sprintf(`{"position":%d}`, last) {
				t.Fatalf("got %+v, want a reset to %d", e, last)
			}
			last = d.commit(1)
			s.expect(last, last)
		})
	}
	d.open(t, "1000003").expect(1_000_004, 1_000_010) // just near enough
}

func TestBadResume(t *testing.T) {
	d := newDesk(t, &memory{}, nil)
	for _, query := range []string{"?after=x", "?after=-1", "?after=99999999999999999999"} {
		answer, err := http.Get(d.server.URL + query)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", query, answer.Status)
		}
	}
}

// Nothing is lost or doubled where a backlog ends and live begins, whatever commits meanwhile.
func TestSeam(t *testing.T) {
	const total, screens = 6000, 12
	log := &memory{}
	log.append(500)
	d := newDesk(t, log, nil)
	var committers, readers sync.WaitGroup
	for range 4 {
		committers.Go(func() {
			for range (total - 500) / 4 / 5 {
				d.commit(5)
			}
		})
	}
	for i := range screens {
		s := d.open(t, strconv.Itoa(i*40))
		readers.Go(func() { s.expectLoose(int64(i*40)+1, total) })
	}
	committers.Wait()
	readers.Wait()
}

// expectLoose is expect for another goroutine than the test's.
func (s *screen) expectLoose(from, to int64) {
	want := from
	for want <= to {
		text, err := s.in.ReadString('\n')
		if err != nil {
			s.t.Errorf("read the feed before %d: %v", want, err)
			return
		}
		id, ok := strings.CutPrefix(strings.TrimSpace(text), "id: ")
		if !ok {
			continue
		}
		if id != strconv.FormatInt(want, 10) {
			s.t.Errorf("got event %s, want %d", id, want)
			return
		}
		want++
	}
}

func TestHeartbeat(t *testing.T) {
	d := newDesk(t, &memory{}, func(o *Options) { o.Heartbeat = time.Millisecond })
	s := d.open(t, "")
	for line := ""; line != ": still here"; line = s.line() {
	}
}

// pipes are a listener whose connections are in memory, so that their deadlines are of a test's clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "in memory", Net: "pipe"} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p <- far
	return near, nil
}

// Over HTTP/2 a write deadline counts between writes, too: the stream must outlive it.
func TestHeartbeatOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Log: &memory{}, Logger: slog.New(slog.DiscardHandler), Heartbeat: 15 * time.Second, WriteWithin: 10 * time.Second})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := h.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		var two http.Protocols
		two.SetUnencryptedHTTP2(true)
		line, server := make(pipes), &http.Server{Handler: h, Protocols: &two}
		running.Go(func() {
			if err := server.Serve(line); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
		client := &http.Transport{DialContext: line.dial, Protocols: &two}
		answer, err := (&http.Client{Transport: client}).Get("http://central")
		if err != nil {
			t.Fatal(err)
		}
		if answer.ProtoMajor != 2 {
			t.Fatalf("the answer came by %s", answer.Proto)
		}
		s := &screen{t: t, in: bufio.NewReader(answer.Body)}
		for range 3 {
			for line := ""; line != ": still here"; line = s.line() {
			}
		}
		h.Drain()
		if _, err := io.Copy(io.Discard, s.in); err != nil {
			t.Errorf("the stream does not end cleanly: %v", err)
		}
		answer.Body.Close()
		client.CloseIdleConnections()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		stop()
		running.Wait()
	})
}

func TestFeedEndsWithTheSession(t *testing.T) {
	var out atomic.Bool
	d := newDesk(t, &memory{}, func(o *Options) {
		o.Heartbeat = time.Millisecond
		o.Allowed = func(r *http.Request) bool { return r.Header.Get("Last-Event-ID") != "0" || !out.Load() }
	})
	s, other := d.open(t, "0"), d.open(t, "")
	out.Store(true)
	if _, err := io.Copy(io.Discard, s.in); err != nil {
		t.Errorf("the stream does not end cleanly: %v", err)
	}
	d.commit(1)
	other.expect(1, 1)
}

func TestFeedsAreBounded(t *testing.T) {
	d := newDesk(t, &memory{}, func(o *Options) { o.MaxFeeds = 1 })
	d.open(t, "")
	answer, err := http.Get(d.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a feed too many gets %s", answer.Status)
	}
}

func TestDrainEndsFeeds(t *testing.T) {
	d := newDesk(t, &memory{}, nil)
	s := d.open(t, "")
	d.Drain()
	if _, err := io.Copy(io.Discard, s.in); err != nil {
		t.Errorf("the stream does not end cleanly: %v", err)
	}
}

// stuck is a connection whose reader has gone to sleep.
type stuck struct {
	http.ResponseWriter
	header   http.Header
	deadline time.Time
}

func (w *stuck) Header() http.Header                 { return w.header }
func (w *stuck) WriteHeader(int)                     {}
func (w *stuck) SetWriteDeadline(at time.Time) error { w.deadline = at; return nil }
func (w *stuck) FlushError() error                   { return nil }
func (w *stuck) Write([]byte) (int, error)           { return 0, errors.New("i/o timeout") }

func TestSlowReaderIsCutOff(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	d := newDesk(t, &memory{}, func(o *Options) { o.Now = func() time.Time { return now } })
	w := &stuck{header: http.Header{}}
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/feed", nil)) // returns, or the test times out
	if !w.deadline.IsZero() {
		t.Errorf("the connection keeps the deadline %s", w.deadline)
	}
	if d.Feeds() != 0 {
		t.Error("the feed still counts")
	}
}

func TestLogThatFailsIsReadAgain(t *testing.T) {
	log := &memory{}
	d := newDesk(t, log, nil)
	s := d.open(t, "")
	log.mu.Lock()
	log.fail = errors.New("disk")
	log.mu.Unlock()
	d.commit(1)
	log.mu.Lock()
	log.fail = nil
	log.mu.Unlock()
	s.expect(1, 1)
}

// hung is a log whose connection answers nothing any more; on the next one it is itself again.
type hung struct {
	memory
	asked bool
}

func (l *hung) LastPosition(ctx context.Context) (int64, error) {
	if l.asked {
		return l.memory.LastPosition(ctx)
	}
	l.asked = true
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestALogThatHangsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Log: &hung{}, Logger: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := h.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(2 * readWithin) // of synctest's clock
		select {
		case <-h.ready:
		default:
			t.Error("the feed still waits for an answer")
		}
		stop()
		running.Wait()
	})
}
