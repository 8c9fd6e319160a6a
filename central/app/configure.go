package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"gridgate/central/api"
	"gridgate/central/config"
	"gridgate/central/configure"
	"gridgate/central/fleet"
	"gridgate/central/grid"
	"gridgate/central/rollout"
	"gridgate/protocols/ingest"
)

// startConfigure lets rollouts of configurations go on.
func (a *App) startConfigure(ctx context.Context, _ *config.Config) (err error) {
	a.configurations, err = configure.New(configure.Options{
		Store: a.store, Grid: knownGrid(a.places.Get), Lead: a.lead, Registerer: a.registry, Logger: a.log.With("step", "configuration"),
	})
	if err != nil {
		return err
	}
	a.start(ctx, "configurations", a.configurations.Run)
	return nil
}

// configureRoutes serve edges the configuration that is wanted of them.
func (a *App) configureRoutes() []api.Route {
	return []api.Route{{Method: http.MethodGet, Path: fleet.ConfigurationPath, Handler: fleet.NewConfigurations(a.configurations, a.log.With("step", "configuration"))}}
}

// knownGrid asks the map as of now; while it is empty every code is taken.
func knownGrid(now func() *grid.Map) func(string) bool {
	return func(code string) bool {
		m := now()
		if _, ok := m.Grid(code); ok {
			return true
		}
		return len(m.Grids()) == 0
	}
}

// ConfigCommands are `config ...`. They work on the store, beside a central that runs: it drives what they begin within a second.
type ConfigCommands struct {
	Push    configPush    `cmd:"" help:"Judge a text and keep it as the next version of a layer; it reaches no edge before a rollout."`
	List    configList    `cmd:"" help:"List layers and rollouts, and how far each edge is."`
	Show    configShow    `cmd:"" help:"Print the text of a layer, or what an edge is wanted to run (edge NAME)."`
	Diff    configDiff    `cmd:"" help:"Say which edges a text would change, and how; changes nothing."`
	Group   configGroup   `cmd:"" help:"Say which edges a group has."`
	Rollout configRollout `cmd:"" help:"Bring a layer to its edges, wave by wave."`
	Pause   configPause   `cmd:"" help:"Give the open rollout to no more edges."`
	Resume  configResume  `cmd:"" help:"Let the open rollout go on."`
	Abort   configAbort   `cmd:"" help:"Give the edges of a rollout back what they had before."`
	Schema  configSchema  `cmd:"" help:"Print the JSON Schema of a text, for editors."`
}

// withConfigure opens what is written for the edges.
func withConfigure(t *Terminal, file string, do func(*configure.Service) error) error {
	return withSetupAnd(t.Ctx, file, func(d setUp, a accounts) error {
		s, err := configure.New(configure.Options{Store: a, Grid: knownGrid(d.places.Get), Now: t.Now})
		if err != nil {
			return err
		}
		return do(s)
	})
}

// changingConfig is withConfigure that the audit log tells of.
func changingConfig(t *Terminal, file, action, target string, do func(*configure.Service) error) error {
	return withSetupAnd(t.Ctx, file, func(d setUp, a accounts) error {
		s, err := configure.New(configure.Options{Store: a, Grid: knownGrid(d.places.Get), Now: t.Now})
		if err == nil {
			err = do(s)
		}
		return errors.Join(err, recordCommand(t.Ctx, a, action, target, t.Now(), err))
	})
}

type configPush struct {
	configured
	Layer string `arg:"" help:"all, group:NAME or edge:NAME."`
	File  string `arg:"" type:"existingfile" help:"The text (YAML)."`
	Why   string `required:"" help:"Why, in one line, without naming anyone."`
}

// Run implements kong's command.
func (c *configPush) Run(t *Terminal) error {
	text, err := readText(c.File)
	if err != nil {
		return err
	}
	return changingConfig(t, c.Config, "config-push", c.Layer, func(s *configure.Service) error {
		v, err := s.Push(t.Ctx, commandActor, c.Layer, text, c.Why, -1)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%s version %d, %d bytes; it reaches edges by: gridgate-central config rollout %s\n", v.Layer, v.Version, v.Bytes, v.Layer)
		return err
	})
}

