package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"gridgate/central/api"
	"gridgate/central/config"
	"gridgate/central/configure"
	"gridgate/central/release"
	"gridgate/central/rollout"
	"gridgate/central/store/objects"
	signed "gridgate/protocols/release"
)

// startReleases goes on with rollouts of builds.
func (a *App) startReleases(ctx context.Context, c *config.Config) error {
	dir, err := archivesOf(c)
	if err != nil {
		return err
	}
	a.releases = release.New(a.store, dir, a.configurations, nil)
	a.gauge("gridgate_release_rollouts_stopped", "Rollouts of builds that have stopped by themselves and wait for somebody, at the central that drives.", a.releases.Stopped)
	a.start(ctx, "releases", func(ctx context.Context) error {
		return a.releases.Run(ctx, a.lead, a.log.With("step", "releases"))
	})
	return nil
}

// releaseDir is where archives of builds lie, which centrals on one database share.
func releaseDir(c *config.Config) string { return filepath.Join(c.Data, "releases") }

// archives gives the objects the shape that releases are kept in.
type archives struct{ *objects.Dir }

// Open returns an archive.
func (a archives) Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error) {
	o, err := a.Dir.Open(ctx, sha256)
	if err != nil {
		return nil, err
	}
	return o, nil
}

func archivesOf(c *config.Config) (release.Archives, error) {
	dir, err := objects.Open(releaseDir(c))
	if err != nil {
		return nil, err
	}
	return archives{dir}, nil
}

// releaseRoutes serve builds to edges.
func (a *App) releaseRoutes() []api.Route {
	door := &release.Door{Catalogue: a.releases, Log: a.log.With("step", "releases")}
	return []api.Route{{Method: http.MethodGet, Path: release.Path, Handler: door}}
}

// ReleaseCommands are `release ...`. They work on the store, beside a central that runs or without one.
type ReleaseCommands struct {
	Add    releaseAdd    `cmd:"" help:"Store an archive that was signed with deploy/release, for edges to fetch."`
	List   releaseList   `cmd:"" help:"List the builds that are stored, and the rollouts."`
	Remove releaseRemove `cmd:"" help:"Forget a build."`
	Start  releaseStart  `cmd:"" help:"Bring a build to edges, wave by wave: a few first, and more when those are well with it."`
	Show   releaseShow   `cmd:"" help:"Show how the edges of a rollout are."`
	Pause  releasePause  `cmd:"" help:"Give it to nobody more for now."`
	Resume releaseResume `cmd:"" help:"Go on with a rollout that is paused, or that stopped by itself: the failures so far are forgiven."`
	Abort  releaseAbort  `cmd:"" help:"Take it back from all that were given it: they go back to what they ran."`
}

// withReleases opens the builds of the central that file configures, does something and writes it into the audit log.
func withReleases(t *Terminal, file, action, target string, do func(*release.Catalogue) error) error {
	return atDeskOf(t.Ctx, file, action, target, t.Now(), func(c *config.Config, a accounts) error {
		dir, err := archivesOf(c)
		if err != nil {
			return err
		}
		groups, err := configure.New(configure.Options{Store: a, Now: t.Now})
		if err != nil {
			return err
		}
		return do(release.New(a, dir, groups, t.Now))
	})
}

// atDeskOf is atDesk for what needs the configuration, too. Without an action nothing is written into the log.
func atDeskOf(ctx context.Context, file, action, target string, now time.Time, do func(*config.Config, accounts) error) error {
	return withAccounts(ctx, file, func(c *config.Config, a accounts) error {
		err := do(c, a)
		if action == "" {
			return err
		}
		if failure := recordCommand(ctx, a, action, target, now, err); failure != nil {
			return failure
		}
		return err
	})
}

type releaseAdd struct {
	configured
	Key  []string `placeholder:"FILE,..." help:"Public keys that edges trust: a build that none of them signed is not stored. Left out: edges find that out."`
	File string   `arg:"" help:"The archive."`
}

// Run implements kong's command.
func (c *releaseAdd) Run(t *Terminal) error {
	var texts []string
	for _, name := range c.Key {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read a key: %w", err)
		}
		texts = append(texts, string(text))
	}
	keys, err := signed.ParseKeys(texts...)
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	return withReleases(t, c.Config, "release-add", filepath.Base(c.File), func(r *release.Catalogue) error {
		b, err := r.Add(t.Ctx, f, keys, commandActor)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.Out, "%s %s for %s, %d bytes, is stored\n", b.Manifest.Name, b.Manifest.Version, b.Manifest.Platform, b.Bytes)
		return err
	})
}

type releaseList struct{ configured }

