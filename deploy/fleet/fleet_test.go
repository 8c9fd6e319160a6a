// Package fleet holds that a bad configuration pushed to many edges breaks none, and that central and edge mean the same by a text.
//
// In: a real central in this process, and a hundred edges that judge, try and keep what it wants with the edge's own code, over the real
// interface. Out: what each of them ran in the end. Cameras and sensors are not there: whether a sensor is heard is told by the topic
// that the running configuration names.
package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	centralapp "gridgate/central/app"
	centralconfig "gridgate/central/config"
	"gridgate/central/configure"
	"gridgate/central/rollout"
	"gridgate/edge/config"
	"gridgate/edge/desired"
	"gridgate/edge/forward"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/backoff"
)

const fleetSize = 100

// look is how often central is asked how far it is, and patience how long it may take for what should take seconds.
const (
	look     = 500 * time.Millisecond
	patience = 4 * time.Minute
)

// heard is the topic on which the sensor of every edge speaks.
const heard = "house/door"

const edgeFile = `edge: %s
data: data
central:
  url: %s
  token: {file: token}
  manage: [sensors, timezone]
place: {grid: "110101001001001", kind: street}
mqtt:
  sources:
    - {name: house, url: "tcp://127.0.0.1:1883"}
sensors:
  - {id: door, dialect: auto, topic: house/door}
`

// town is a central and its edges.
type town struct {
	t     *testing.T
	url   string
	token string
	edges []*edge
}

// edge is one box: its folder, and what it runs.
type edge struct {
	name   string
	file   string
	client *forward.Client

	mu      sync.Mutex
	keeper  *desired.Keeper
	topic   string // of the sensor, by the configuration that runs
	zone    string
	changes int
	told    context.CancelFunc // ends the sync that is held
}

