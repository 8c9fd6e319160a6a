package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"gridgate/central/auth"
	"gridgate/central/configure"
	"gridgate/central/store"
	"gridgate/protocols/ingest"
)

// Configurations is what is written for the edges, see [configure.Service].
type Configurations interface {
	Groups(ctx context.Context) ([]configure.EdgeGroup, error)
	PutGroup(ctx context.Context, actor string, g configure.EdgeGroup) error
	DropGroup(ctx context.Context, actor, name string) error
	Layers(ctx context.Context) ([]configure.LayerVersion, error)
	History(ctx context.Context, layer string) ([]configure.LayerVersion, error)
	Version(ctx context.Context, layer string, version int64) (configure.LayerVersion, error)
	Push(ctx context.Context, actor, layer, text, why string, seen int64) (configure.LayerVersion, error)
	Preview(ctx context.Context, layer, text, edge string) (configure.Preview, error)
	Edges(ctx context.Context, q configure.DriftFilter) (configure.DriftPage, error)
	Edge(ctx context.Context, edge string) (configure.DriftFile, error)
	Start(ctx context.Context, actor string, ask configure.Ask) (configure.Rollout, error)
	Act(ctx context.Context, actor, id, action string) (configure.Rollout, error)
	Rollout(ctx context.Context, id string) (configure.RolloutFile, error)
	Rollouts(ctx context.Context, before string) ([]configure.Rollout, error)
}

var _ Configurations = (*configure.Service)(nil)

// maxConfigurationBody is how large the body with a text may be, in bytes: it may double as JSON.
const maxConfigurationBody = 2*ingest.MaxConfiguration + 4<<10

