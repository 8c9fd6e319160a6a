package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"gridgate/protocols/kit/backoff"
)

// alertmanagerVersion is the peer of delivery. It keeps alerts in memory and loses them in a crash.
const alertmanagerVersion = "v0.28.1"

// alertmanagerProgram returns the peer's program, built once by the Go tool from its module.
func alertmanagerProgram(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "gridgate", "bench", "alertmanager-"+alertmanagerVersion)
	program := filepath.Join(dir, "alertmanager")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	build := exec.CommandContext(ctx, "go", "install", "github.com/prometheus/alertmanager/cmd/alertmanager@"+alertmanagerVersion)
	build.Env = append(os.Environ(), "GOBIN="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build it: %w: %s", err, out)
	}
	return program, nil
}

// alertmanagerRate posts a workload of the same shape to an Alertmanager and returns alerts a second. An alert there is its labels:
// those of the same key are one, as cases are.
func alertmanagerRate(ctx context.Context, dir string) (float64, error) {
	program, err := alertmanagerProgram(ctx)
	if err != nil {
		return 0, err
	}
	base, stop, err := startAlertmanager(ctx, program, filepath.Join(dir, "alertmanager"))
	if err != nil {
		return 0, err
	}
	defer stop()
	todo, err := alertmanagerBatches()
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	begin := time.Now()
	for range deliveryClients {
		wg.Go(func() {
			err := postAll(ctx, base, todo)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	return perSecond(deliveryBatches*deliveryBatch, time.Since(begin)), failed
}

// alertmanagerBatches are the bodies, in a closed channel.
func alertmanagerBatches() (<-chan []byte, error) {
	type posted struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
	}
	w := newWorkload(1)
	todo := make(chan []byte, deliveryBatches)
	for range deliveryBatches {
		batch := make([]posted, deliveryBatch)
		for i := range batch {
			a := makeAlert(w.random.IntN(benchDevices), time.Now())
			batch[i] = posted{StartsAt: a.OccurredAt, Labels: map[string]string{
				"alertname": string(a.Kind), "key": a.Key, "source": a.Source, "grid": a.Grid, "severity": string(a.Severity), "origin": a.Origin,
			}, Annotations: map[string]string{"id": a.ID, "state": string(a.State), "level": fmt.Sprint(a.Reading.Value), "clock": string(a.Clock)}}
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return nil, err
		}
		todo <- body
	}
	close(todo)
	return todo, nil
}

// startAlertmanager runs it on loopback, alone, with one receiver that does nothing.
func startAlertmanager(ctx context.Context, program, dir string) (base string, stop func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: none}\nreceivers: [{name: none}]\n"), 0o644); err != nil {
		return "", nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	running, cancel := context.WithCancel(ctx)
	run := exec.CommandContext(running, program, "--config.file="+config, "--storage.path="+dir, "--cluster.listen-address=",
		"--web.listen-address="+address, "--log.level=error")
	if err := run.Start(); err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() {
		cancel()
		_ = run.Wait() // it was killed
	}
	base = "http://" + address
	for more := true; more; more = backoff.Wait(ctx, 50*time.Millisecond) {
		if answer, err := http.Get(base + "/-/ready"); err == nil {
			_ = answer.Body.Close()
			return base, stop, nil
		}
	}
	stop()
	return "", nil, ctx.Err()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func postAll(ctx context.Context, base string, todo <-chan []byte) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for body := range todo {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v2/alerts", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(answer.Body, 512))
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("it answered %s: %s", answer.Status, text)
		}
	}
	return nil
}