func newTown(t *testing.T) *town {
	t.Helper()
	dir := t.TempDir()
	var edges strings.Builder
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range fleetSize {
		name := fmt.Sprintf("town-%03d", i)
		write(name+"/token", strings.Repeat("t", 32)+name)
		fmt.Fprintf(&edges, "  - {id: %s, token: {file: %s/token}}\n", name, name)
	}
	write("central.yaml", "listen: 127.0.0.1:0\ndata: data\nedges:\n"+edges.String())
	file := filepath.Join(dir, "central.yaml")
	c, err := centralconfig.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	token, err := centralapp.AddToken(t.Context(), file, centralapp.NewToken{Name: "test", Scopes: []string{"configure"}, Expires: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	app, err := centralapp.New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, url: "http://" + app.Addr().String(), token: token}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var parts errgroup.Group
	for i := range fleetSize {
		name := fmt.Sprintf("town-%03d", i)
		write(name+"/edge.yaml", fmt.Sprintf(edgeFile, name, w.url))
		e := w.newEdge(name, filepath.Join(dir, name))
		w.edges = append(w.edges, e)
		parts.Go(func() error { return e.run(ctx) })
	}
	central, down := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- app.Run(central) }()
	t.Cleanup(func() {
		stop()
		err := parts.Wait()
		down()
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *town) newEdge(name, dir string) *edge {
	w.t.Helper()
	e := &edge{name: name, file: filepath.Join(dir, "edge.yaml"), told: func() {}}
	c, err := config.Load(e.file)
	if err != nil {
		w.t.Fatal(err)
	}
	e.client, err = forward.NewClient(forward.ClientOptions{URL: c.Central.URL, Edge: name, Token: func() (string, error) { return c.Secret(c.Central.Token) }})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// run is the edge's process: what is to be run is run until something else is.
func (e *edge) run(ctx context.Context) error {
	defer e.client.Close()
	for ctx.Err() == nil {
		if err := e.serve(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

// serve is one start of the pipeline.
func (e *edge) serve(ctx context.Context) error {
	own, err := config.Load(e.file)
	if err != nil {
		return err
	}
	k, err := desired.Open(desired.Options{
		Dir: own.Path(own.Data) + "/desired", File: own.Version, Sections: own.Central.Manage, Scale: func(time.Duration) time.Duration { return time.Millisecond },
		Judge: func(text []byte) []ingest.Problem { return problemsOf(e.file, text) },
	})
	if err != nil {
		return err
	}
	revision, text, err := k.Start()
	if err != nil {
		return err
	}
	c := own
	if revision != "" {
		m, err := config.Merge(e.file, text)
		if err != nil {
			return fmt.Errorf("run what was judged: %w", err)
		}
		c = m.Config
	}
	e.mu.Lock()
	e.keeper, e.topic, e.zone = k, c.Sensors[0].Topic, c.Timezone
	e.changes++
	e.mu.Unlock()
	k.Bind(desired.Bound{Health: e.health, Told: e.tell, Fetch: func(ctx context.Context, revision string, most int64) ([]byte, error) {
		return e.client.Text(ctx, ingest.ConfigurationPath(e.name, revision), most)
	}})
	k.Up()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return k.Run(ctx) })
	parts.Go(func() error { return e.sync(ctx, k) })
	if err := parts.Wait(); !errors.Is(err, desired.ErrAgain) {
		return err
	}
	return nil
}

func problemsOf(file string, text []byte) (out []ingest.Problem) {
	_, err := config.Merge(file, text)
	var refusal *config.Refusal
	switch {
	case errors.As(err, &refusal):
		for _, p := range refusal.Problems {
			out = append(out, ingest.Problem{Line: p.Line, Field: p.Field, What: p.Message, Remedy: p.Remedy})
		}
	case err != nil:
		out = append(out, ingest.Problem{What: err.Error()})
	}
	return out
}

func (e *edge) health(context.Context) desired.Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	return desired.Health{Outbox: true, Central: true, Sensors: map[string]bool{"door": e.topic == heard}}
}

// tell ends the sync that is held, so that the next one brings the news.
func (e *edge) tell() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told()
}

// sync reports and waits for orders until ctx ends.
func (e *edge) sync(ctx context.Context, k *desired.Keeper) error {
	orders := ""
	for ctx.Err() == nil {
		held, cancel := context.WithCancel(ctx)
		e.mu.Lock()
		e.told = cancel
		e.mu.Unlock()
		answer, err := e.client.Sync(held, ingest.SyncRequest{
			Schema: ingest.SchemaVersion, Software: "test", ConfigVersion: "file", Now: time.Now(), StartedAt: time.Now(), Orders: orders, WaitSec: 5, Configuration: k.State(),
		})
		cancel()
		if err != nil {
			continue // central is not up yet, or there are news
		}
		if answer.Orders != nil {
			orders = answer.Orders.Revision
			k.Hear(answer.Orders.Configuration)
		}
	}
	return nil
}

// call makes a call of the interface; a body of nil is none.
func (w *town) call(method, path string, in, out any) int {
	w.t.Helper()
	body := new(bytes.Buffer)
	if in != nil {
		if err := json.NewEncoder(body).Encode(in); err != nil {
			w.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+"/v1/configuration"+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusNotFound {
		w.t.Logf("%s %s: %d %s", method, path, res.StatusCode, data)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		w.t.Fatalf("%s %s: %d %s: %v", method, path, res.StatusCode, data, err)
	}
	return res.StatusCode
}

func (w *town) push(text string) {
	w.t.Helper()
	if status := w.call("PUT", "/layers/all", map[string]any{"text": text, "why": "a test"}, nil); status != http.StatusOK {
		w.t.Fatalf("the text was not taken: %d", status)
	}
}

func (w *town) start(allow int, waves ...string) (r configure.Rollout) {
	w.t.Helper()
	if status := w.call("POST", "/rollouts", map[string]any{"layer": "all", "why": "a test", "waves": waves, "allow": allow}, &r); status != http.StatusCreated {
		w.t.Fatalf("the rollout did not begin: %d", status)
	}
	return r
}

// until waits for a state of a rollout and for what its edges report.
func (w *town) until(id string, state rollout.State, of map[configure.Progress]int) (r configure.RolloutFile) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		r = configure.RolloutFile{}
		if status := w.call("GET", "/rollouts/"+id, nil, &r); status != http.StatusOK && status != http.StatusServiceUnavailable {
			w.t.Fatalf("the rollout is not told: %d", status)
		}
		got := map[configure.Progress]int{}
		for _, e := range r.Edges {
			got[e.State]++
		}
		if r.State == state && fmt.Sprint(got) == fmt.Sprint(of) {
			return r
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("the rollout is %s with %v, want %s with %v", r.State, got, state, of)
		case <-tick.C:
		}
	}
}

// run demands what all edges run. One that goes back tells so just before it does.
func (w *town) run(topic, zone string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for _, e := range w.edges {
		for !e.runs(topic, zone) {
			if !backoff.Wait(ctx, 10*time.Millisecond) {
				w.t.Fatalf("%s does not run topic %q and zone %q", e.name, topic, zone)
			}
		}
	}
}

func (e *edge) runs(topic, zone string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.topic == topic && e.zone == zone
}

// untouched demands that no edge was started with anything but what it runs first.
func (w *town) untouched() {
	w.t.Helper()
	for _, e := range w.edges {
		e.mu.Lock()
		if e.changes != 1 {
			w.t.Errorf("%s was started %d times", e.name, e.changes)
		}
		e.mu.Unlock()
	}
}

// online waits for all edges.
func (w *town) online() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for page := (configure.DriftPage{}); page.Counts[configure.Alone] < fleetSize; <-tick.C {
		if w.call("GET", "/edges", nil, &page); ctx.Err() != nil {
			w.t.Fatalf("not all edges came: %v", page.Counts)
		}
	}
}

// A bad configuration pushed to a hundred edges: none breaks, all report.
func TestABadConfigurationBreaksNoEdge(t *testing.T) {
	w := newTown(t)
	w.online()
	w.run(heard, "")

	var problem struct {
		Errors []struct{ Location, Message string }
	}
	status := w.call("PUT", "/layers/all", map[string]any{"text": "timezone: UTC\nsensors:\n  - id: door\n    colour: red\n", "why": "a test"}, &problem)
	if status != http.StatusUnprocessableEntity || len(problem.Errors) != 1 || problem.Errors[0].Location != "body.text:4" {
		t.Fatalf("%d %+v", status, problem)
	}
	t.Logf("central refused a text itself, nothing was sent: %s %s", problem.Errors[0].Location, problem.Errors[0].Message)

	w.push("timezone: UTC\nrules: {default: \"off\"}\n")
	r := w.start(fleetSize, "100%")
	w.until(r.ID, rollout.Done, map[configure.Progress]int{"refused": fleetSize})
	w.run(heard, "")
	w.untouched()
	var one configure.DriftFile
	w.call("GET", "/edges/town-042", nil, &one)
	if len(one.Told) == 0 || one.Told[0].Line == 0 || one.Told[0].Field != "rules" || one.Told[0].Layer != "all" || one.Told[0].LineIn != 2 {
		t.Errorf("the edge does not say what it refuses: %+v", one.Told)
	}
	t.Logf("%d of %d edges refused a text that their own file does not allow, none changed: %+v", fleetSize, fleetSize, one.Told)

	w.push("sensors:\n  - {id: door, dialect: auto, topic: house/nowhere}\n")
	r = w.start(0)
	file := w.until(r.ID, rollout.Stopped, map[configure.Progress]int{"rolled-back": 1, configure.Planned: fleetSize - 1})
	w.run(heard, "")
	t.Logf("one edge of %d tried a text that made it deaf, and went back; the rollout stopped by itself: %s", fleetSize, file.Why)
	w.call("POST", "/rollouts/"+r.ID+"/abort", nil, nil)
	w.until(r.ID, rollout.Aborted, map[configure.Progress]int{configure.Planned: fleetSize})

	r = w.start(fleetSize, "100%")
	w.until(r.ID, rollout.Done, map[configure.Progress]int{"rolled-back": fleetSize})
	w.run(heard, "")
	t.Logf("without waves all %d tried it, went back and reported it", fleetSize)

	w.push("timezone: Asia/Shanghai\n")
	r = w.start(0)
	w.until(r.ID, rollout.Done, map[configure.Progress]int{"in-force": fleetSize})
	w.run(heard, "Asia/Shanghai")
	t.Logf("a good text is in force at all %d, in waves of %v", fleetSize, r.Waves)
}