func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("open the text: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, ingest.MaxConfiguration+1))
	return string(data), err
}

type configList struct {
	configured
	State string `enum:",in-force,alone,fetching,trying,waiting,away,refused,rolled-back" default:"" help:"Only edges in this state."`
	Group string `help:"Only edges of this group."`
}

// Run implements kong's command.
func (c *configList) Run(t *Terminal) error {
	return withConfigure(t, c.Config, func(s *configure.Service) error {
		table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		layers, err := s.Layers(t.Ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(table, "LAYER\tVERSION\tAT\tBY\tWHY")
		for _, l := range layers {
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", l.Layer, l.Version, day(l.At), l.By, l.Why)
		}
		rollouts, err := s.Rollouts(t.Ctx, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(table, "\nROLLOUT\tLAYER\tVERSION\tSTATE\tWAVE\tWHY")
		for _, r := range rollouts {
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d/%d\t%s\n", r.ID, r.Layer, r.Version, r.State, r.Wave+1, len(r.Waves), r.Why)
		}
		fmt.Fprintln(table, "\nEDGE\tSTATE\tSINCE\tLAYERS\tFILE\tSOFTWARE\tWHY")
		q := configure.DriftFilter{State: configure.Progress(c.State), Group: c.Group, Limit: configure.MaxPage}
		for more := true; more; {
			page, err := s.Edges(t.Ctx, q)
			if err != nil {
				return err
			}
			for _, e := range page.Items {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Edge, e.State, day(e.Since), carried(e.Layers), e.File, e.Software, e.Why)
			}
			q.After = page.Next
			more = page.Next != ""
		}
		return table.Flush()
	})
}

// carried names the layers of an edge with their versions, and the newest where that is another one.
func carried(layers []configure.Carried) string {
	var out []string
	for _, l := range layers {
		text := fmt.Sprintf("%s@%d", l.Layer, l.Version)
		if l.Version != l.Newest {
			text += fmt.Sprintf("<%d", l.Newest)
		}
		out = append(out, text)
	}
	return joined(out)
}

type configShow struct {
	configured
	Layer   string `arg:"" help:"all, group:NAME, edge:NAME; or the word edge, and its name: what is wanted of it."`
	Edge    string `arg:"" optional:"" help:"The edge's name, after the word edge."`
	Version int64  `help:"An older version; left out: the newest."`
}

// Run implements kong's command.
func (c *configShow) Run(t *Terminal) error {
	return withConfigure(t, c.Config, func(s *configure.Service) error {
		if c.Layer != "edge" {
			v, err := s.Version(t.Ctx, c.Layer, c.Version)
			if err != nil {
				return fmt.Errorf("read the layer %s: %w", c.Layer, err)
			}
			fmt.Fprintf(t.Err, "%s version %d, %s by %s: %s\n", v.Layer, v.Version, day(v.At), v.By, v.Why)
			_, err = io.WriteString(t.Out, v.Text)
			return err
		}
		e, err := s.Edge(t.Ctx, c.Edge)
		if err != nil {
			return fmt.Errorf("read the edge %s: %w", c.Edge, err)
		}
		fmt.Fprintf(t.Err, "%s: %s, revision %s, running %s; its file lets central say: %s\n", e.Edge, e.State, joined([]string{e.Wanted}), joined([]string{e.Running}), joined(e.Sections))
		for _, p := range e.Parts {
			fmt.Fprintf(t.Err, "  lines %d to %d: %s from %s version %d, line %d\n", p.First, p.First+p.Lines-1, p.Section, p.Layer, p.Version, p.From)
		}
		for _, p := range e.Told {
			fmt.Fprintf(t.Err, "  %s line %d: %s: %s (%s)\n", p.Layer, p.LineIn, p.Field, p.What, p.Remedy)
		}
		_, err = io.WriteString(t.Out, e.Text)
		return err
	})
}

type configDiff struct {
	configured
	Layer string `arg:"" help:"all, group:NAME or edge:NAME."`
	File  string `arg:"" type:"existingfile" help:"The text (YAML)."`
	Edge  string `help:"The edge whose texts are compared; left out: the first that would change."`
}

// Run implements kong's command.
func (c *configDiff) Run(t *Terminal) error {
	text, err := readText(c.File)
	if err != nil {
		return err
	}
	return withConfigure(t, c.Config, func(s *configure.Service) error {
		p, err := s.Preview(t.Ctx, c.Layer, text, c.Edge)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.Err, "%d edges would change; this is %s:\n", p.Count, joined([]string{p.Edge}))
		var out bytes.Buffer
		for _, l := range p.Diff {
			fmt.Fprintln(&out, l)
		}
		_, err = t.Out.Write(out.Bytes())
		return err
	})
}

