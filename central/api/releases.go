package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/configure"
	"gridgate/central/release"
	"gridgate/central/rollout"
)

// Releases are the builds that edges get, see [release.Catalogue]. A build is stored by a command alone.
type Releases interface {
	List(ctx context.Context) ([]release.Build, error)
	Edges(ctx context.Context, q configure.DriftFilter) (release.BuildStandings, error)
	Rollouts(ctx context.Context) ([]release.Rollout, error)
	Look(ctx context.Context, id string) (release.File, error)
	Begin(ctx context.Context, w release.Wish) (release.Rollout, error)
	Act(ctx context.Context, id, what, actor string) (release.Rollout, error)
}

var _ Releases = (*release.Catalogue)(nil)

// StoredBuild is a build of the edge that is stored.
type StoredBuild struct {
	Version  string    `json:"version"`
	Platform string    `json:"platform" doc:"system and architecture, as in linux-amd64"`
	Bytes    int64     `json:"bytes" doc:"of the archive"`
	Key      string    `json:"key,omitempty" doc:"that signed it; empty: nobody looked"`
	Made     time.Time `json:"made"`
	Expires  time.Time `json:"expires,omitzero" doc:"no edge begins with it after that; left out: never"`
	At       time.Time `json:"at" doc:"when it was stored"`
	By       string    `json:"by"`
}

// BuildRollout brings a build to edges, wave by wave.
type BuildRollout struct{ release.Rollout }

// BuildRolloutFile is a rollout of a build with its edges.
type BuildRolloutFile struct{ release.File }

type (
	buildsOutput struct {
		Body struct {
			Items []StoredBuild `json:"items" nullable:"false" doc:"the newest version first"`
		}
	}
	standingsInput struct {
		State string `query:"state" enum:"in-force,own,fetching,trying,waiting,away,refused,rolled-back"`
		Group string `query:"group" pattern:"^[a-z0-9][a-z0-9-]{0,47}$"`
		After string `query:"after" maxLength:"64" doc:"next of the page before"`
		Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	standingsOutput    struct{ Body release.BuildStandings }
	startReleaseInput  struct{ Body StartReleaseBody }
	buildRolloutOutput struct{ Body BuildRollout }
	// BuildRolloutPath names a rollout of a build.
	BuildRolloutPath struct {
		Rollout string `path:"rollout" maxLength:"64"`
	}
	buildRolloutInput      struct{ BuildRolloutPath }
	buildRolloutFileOutput struct{ Body BuildRolloutFile }
	buildRolloutsOutput    struct {
		Body struct {
			Items []BuildRollout `json:"items" nullable:"false" doc:"the newest first, at most 50"`
		}
	}
	actReleaseInput struct {
		BuildRolloutPath
		Action string `path:"action" enum:"pause,resume,abort"`
	}
)

// StartReleaseBody says which build goes where.
type StartReleaseBody struct {
	Version  string   `json:"version" maxLength:"64" doc:"of a build that is stored"`
	To       string   `json:"to" pattern:"^(all|(group|edge):[a-z0-9._-]{1,64})$" doc:"all, group:NAME or edge:NAME: its edges that have ever reported"`
	Why      string   `json:"why" maxLength:"200" doc:"in one line, without naming anyone"`
	Waves    []string `json:"waves,omitempty" maxItems:"10" nullable:"false" pattern:"^[0-9]{1,5}%?$" doc:"how many edges have it after each wave; left out: 1, 10%, 100%"`
	TrialSec int64    `json:"trialSec,omitempty" minimum:"0" maximum:"3600" doc:"how long each edge watches its health; 0: as the edge has it"`
	Allow    int      `json:"allow,omitempty" minimum:"0" maximum:"10000" doc:"edges that may refuse it or go back before it stops"`
}

func (s *Server) releaseOperations() {
	if s.o.Releases == nil {
		return
	}
	const at, rollouts = "/v1/releases", "/v1/releases/rollouts"
	read := func(path, id, summary string) huma.Operation {
		return whole(operation(http.MethodGet, path, id, summary, auth.Configure, http.StatusNotFound))
	}
	write := func(path, id, summary string) huma.Operation {
		return changing(http.MethodPost, path, id, summary, maxBody, http.StatusNotFound)
	}
	huma.Register(s.huma, read(at, "list-builds", "Builds of the edge that are stored; one is stored by a command"), s.listBuilds)
	huma.Register(s.huma, read(at+"/edges", "list-edge-builds", "Which build each edge runs, and how it is with the one that is wanted of it"), s.listStandings)
	huma.Register(s.huma, read(rollouts, "list-build-rollouts", "Rollouts of builds"), s.listBuildRollouts)
	start := write(rollouts, "start-build-rollout", "Bring a build to edges, wave by wave")
	start.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, start, s.startBuildRollout)
	huma.Register(s.huma, read(rollouts+"/{rollout}", "get-build-rollout", "A rollout of a build with its edges"), s.getBuildRollout)
	huma.Register(s.huma, write(rollouts+"/{rollout}/{action}", "act-build-rollout", "Pause, resume or abort a rollout of a build; abort lets its edges go back to what they ran"), s.actBuildRollout)
}

