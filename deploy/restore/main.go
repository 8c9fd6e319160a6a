// Command restore proves backups with real processes: it fills a central, backs it up under load, destroys it, restores it and compares.
//
// In: the programs in bin, how many alerts and pictures, and which store. Out: a line for each step with times and sizes; exit 1 when
// anything differs. It works in a temporary folder and on servers of its own, and ends what it started.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"gridgate/deploy/testkit/postgres"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/alert"
	"gridgate/protocols/ingest"
)

const edgeToken = "0123456789abcdef0123456789abcdef"

func main() {
	alerts := flag.Int("alerts", 200_000, "alerts")
	pictures := flag.Int("pictures", 2_000, "pictures of 100 kB")
	program := flag.String("central", "bin/gridgate-central", "the program")
	kinds := flag.String("stores", "sqlite,postgres", "stores")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for kind := range strings.SplitSeq(*kinds, ",") {
		if err := prove(ctx, *program, kind, *alerts, *pictures); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", kind, err)
			os.Exit(1)
		}
	}
}

// rig is one central and its backups.
type rig struct {
	program, kind, dir, config, url, token, key, public string
	db                                                  *postgres.Server // nil for sqlite
	central                                             *stage.Process
	sums                                                map[string]string // of pictures, by digest
}

func prove(ctx context.Context, program, kind string, alerts, pictures int) (err error) {
	r := &rig{kind: kind, sums: map[string]string{}}
	if r.program, err = filepath.Abs(program); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "gridgate-restore-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"set up", r.setUp},
		{fmt.Sprintf("fill with %d alerts and %d pictures", alerts*9/10, pictures), func(ctx context.Context) error { return r.fill(ctx, alerts*9/10, pictures) }},
		{"backup under load", func(ctx context.Context) error { return r.underLoad(ctx, alerts/10) }},
		{"destroy, restore, compare", r.destroyAndCompare},
		{"kill a backup", r.killBackup},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%-9s %-45s %6.1f s\n", kind, step.name, time.Since(began).Seconds())
	}
	return nil
}

