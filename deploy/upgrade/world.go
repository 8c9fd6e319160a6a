package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"gridgate/deploy/testkit/stage"
)

// world is a centre, an edge and its sensors.
type world struct {
	dir, bin                string // of this run, and of the programs
	addrCentral, addr, mqtt string
	token                   string // for the API
	central, edge           *daemon
	sensors                 *sensors
	before                  map[string]json.RawMessage // what central held
	lost, doubled           int
	note                    string
}

func (w *world) path(name ...string) string {
	return filepath.Join(append([]string{w.dir}, name...)...)
}

// built is a program of a build: old, or new/VERSION.
func (w *world) built(build, program string) string { return filepath.Join(w.bin, build, program) }

// told is what a step has to tell, once.
func (w *world) told() string {
	n := w.note
	w.note = ""
	return n
}

func newWorld(ctx context.Context, dir, bin string) (w *world, err error) {
	w = &world{dir: dir, bin: bin}
	for _, a := range []*string{&w.addrCentral, &w.addr, &w.mqtt} {
		if *a, err = stage.FreeAddress(""); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(w.path("installed"), 0o700); err != nil {
		return nil, err
	}
	for _, key := range []string{"trusted", "stranger"} {
		if err := os.WriteFile(w.path("password"), []byte("a password of this run\n"), 0o600); err != nil {
			return nil, err
		}
		if _, err := output(ctx, ".", w.built("tool", "release"), "keygen", "--password-file", w.path("password"), "--out", w.path(key)); err != nil {
			return nil, err
		}
	}
	return w, w.configure()
}

func (w *world) configure() error {
	var list strings.Builder
	for i := range sensorCount {
		fmt.Fprintf(&list, "  - {id: %s, dialect: zigbee2mqtt, topic: zigbee2mqtt/%s, zone: hall}\n", sensorID(i), sensorID(i))
	}
	edge := fmt.Sprintf("edge: town-1\ndata: data\nlisten: %s\nplace: {grid: \"330106109001001\", kind: street}\ncentral:\n  url: http://%s\n  token: {file: edge-token}\n  sync: 1s\n%%s"+
		"mqtt: {broker: {listen: %q, users: [{name: sensors, password: {file: sensor-password}, publish: [\"#\"]}]}}\nsensors:\n%s", w.addr, w.addrCentral, w.mqtt, &list)
	for name, text := range map[string]string{
		"edge-token": "0123456789abcdef0123456789abcdef0123456789abcdef", "sensor-password": "of-the-sensors",
		"central.yaml": fmt.Sprintf("listen: %s\ndata: central\nedges: [{id: town-1, token: {file: edge-token}}]\n", w.addrCentral),
		"old.yaml":     fmt.Sprintf(edge, ""),
		"edge.yaml":    fmt.Sprintf(edge, "  releases: {keys: [trusted.pub], rate: 100000}\n"),
	} {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) close() error {
	if w.sensors != nil {
		w.sensors.close()
	}
	return errors.Join(w.edge.stop(), w.central.stop())
}

// daemon is a program that is started again whenever it ends, as a service manager does.
type daemon struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	process *os.Process
	starts  int
}

func runDaemon(ctx context.Context, log, program string, args ...string) (*daemon, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	d := &daemon{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		defer out.Close()
		for ctx.Err() == nil {
			d.once(ctx, out, program, args)
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return d, nil
}

func (d *daemon) once(ctx context.Context, out io.Writer, program string, args []string) {
	c := exec.CommandContext(ctx, program, args...)
	c.Stdout, c.Stderr = out, out
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	d.mu.Lock()
	err := c.Start()
	d.process = c.Process
	d.starts++
	d.mu.Unlock()
	if err == nil {
		_ = c.Wait() // it is started again however it ended
	}
}

// kill ends the process without a word; it is started again.
func (d *daemon) kill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.process.Kill()
}

func (d *daemon) pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.process.Pid
}

func (d *daemon) stop() error {
	if d == nil {
		return nil
	}
	d.cancel()
	<-d.done
	return nil
}

// get asks central.
func (w *world) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.addrCentral+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %d, %w: %.200s", path, res.StatusCode, err, data)
	}
	return json.Unmarshal(data, into)
}

// list reads all of a list, each item as it is, by id.
func (w *world) list(ctx context.Context, path string) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for cursor := ""; ; {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		if err := w.get(ctx, path+"?limit=500&cursor="+url.QueryEscape(cursor), &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			var id struct{ ID string }
			if err := json.Unmarshal(item, &id); err != nil {
				return nil, err
			}
			all[id.ID] = item
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// until waits for something, a minute and a half at most.
func until(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var last error
	for {
		ok, err := is()
		if ok && err == nil {
			return nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, errors.Join(ctx.Err(), last))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
