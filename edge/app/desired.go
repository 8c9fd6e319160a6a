package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"gridgate/edge/config"
	"gridgate/edge/decode"
	"gridgate/edge/desired"
	"gridgate/edge/forward"
	"gridgate/edge/outbox"
	"gridgate/edge/sensor"
	"gridgate/edge/sensor/mqtt"
	"gridgate/edge/source"
	"gridgate/protocols/ingest"
	"gridgate/protocols/kit/conf"
)

// desiredFolder is where what central wants the edge to run is kept, in the folder of data.
const desiredFolder = "desired"

// chosen is the configuration that one start runs: the file's, with what central says in the place of sections.
type chosen struct {
	file   string
	cfg    *config.Config
	wanted *desired.Keeper
	text   []byte // nil: the file alone
}

// choose says what is to be run. What central said is given up if the file takes it no more.
func choose(o RunOptions, own *config.Config, log *slog.Logger) (chosen, error) {
	c := chosen{file: o.Config, cfg: own}
	var err error
	c.wanted, err = desired.Open(desired.Options{
		Dir: own.Path(own.Data) + "/" + desiredFolder, File: own.Version, Sections: own.Central.Manage, Scale: o.trialTime, Turns: o.turns, Log: log,
		Judge: func(text []byte) []ingest.Problem {
			_, problems := merged(o.Config, text)
			return problems
		},
	})
	if err != nil {
		return c, err
	}
	for range 3 { // what is on trial, what stayed before it, the file alone
		revision, text, err := c.wanted.Start()
		if err != nil {
			log.Error("what central wants could not be kept as it should be", "error", err)
		}
		if revision == "" {
			return c, nil
		}
		cfg, problems := merged(o.Config, text)
		if len(problems) == 0 {
			c.cfg, c.text = cfg, text
			log.Info("the edge runs what central says in the place of its file", "revision", revision, "on trial", c.wanted.Trying())
			return c, nil
		}
		log.Error("the edge's file takes no more what central wants", "revision", revision, "field", problems[0].Field, "what", problems[0].What)
		if err := c.wanted.Unfit(revision, problems); err != nil {
			log.Error("what central wants could not be given up", "error", err)
			return c, nil
		}
	}
	return c, nil
}

// halfway is what a start that fails before it serves has to let go of, so that another one can begin in this process.
type halfway []func()

func (h halfway) close() {
	for _, f := range slices.Backward(h) {
		f()
	}
}

// load reads the file again, with what central says in the place of its sections.
func (c chosen) load() (*config.Config, error) {
	if c.text == nil {
		return config.Load(c.file)
	}
	m, err := config.Merge(c.file, c.text)
	if err != nil {
		return nil, err
	}
	return m.Config, nil
}

// merged is a file with what central says in the place of its sections, or why that cannot be run.
func merged(file string, text []byte) (*config.Config, []ingest.Problem) {
	m, err := config.Merge(file, text)
	var refusal *config.Refusal
	switch {
	case errors.As(err, &refusal):
		return nil, wireProblems(refusal.Problems)
	case err != nil:
		return nil, []ingest.Problem{{Field: "(file)", What: "the edge's own file cannot be read, or has problems", Remedy: "run gridgate-edge check on the edge"}}
	}
	if _, err := devicesOf(m.Config); err != nil {
		return nil, []ingest.Problem{{Field: "sensors", What: "a mapping file of the edge has problems", Remedy: "run gridgate-edge check on the edge with a sensor that names it"}}
	}
	return m.Config, nil
}

func wireProblems(found conf.Problems) []ingest.Problem {
	out := make([]ingest.Problem, min(len(found), ingest.MaxProblems))
	for i := range out {
		p := found[i]
		out[i] = ingest.Problem{Line: p.Line, Field: p.Field, What: p.Message, Remedy: p.Remedy}
	}
	return out
}

// start follows what central wants from now on.
func (c chosen) start(ctx context.Context, parts *errgroup.Group, w wellness) {
	c.wanted.Bind(desired.Bound{Health: w.health, Told: w.notify, Fetch: func(ctx context.Context, revision string, most int64) ([]byte, error) {
		text, err := w.link.client.Text(ctx, ingest.ConfigurationPath(c.cfg.Edge, revision), most)
		if err != nil {
			return nil, fmt.Errorf("fetch the configuration: %s", forward.Reason(err))
		}
		return text, nil
	}})
	parts.Go(func() error { return c.wanted.Run(ctx) })
}

// wellness looks at how well the edge is.
type wellness struct {
	link    *link
	cameras *cameraSet
	sensors *sensorSet
	box     *outbox.Outbox
	pool    *decode.Pool
	notify  func()
}

func (w wellness) health(ctx context.Context) desired.Health {
	_, err := w.box.Stats(ctx)
	sync := w.link.sync.Status()
	h := desired.Health{
		Outbox: err == nil, Central: sync.Connected, Why: sync.Why, Restarts: w.pool.Stats().Restarts,
		Cameras: map[string]bool{}, Brokers: map[string]bool{}, Sensors: map[string]bool{},
	}
	for _, d := range w.cameras.devices() {
		h.Cameras[d.ID] = d.State == string(source.Streaming)
	}
	for _, b := range w.sensors.brokers() {
		h.Brokers[b.Name] = b.State == mqtt.Connected
	}
	for _, d := range w.sensors.devices() {
		if d.State != string(sensor.Unknown) {
			h.Sensors[d.ID] = d.State == string(sensor.Online)
		}
	}
	return h
}

// wantedState is what is told of the configuration that central wants, nil if there is none.
func (l *link) wantedState() any {
	if s := l.wanted.State(); s != nil {
		return s
	}
	return nil
}

// released is what becomes of the build that central wants, nil if there is none.
func (l *link) released() *ingest.ReleaseState {
	if l.release == nil {
		return nil
	}
	return l.release()
}

// releaseState is the same, to be left out if there is none.
func (l *link) releaseState() any {
	if s := l.released(); s != nil {
		return s
	}
	return nil
}

// collectWanted tells how far the edge is with what central wants.
func collectWanted(m sink, k *desired.Keeper) {
	m.counter("gridgate_edge_configuration_rollbacks_total", "Configurations of central that the edge went back from, ever.", float64(k.Rollbacks()))
	now := k.State()
	for _, state := range ingest.WantedStates {
		m.gauge("gridgate_edge_configuration_state", "1 for how far the edge is with the configuration that central wants.", oneIf(now != nil && now.State == state), "state", string(state))
	}
}