func (r *rig) end() error {
	var errs []error
	if r.central != nil {
		r.central.Kill()
	}
	if r.db != nil {
		errs = append(errs, r.db.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) setUp(ctx context.Context) (err error) {
	address, err := stage.FreeAddress("")
	if err != nil {
		return err
	}
	text := fmt.Sprintf("listen: %s\nedges: [{id: town-1, token: {file: edge.token}}]\nlimits: {edge_events: 1000000}\n", address)
	if r.kind == "postgres" {
		if r.db, err = postgres.Start(ctx); err != nil {
			return err
		}
		if err := r.db.Create(ctx, "town"); err != nil {
			return err
		}
		text += fmt.Sprintf("store: {kind: postgres, url: %q, password: {file: pg.password}}\n", r.db.PublicURL("town"))
	}
	r.config, r.url = r.path("central.yaml"), "http://"+address
	for name, data := range map[string]string{"central.yaml": text, "edge.token": edgeToken, "pg.password": postgres.Password} {
		if err := os.WriteFile(r.path(name), []byte(data), 0o600); err != nil {
			return err
		}
	}
	r.key = r.path("backup.key")
	if r.public, err = r.command(ctx, "backup", "key", "--out", r.key); err != nil {
		return err
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	r.token, err = r.command(ctx, "token", "add", "--config", r.config, "rig", "--scope", "read,operate")
	return err
}

// command runs the program to its end and returns what it printed.
func (r *rig) command(ctx context.Context, args ...string) (string, error) {
	var out, told bytes.Buffer
	c := exec.CommandContext(ctx, r.program, args...)
	c.Stdout, c.Stderr = &out, &told
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", args[0], args[1], err, strings.TrimSpace(told.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func (r *rig) start(ctx context.Context) (err error) {
	r.central, err = stage.Start(stage.Spec{Program: r.program, Args: []string{"serve", "--config", r.config}, Log: r.path("central.log")})
	if err != nil {
		return err
	}
	return r.central.WaitReady(ctx, r.url+"/healthz")
}

func (r *rig) ask(ctx context.Context, method, path, token, media string, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", media)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %s", method, path, answer.Status, data)
	}
	return data, err
}

const batch = 500

func (r *rig) fill(ctx context.Context, alerts, pictures int) error {
	for sent := 0; sent < alerts; sent += batch {
		if err := r.post(ctx, min(batch, alerts-sent), sent); err != nil {
			return err
		}
	}
	for n := range pictures {
		if err := r.picture(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func newAlert(n int) alert.Alert {
	id, device, at := alert.NewID(), "sensor-"+strconv.Itoa(n%2000), time.Now()
	return alert.Alert{
		ID: id, Source: alert.SensorSource("town-1", device), Kind: alert.Motion, State: alert.Momentary,
		Key: alert.KeyOf("town-1", device, "", alert.Motion), Severity: alert.Minor, Grid: "110101001001001",
		OccurredAt: at, Clock: alert.EdgeClock, RaisedAt: at, Origin: "zigbee2mqtt",
	}
}

func (r *rig) post(ctx context.Context, count, from int) error {
	events := make([][]byte, 0, count)
	for n := range count {
		e, err := alert.Encode(newAlert(from + n))
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	_, err := r.ask(ctx, http.MethodPost, ingest.EventsPath, edgeToken, alert.BatchContentType, alert.EncodeBatch(events))
	return err
}

func (r *rig) picture(ctx context.Context, n int) error {
	data := []byte("\xff\xd8\xff\xe0")
	for seed := sha256.Sum256(fmt.Append(nil, "picture ", n)); len(data) < 100_000; seed = sha256.Sum256(seed[:]) {
		data = append(data, seed[:]...)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	a := newAlert(n)
	e, err := alert.EncodeEvidence(alert.Evidence{ID: alert.NewID(), Source: a.Source, AlertID: a.ID, SHA256: digest, MediaType: alert.JPEG, Bytes: int64(len(data)), At: a.OccurredAt})
	if err != nil {
		return err
	}
	text, err := alert.Encode(a)
	if err == nil {
		_, err = r.ask(ctx, http.MethodPost, ingest.EventsPath, edgeToken, alert.BatchContentType, alert.EncodeBatch([][]byte{text, e}))
	}
	if err == nil {
		_, err = r.ask(ctx, http.MethodPut, ingest.EvidencePath+digest, edgeToken, alert.JPEG, data)
	}
	r.sums[digest] = digest
	return err
}

// underLoad makes a backup while alerts come in.
func (r *rig) underLoad(ctx context.Context, alerts int) error {
	var loading sync.WaitGroup
	var failed error
	loading.Go(func() { failed = r.fill(ctx, alerts, 0) })
	_, err := r.backup(ctx, "first, under load")
	loading.Wait()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	_, err = r.command(ctx, "backup", "verify", "--from", r.path("backups"), "--key", r.key)
	return err
}

func (r *rig) backup(ctx context.Context, what string) (string, error) {
	began := time.Now()
	dir, err := r.command(ctx, "backup", "create", "--config", r.config, "--to", r.path("backups"), "--recipient", r.public)
	if err != nil {
		return "", err
	}
	list, err := r.command(ctx, "backup", "list", "--from", r.path("backups"))
	lines := strings.Split(list, "\n")
	fmt.Printf("%-9s   backup %-36s %6.1f s\n%12s%s\n%12s%s\n", r.kind, what, time.Since(began).Seconds(), "", lines[0], "", lines[len(lines)-1])
	return dir, err
}

// destroyAndCompare backs up what is quiet, destroys it, restores it and compares what the API answers, and every picture.
func (r *rig) destroyAndCompare(ctx context.Context) error {
	before, err := r.everything(ctx)
	if err != nil {
		return err
	}
	if _, err := r.backup(ctx, "second, most pictures linked"); err != nil {
		return err
	}
	r.central.Kill()
	<-r.central.Done()
	if err := r.destroy(ctx); err != nil {
		return err
	}
	began := time.Now()
	if _, err := r.command(ctx, "backup", "restore", "--config", r.config, "--from", r.path("backups"), "--key", r.key); err != nil {
		return err
	}
	fmt.Printf("%-9s   restore %-35s %6.1f s\n", r.kind, "", time.Since(began).Seconds())
	if _, err := r.command(ctx, "audit", "verify", "--config", r.config); err != nil {
		return err
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	after, err := r.everything(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("what the API answers differs: %s, it was %s", after, before)
	}
	return err
}

func (r *rig) destroy(ctx context.Context) error {
	if r.db != nil {
		if err := r.db.Create(ctx, "empty"); err != nil {
			return err
		}
		text, err := os.ReadFile(r.config)
		if err != nil {
			return err
		}
		text = bytes.ReplaceAll(text, []byte(r.db.PublicURL("town")), []byte(r.db.PublicURL("empty")))
		if err := os.WriteFile(r.config, text, 0o600); err != nil {
			return err
		}
	}
	return os.RemoveAll(r.path("data"))
}

// everything is a hash over all alerts, all cases and all pictures, as the API answers.
func (r *rig) everything(ctx context.Context) (string, error) {
	sum := sha256.New()
	for _, list := range []string{"/v1/alerts", "/v1/cases"} {
		for cursor, more := "", true; more; more = cursor != "" {
			page, err := r.ask(ctx, http.MethodGet, list+"?limit=500&cursor="+url.QueryEscape(cursor), r.token, "", nil)
			if err != nil {
				return "", err
			}
			sum.Write(page)
			cursor = next(page)
		}
	}
	for digest := range r.sums {
		data, err := r.ask(ctx, http.MethodGet, ingest.EvidencePath+digest, r.token, "", nil)
		if err != nil {
			return "", err
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != digest {
			return "", fmt.Errorf("the picture %s is another", digest)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// next is the cursor at the end of a page.
func next(page []byte) string {
	_, rest, ok := bytes.Cut(page, []byte(`"next":"`))
	if !ok {
		return ""
	}
	cursor, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(cursor)
}

// killBackup kills backups as they are made: what is finished stays whole, and nothing else looks finished.
func (r *rig) killBackup(ctx context.Context) error {
	for n := range 5 {
		c := exec.CommandContext(ctx, r.program, "backup", "create", "--full", "--config", r.config, "--to", r.path("backups"), "--recipient", r.public, "--rate", "1")
		if err := c.Start(); err != nil {
			return err
		}
		time.Sleep(time.Duration(n+1) * 100 * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	list, err := r.command(ctx, "backup", "list", "--from", r.path("backups"))
	if err != nil {
		return err
	}
	if lines := strings.Count(list, "\n"); lines != 2 || strings.Contains(list, "cannot be read") {
		return fmt.Errorf("%d backups look finished, two are:\n%s", lines, list)
	}
	_, err = r.command(ctx, "backup", "verify", "--from", r.path("backups"))
	return err
}