type (
	// LayerPath names a layer.
	LayerPath struct {
		Layer string `path:"layer" pattern:"^(all|(group|edge):[a-z0-9._-]{1,64})$" doc:"all, group:NAME or edge:NAME"`
	}
	layersOutput struct {
		Body struct {
			Items []configure.LayerVersion `json:"items" nullable:"false"`
		}
	}
	layerVersionInput struct {
		LayerPath
		Version int64 `path:"version" minimum:"0" doc:"0: the newest"`
	}
	layerVersionOutput struct {
		ETag string `header:"ETag"`
		Body configure.LayerVersion
	}
	pushInput struct {
		LayerPath
		VersionInput
		Body struct {
			Text string `json:"text" maxLength:"524288" doc:"YAML; empty: the layer says nothing"`
			Why  string `json:"why" maxLength:"200" doc:"in one line, without naming anyone"`
		}
	}
	previewInput struct {
		LayerPath
		Body struct {
			Text string `json:"text" maxLength:"524288"`
			Edge string `json:"edge,omitempty" maxLength:"64" doc:"whose texts are wanted; left out: those of the first that would change"`
		}
	}
	previewOutput struct{ Body configure.Preview }
	groupsOutput  struct {
		Body struct {
			Items []configure.EdgeGroup `json:"items" nullable:"false" doc:"in their order"`
		}
	}
	// GroupPath names a group.
	GroupPath struct {
		Group string `path:"group" pattern:"^[a-z0-9][a-z0-9-]{0,47}$"`
	}
	groupInput struct {
		GroupPath
		Body GroupBody
	}
	driftInput struct {
		State string `query:"state" enum:"in-force,alone,fetching,trying,waiting,away,refused,rolled-back"`
		Group string `query:"group" pattern:"^[a-z0-9][a-z0-9-]{0,47}$"`
		After string `query:"after" maxLength:"64" doc:"next of the page before"`
		Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	driftOutput     struct{ Body configure.DriftPage }
	driftEdgeInput  struct{ EdgePath }
	driftEdgeOutput struct{ Body configure.DriftFile }
	startInput      struct {
		Body struct {
			Layer    string   `json:"layer" pattern:"^(all|(group|edge):[a-z0-9._-]{1,64})$"`
			Version  int64    `json:"version,omitempty" minimum:"0" doc:"0: the newest"`
			Why      string   `json:"why" maxLength:"200" doc:"in one line, without naming anyone"`
			Waves    []string `json:"waves,omitempty" maxItems:"10" nullable:"false" pattern:"^[0-9]{1,5}%?$" doc:"how many edges have it after each wave; left out: 1, 10%, 100%"`
			TrialSec int64    `json:"trialSec,omitempty" minimum:"0" maximum:"3600" doc:"how long each edge watches its health; 0: as the edge has it"`
			Allow    int      `json:"allow,omitempty" minimum:"0" maximum:"10000" doc:"edges that may refuse it or go back before it stops"`
		}
	}
	rolloutOutput struct{ Body configure.Rollout }
	rolloutInput  struct{ RolloutPath }
	// RolloutPath names a rollout.
	RolloutPath struct {
		Rollout string `path:"rollout" format:"uuid"`
	}
	rolloutFileOutput struct{ Body configure.RolloutFile }
	rolloutsInput     struct {
		Before string `query:"before" maxLength:"64" doc:"id of the last of the page before"`
	}
	rolloutsOutput struct {
		Body struct {
			Items []configure.Rollout `json:"items" nullable:"false" doc:"the newest first, at most 50"`
		}
	}
	actInput struct {
		RolloutPath
		Action string `path:"action" enum:"pause,resume,abort"`
	}
)

// GroupBody says which edges a group has.
type GroupBody struct {
	Order   int      `json:"order,omitempty" minimum:"0" maximum:"1000" doc:"of two groups of an edge the higher has the last word"`
	Edges   []string `json:"edges,omitempty" maxItems:"10000" nullable:"false" doc:"by name"`
	Grid    string   `json:"grid,omitempty" pattern:"^[0-9]{1,20}$" doc:"first digits: every edge that reports a device there"`
	Pattern string   `json:"pattern,omitempty" maxLength:"64" doc:"of names, with * and ?: town-*"`
}

func (s *Server) configurationOperations() {
	if s.o.Configurations == nil {
		return
	}
	const at, layer, rollouts = "/v1/configuration", "/v1/configuration/layers/{layer}", "/v1/configuration/rollouts"
	read := func(path, id, summary string) huma.Operation {
		return whole(operation(http.MethodGet, path, id, summary, auth.Configure, http.StatusNotFound))
	}
	write := func(method, path, id, summary string, body int64) huma.Operation {
		return changing(method, path, id, summary, body, http.StatusNotFound)
	}
	huma.Register(s.huma, read(at+"/edges", "list-edge-configurations", "How far each edge is from what is wanted of it"), s.listDrift)
	huma.Register(s.huma, read(at+"/edges/{edge}", "get-edge-configuration", "What an edge is wanted to run, where each line of it comes from, and what the edge says of it"), s.getDrift)
	huma.Register(s.huma, read(at+"/groups", "list-edge-groups", "Groups of edges"), s.listGroups)
	huma.Register(s.huma, write(http.MethodPut, at+"/groups/{group}", "put-edge-group", "Say which edges a group has; no edge changes before the next rollout", 1<<20), s.putGroup)
	huma.Register(s.huma, write(http.MethodDelete, at+"/groups/{group}", "remove-edge-group", "Remove a group; its edges keep what they have until the next rollout of its layer", maxBody), s.dropGroup)
	huma.Register(s.huma, read(at+"/layers", "list-configurations", "The newest version of what is written for all edges, for groups and for single edges"), s.listLayers)
	huma.Register(s.huma, read(layer, "get-configuration-history", "The versions of a layer: who, when, why"), s.layerHistory)
	huma.Register(s.huma, read(layer+"/versions/{version}", "get-configuration", "A version of a layer with its text"), s.layerVersion)
	huma.Register(s.huma, write(http.MethodPut, layer, "put-configuration", "Write the next version of a layer; it reaches no edge before a rollout", maxConfigurationBody), s.pushLayer)
	huma.Register(s.huma, write(http.MethodPost, layer+"/preview", "preview-configuration", "Judge a text and say which edges it would change; keeps nothing", maxConfigurationBody), s.previewLayer)
	huma.Register(s.huma, read(rollouts, "list-rollouts", "Rollouts of configurations"), s.listRollouts)
	start := write(http.MethodPost, rollouts, "start-rollout", "Bring a version of a layer to the edges that it concerns, wave by wave", maxBody)
	start.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, start, s.startRollout)
	huma.Register(s.huma, read(rollouts+"/{rollout}", "get-rollout", "A rollout with its edges"), s.getRollout)
	huma.Register(s.huma, write(http.MethodPost, rollouts+"/{rollout}/{action}", "act-rollout", "Pause, resume or abort a rollout; abort gives its edges back what they had before", maxBody), s.actRollout)
}

// configured turns an error into a problem that names lines.
func (s *Server) configured(ctx context.Context, doing string, err error) error {
	var refused *configure.Refused
	switch {
	case errors.As(err, &refused) && refused.Why == configure.Conflict:
		return huma.Error409Conflict(refused.Text)
	case errors.As(err, &refused):
		details := make([]error, len(refused.Problems))
		for i, p := range refused.Problems {
			details[i] = &huma.ErrorDetail{Location: fmt.Sprintf("body.text:%d", p.Line), Message: fmt.Sprintf("%s: %s (%s)", p.Field, p.What, p.Remedy)}
		}
		return huma.Error422UnprocessableEntity(refused.Text, details...)
	case errors.Is(err, store.ErrConflict):
		return huma.Error409Conflict("others changed it at the same time, try again")
	}
	return s.failure(ctx, doing, err)
}