type configGroup struct {
	configured
	Name    string   `arg:"" help:"The group."`
	Edge    []string `placeholder:"NAME,..." help:"Edges by name."`
	Grid    string   `help:"First digits of a grid: every edge that reports a device there."`
	Pattern string   `help:"Of names, with * and ?: town-*."`
	Order   int      `help:"Of two groups of an edge the one with the higher number has the last word."`
	Remove  bool     `help:"Remove the group."`
}

// Run implements kong's command.
func (c *configGroup) Run(t *Terminal) error {
	return changingConfig(t, c.Config, "config-group", c.Name, func(s *configure.Service) error {
		if c.Remove {
			return s.DropGroup(t.Ctx, commandActor, c.Name)
		}
		return s.PutGroup(t.Ctx, commandActor, configure.EdgeGroup{Name: c.Name, Order: c.Order, Edges: c.Edge, Grid: c.Grid, Pattern: c.Pattern})
	})
}

type configRollout struct {
	configured
	Layer   string        `arg:"" help:"all, group:NAME or edge:NAME."`
	Why     string        `required:"" help:"Why, in one line, without naming anyone."`
	Version int64         `help:"An older version; left out: the newest."`
	Waves   []string      `placeholder:"N,..." help:"How many edges have it after each wave: 1,10%,100% if left out."`
	Trial   time.Duration `help:"How long each edge watches its health, up to 1h; left out: as the edge has it."`
	Allow   int           `help:"Edges that may refuse it or go back before it stops."`
}

// Run implements kong's command.
func (c *configRollout) Run(t *Terminal) error {
	return changingConfig(t, c.Config, "config-rollout", c.Layer, func(s *configure.Service) error {
		r, err := s.Start(t.Ctx, commandActor, configure.Ask{
			Layer: c.Layer, Version: c.Version, Why: c.Why, Waves: c.Waves, TrialSec: int64(c.Trial / time.Second), Allow: c.Allow,
		})
		if err != nil {
			return err
		}
		var waves []string
		for _, n := range r.Waves {
			waves = append(waves, fmt.Sprint(n))
		}
		_, err = fmt.Fprintf(t.Out, "%s: %s version %d, edges that have it after each wave: %s\n", r.ID, r.Layer, r.Version, strings.Join(waves, ", "))
		return err
	})
}

type acting struct {
	configured
	Rollout string `arg:"" optional:"" help:"Its id; left out: the one that is open."`
}

func (c *acting) run(t *Terminal, action string) error {
	return changingConfig(t, c.Config, "config-"+action, c.Rollout, func(s *configure.Service) error {
		id := c.Rollout
		if id == "" {
			list, err := s.Rollouts(t.Ctx, "")
			if err != nil {
				return err
			}
			if len(list) == 0 || list[0].State == rollout.Aborted || list[0].State == rollout.Done {
				return errors.New("no rollout is open: name one by its id, as config list has it")
			}
			id = list[0].ID
		}
		r, err := s.Act(t.Ctx, commandActor, id, action)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%s: %s\n", r.ID, r.State)
		return err
	})
}

type configPause struct{ acting }

// Run implements kong's command.
func (c *configPause) Run(t *Terminal) error { return c.run(t, "pause") }

type configResume struct{ acting }

// Run implements kong's command.
func (c *configResume) Run(t *Terminal) error { return c.run(t, "resume") }

type configAbort struct{ acting }

// Run implements kong's command.
func (c *configAbort) Run(t *Terminal) error { return c.run(t, "abort") }

type configSchema struct{}

// Run implements kong's command.
func (c *configSchema) Run(t *Terminal) error {
	_, err := t.Out.Write(configure.Schema())
	return err
}
