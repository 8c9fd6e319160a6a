package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gridgate/central/backup"
	"gridgate/central/config"
	"gridgate/central/tsdb/embedded"
)

const (
	doorSocket     = "central.sock"     // in the data folder
	snapshotPrefix = "series-snapshot-" // begins the name of a folder there; the time follows
	snapshotPath   = "/series-snapshot"
	snapshotWithin = time.Hour
)

// refuseUnfinished keeps central from starting on half of what a backup holds.
func (a *App) refuseUnfinished(_ context.Context, c *config.Config) error {
	begun, err := backup.Begun(c.Data)
	if err == nil && begun {
		err = fmt.Errorf("a restore into %s was begun and not ended: run `gridgate-central backup restore` again with --force, which moves aside what is there; or, to begin with nothing, empty the folder (and, with PostgreSQL, the database)", c.Data)
	}
	return err
}

// openDoor tells of the last backup, and lets the command that makes one, beside this process, ask for a snapshot of the time series: nobody
// else can have their database open. It listens on a socket in the data folder that only the folder's owner and root can open.
func (a *App) openDoor(ctx context.Context, c *config.Config) error {
	a.tellBackups(c.Data)
	series := a.series
	if counted, ok := series.(countedSeries); ok {
		series = counted.DB
	}
	db, ok := series.(*embedded.DB)
	if !ok {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(c.Data, snapshotPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a snapshot that was left: %w", err)
		}
	}
	folder, listener, err := listenAtDoor(c.Data)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: doorHandler(db, c.Data), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(a.log.With("step", "door").Handler(), slog.LevelDebug)}
	a.start(ctx, "door for backups", func(ctx context.Context) error {
		defer folder.Close()
		stop := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stop()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}

// doorPath names the socket through the open folder: a path of a socket has 107 bytes at most, a folder's may have more.
func doorPath(folder *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), doorSocket)
}

// listenAtDoor listens. This process has the time series open, so that a socket which is there is a dead one.
func listenAtDoor(data string) (folder *os.File, l net.Listener, err error) {
	name := filepath.Join(data, doorSocket)
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	if folder, err = os.Open(data); err != nil {
		return nil, nil, err
	}
	if l, err = net.Listen("unix", doorPath(folder)); err != nil {
		return nil, nil, errors.Join(err, folder.Close())
	}
	if err := os.Chmod(name, 0o600); err != nil {
		return nil, nil, errors.Join(err, l.Close(), folder.Close())
	}
	return folder, l, nil
}

// doorAnswer is the folder of a snapshot, or why there is none.
type doorAnswer struct {
	Dir   string `json:"dir"`
	Error string `json:"error"`
}

func doorHandler(db *embedded.DB, data string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+snapshotPath, func(w http.ResponseWriter, r *http.Request) {
		var answer doorAnswer
		dir, err := snapshot(r.Context(), db, data)
		if answer.Dir = dir; err != nil {
			answer.Error = err.Error()
		}
		_ = json.NewEncoder(w).Encode(answer) // who has gone needs no answer
	})
	return mux
}

// snapshot makes one in the data folder, where blocks can be linked.
func snapshot(ctx context.Context, db *embedded.DB, data string) (string, error) {
	dir := filepath.Join(data, snapshotPrefix+time.Now().UTC().Format("20060102T150405.000000000"))
	if err := db.Snapshot(ctx, dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// knock asks the central that runs for a snapshot; answered is false if there is none.
func knock(ctx context.Context, data string) (dir string, answered bool, err error) {
	folder, err := os.Open(data)
	if err != nil {
		return "", false, err
	}
	defer folder.Close()
	client := &http.Client{Timeout: snapshotWithin, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", doorPath(folder))
		}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://central"+snapshotPath, nil)
	if err != nil {
		return "", false, err
	}
	response, err := client.Do(request)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return "", false, nil
	}
	if err != nil {
		return "", true, fmt.Errorf("ask the central that runs: %w", err)
	}
	defer response.Body.Close()
	var answer doorAnswer
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, 64<<10)).Decode(&answer); err != nil {
		return "", true, fmt.Errorf("read the answer of the central that runs: %w", err)
	}
	if answer.Error != "" {
		return "", true, errors.New(answer.Error)
	}
	return answer.Dir, true, nil
}

// tellBackups registers how large the last backup was and how long it took. The command that makes backups writes it into the data folder;
// when it was is told by startMetrics.
func (a *App) tellBackups(data string) {
	for _, g := range []struct {
		name, help string
		value      func(backup.State) float64
	}{
		{"gridgate_backup_last_size_bytes", "Size of the last backup that succeeded, links included.", func(s backup.State) float64 { return float64(s.Bytes) }},
		{"gridgate_backup_last_duration_seconds", "How long the last backup that succeeded took.", func(s backup.State) float64 { return s.Seconds }},
	} {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 {
			s, _ := backup.Last(data) // what cannot be read is as if there was none: the alert rule speaks
			return g.value(s)
		}))
	}
}