func (s *Server) listDrift(ctx context.Context, in *driftInput) (*driftOutput, error) {
	page, err := s.o.Configurations.Edges(ctx, configure.DriftFilter{State: configure.Progress(in.State), Group: in.Group, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, s.configured(ctx, "list the edges", err)
	}
	return &driftOutput{Body: page}, nil
}

func (s *Server) getDrift(ctx context.Context, in *driftEdgeInput) (*driftEdgeOutput, error) {
	d, err := s.o.Configurations.Edge(ctx, in.Edge)
	if err != nil {
		return nil, s.configured(ctx, "read the edge's configuration", err)
	}
	return &driftEdgeOutput{Body: d}, nil
}

func (s *Server) listGroups(ctx context.Context, _ *struct{}) (*groupsOutput, error) {
	list, err := s.o.Configurations.Groups(ctx)
	if err != nil {
		return nil, s.configured(ctx, "list the groups", err)
	}
	out := &groupsOutput{}
	out.Body.Items = list
	return out, nil
}

func (s *Server) putGroup(ctx context.Context, in *groupInput) (*goneOutput, error) {
	p, _ := auth.From(ctx)
	b := in.Body
	g := configure.EdgeGroup{Name: in.Group, Order: b.Order, Edges: b.Edges, Grid: b.Grid, Pattern: b.Pattern}
	if err := s.o.Configurations.PutGroup(ctx, p.Actor(), g); err != nil {
		return nil, s.configured(ctx, "keep the group", err)
	}
	return &goneOutput{}, nil
}

func (s *Server) dropGroup(ctx context.Context, in *GroupPath) (*goneOutput, error) {
	p, _ := auth.From(ctx)
	if err := s.o.Configurations.DropGroup(ctx, p.Actor(), in.Group); err != nil {
		return nil, s.configured(ctx, "remove the group", err)
	}
	return &goneOutput{}, nil
}

func (s *Server) listLayers(ctx context.Context, _ *struct{}) (*layersOutput, error) {
	list, err := s.o.Configurations.Layers(ctx)
	if err != nil {
		return nil, s.configured(ctx, "list the layers", err)
	}
	out := &layersOutput{}
	out.Body.Items = list
	return out, nil
}

func (s *Server) layerHistory(ctx context.Context, in *LayerPath) (*layersOutput, error) {
	list, err := s.o.Configurations.History(ctx, in.Layer)
	if err != nil {
		return nil, s.configured(ctx, "list the versions", err)
	}
	out := &layersOutput{}
	out.Body.Items = list
	return out, nil
}

func (s *Server) layerVersion(ctx context.Context, in *layerVersionInput) (*layerVersionOutput, error) {
	v, err := s.o.Configurations.Version(ctx, in.Layer, in.Version)
	if err != nil {
		return nil, s.configured(ctx, "read the layer", err)
	}
	return &layerVersionOutput{ETag: versionTag(v.Version), Body: v}, nil
}

func (s *Server) pushLayer(ctx context.Context, in *pushInput) (*layerVersionOutput, error) {
	how, err := s.change(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	seen := how.Version
	if seen == 0 {
		seen = -1
	}
	v, err := s.o.Configurations.Push(ctx, how.Actor, in.Layer, in.Body.Text, in.Body.Why, seen)
	if err != nil {
		return nil, s.configured(ctx, "keep the layer", err)
	}
	return &layerVersionOutput{ETag: versionTag(v.Version), Body: v}, nil
}

func (s *Server) previewLayer(ctx context.Context, in *previewInput) (*previewOutput, error) {
	p, err := s.o.Configurations.Preview(ctx, in.Layer, in.Body.Text, in.Body.Edge)
	if err != nil {
		return nil, s.configured(ctx, "judge the text", err)
	}
	return &previewOutput{Body: p}, nil
}

func (s *Server) listRollouts(ctx context.Context, in *rolloutsInput) (*rolloutsOutput, error) {
	list, err := s.o.Configurations.Rollouts(ctx, in.Before)
	if err != nil {
		return nil, s.configured(ctx, "list the rollouts", err)
	}
	out := &rolloutsOutput{}
	out.Body.Items = list
	return out, nil
}

func (s *Server) startRollout(ctx context.Context, in *startInput) (*rolloutOutput, error) {
	p, _ := auth.From(ctx)
	b := in.Body
	r, err := s.o.Configurations.Start(ctx, p.Actor(), configure.Ask{Layer: b.Layer, Version: b.Version, Why: b.Why, Waves: b.Waves, TrialSec: b.TrialSec, Allow: b.Allow})
	if err != nil {
		return nil, s.configured(ctx, "begin the rollout", err)
	}
	noteOf(ctx).target = r.ID
	return &rolloutOutput{Body: r}, nil
}

func (s *Server) getRollout(ctx context.Context, in *rolloutInput) (*rolloutFileOutput, error) {
	r, err := s.o.Configurations.Rollout(ctx, in.Rollout)
	if err != nil {
		return nil, s.configured(ctx, "read the rollout", err)
	}
	return &rolloutFileOutput{Body: r}, nil
}

func (s *Server) actRollout(ctx context.Context, in *actInput) (*rolloutOutput, error) {
	p, _ := auth.From(ctx)
	r, err := s.o.Configurations.Act(ctx, p.Actor(), in.Rollout, in.Action)
	if err != nil {
		return nil, s.configured(ctx, in.Action+" the rollout", err)
	}
	return &rolloutOutput{Body: r}, nil
}
