package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"gridgate/deploy/testkit/client"
	"gridgate/deploy/testkit/stage"
	"gridgate/protocols/kit/backoff"
)

// edgeConfig leaves everything to the defaults that can be. Central is not there.
var edgeConfig = template.Must(template.New("edge.yaml").Parse(`edge: bench
data: edge
listen: {{.Listen}}
place: {grid: "330106001001001", kind: entrance}
central:
  url: http://127.0.0.1:9
  token: {file: token}
cameras:
{{- range .Cameras}}
  - {id: {{.ID}}, url: "{{.URL}}", owner: bench, purpose: bench, legal_basis: bench}
{{- end}}
`))

// edge is a running gridgate-edge.
type edge struct {
	process *stage.Process
	log     string
	page    client.Client
}

// edgeStatus is what the group reads of GET /status.
type edgeStatus struct {
	Cameras []struct {
		ID, State, Why, Sampling, Gate, Trouble string
		RingBytes                               int64
		Counters                                edgeCounters
	}
}

// edgeCounters are of one camera, or summed over all.
type edgeCounters struct {
	Units                                             uint64 // access units that came; 0 where the edge does not tell
	Frames, Skipped, Overflows, Undecodable, NoWorker uint64
}

// startEdge runs the edge on the first n cameras of the load server and waits until all of them stream.
func startEdge(ctx context.Context, dir string, l *load, n int) (*edge, error) {
	address, err := stage.FreeAddress("")
	if err != nil {
		return nil, err
	}
	type entry struct{ ID, URL string }
	view := struct {
		Listen  string
		Cameras []entry
	}{Listen: address}
	for i := range n {
		view.Cameras = append(view.Cameras, entry{cameraName(i), l.url(i)})
	}
	var config bytes.Buffer
	if err := edgeConfig.Execute(&config, view); err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(dir, "edge-")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"edge.yaml": config.String(), "token": strings.Repeat("0", 26)} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	e := &edge{log: filepath.Join(home, "edge.log"), page: client.Client{Base: "http://" + address}}
	e.process, err = stage.Start(stage.Spec{
		Program: filepath.Join("bin", "gridgate-edge"), Args: []string{"run", "--config", filepath.Join(home, "edge.yaml")}, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	if err := waitReady(ctx, e.process, e.page.Base+"/healthz"); err != nil {
		return nil, withLog(err, home, "edge.log")
	}
	if err := e.waitStreaming(ctx); err != nil {
		return nil, errors.Join(err, e.process.Stop())
	}
	return e, nil
}

func (e *edge) status(ctx context.Context) (s edgeStatus, err error) {
	return s, e.page.JSON(ctx, http.MethodGet, "/status", nil, &s)
}

// arrived is how many access units came.
func (e *edge) arrived(ctx context.Context) (uint64, error) {
	s, err := e.status(ctx)
	return s.sum().Units, err
}

// waitStreaming waits until every camera streams.
func (e *edge) waitStreaming(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := e.check(ctx)
		if err == nil || !backoff.Wait(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

// check says whether every camera streams and has been looked at: the cost of a camera that does not is no figure.
func (e *edge) check(ctx context.Context) error {
	s, err := e.status(ctx)
	if err != nil {
		return err
	}
	for _, c := range s.Cameras {
		if c.State != "streaming" || c.Trouble != "" || c.Counters.Frames == 0 {
			return fmt.Errorf("camera %s: %s %s%s, %d pictures judged", c.ID, c.State, c.Why, c.Trouble, c.Counters.Frames)
		}
	}
	return nil
}

// tell says on standard error how the cameras are looked at.
func (e *edge) tell(ctx context.Context, part string) error {
	s, err := e.status(ctx)
	if err != nil {
		return err
	}
	ways := map[string]int{}
	for _, c := range s.Cameras {
		ways[strings.TrimSpace(c.Sampling+" "+c.Gate)]++
	}
	sum := s.sum()
	fmt.Fprintf(os.Stderr, "%s: %d cameras: %v; %+v\n", part, len(s.Cameras), ways, sum)
	return nil
}

// sum adds up the counters of all cameras.
func (s edgeStatus) sum() (sum edgeCounters) {
	for _, c := range s.Cameras {
		sum.Units += c.Counters.Units
		sum.Frames += c.Counters.Frames
		sum.Skipped += c.Counters.Skipped
		sum.Overflows += c.Counters.Overflows
		sum.Undecodable += c.Counters.Undecodable
		sum.NoWorker += c.Counters.NoWorker
	}
	return sum
}

func (s edgeStatus) ring() (bytes int64) {
	for _, c := range s.Cameras {
		bytes += c.RingBytes
	}
	return bytes
}