func (s *Server) listBuilds(ctx context.Context, _ *struct{}) (*buildsOutput, error) {
	list, err := s.o.Releases.List(ctx)
	if err != nil {
		return nil, s.configured(ctx, "list the builds", err)
	}
	out := &buildsOutput{}
	out.Body.Items = make([]StoredBuild, len(list))
	for i, b := range list {
		m := b.Manifest
		out.Body.Items[i] = StoredBuild{Version: m.Version, Platform: m.Platform, Bytes: b.Bytes, Key: b.Key, Made: m.Made.UTC(), Expires: m.Expires.UTC(), At: b.At.UTC(), By: b.By}
	}
	return out, nil
}

func (s *Server) listStandings(ctx context.Context, in *standingsInput) (*standingsOutput, error) {
	page, err := s.o.Releases.Edges(ctx, configure.DriftFilter{State: configure.Progress(in.State), Group: in.Group, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.configured(ctx, "list the edges", err)
	}
	return &standingsOutput{Body: page}, nil
}

func (s *Server) listBuildRollouts(ctx context.Context, _ *struct{}) (*buildRolloutsOutput, error) {
	list, err := s.o.Releases.Rollouts(ctx)
	if err != nil {
		return nil, s.configured(ctx, "list the rollouts", err)
	}
	out := &buildRolloutsOutput{}
	out.Body.Items = make([]BuildRollout, len(list))
	for i, r := range list {
		out.Body.Items[i] = BuildRollout{r}
	}
	return out, nil
}

func (s *Server) startBuildRollout(ctx context.Context, in *startReleaseInput) (*buildRolloutOutput, error) {
	p, _ := auth.From(ctx)
	b := in.Body
	r, err := s.o.Releases.Begin(ctx, release.Wish{
		Version: b.Version, To: b.To, Waves: b.Waves, Failures: b.Allow, Trial: time.Duration(b.TrialSec) * time.Second, Reason: b.Why, Actor: p.Actor(),
	})
	if err != nil {
		return nil, s.configured(ctx, "begin the rollout", err)
	}
	noteOf(ctx).target = r.ID
	return &buildRolloutOutput{Body: BuildRollout{r}}, nil
}

func (s *Server) getBuildRollout(ctx context.Context, in *buildRolloutInput) (*buildRolloutFileOutput, error) {
	f, err := s.o.Releases.Look(ctx, in.Rollout)
	if err != nil {
		return nil, s.configured(ctx, "read the rollout", err)
	}
	return &buildRolloutFileOutput{Body: BuildRolloutFile{f}}, nil
}

func (s *Server) actBuildRollout(ctx context.Context, in *actReleaseInput) (*buildRolloutOutput, error) {
	p, _ := auth.From(ctx)
	r, err := s.o.Releases.Act(ctx, in.Rollout, in.Action, p.Actor())
	if errors.Is(err, rollout.ErrState) {
		return nil, huma.Error409Conflict(err.Error())
	}
	if err != nil {
		return nil, s.configured(ctx, in.Action+" the rollout", err)
	}
	return &buildRolloutOutput{Body: BuildRollout{r}}, nil
}
