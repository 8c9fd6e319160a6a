package app

import (
	"context"
	plain "encoding/json" // durations as numbers, as the status page has them
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/sync/errgroup"
)

const (
	adminSocket = "outbox.sock" // in the data folder
	livePath    = "/live"       // of the state that the status page shows, for doctor
	maxLetters  = 1000          // dead letters of one answer
	adminTime   = time.Hour     // for one call: a check of a large file takes long
	maxAnswer   = 32 << 20      // bytes of one answer
)

// outboxAdmin answers the outbox commands while the edge runs. It listens on a socket in the data folder, which only the folder's owner
// and root can open: there is nothing to log in to, and nothing for a browser to reach.
type outboxAdmin struct {
	listener net.Listener
	server   *http.Server
	dir      *os.File
}

// socketPath names the socket through the open folder: a path of a socket has 107 bytes at most, a folder's may have more.
func socketPath(dir *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), adminSocket)
}

// newOutboxAdmin listens. The caller has the outbox open, so that a socket which is there is a dead one.
func newOutboxAdmin(folder string, box ownOutbox) (*outboxAdmin, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	listener, err := listenSocket(dir, filepath.Join(folder, adminSocket))
	if err != nil {
		dir.Close()
		return nil, fmt.Errorf("listen for outbox commands: %w", err)
	}
	return &outboxAdmin{listener: listener, dir: dir, server: &http.Server{
		Handler: withLive(adminHandler(box), box.live), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: adminTime, MaxHeaderBytes: 16 << 10,
	}}, nil
}

func listenSocket(dir *os.File, name string) (net.Listener, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socketPath(dir))
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// run serves until ctx ends.
func (a *outboxAdmin) run(ctx context.Context) error {
	defer a.dir.Close()
	if err := serveHTTP(ctx, a.server, a.listener); err != nil {
		return fmt.Errorf("serve outbox commands: %w", err)
	}
	return nil
}

// serveHTTP serves until ctx ends, and then until what is under way is answered, for 2 s at most.
func serveHTTP(ctx context.Context, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(end) != nil {
		server.Close()
	}
	<-served
	return nil
}

// adminAnswer is the answer of every call: what was asked for, or why not.
type adminAnswer struct {
	Status  *outboxStatus `json:"status,omitempty"`
	Letters []deadLetter  `json:"letters,omitempty"`
	Queued  int           `json:"queued,omitzero"`
	Found   []string      `json:"found,omitempty"`
	Error   string        `json:"error,omitzero"`
}

func adminHandler(o outboxTool) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(*http.Request, *adminAnswer) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var a adminAnswer
			if err := do(r, &a); err != nil {
				a.Error = err.Error()
			}
			_ = json.MarshalWrite(w, a) // a caller that has gone needs no answer
		})
	}
	handle("GET /status", func(r *http.Request, a *adminAnswer) error {
		s, err := o.Status(r.Context())
		a.Status = &s
		return err
	})
	handle("GET /dead", func(r *http.Request, a *adminAnswer) (err error) {
		a.Letters, err = o.Dead(r.Context(), number(r, "after"), int(min(number(r, "limit"), maxLetters)))
		return err
	})
	handle("POST /requeue", func(r *http.Request, _ *adminAnswer) error { return o.Requeue(r.Context(), number(r, "seq")) })
	handle("POST /requeue-all", func(r *http.Request, a *adminAnswer) (err error) {
		a.Queued, err = o.RequeueAll(r.Context())
		return err
	})
	handle("POST /drop", func(r *http.Request, _ *adminAnswer) error { return o.Drop(r.Context(), number(r, "seq")) })
	handle("GET /check", func(r *http.Request, a *adminAnswer) (err error) {
		a.Found, err = o.Check(r.Context())
		return err
	})
	return mux
}

// withLive also answers how the edge is, to its owner alone and so without a password.
func withLive(h http.Handler, live func() any) http.Handler {
	if live == nil {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET "+livePath, func(w http.ResponseWriter, _ *http.Request) {
		_ = plain.NewEncoder(w).Encode(live()) // a caller that has gone needs no answer
	})
	return mux
}

// number is a query parameter, 0 if it is none: nothing has that sequence.
func number(r *http.Request, name string) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// remoteOutbox is the outbox of a running edge.
type remoteOutbox struct {
	client *http.Client
	dir    *os.File
}

// dialOutbox finds the edge that has the outbox of a folder open.
func dialOutbox(ctx context.Context, folder string) (*remoteOutbox, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	r := &remoteOutbox{dir: dir, client: &http.Client{Timeout: adminTime, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socketPath(dir))
		},
	}}}
	if _, err := r.Status(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close ends the connection.
func (r *remoteOutbox) Close() error {
	r.client.CloseIdleConnections()
	return r.dir.Close()
}

func (r *remoteOutbox) call(ctx context.Context, method, path string, query url.Values) (a adminAnswer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://edge"+path+"?"+query.Encode(), nil)
	if err != nil {
		return a, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return a, fmt.Errorf("ask the running edge: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("the running edge answers %s", resp.Status)
	}
	if err := json.UnmarshalRead(io.LimitReader(resp.Body, maxAnswer), &a); err != nil {
		return a, fmt.Errorf("read the running edge's answer: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func seqQuery(seq int64) url.Values { return url.Values{"seq": {strconv.FormatInt(seq, 10)}} }

// Status implements outboxTool.
func (r *remoteOutbox) Status(ctx context.Context) (outboxStatus, error) {
	a, err := r.call(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return outboxStatus{}, err
	}
	if a.Status == nil {
		return outboxStatus{}, errors.New("the running edge's answer holds no status")
	}
	return *a.Status, nil
}

// Dead implements outboxTool.
func (r *remoteOutbox) Dead(ctx context.Context, after int64, limit int) ([]deadLetter, error) {
	a, err := r.call(ctx, http.MethodGet, "/dead", url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}})
	return a.Letters, err
}

// Requeue implements outboxTool.
func (r *remoteOutbox) Requeue(ctx context.Context, seq int64) error {
	_, err := r.call(ctx, http.MethodPost, "/requeue", seqQuery(seq))
	return err
}

// RequeueAll implements outboxTool.
func (r *remoteOutbox) RequeueAll(ctx context.Context) (int, error) {
	a, err := r.call(ctx, http.MethodPost, "/requeue-all", nil)
	return a.Queued, err
}

// Drop implements outboxTool.
func (r *remoteOutbox) Drop(ctx context.Context, seq int64) error {
	_, err := r.call(ctx, http.MethodPost, "/drop", seqQuery(seq))
	return err
}

// Check implements outboxTool.
func (r *remoteOutbox) Check(ctx context.Context) ([]string, error) {
	a, err := r.call(ctx, http.MethodGet, "/check", nil)
	return a.Found, err
}

// serveOutbox answers the outbox commands. An edge that cannot goes on without.
func serveOutbox(ctx context.Context, parts *errgroup.Group, folder string, box ownOutbox, log *slog.Logger) {
	admin, err := newOutboxAdmin(folder, box)
	if err != nil {
		log.Warn("the outbox commands work only while the edge is stopped", "error", err)
		return
	}
	parts.Go(func() error { return admin.run(ctx) })
}