// Run implements kong's command.
func (c *releaseList) Run(t *Terminal) error {
	return withReleases(t, c.Config, "", "", func(r *release.Catalogue) error {
		builds, err := r.List(t.Ctx)
		if err != nil {
			return err
		}
		rollouts, err := r.Rollouts(t.Ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "VERSION\tPLATFORM\tBYTES\tKEY\tSTORED")
		for _, b := range builds {
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", b.Manifest.Version, b.Manifest.Platform, b.Bytes, dash(b.Key), day(b.At))
		}
		fmt.Fprintln(table, "\nROLLOUT\tVERSION\tSTATE\tWAVE\tWHY")
		for _, o := range rollouts {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d of %d\t%s\n", o.ID, o.Version, o.State, o.Wave+1, len(o.Waves), o.Why)
		}
		return table.Flush()
	})
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type releaseRemove struct {
	configured
	Version  string `arg:"" help:"Version."`
	Platform string `arg:"" help:"Platform, as in linux-amd64."`
}

// Run implements kong's command.
func (c *releaseRemove) Run(t *Terminal) error {
	return withReleases(t, c.Config, "release-remove", c.Version+" "+c.Platform, func(r *release.Catalogue) error {
		return r.Remove(t.Ctx, c.Version, c.Platform, commandActor)
	})
}

type releaseStart struct {
	configured
	Version  string        `arg:"" help:"Version of a build that is stored."`
	Edge     []string      `xor:"edges" required:"" placeholder:"EDGE,..." help:"Edges that get it."`
	Group    string        `xor:"edges" required:"" placeholder:"NAME" help:"Edges of this group get it: those of configurations, see config group."`
	All      bool          `xor:"edges" required:"" help:"Every edge that has ever synced gets it."`
	Wave     []string      `placeholder:"N,N%,..." help:"How many have it in all once each wave is given; default 1,10%,100%."`
	Failures int           `help:"How many may refuse it or go back before it stops by itself."`
	Trial    time.Duration `placeholder:"5m" help:"How long each edge watches itself with it; default what the edge has."`
	Reason   string        `required:"" help:"Why."`
}

// Run implements kong's command.
func (c *releaseStart) Run(t *Terminal) error {
	return withReleases(t, c.Config, "release-start", c.Version, func(r *release.Catalogue) error {
		w := release.Wish{Version: c.Version, Edges: c.Edge, Waves: c.Wave, Failures: c.Failures, Trial: c.Trial, Reason: c.Reason, Actor: commandActor}
		switch {
		case c.All:
			w.To = configure.All
		case c.Group != "":
			w.To = "group:" + c.Group
		}
		o, err := r.Begin(t.Ctx, w)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.Err, "%s to %d edges in waves of %v in all; follow it by: gridgate-central release show %s\n", o.Version, o.Waves[len(o.Waves)-1], o.Waves, o.ID)
		_, err = fmt.Fprintln(t.Out, o.ID)
		return err
	})
}

type releaseShow struct {
	configured
	JSON    bool   `name:"json" help:"For programs."`
	Rollout string `arg:"" help:"Rollout."`
}

// Run implements kong's command.
func (c *releaseShow) Run(t *Terminal) error {
	return withReleases(t, c.Config, "", "", func(r *release.Catalogue) error {
		o, targets, err := r.Progress(t.Ctx, c.Rollout)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(t.Out).Encode(map[string]any{"rollout": o, "counts": rollout.Count(targets), "edges": targets})
		}
		table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%s, wave %d of %d %s\nEDGE\tSTATE\tIN TOUCH\tWHY\n", o.State, o.Wave+1, len(o.Waves), o.Why)
		for _, e := range targets {
			fmt.Fprintf(table, "%s\t%s\t%t\t%s\n", e.Edge, progressOf(e), e.InTouch, e.Why)
		}
		return table.Flush()
	})
}

// progressOf says in a word how an edge is with a build.
func progressOf(t rollout.Target) string {
	switch {
	case t.Given && t.State != "":
		return string(t.State)
	case t.Given:
		return "given"
	}
	return "waits"
}

type releaseAct struct {
	configured
	Rollout string `arg:"" help:"Rollout."`
}

func (c *releaseAct) act(t *Terminal, what string) error {
	return withReleases(t, c.Config, "release-"+what, c.Rollout, func(r *release.Catalogue) error {
		o, err := r.Act(t.Ctx, c.Rollout, what, commandActor)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.Out, o.State)
		return err
	})
}

type (
	releasePause  struct{ releaseAct }
	releaseResume struct{ releaseAct }
	releaseAbort  struct{ releaseAct }
)

// Run implements kong's command.
func (c *releasePause) Run(t *Terminal) error { return c.act(t, release.Pause) }

// Run implements kong's command.
func (c *releaseResume) Run(t *Terminal) error { return c.act(t, release.Resume) }

// Run implements kong's command.
func (c *releaseAbort) Run(t *Terminal) error { return c.act(t, release.Abort) }
